"""Executions without work: proof that a server runs them, its warm-up, and the measure of what it is capable of.

A fork of two SIMPLE tasks, their JOIN, a SET_VARIABLE and a chain of two touch every path that a suite uses: metadata,
start, poll, update, decide, the system task queue. All of it is removed again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from pytest_k1n.client.address import Address
from pytest_k1n.core.gates.facts import GateSettings, is_within
from pytest_k1n.core.model import Json
from pytest_k1n.core.timing.capability import Capability, Latencies, capability, latencies
from pytest_k1n.core.wire import wire
from pytest_k1n.servers.errors import ServerDied, ServerStartTimeout
from pytest_k1n.servers.probe import HttpAnswer, ask, reason_of

MOST = 10
"""Executions after which a server is taken as it is."""
_IN_A_ROW = 2
_PAUSE_S = 0.005
_REQUEST_WITHIN_S = 30.0
"""At least: the first request of each kind loads classes, which took 30 s at a load of 70."""
_HEADS = ("left", "right")
_CHAIN = ("then", "last")


def warm_up(
    address: Address,
    *,
    name: str,
    died: Callable[[], str | None],
    deadline: float,
    least: int = _IN_A_ROW,
    most: int = MOST,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Capability:
    """Run executions under the unique `name` until two in a row keep our budgets: at `least` so many, `most` at most.

    Raises ServerStartTimeout or ServerDied, naming the request that was on its way.
    """
    exercise = _Exercise(address, name, died, deadline, clock, sleep)
    settings = GateSettings()
    measured: list[Latencies] = []
    first_s = 0.0
    exercise.register()
    try:
        good = 0
        while len(measured) < most and (good < _IN_A_ROW or len(measured) < least):
            began = clock()
            measured.append(exercise.run())
            first_s = first_s or clock() - began
            good = good + 1 if is_within(measured[-1], settings) else 0
    finally:
        exercise.remove()
    return capability(round(first_s * 1000), measured)


@dataclass(slots=True)
class _Exercise:
    """The executions of one warm-up."""

    address: Address
    name: str
    died: Callable[[], str | None]
    deadline: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    at: str = "nothing was sent yet"
    began: float = 0.0

    def register(self) -> None:
        self.began = self.clock()
        self._call("POST", "/api/metadata/taskdefs", [_task_definition(self.name)])
        self._call("PUT", "/api/metadata/workflow", [_workflow_definition(self.name)])

    def run(self) -> Latencies:
        """Run one execution to COMPLETED, remove it, and return its latencies."""
        self.began = self.clock()
        workflow_id = self._call("POST", f"/api/workflow/{self.name}", {}).text.strip().strip('"')
        left = len(_HEADS) + len(_CHAIN)
        while left:
            left -= self._work(workflow_id)
            if left:
                self.sleep(_PAUSE_S)
        while True:
            document = self._call("GET", f"/api/workflow/{workflow_id}?includeTasks=true").json()
            status = document.get("status") if isinstance(document, dict) else None
            if status == "COMPLETED":
                break
            if status != "RUNNING":
                raise self._late(f"{self.at} -> the execution is {status}: {json.dumps(document)[:200]}")
            self.sleep(_PAUSE_S)
        self._call("DELETE", f"/api/workflow/{workflow_id}/remove?archiveWorkflow=false")
        try:
            execution = wire.execution(cast("Json", document))
        except wire.WireError:
            return Latencies()
        return latencies(execution, heads=_HEADS, join="join", chain=_CHAIN)

    def remove(self) -> None:
        """Take the definitions away again; on a server that is gone they are gone as well."""
        for path in (f"/api/metadata/workflow/{self.name}/1", f"/api/metadata/taskdefs/{self.name}"):
            with suppress(OSError):
                ask(self.address, "DELETE", path, timeout_s=_REQUEST_WITHIN_S)

    def _work(self, workflow_id: str) -> int:
        """Do what is in the queue, and return how many tasks that was."""
        path = f"/api/tasks/poll/batch/{self.name}?workerid={self.name}&count=1&timeout=0"
        tasks = self._call("GET", path).json()
        listed = tasks if isinstance(tasks, list) else []
        found = [each for each in listed if isinstance(each, dict) and "taskId" in each]
        for task in found:
            result = {"workflowInstanceId": workflow_id, "taskId": task["taskId"], "status": "COMPLETED"}
            self._call("POST", "/api/tasks", result)
        return len(found)

    def _call(self, method: str, path: str, body: object = None) -> HttpAnswer:
        self.at = f"{method} {path}"
        left = self.deadline - self.clock()
        if ending := self.died():
            raise ServerDied("Conductor ended during its first execution.", ("exited", ending), ("at", self.at))
        if left <= 0:
            raise self._late(self.at)
        is_read = method == "GET"
        # Whoever gives it long to start, gives that to what cannot be asked twice.
        within_s = min(left, _REQUEST_WITHIN_S if is_read else max(_REQUEST_WITHIN_S, left / 2))
        try:
            answer = ask(self.address, method, path, body=body, timeout_s=within_s)
        except OSError as error:
            if ending := self.died():
                raise ServerDied(
                    "Conductor ended during its first execution.", ("exited", ending), ("at", self.at)
                ) from None
            if is_read and left > within_s:  # one was never answered, in 200 s, by a server beside another
                return self._call(method, path)
            raise self._late(f"{self.at} -> {reason_of(error)}") from None
        if answer.status >= 400:
            raise self._late(f"{self.at} -> {answer.status} {answer.text[:200]}")
        return answer

    def _late(self, at: str) -> ServerStartTimeout:
        return ServerStartTimeout(
            "Conductor answered its health probe but did not run a first execution "
            f"within {self.clock() - self.began:.1f}s.",
            ("stopped at", at),
            remedy="a longer --k1n-startup-timeout, or a look into the server's log",
        )


def _task_definition(name: str) -> dict[str, object]:
    return {
        "name": name,
        "retryCount": 0,
        "timeoutSeconds": 0,
        "responseTimeoutSeconds": 60,
        "ownerEmail": "k1n@localhost",
    }


def _workflow_definition(name: str) -> dict[str, object]:
    def simple(ref: str) -> dict[str, object]:
        return {"name": name, "taskReferenceName": ref, "type": "SIMPLE"}

    return {
        "name": name,
        "version": 1,
        "schemaVersion": 2,
        "ownerEmail": "k1n@localhost",
        "timeoutPolicy": "ALERT_ONLY",
        "timeoutSeconds": 0,
        "tasks": [
            {
                "name": "fork",
                "taskReferenceName": "fork",
                "type": "FORK_JOIN",
                "forkTasks": [[simple(ref)] for ref in _HEADS],
            },
            {"name": "join", "taskReferenceName": "join", "type": "JOIN", "joinOn": list(_HEADS)},
            {
                "name": "mark",
                "taskReferenceName": "mark",
                "type": "SET_VARIABLE",
                "inputParameters": {"ready": True},
            },
            *map(simple, _CHAIN),
        ],
    }
