"""`k1n gates` and `k1n init` on a real Conductor."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_k1n.cli import main
from pytest_k1n.client.api import Conductor
from pytest_k1n.client.transport import transport_for
from pytest_k1n.commands.probes import WORKFLOW
from pytest_k1n.core.gates import PROBES, GateSettings, judge, single
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire
from pytest_k1n.servers.protocol import Endpoint
from pytest_k1n.validation.schema import problems_of
from pytest_k1n.workers.registry import Handlers
from pytest_k1n.workers.settings import WorkerSettings
from pytest_k1n.workers.worker import Worker

pytestmark = pytest.mark.live
WITHIN_S = 60


@dataclass
class Finished:
    """An execution that has come to its end on the server, and the client to look at it with."""

    client: Conductor
    name: str
    workflow_id: str


def simple(ref: str) -> dict[str, Any]:
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE", "inputParameters": {}}


@pytest.fixture
def finished(live_server: Endpoint) -> Iterator[Finished]:
    uid = uuid.uuid4().hex[:8]
    first, second, name = f"first_{uid}", f"second_{uid}", f"k1n_live_{uid}"
    document = {
        "name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "k1n@example.com", "timeoutSeconds": 0,
        "inputParameters": ["card"], "tasks": [simple(first), simple(second)],
    }  # fmt: skip
    client = Conductor(transport_for(live_server.url))
    client.register_tasks([
        {"name": each, "retryCount": 0, "responseTimeoutSeconds": 20, "ownerEmail": "k1n@example.com"}
        for each in (first, second)
    ])  # fmt: skip
    client.register_workflows([document])

    def work(task: Any) -> dict[str, str]:
        task.log(f"{task.ref} works")
        task.sleep(30)
        return {"done": task.ref}

    definition: Any = wire.workflow_definition(document)  # type: ignore[arg-type]
    impatient = Conductor(transport_for(live_server.url), patience_s=0)
    worker = Worker(
        impatient,
        [definition],
        Handlers({first: work, second: work}),
        WorkerSettings(worker_id=f"live-{uid}", domain=uid),
    )
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,), daemon=True)
    thread.start()
    workflow_id = client.start(name, input={"card": "4711"}, task_to_domain={"*": uid})
    worker.launched(workflow_id, name)
    deadline = time.monotonic() + WITHIN_S
    while client.status(workflow_id) == "RUNNING" and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    thread.join(10)
    impatient.close()
    yield Finished(client, name, workflow_id)
    client.close()


def test_the_probe_workflow_on_the_server_says_what_the_gates_say_directly(finished, live_server, capsys):
    main(["gates", finished.workflow_id, f"--server={live_server.url}/api", "--json"])
    document = json.loads(capsys.readouterr().out)
    probes = finished.client.execution(document["probes_workflow_id"])
    assert (probes["workflowName"], probes["status"]) == (WORKFLOW, "COMPLETED")
    execution = wire.execution(finished.client.execution(finished.workflow_id))
    logs = {
        task.task_id: tuple((line["createdTime"], line["log"]) for line in finished.client.logs(task.task_id))
        for task in execution.tasks
    }
    observation = observe(execution, logs=logs)
    settings = GateSettings(workers="external", validate=problems_of)
    said = {each["id"]: each for each in probes["output"]["categories"]}
    shown = {each["id"]: each for each in document["categories"]}
    assert list(said) == list(shown) == [gate.id for gate in PROBES.values()]
    for gate in PROBES.values():
        direct = judge(gate, single(observation), settings)
        assert (said[gate.id]["passed"], said[gate.id]["evaluated"]) == (direct.passed, direct.evaluated), gate.id
        assert said[gate.id]["verdict"] == (
            "skip" if direct.verdict.is_pass and direct.verdict != "pass" else direct.verdict
        )
        assert (shown[gate.id]["passed"], shown[gate.id]["note"]) == (direct.passed, direct.note)


def test_nothing_is_registered_where_that_is_not_allowed(finished, live_server, capsys):
    main(["gates", finished.workflow_id, f"--server={live_server.url}"])
    changed = finished.client.workflow_definition(WORKFLOW) | {"inputParameters": [], "tasks": [simple("other")]}
    finished.client.register_workflows([changed])
    try:
        assert main(["gates", finished.workflow_id, f"--server={live_server.url}", "--register=never"]) == 2
        assert "has other definitions than this run needs" in capsys.readouterr().err
    finally:
        main(["gates", finished.workflow_id, f"--server={live_server.url}", "--register=always"])


def test_an_unknown_id_is_one_line_and_exit_2(live_server, capsys):
    assert main(["gates", "no-such-id", f"--server={live_server.url}"]) == 2
    error = capsys.readouterr().err
    assert "no-such-id" in error
    assert error.count("\n") == 1


def test_a_recorded_workflow_becomes_a_passing_test(finished, live_server, pytester, capsys, monkeypatch):
    for name in ("CONDUCTOR_SERVER_URL", "K1N_SERVER", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    assert main(["init", f"--server={live_server.url}", f"--workflow={finished.name}"]) == 0
    assert "  1 completed runs were read\n" in capsys.readouterr().out
    texts = {
        path: path.read_text() for path in Path(pytester.path).rglob("*") if path.suffix in (".toml", ".json", ".py")
    }
    assert not any("4711" in text for text in texts.values())
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=3)
