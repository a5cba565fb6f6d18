"""The real Conductor from its boot jar: started, used, killed, resumed, and never left behind.

Needs Java >= 21 and the boot jar (K1N_JAR, the cache, or Maven).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_k1n.client.address import Address
from pytest_k1n.servers.bootjar import find_jar
from pytest_k1n.servers.errors import PortTaken
from pytest_k1n.servers.exploded import runnable
from pytest_k1n.servers.jar import JarServer
from pytest_k1n.servers.java import find_java
from pytest_k1n.servers.opening import open_server
from pytest_k1n.servers.probe import HttpAnswer, ask
from pytest_k1n.servers.process import Site
from pytest_k1n.servers.protocol import Kind, ServerSpec, parse_server
from pytest_k1n.servers.warmup import warm_up

pytestmark = pytest.mark.live
WITHIN_S = 240.0

OWNER = """
import os, sys
from pathlib import Path
from pytest_k1n.servers.opening import open_server
from pytest_k1n.servers.process import Site
from pytest_k1n.servers.protocol import Kind, ServerSpec
jar = Path(os.environ["K1N_JAR"]) if os.environ.get("K1N_JAR") else None
spec = ServerSpec(kind=Kind.JAR, jar_path=jar, startup_timeout_s=240)
with open_server(spec, run_uid="live-owner", folder=Path(sys.argv[1]), report=print) as endpoint:
    print("pid", endpoint.pid, flush=True)
    sys.stdin.read()
"""


def jar_option() -> Path | None:
    named = os.environ.get("K1N_JAR")
    return Path(named) if named else None


@pytest.fixture(scope="module")
def make() -> Callable[..., JarServer]:
    java = find_java()
    jar = runnable(find_jar(jar_option(), report=print), java, report=print)

    def made(folder: Path, port: int | None = None) -> JarServer:
        site = Site(folder=folder, run_uid=f"live{os.getpid()}", port=port, report=print)
        return JarServer(site, jar=jar, java=java)

    return made


@pytest.fixture(scope="module")
def server(make: Callable[..., JarServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[JarServer]:
    with make(tmp_path_factory.mktemp("live") / "server") as running:
        running.start(time.monotonic() + WITHIN_S)
        yield running


def call(server: JarServer, method: str, path: str, body: object = None) -> HttpAnswer:
    answer = ask(Address.parse(server.endpoint.url), method, path, body=body, timeout_s=30)
    assert answer.status < 300, f"{method} {path} -> {answer.status} {answer.text}"
    return answer


def document(answer: HttpAnswer) -> dict[str, object]:
    found = answer.json()
    assert isinstance(found, dict)
    return found


def test_a_real_server_runs_an_execution_and_forgets_it(server: JarServer) -> None:
    assert server.endpoint.version == "3.32.1"
    address = Address.parse(server.endpoint.url)
    warm_up(address, name="k1n_live", died=server.died, deadline=time.monotonic() + WITHIN_S)
    assert "k1n_" not in ask(address, "GET", "/api/metadata/workflow").text
    assert "k1n_" not in ask(address, "GET", "/api/metadata/taskdefs").text


def test_a_running_server_is_usable_by_its_url(server: JarServer, tmp_path: Path) -> None:
    with open_server(parse_server(f"{server.endpoint.url}/api"), run_uid="x", folder=tmp_path / "x") as endpoint:
        assert (endpoint.kind, endpoint.version, endpoint.owned) == (Kind.URL, "3.32.1", False)


def test_a_second_server_does_not_take_the_port_of_the_first(
    server: JarServer, make: Callable[..., JarServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The JVM itself meets the taken port: what it says then is what we look for in its log."""
    port = Address.parse(server.endpoint.url).port
    monkeypatch.setattr("pytest_k1n.servers.jar.pick_port", lambda _fixed: port)
    monkeypatch.setattr("pytest_k1n.servers.jar.health", lambda _address: _silent())
    second = make(tmp_path / "second", port=port)
    with pytest.raises(PortTaken, match=f"port {port} is in use by another process"):
        second.start(time.monotonic() + WITHIN_S)
    assert not (tmp_path / "second").exists()


def _silent() -> object:
    from pytest_k1n.servers.probe import Health, State

    return Health(State.SILENT, "not asked: the other server would answer")


def test_killed_in_the_middle_it_resumes_on_the_same_database(server: JarServer) -> None:
    task = {
        "name": "k1n_step",
        "retryCount": 0,
        "timeoutSeconds": 0,
        "responseTimeoutSeconds": 600,
        "ownerEmail": "a@b.c",
    }
    steps = [{"name": "k1n_step", "taskReferenceName": f"step_{n}", "type": "SIMPLE"} for n in range(3)]
    workflow = {"name": "k1n_resumed", "version": 1, "schemaVersion": 2, "ownerEmail": "a@b.c", "tasks": steps}
    workflow |= {"timeoutPolicy": "ALERT_ONLY", "timeoutSeconds": 0}
    call(server, "POST", "/api/metadata/taskdefs", [task])
    call(server, "PUT", "/api/metadata/workflow", [workflow])
    workflow_id = call(server, "POST", "/api/workflow/k1n_resumed", {}).text.strip('"')
    in_hand = poll(server)

    server.kill(signal.SIGKILL)
    assert server.process.wait(60) == -signal.SIGKILL
    before = server.endpoint
    after = server.restart(time.monotonic() + WITHIN_S)
    assert after.url == before.url
    assert after.pid != before.pid

    for task_id in (in_hand, *(None, None)):
        call(server, "POST", "/api/tasks", {
            "workflowInstanceId": workflow_id, "taskId": task_id or poll(server), "status": "COMPLETED",
        })  # fmt: skip
    execution = document(call(server, "GET", f"/api/workflow/{workflow_id}"))
    assert execution["status"] == "COMPLETED"
    assert [record["referenceTaskName"] for record in execution["tasks"]] == ["step_0", "step_1", "step_2"]  # type: ignore[attr-defined]


def poll(server: JarServer) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        tasks = call(server, "GET", "/api/tasks/poll/batch/k1n_step?workerid=live&count=1&timeout=0").json()
        if isinstance(tasks, list) and tasks:
            return str(tasks[0]["taskId"])
        time.sleep(0.02)
    raise AssertionError("no task came within a minute")


def test_killing_the_owner_leaves_no_process_no_folder_and_nothing_in_tmp(tmp_path: Path) -> None:
    folder, temporary = tmp_path / "server", tmp_path / "tmp"
    temporary.mkdir()
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    assert owner.stdin is not None
    assert owner.stdout is not None
    said: list[str] = []
    for line in owner.stdout:
        said.append(line)
        if line.startswith("pid "):
            break
    assert said, "the owner ended without a word"
    pid = int(said[-1].split()[1])
    assert (folder / "conductor.db").exists()
    owner.kill()
    owner.wait()
    owner.stdin.close()
    owner.stdout.close()
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists() or folder.exists():
        assert time.monotonic() < deadline, "the server outlived its owner by a minute"
        time.sleep(0.05)
    assert list(temporary.iterdir()) == []


def test_a_java_that_is_too_old_is_named(tmp_path: Path) -> None:
    old = Path("/usr/lib/jvm/java-17-openjdk-amd64")
    if not old.exists():
        pytest.skip("this machine has no Java 17 to be refused")
    spec = ServerSpec(kind=Kind.JAR, java_path=old)
    with pytest.raises(FileNotFoundError, match="is Java 17"), open_server(spec, run_uid="x", folder=tmp_path / "x"):
        pass
