"""`k1n server`: started from one shell, found and stopped from another; the JVM is a small stand-in."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from k1n_support.processes import is_alive
from pytest_k1n.servers.background import Place, follow, project_root

Write = Callable[..., Path]
K1n = Callable[..., "subprocess.CompletedProcess[str]"]
SCRIPT = Path(__file__).parents[2] / "ops/scripts/conductor-start.sh"


@pytest.fixture
def k1n(fake_java: Path, boot_jar: Write, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[K1n]:
    """Run the command with the stand-in; whatever is in the background is stopped at the end."""
    monkeypatch.setenv("K1N_JAVA", str(fake_java))
    monkeypatch.setenv("K1N_JAR", str(boot_jar(tmp_path / "server.jar")))

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pytest_k1n", "server", *words], capture_output=True, text=True, timeout=120
        )

    yield run
    run("stop")


def residue(home: Path) -> list[str]:
    return sorted(path.name for path in (home / ".local/state/pytest-k1n").glob("*/*"))


def test_each_project_has_a_server_of_its_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "tests" / "deep").mkdir(parents=True)
        (tmp_path / name / "pyproject.toml").touch()
    one, two = (Place.of_project(tmp_path / name, {}) for name in ("one", "two"))
    assert one != two
    assert Place.of_project(tmp_path / "one" / "tests" / "deep", {}) == one
    assert one.folder.name.startswith("one-")


def test_a_folder_of_no_project_counts_as_one_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pytest_k1n.servers.background._ROOTS", ("a name that nobody has",))
    assert project_root(tmp_path) == tmp_path


def test_the_servers_of_two_projects_run_beside_each_other(
    k1n: K1n, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "k1n.toml").touch()
        monkeypatch.chdir(tmp_path / name)
        urls.append(json.loads(k1n("start", "--tier", "jar", "--port", "0", "--json").stdout)["url"])
    assert json.loads(k1n("status", "--json").stdout)["url"] == urls[1]
    assert urls[1] in k1n("stop").stdout
    monkeypatch.chdir(tmp_path / "one")
    assert json.loads(k1n("status", "--json").stdout)["url"] == urls[0]
    k1n("stop")


def test_a_server_is_started_found_and_stopped(k1n: K1n, home: Path) -> None:
    assert k1n("status").returncode == 3
    started = k1n("start", "--tier", "jar", "--port", "0", "--json")
    assert started.returncode == 0, started.stderr
    document = json.loads(started.stdout)
    assert is_alive(document["pid"])

    status = k1n("status", "--json")
    assert status.returncode == 0
    assert json.loads(status.stdout)["health"] == "ready"
    assert "fake Conductor on" in k1n("logs").stdout

    stopped = k1n("stop")
    assert (stopped.returncode, document["url"] in stopped.stdout) == (0, True)
    assert not is_alive(document["pid"])
    assert residue(home) == ["server.lock", "server.log"]
    assert k1n("status").returncode == 3
    assert k1n("stop").returncode == 0


def test_a_second_start_is_refused_in_one_line(k1n: K1n) -> None:
    assert k1n("start", "--tier", "jar", "--port", "0").returncode == 0
    second = k1n("start", "--tier", "jar", "--port", "0")
    assert second.returncode == 1
    assert "a server is in the background already: http://127.0.0.1:" in second.stderr
    assert "k1n server stop" in second.stderr


def test_a_server_that_was_killed_is_not_running_and_leaves_nothing(
    k1n: K1n, home: Path, eventually: Callable[[Callable[[], object]], None]
) -> None:
    document = json.loads(k1n("start", "--tier", "jar", "--port", "0", "--json").stdout)
    os.kill(document["pid"], signal.SIGKILL)
    eventually(lambda: residue(home) == ["server.lock", "server.log"])
    assert k1n("status").returncode == 3
    assert k1n("start", "--tier", "jar", "--port", "0").returncode == 0


def test_an_interrupted_start_leaves_nothing(
    k1n: K1n, home: Path, monkeypatch: pytest.MonkeyPatch, eventually: Callable[[Callable[[], object]], None]
) -> None:
    monkeypatch.setenv("FAKE_START_S", "600")
    state = home / ".local/state/pytest-k1n"
    start = subprocess.Popen(
        [sys.executable, "-m", "pytest_k1n", "server", "start", "--tier", "jar", "--port", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    eventually(lambda: list(state.glob("*/server-*/conductor.db")))
    os.killpg(start.pid, signal.SIGINT)
    assert start.wait(60) == 130
    eventually(lambda: residue(home) == ["server.lock", "server.log"])


def test_a_start_that_fails_tells_why(k1n: K1n, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_MODE", "dies")
    failed = k1n("start", "--tier", "jar", "--port", "0")
    assert failed.returncode == 1
    assert "no such luck" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_port_in_use_is_named(k1n: K1n) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        failed = k1n("start", "--tier", "jar", "--port", str(other.getsockname()[1]))
    assert failed.returncode == 1
    assert "is in use; try another --port" in failed.stderr


def test_the_database_may_outlive_the_server(k1n: K1n, tmp_path: Path) -> None:
    data = tmp_path / "data"
    document = json.loads(k1n("start", "--tier", "jar", "--port", "0", "--data", str(data), "--json").stdout)
    words = Path(f"/proc/{document['pid']}/cmdline").read_text().split("\0")
    assert any(f"jdbc:sqlite:{data}/conductor.db" in word for word in words)
    k1n("stop")
    assert data.is_dir()


def test_the_start_script_takes_the_first_tier_that_works(
    k1n: K1n, executable: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = executable("docker", "echo no daemon >&2; exit 1")
    podman = executable("podman", "echo no luck either >&2; exit 1")
    assert docker.parent == podman.parent
    monkeypatch.setenv("PATH", f"{docker.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}")
    first = subprocess.run([SCRIPT, "--port", "0"], capture_output=True, text=True, timeout=120)
    assert first.returncode == 0, first.stderr
    assert "docker passed over: no container engine answers (docker: " in first.stderr
    assert "tier     jar; docker passed over" in first.stdout
    again = subprocess.run([SCRIPT], capture_output=True, text=True, timeout=120)
    assert (again.returncode, "health   ready" in again.stdout) == (0, True)


def test_a_followed_log_shows_what_comes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("one\ntwo\nthree\n")
    going = threading.Event()
    lines = follow(log, lines=2, goes_on=lambda: not going.is_set())
    assert [next(lines), next(lines)] == ["two\n", "three\n"]
    with log.open("a") as stream:
        stream.write("four\n")
    assert next(lines) == "four\n"
    going.set()
    assert list(lines) == []


def test_the_embedded_engine_runs_in_the_background(k1n: K1n, home: Path) -> None:
    started = k1n("start", "--tier", "embedded", "--port", "0", "--json", "--", "--clock", "manual", "--seed", "7")
    assert started.returncode == 0, started.stderr
    document = json.loads(started.stdout)
    assert (document["kind"], document["version"]) == ("embedded", "3.32.1-k1n-embedded")

    status = k1n("status")
    assert status.returncode == 0
    assert f"embedded engine, not a Conductor server, 3.32.1-k1n-embedded at {document['url']}" in status.stdout
    assert "health   ready" in status.stdout
    assert "manual time, seed 7" in k1n("logs").stdout

    assert k1n("stop").returncode == 0
    assert not is_alive(document["pid"])
    assert residue(home) == ["server.lock", "server.log"]


def test_an_option_that_the_engine_does_not_know_is_told(k1n: K1n) -> None:
    failed = k1n("start", "--tier", "embedded", "--port", "0", "--", "--clock", "atomic")
    assert failed.returncode == 1
    assert "invalid choice: 'atomic'" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"pid": 1}', None], ids=str)
def test_a_server_whose_record_was_damaged_is_still_found_and_stopped(k1n: K1n, home: Path, damage: str | None) -> None:
    url = json.loads(k1n("start", "--tier", "embedded", "--port", "0", "--json").stdout)["url"]
    (state,) = (home / ".local/state/pytest-k1n").glob("*/server.json")
    if damage is None:
        state.unlink()
    else:
        state.write_text(damage)
    assert url in k1n("status").stdout
    assert f"stopped {url}" in k1n("stop").stdout
    assert k1n("status").returncode == 3
