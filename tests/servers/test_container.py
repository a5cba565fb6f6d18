"""Containers by the engine's command line; the engine is a script that keeps its containers in a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_k1n.servers.container import ContainerEngine, ContainerServer, find_engine, run_command
from pytest_k1n.servers.errors import ServerDied, TierUnavailable
from pytest_k1n.servers.opening import open_server
from pytest_k1n.servers.process import Site
from pytest_k1n.servers.protocol import Kind, ServerSpec

Write = Callable[..., Path]
HERE = Path(__file__).parent
NO_DAEMON = "echo 'Cannot connect to the Docker daemon. Is it running?' >&2; exit 1"

# run NAME: starts the fake server as the attached client does; rm NAME: removes what run noted.
ENGINE = f"""
containers="$FAKE_STATE/containers"; mkdir -p "$containers"
echo "$*" >> "$FAKE_STATE/calls"
case "$1" in
version) echo '{{"Client":{{"Version":"28.2.2"}},"Server":{{"Version":"28.2.2"}}}}';;
image) [ -e "$FAKE_STATE/image" ];;
pull) [ -n "$FAKE_PULLS" ] && touch "$FAKE_STATE/image" || {{ echo 'manifest unknown' >&2; exit 1; }};;
port) cat "$containers/$2" 2>/dev/null || {{ echo "no such container $2" >&2; exit 1; }};;
rm) rm -f "$containers/$4";;
run)
  for word in "$@"; do case "$word" in
    --name=*) name="${{word#*=}}";;
    --label=k1n.run=*) uid="${{word#*=k1n.run=}}"; uid="${{word##*=}}";;
  esac; done
  port=$("{sys.executable}" -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
  echo "127.0.0.1:$port" > "$containers/$name"
  exec "{sys.executable}" -I -S "{HERE / "fake_conductor.py"}" "--server.port=$port" "--info.k1n.run=$uid";;
esac
"""


@pytest.fixture
def engine(executable: Write, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    state = tmp_path / "engine-state"
    state.mkdir()
    (state / "image").touch()
    monkeypatch.setenv("FAKE_STATE", str(state))
    executable("docker", ENGINE)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return state


def containers(state: Path) -> list[str]:
    return sorted(path.name for path in (state / "containers").iterdir())


def test_a_container_is_started_used_and_removed(engine: Path, tmp_path: Path) -> None:
    spec = ServerSpec(kind=Kind.DOCKER)
    with open_server(spec, run_uid="r1", folder=tmp_path / "server") as endpoint:
        assert (endpoint.kind, endpoint.version, endpoint.owned) == (Kind.DOCKER, "3.32.1", True)
        assert containers(engine) == ["k1n-r1"]
    assert containers(engine) == []
    assert not (tmp_path / "server").exists()


def test_killing_the_owner_removes_the_container(
    engine: Path, tmp_path: Path, eventually: Callable[[Callable[[], object]], None]
) -> None:
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\nfrom pathlib import Path\n"
            "from pytest_k1n.servers.opening import open_server\n"
            "from pytest_k1n.servers.protocol import Kind, ServerSpec\n"
            "with open_server(ServerSpec(kind=Kind.DOCKER), run_uid='r1', folder=Path(sys.argv[1])):\n"
            "    print('ready', flush=True); time.sleep(600)\n",
            str(tmp_path / "server"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "ready\n"
    owner.send_signal(signal.SIGKILL)
    owner.wait(60)
    owner.stdout.close()
    eventually(lambda: containers(engine) == [] and not (tmp_path / "server").exists())


def test_a_container_that_dies_is_removed_and_its_last_words_are_shown(
    engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_MODE", "dies")
    with pytest.raises(ServerDied, match="no such luck"):
        ContainerServer(Site(run_uid="r1", folder=tmp_path / "server"), engine=find_engine(), image="x").start(
            time.monotonic() + 60
        )
    assert containers(engine) == []


def test_the_port_is_on_loopback_and_chosen_by_the_engine(tmp_path: Path) -> None:
    words = run_command(
        Site(run_uid="r1", folder=tmp_path),
        engine=ContainerEngine(command="podman", version="4"),
        image="i:1",
        name="k1n-r1",
    )
    assert "--publish=127.0.0.1::8080" in words
    assert "--label=k1n.run=r1" in words
    assert any("-Dconductor.app.systemTaskWorkerPollInterval=10ms" in word for word in words)
    assert words[-1] == "i:1"


def test_a_missing_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(TierUnavailable, match=r"docker: not on PATH; podman: not on PATH"):
        find_engine()


def test_a_dead_daemon_is_told_from_a_missing_command(
    executable: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable("docker", NO_DAEMON)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(TierUnavailable, match=r"does not reach its engine \(Cannot connect to the Docker daemon"):
        find_engine("docker")


def test_a_client_that_shows_no_server_has_no_engine(
    executable: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable("docker", 'echo \'{"Client":{"Version":"28.2.2"},"Server":null}\'')
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(TierUnavailable):
        find_engine("docker")


def test_podman_needs_no_daemon(executable: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable("docker", NO_DAEMON)
    executable("podman", 'echo \'{"Client":{"APIVersion":"4.3.1","Version":"4.3.1"}}\'')
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    found = find_engine()
    assert (Path(found.command).name, found.version) == ("podman", "4.3.1")


def test_a_missing_image_is_pulled_or_named(engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (engine / "image").unlink()
    spec = ServerSpec(kind=Kind.DOCKER)
    folder = tmp_path / "server"
    with (
        pytest.raises(TierUnavailable, match=r"cannot be pulled \(manifest unknown\)"),
        open_server(spec, run_uid="r1", folder=folder),
    ):
        pass
    monkeypatch.setenv("FAKE_PULLS", "1")
    with open_server(spec, run_uid="r1", folder=folder):
        pass


def test_auto_never_pulls_and_says_why_a_tier_was_passed_over(
    fake_java: Path, engine: Path, boot_jar: Write, tmp_path: Path
) -> None:
    (engine / "image").unlink()
    said: list[str] = []
    spec = ServerSpec(kind=Kind.AUTO, java_path=fake_java, jar_path=boot_jar(tmp_path / "x.jar"))
    with open_server(spec, run_uid="r1", folder=tmp_path / "server", report=said.append) as endpoint:
        assert endpoint.kind is Kind.JAR
        assert endpoint.notes[0].startswith("docker passed over: the image conductoross/conductor:")
        assert endpoint.notes[0] in said
    assert "pull" not in (engine / "calls").read_text()
