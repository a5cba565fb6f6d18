"""`k1n worker` on the real Conductor: what the worker's own tests claim about the server, shown on the server.

Uses the server of K1N_LIVE_URL, else the session's own. Durations are not judged: benchmarks do that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_k1n.client import Conductor, transport_for
from pytest_k1n.core.model import Execution, TaskStatus
from pytest_k1n.core.wire import wire
from pytest_k1n.servers.protocol import Endpoint
from pytest_k1n.workers.ledger import read_ledger

pytestmark = pytest.mark.live
WITHIN_S = 180.0


@pytest.fixture
def client(live_server: Endpoint) -> Iterator[Conductor]:
    conductor = Conductor(transport_for(live_server.url))
    yield conductor
    conductor.close()


class Bench:
    """Definitions under names of their own, and a worker process for them."""

    def __init__(self, client: Conductor, folder: Path) -> None:
        self.client, self.folder = client, folder
        self.uid = uuid.uuid4().hex[:8]
        self.ledger = folder / "ledger.jsonl"
        self.processes: list[subprocess.Popen[bytes]] = []

    def task(self, name: str) -> dict[str, object]:
        return {"name": f"{name}_{self.uid}", "taskReferenceName": name, "type": "SIMPLE"}

    def define(self, *tasks: dict[str, object], response_timeout_s: int = 10) -> str:
        name = f"LIVE_WORKER_{self.uid}"
        definition = {
            "name": name,
            "version": 1,
            "ownerEmail": "k1n@example.com",
            "timeoutSeconds": 0,
            "tasks": [*tasks],
        }
        parsed = wire.workflow_definition(definition)  # type: ignore[arg-type]
        options = {"ownerEmail": "k1n@example.com", "retryCount": 1, "retryDelaySeconds": 0, "timeoutSeconds": 0}
        self.client.register_tasks(
            [
                {**options, "name": task.name, "responseTimeoutSeconds": response_timeout_s}
                for task in parsed.walk()
                if task.type == "SIMPLE"
            ]
        )
        self.client.register_workflows([definition])
        (self.folder / "definition.json").write_text(json.dumps(definition))
        return name

    def start(self, name: str) -> str:
        workflow_id = self.client.start(name, task_to_domain={"*": self.uid}, correlation_id=self.uid)
        for process in self.processes:
            if process.poll() is None:
                assert process.stdin is not None
                process.stdin.write(
                    json.dumps({"launched": {"workflow_id": workflow_id, "name": name}}).encode() + b"\n"
                )
                process.stdin.flush()
        return workflow_id

    def work(self, *options: str, speed: float = 6000) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "pytest_k1n", "worker", "--definitions", str(self.folder), "--domain", self.uid]
        argv += ["--handlers", "simulated", "--speed", str(speed), "--ledger", str(self.ledger), *options]
        log = (self.folder / "worker.log").open("ab")
        with log:
            process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stderr=log, env={**os.environ, "K1N_SERVER": self.client.url}
            )
        self.processes.append(process)
        return process

    def until(self, workflow_id: str, holds: Callable[[Execution], bool], *, decide: bool = False) -> Execution:
        deadline = time.monotonic() + WITHIN_S
        while True:
            execution = wire.execution(self.client.execution(workflow_id))
            if holds(execution):
                return execution
            tasks = [(task.ref, str(task.status), task.attempt) for task in execution.tasks]
            assert time.monotonic() < deadline, f"{execution.status}: {tasks}\n{self.log}"
            if decide:
                self.client.decide(workflow_id)
            time.sleep(0.05)

    @property
    def log(self) -> str:
        return (self.folder / "worker.log").read_text()

    def close(self) -> None:
        for process in self.processes:
            assert process.stdin is not None
            process.kill()
            process.stdin.close()
            process.wait()
        for workflow_id in self.client.correlated(f"LIVE_WORKER_{self.uid}", self.uid):
            self.client.remove(workflow_id)


@pytest.fixture
def bench(client: Conductor, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(client, tmp_path)
    yield made
    made.close()


def is_terminal(execution: Execution) -> bool:
    return execution.is_terminal


def in_progress(ref: str) -> Callable[[Execution], bool]:
    return lambda execution: any(task.ref == ref and task.status is TaskStatus.IN_PROGRESS for task in execution.tasks)


def test_every_shape_of_definition_is_worked_off_each_task_once(bench: Bench) -> None:
    task = bench.task
    name = bench.define(
        task("a"),
        {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN",
         "forkTasks": [[task("b"), task("c")], [task("d")], [task("e")]]},
        {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["c", "d", "e"]},
        {"name": "s", "taskReferenceName": "s", "type": "SWITCH", "evaluatorType": "value-param", "expression": "way",
         "inputParameters": {"way": "left"}, "decisionCases": {"left": [task("g")], "right": [task("h")]}},
        {"name": "l", "taskReferenceName": "l", "type": "DO_WHILE", "inputParameters": {},
         "loopCondition": "$.l['iteration'] < 3", "loopOver": [task("k")]},
        task("z"),
    )  # fmt: skip
    bench.work()
    execution = bench.until(bench.start(name), is_terminal)
    assert execution.status == "COMPLETED", execution.reason
    begun = [(entry["ref"], entry["iteration"]) for entry in read_ledger(bench.ledger)]
    assert sorted(begun) == sorted([*((ref, 0) for ref in "abcdegz"), ("k", 1), ("k", 2), ("k", 3)])
    works = [task for task in execution.tasks if task.is_worker_task]
    assert all(task.poll_count == 1 and task.output["_k1n"]["simulated"] for task in works)  # type: ignore[index,call-overload]
    assert bench.client.logs(works[0].task_id)


def test_a_task_longer_than_its_response_timeout_is_kept_by_heartbeats(bench: Bench) -> None:
    name = bench.define(bench.task("a"), response_timeout_s=3)  # on a busy machine a beat comes late
    bench.work(speed=8)  # 7.5 s
    workflow_id = bench.start(name)
    execution = bench.until(workflow_id, is_terminal, decide=True)
    assert [(task.status, task.attempt) for task in execution.tasks] == [("COMPLETED", 0)]


def test_a_hung_task_runs_into_its_timeout_and_the_next_attempt_completes(bench: Bench) -> None:
    name = bench.define(bench.task("a"), response_timeout_s=1)
    bench.work("--fault", f"{name}/a#0:hang")
    execution = bench.until(bench.start(name), is_terminal, decide=True)
    assert [(task.status, task.attempt) for task in execution.tasks] == [("TIMED_OUT", 0), ("COMPLETED", 1)]


def test_a_killed_workers_task_is_done_by_another_one_with_one_effect(bench: Bench) -> None:
    name = bench.define(bench.task("a"), bench.task("b"), response_timeout_s=1)
    first = bench.work("--fault", f"{name}/b#0:die")
    workflow_id = bench.start(name)
    bench.until(workflow_id, in_progress("b"))
    assert first.wait(WITHIN_S) == -9
    bench.work()
    execution = bench.until(workflow_id, is_terminal, decide=True)
    assert execution.status == "COMPLETED"
    ended = [entry["ref"] for entry in read_ledger(bench.ledger) if "end_ms" in entry]
    assert ended == ["a", "b"]


def test_what_is_in_hand_at_a_stop_goes_back_to_the_queue_at_once(bench: Bench) -> None:
    name = bench.define(bench.task("a"))
    first = bench.work("--grace", "50ms", speed=1)
    workflow_id = bench.start(name)
    bench.until(workflow_id, in_progress("a"))
    assert first.stdin is not None
    first.stdin.close()
    assert first.wait(WITHIN_S) == 0
    assert "handed back" in bench.log
    bench.work()
    execution = bench.until(workflow_id, is_terminal)
    assert [(task.status, task.attempt, task.poll_count) for task in execution.tasks] == [("COMPLETED", 0, 2)]


def test_a_dynamic_fork_and_a_sub_workflow_are_found_though_no_definition_tells(bench: Bench) -> None:
    child = {"name": f"CHILD_{bench.uid}", "version": 1, "ownerEmail": "k1n@example.com", "timeoutSeconds": 0,
             "tasks": [bench.task("x")]}  # fmt: skip
    forked = [{**bench.task("p"), "taskReferenceName": ref} for ref in ("p1", "p2")]
    name = bench.define(
        bench.task("p"),
        {"name": "d", "taskReferenceName": "d", "type": "FORK_JOIN_DYNAMIC", "dynamicForkTasksParam": "tasks",
         "dynamicForkTasksInputParamName": "inputs",
         "inputParameters": {"tasks": forked, "inputs": {"p1": {}, "p2": {}}}},
        {"name": "j", "taskReferenceName": "j", "type": "JOIN"},
        {"name": "sub", "taskReferenceName": "sub", "type": "SUB_WORKFLOW",
         "subWorkflowParam": {"name": child["name"], "version": 1, "workflowDefinition": child}},
        bench.task("x"),
    )  # fmt: skip
    bench.work()
    execution = bench.until(bench.start(name), is_terminal)
    assert execution.status == "COMPLETED", execution.reason
    assert sorted(str(entry["ref"]) for entry in read_ledger(bench.ledger)) == ["p", "p1", "p2", "x", "x"]
