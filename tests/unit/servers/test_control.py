"""Control executions: the lags of JOINs that nothing but the server holds up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from pytest_k1n.client.api import Conductor
from pytest_k1n.client.errors import ServerUnreachable
from pytest_k1n.core.gates.facts import ControlJoin
from pytest_k1n.core.wire import wire
from pytest_k1n.servers.control import EXECUTIONS, JOINS, control_joins, joins_of


class Slow:
    """A server that looks at a JOIN every so often, as a client sees it."""

    def __init__(self, every_ms: int) -> None:
        self.every_ms = every_ms
        self.now_s = 1000.0
        self.began_ms = 0
        self.ended: list[str] = []

    def start(self, name: str, *, definition: Mapping[str, Any], correlation_id: str) -> str:
        self.began_ms, self.definition = self.began_ms or round(self.now_s * 1000), definition
        return name + correlation_id

    def execution(self, workflow_id: str) -> Mapping[str, Any]:
        passed_ms = round(self.now_s * 1000) - self.began_ms
        done = min(JOINS, passed_ms // self.every_ms)
        tasks = [each for number in range(min(JOINS, done + 1)) for each in self._pair(number, done)]
        return {
            "workflowId": workflow_id, "workflowName": "k1n_control", "workflowVersion": 1, "startTime": self.began_ms,
            "status": "COMPLETED" if done == JOINS else "RUNNING", "tasks": tasks,
            "workflowDefinition": self.definition,
        }  # fmt: skip

    def terminate(self, workflow_id: str, reason: str) -> None:
        self.ended.append(workflow_id)

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def _pair(self, number: int, done: int) -> list[Mapping[str, Any]]:
        at_ms = self.began_ms + number * self.every_ms
        branches = [task(f"{side}{number}", "SET_VARIABLE", at_ms, at_ms) for side in ("left", "right")]
        return [*branches, task(f"join{number}", "JOIN", at_ms, at_ms + self.every_ms if number < done else 0)]

    def joins(self) -> tuple[ControlJoin, ...]:
        return control_joins(
            cast("Conductor", self), correlation_id="k1n-x/control", clock=lambda: self.now_s, sleep=self.sleep,
            now_ms=lambda: round(self.now_s * 1000),
        )  # fmt: skip


def task(ref: str, type: str, start_ms: int, end_ms: int) -> Mapping[str, Any]:
    return {
        "referenceTaskName": ref, "taskType": type, "taskDefName": ref, "taskId": ref, "seq": 1,
        "status": "COMPLETED" if end_ms else "IN_PROGRESS", "scheduledTime": start_ms, "startTime": start_ms,
        "endTime": end_ms,
    }  # fmt: skip


def test_every_join_of_a_server_is_seen():
    server = Slow(10)
    assert [each.lag.duration_ms for each in server.joins()] == [10] * JOINS * EXECUTIONS
    assert {each.step_ms for each in server.joins()} == {0}
    assert server.ended == []


def test_a_late_server_is_seen_enough_of_and_the_executions_ended():
    server = Slow(1500)
    found = [each.lag.duration_ms for each in server.joins()]
    assert found[: 2 * EXECUTIONS] == [1500] * 2 * EXECUTIONS
    assert all(900 < ms < 1100 for ms in found[2 * EXECUTIONS :])
    assert len(found) == 3 * EXECUTIONS
    assert server.ended == [f"k1n_controlk1n-x/control.{number}" for number in range(EXECUTIONS)]


def test_a_server_that_does_not_run_it_tells_nothing():
    class Gone(Slow):
        def start(self, name: str, *, definition: Mapping[str, Any], correlation_id: str) -> str:
            raise ServerUnreachable("gone", url="http://127.0.0.1:1", indeterminate=False)

    assert Gone(10).joins() == ()


def test_a_step_is_what_lies_between_two_joins():
    server = Slow(100)
    server.start("k1n_control", definition={}, correlation_id="")
    server.now_s += 1
    document = dict(server.execution("x"))
    document["createTime"] = server.began_ms - 7
    for number in range(JOINS):
        document["tasks"][3 * number]["endTime"] += 60 + number
    assert [join.step_ms for join in joins_of(wire.execution(document), now_ms=0)] == [67, 61, 62, 63]


@pytest.mark.parametrize("lost", ["left2", "right2", "join2"])
def test_joins_count_up_to_what_is_missing(lost):
    server = Slow(10)
    server.start("k1n_control", definition={}, correlation_id="")
    server.now_s += 1
    document = dict(server.execution("x"))
    del document["workflowDefinition"]
    document["tasks"] = [each for each in document["tasks"] if each["referenceTaskName"] != lost]
    assert len(joins_of(wire.execution(document), now_ms=0)) == 2
