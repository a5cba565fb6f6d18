"""A jar server starts, notices death and stolen ports, and leaves nothing; the JVM is a small stand-in."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from k1n_support.processes import is_alive
from pytest_k1n.client.address import Address
from pytest_k1n.servers import jar as jar_module
from pytest_k1n.servers.configuration import environment
from pytest_k1n.servers.errors import PortTaken, ServerDied, ServerStartTimeout, ServerTooOld
from pytest_k1n.servers.jar import JarServer, command
from pytest_k1n.servers.java import Java
from pytest_k1n.servers.probe import State, health
from pytest_k1n.servers.process import Site
from pytest_k1n.servers.supervised import Supervised, log_tail

Make = Callable[..., JarServer]
Condition = Callable[[Callable[[], object]], None]

OWNER = """
import sys, time
from pathlib import Path
from pytest_k1n.servers.jar import JarServer
from pytest_k1n.servers.java import Java
from pytest_k1n.servers.process import Site
java = Java(path=Path(sys.argv[1]), major=25, version="25.0.1", origin="test")
with JarServer(Site(folder=Path(sys.argv[2]), run_uid="r1"), jar=Path("server.jar"), java=java) as server:
    print("pid", server.start(time.monotonic() + 60).pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def java(fake_java: Path) -> Java:
    return Java(path=fake_java, major=25, version="25.0.1", origin="test")


@pytest.fixture
def server(java: Java, tmp_path: Path, home: Path, request: pytest.FixtureRequest) -> Make:
    """Make a server in `tmp_path/server`, stopped at the end."""

    def make(**site: object) -> JarServer:
        chosen = {"folder": tmp_path / "server", "run_uid": "r1", "report": said.append, **site}
        made = JarServer(Site(**chosen), jar=Path("server.jar"), java=java)  # type: ignore[arg-type]
        request.addfinalizer(made.stop)
        return made

    said: list[str] = []
    make.said = said  # type: ignore[attr-defined]
    return make


def soon() -> float:
    return time.monotonic() + 60


def test_a_server_becomes_ready_and_leaves_nothing(server: Make, tmp_path: Path) -> None:
    with server() as running:
        endpoint = running.start(soon())
        assert (endpoint.version, endpoint.owned, endpoint.is_loopback) == ("3.32.1", True, True)
        assert health(Address.parse(endpoint.url)).state is State.READY
        assert (tmp_path / "server/conductor.db").exists()
        assert "run r1" in log_tail(tmp_path / "server/server.log")
        assert running.died() is None
    assert endpoint.pid is not None
    assert not is_alive(endpoint.pid)
    assert not (tmp_path / "server").exists()


def test_a_server_that_dies_is_reported_at_once_with_its_last_words(
    server: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_MODE", "dies")
    with pytest.raises(ServerDied) as caught:
        server().start(soon())
    text = str(caught.value)
    assert "exited     : code 7 after" in text
    assert "no such luck" in text
    assert "--k1n-server=embedded" in text
    assert not (tmp_path / "server").exists()


def test_a_server_that_never_becomes_healthy_runs_into_the_deadline(
    server: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_MODE", "mute")
    with pytest.raises(ServerStartTimeout) as caught:
        server().start(time.monotonic() + 1)
    text = str(caught.value)
    assert "did not become ready within 1s (jar: server.jar, pid " in text
    assert "GET /health -> 200, JSON without a verdict" in text
    assert "fake Conductor on" in text
    assert not (tmp_path / "server").exists()


@pytest.mark.parametrize("mode", ["mute", "stuck"])
def test_a_start_ends_at_once_where_its_process_is_killed_from_another_thread(
    server: Make, monkeypatch: pytest.MonkeyPatch, mode: str, eventually: Condition
) -> None:
    """As Ctrl-C does: in pytest's thread, while the run's own waits for the server."""
    monkeypatch.setenv("FAKE_MODE", mode)
    launched: list[Supervised] = []
    ended: list[str] = []

    def start() -> None:
        try:
            server(launched=launched.append).start(time.monotonic() + 600)
        except ServerDied as error:
            ended.append(str(error))

    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    eventually(lambda: bool(launched))
    launched[0].kill()
    eventually(lambda: bool(ended))
    assert "SIGKILL" in ended[0]
    thread.join()


def test_a_server_that_runs_no_workflow_is_not_ready(server: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_MODE", "stuck")
    with pytest.raises(ServerStartTimeout, match="did not run a first execution"):
        server().start(time.monotonic() + 1.5)


def test_another_port_is_tried_when_the_picked_one_is_taken(server: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_MODE", "taken")
    server().start(soon())
    assert sum("was taken in the meantime" in line for line in server.said) == 1  # type: ignore[attr-defined]


def test_a_start_that_failed_is_noticed_though_the_jvm_lives_on(server: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_MODE", "broken")
    with pytest.raises(ServerDied, match="the application failed to start after") as caught:
        server().start(soon())
    assert "no such bean" in str(caught.value)


def test_an_answer_of_somebody_elses_server_is_not_ours(server: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_MODE", "stolen")
    server().start(soon())
    assert sum("was taken in the meantime" in line for line in server.said) == 1  # type: ignore[attr-defined]


def test_a_fixed_port_that_is_taken_is_an_error(server: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(PortTaken, match="is in use"):
        server(port=other.getsockname()[1]).start(soon())


def test_the_port_search_ends(server: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jar_module, "_PORT_ATTEMPTS", 1)
    monkeypatch.setenv("FAKE_MODE", "taken")
    with pytest.raises(PortTaken, match="is in use by another process"):
        server().start(soon())


def test_an_old_server_is_refused(server: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_MODE", "old")
    with pytest.raises(ServerTooOld, match=r"older than 3\.22"):
        server().start(soon())


def test_a_killed_server_comes_back_on_the_same_port_and_database(server: Make, tmp_path: Path) -> None:
    running = server()
    first = running.start(soon())
    running.kill()
    assert running.process.wait(60) == -signal.SIGKILL
    assert running.died() == "signal SIGKILL"
    second = running.restart(soon())
    assert second.url == first.url
    assert second.pid != first.pid
    assert (tmp_path / "server/conductor.db").exists()


def test_a_log_elsewhere_outlives_a_failed_start(server: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_MODE", "dies")
    with pytest.raises(ServerDied):
        server(log_path=tmp_path / "kept.log").start(soon())
    assert "no such luck" in (tmp_path / "kept.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("moment", ["while it starts", "when it runs"])
def test_killing_the_owner_leaves_no_server(
    number: signal.Signals,
    moment: str,
    fake_java: Path,
    tmp_path: Path,
    home: Path,
    eventually: Condition,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "server"
    if moment == "while it starts":
        monkeypatch.setenv("FAKE_START_S", "600")
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(fake_java), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert owner.stdout is not None
    if moment == "while it starts":
        eventually(lambda: (folder / "conductor.db").exists())
    else:
        while not owner.stdout.readline().startswith("pid "):
            assert owner.poll() is None
    children = [
        int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _belongs(entry, folder)
    ]
    assert children
    os.killpg(owner.pid, number)
    owner.wait(60)
    owner.stdout.close()
    eventually(lambda: not any(map(is_alive, children)) and not folder.exists())


def _belongs(process: Path, folder: Path) -> bool:
    try:
        return (
            os.fsencode(folder) in (process / "cmdline").read_bytes()
            and b"fake_conductor" in (process / "cmdline").read_bytes()
        )
    except OSError:
        return False


def test_the_command_line_keeps_everything_in_the_folder_and_on_loopback(java: Java, tmp_path: Path) -> None:
    words = command(Site(folder=tmp_path, run_uid="r1"), 4711, jar=Path("/x/server.jar"), java=java)
    assert f"-Djava.io.tmpdir={tmp_path}" in words
    assert "--server.address=127.0.0.1" in words
    assert "--server.port=4711" in words
    assert (
        f"--spring.datasource.url=jdbc:sqlite:{tmp_path}/conductor.db?busy_timeout=15000&journal_mode=WAL&synchronous=NORMAL"
        in words
    )
    assert "--conductor.app.systemTaskWorkerPollInterval=10ms" in words
    assert words.index("-jar") > words.index("-Duser.timezone=UTC")


def test_the_users_environment_does_not_steer_our_server() -> None:
    given = {
        "PATH": "/bin",
        "CONDUCTOR_CONFIG_FILE": "/etc/production.properties",
        "SPRING_DATASOURCE_URL": "jdbc:postgresql://production",
        "spring_profiles_active": "production",
        "CONDUCTOR_SECRET_KEY": "s",
    }
    assert environment(given, "r1") == {"PATH": "/bin", "CONDUCTOR_SECRET_KEY": "s", "K1N_RUN_UID": "r1"}
