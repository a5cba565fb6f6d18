"""The real Conductor in a real container, where podman is installed.

Public images are not needed: a tiny one is made here, with the host's programs mounted into it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest

from pytest_k1n.servers.bootjar import find_jar
from pytest_k1n.servers.container import find_engine
from pytest_k1n.servers.exploded import runnable
from pytest_k1n.servers.java import find_java
from pytest_k1n.servers.opening import open_server
from pytest_k1n.servers.protocol import Kind, ServerSpec

pytestmark = pytest.mark.container
IMAGE = "localhost/k1n-live:1"
WITHIN_S = 300.0
CONF = """
[containers]
pids_limit = 0
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
"""
OWNER = """
import sys, time
from pathlib import Path
from pytest_k1n.servers.opening import open_server
from pytest_k1n.servers.protocol import Kind, ServerSpec
spec = ServerSpec(kind=Kind.DOCKER, container_cli=sys.argv[1], image=sys.argv[2], startup_timeout_s=300)
with open_server(spec, run_uid=sys.argv[3], folder=Path(sys.argv[4])):
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A podman that mounts the host's programs into every container, and the image that uses them."""
    folder = tmp_path_factory.mktemp("podman")
    java = find_java()
    named = os.environ.get("K1N_JAR")
    jar = runnable(find_jar(Path(named) if named else None, report=print), java, report=print)
    (folder / "containers.conf").write_text(CONF)
    # Podman asks for higher limits than a sandbox may give to anybody, its own hard ones included.
    limits = "--ulimit nofile=10000:10000 --ulimit nproc=10000:10000"
    mounts = " ".join(f"-v {path}:{path}:ro" for path in ("/usr", "/etc", jar.parent))
    script = folder / "podman"
    script.write_text(
        f"#!/bin/sh\nexport CONTAINERS_CONF={folder / 'containers.conf'}\n"
        f'if [ "$1" = run ]; then shift; exec {shutil.which("podman")} run {limits} {mounts} "$@"; fi\n'
        f'exec {shutil.which("podman")} "$@"\n'
    )
    script.chmod(0o755)
    start = f"#!/bin/sh\nexec {java.path.resolve()} ${{JAVA_OPTS}} -jar {jar}\n".encode()
    image = folder / "image.tar"
    with tarfile.open(image, "w") as archive:
        for name in ("usr", "etc", "tmp", "proc", "sys", "dev", "run"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for name in ("bin", "lib", "lib64"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, f"usr/{name}"
            archive.addfile(entry)
        entry = tarfile.TarInfo("startup.sh")
        entry.size, entry.mode = len(start), 0o755
        archive.addfile(entry, BytesIO(start))
    made = subprocess.run([script, "import", "--change", 'CMD=["/startup.sh"]', image, IMAGE], capture_output=True)
    if made.returncode != 0:
        pytest.skip(f"podman cannot make an image here: {made.stderr.decode().strip()[-200:]}")
    yield script
    subprocess.run([script, "rmi", "--force", IMAGE], capture_output=True, check=False)


@pytest.fixture
def containers(podman: Path) -> Callable[[str], str]:
    """List the containers of a run, running or not."""

    def listed(run_uid: str) -> str:
        argv = [podman, "ps", "--all", "--quiet", "--filter", f"label=k1n.run={run_uid}"]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    return listed


def test_a_container_serves_on_loopback_and_is_removed(
    podman: Path, containers: Callable[[str], str], tmp_path: Path
) -> None:
    uid = f"live{os.getpid()}a"
    spec = ServerSpec(kind=Kind.DOCKER, container_cli=str(podman), image=IMAGE, startup_timeout_s=WITHIN_S)
    with open_server(spec, run_uid=uid, folder=tmp_path / "server", report=print) as endpoint:
        assert (endpoint.kind, endpoint.version, endpoint.is_loopback) == (Kind.DOCKER, "3.32.1", True)
        assert containers(uid)
    assert not containers(uid)
    assert not (tmp_path / "server").exists()


def test_killing_the_owner_removes_the_container(
    podman: Path, containers: Callable[[str], str], tmp_path: Path
) -> None:
    uid = f"live{os.getpid()}b"
    folder = tmp_path / "server"
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(podman), IMAGE, uid, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    deadline = time.monotonic() + WITHIN_S
    while not containers(uid):  # killed while it starts: the harder moment
        assert owner.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    while containers(uid) or folder.exists():
        assert time.monotonic() < deadline, "the container outlived its owner"
        time.sleep(0.05)


def test_podman_is_found_as_an_engine(podman: Path) -> None:
    assert find_engine(str(podman)).version
