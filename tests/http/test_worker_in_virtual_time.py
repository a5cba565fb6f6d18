"""`k1n worker` against an engine in virtual time: it declares what it would sleep, so hours take moments."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from pytest_k1n.servers.embedded import EmbeddedEngine
from pytest_k1n.servers.handlerworker import HandlerWorker
from pytest_k1n.workers.ledger import read_ledger
from pytest_k1n.workers.registry import Handlers

MINUTE_MS = 60_000


def simple(name, ref=None):
    return {"name": name, "taskReferenceName": ref or name, "type": "SIMPLE"}


def definition(name, *tasks):
    return {"name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "x@example.com", "tasks": list(tasks)}


@pytest.fixture
def working(tmp_path, until):
    """Run `k1n worker` for definitions: `with working(served, definition, estimates={…}) as log:`."""

    @contextmanager
    def run(served, document, *arguments, estimates=()):
        folder = tmp_path / "definitions"
        folder.mkdir()
        (folder / "w.json").write_text(json.dumps(document))
        (tmp_path / "estimates.json").write_text(json.dumps({document["name"]: dict(estimates)}))
        names = {task["name"] for task in document["tasks"] if task["type"] == "SIMPLE"} | {"a", "b"}
        served.client.register_tasks(
            [{"name": name, "ownerEmail": "x@example.com", "retryCount": 0, "responseTimeoutSeconds": 10,
              "timeoutSeconds": 0} for name in names]
        )  # fmt: skip
        served.client.register_workflows([document])
        log = tmp_path / "worker.log"
        command = [sys.executable, "-m", "pytest_k1n", "worker", "--definitions", str(folder), "--estimates",
                   str(tmp_path / "estimates.json"), "--ledger", str(tmp_path / "ledger"), "--no-hints",
                   *arguments]  # fmt: skip
        with log.open("w") as out:
            process = subprocess.Popen(command, stderr=out, env={**os.environ, "K1N_SERVER": served.url})
        try:
            until(lambda: " serves " in log.read_text())
            yield log
        finally:
            process.terminate()
            process.wait(20)

    return run


def took(served, until, name, **fields):
    workflow_id = served.client.start(name, **fields)
    until(lambda: served.client.status(workflow_id) != "RUNNING")
    execution = served.client.execution(workflow_id)
    return execution, execution["endTime"] - execution["startTime"]


def test_a_plan_of_hours_takes_moments_and_every_ms_is_the_works(serve, working, until, tmp_path):
    chain = definition("CHAIN", *(simple("a", f"a{n}") for n in range(6)))
    with serve() as served, working(served, chain, estimates=((f"a{n}", 25 * MINUTE_MS) for n in range(6))) as log:
        execution, elapsed_ms = took(served, until, "CHAIN")
        assert execution["status"] == "COMPLETED"
        assert abs(elapsed_ms - 150 * MINUTE_MS) <= 1.5 * MINUTE_MS  # the jitter of simulated work
        works = [task["outputData"]["_k1n"]["work_ms"] for task in execution["tasks"]]
        assert works == [task["endTime"] - task["startTime"] for task in execution["tasks"]]
        assert elapsed_ms == sum(works)
    assert "(embedded engine 3.32.1-k1n-embedded, declaring simulated work)" in log.read_text()
    assert [entry["status"] for entry in read_ledger(tmp_path / "ledger")] == ["COMPLETED"] * 6


def test_a_worker_that_sees_only_polled_tasks_works_as_long_as_one_in_the_engines_process(serve, working, until):
    chain = definition("CHAIN", simple("a"), simple("b"))
    estimates = {"a": 20 * MINUTE_MS, "b": 30 * MINUTE_MS}

    def works(execution):
        return [task["outputData"]["_k1n"]["work_ms"] for task in execution["tasks"]]

    worker = HandlerWorker(Handlers(), estimates_ms={("CHAIN", ref): ms for ref, ms in estimates.items()})
    embedded = EmbeddedEngine(worker)
    embedded.serve(["a", "b"])
    inside = [embedded.client.start("CHAIN", definition=chain, correlation_id=f"k1n-1/CHAIN/{n}") for n in range(2)]
    embedded.drain()
    with serve() as served, working(served, chain, estimates=estimates):
        outside = [took(served, until, "CHAIN", correlation_id=f"k1n-2/CHAIN/{n}")[0] for n in range(2)]
    drawn = list(map(works, outside))
    assert drawn == [works(embedded.client.execution(workflow_id)) for workflow_id in inside]
    assert drawn[0] != drawn[1]


def test_a_worker_takes_no_more_tasks_at_once_than_it_has_slots(serve, working, until):
    branches = [[simple("a", f"a{n}")] for n in range(4)]
    fork = {"name": "fork", "taskReferenceName": "fork", "type": "FORK_JOIN", "forkTasks": branches}
    join = {"name": "join", "taskReferenceName": "join", "type": "JOIN", "joinOn": [f"a{n}" for n in range(4)]}
    wide = definition("WIDE", fork, join)
    estimates = {f"a{n}": 10 * MINUTE_MS for n in range(4)}
    with serve() as served, working(served, wide, "--slots", "2", estimates=estimates):
        execution, _ = took(served, until, "WIDE")
    spans = [(task["startTime"], task["endTime"]) for task in execution["tasks"] if task["taskType"] == "a"]
    together = [sum(begin <= start < end for begin, end in spans) for start, _ in spans]
    assert max(together) == 2


def test_a_slow_worker_declares_how_slow(serve, working, until):
    chain = definition("CHAIN", simple("a"))
    with serve() as served, working(served, chain, "--fault", "CHAIN/a:slow=2", estimates={"a": 10 * MINUTE_MS}):
        _, elapsed_ms = took(served, until, "CHAIN")
    assert abs(elapsed_ms - 20 * MINUTE_MS) < MINUTE_MS


def test_work_that_is_really_done_takes_the_time_it_takes(serve, working, until, tmp_path, monkeypatch):
    (tmp_path / "really.py").write_text(
        "import time\ndef work(task):\n    time.sleep(0.25)\n    return {'done': True}\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    chain = definition("CHAIN", simple("a"), simple("b"))
    with serve() as served, working(served, chain, "--handler", "a=really:work", estimates={"b": 10 * MINUTE_MS}):
        execution, _ = took(served, until, "CHAIN")
    really, simulated = execution["tasks"]
    assert 250 <= really["endTime"] - really["startTime"] < MINUTE_MS
    assert really["outputData"]["done"] is True
    assert simulated["endTime"] - simulated["startTime"] > 9 * MINUTE_MS
