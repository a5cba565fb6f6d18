"""POST /workflow/test: what of an execution mocks may end, and what is answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k1n_parity.waiting import INLINE
from pytest_k1n.conformance.cases import PREFIX, Case, ClientStep, Document

RETRIED = {"name": f"{PREFIX}retried", "retryCount": 2, "retryDelaySeconds": 30, "timeoutSeconds": 0,
           "responseTimeoutSeconds": 600}  # fmt: skip


def _of(type_: str, ref: str, **fields: Any) -> Document:
    return {"name": ref, "taskReferenceName": ref, "type": type_, **fields}


def _work(ref: str = "a", **fields: Any) -> Document:
    return {**_of("SIMPLE", ref, **fields), "name": f"{PREFIX}task"}


def _mock(status: str = "COMPLETED", **fields: Any) -> Document:
    return {"status": status, "output": {"m": 1}, **fields}


def _sub(*tasks: Document) -> Document:
    child = {"name": f"{PREFIX}child", "version": 1, "schemaVersion": 2, "tasks": list(tasks)}
    return _of("SUB_WORKFLOW", "sub", subWorkflowParam={"name": f"{PREFIX}child", "version": 1,
                                                        "workflowDefinition": child})  # fmt: skip


def _loop(*tasks: Document) -> Document:
    condition = "if ($.loop['iteration'] < 2) { true; } else { false; }"
    return _of("DO_WHILE", "loop", loopCondition=condition, loopOver=list(tasks))


def _retried() -> Document:
    return {**_work(), "name": RETRIED["name"], "taskDefinition": RETRIED}


def _fork(*branches: list[Document]) -> list[Document]:
    last = [branch[-1]["taskReferenceName"] for branch in branches]
    return [_of("FORK_JOIN", "fork", forkTasks=list(branches)), _of("JOIN", "join", joinOn=last)]


INNER = {"sub": {"taskRefToMockOutput": {"c": [_mock()]}}}
Trial = tuple[list[Document], Document, Document]
TRIALS: dict[str, Trial] = {
    "one after the other": ([_work(), _work("b")], {"a": [_mock()], "b": [_mock()]}, {}),
    "with times": (
        [_work(), _work("b")],
        {"a": [_mock(executionTime=500, queueWaitTime=300)], "b": [_mock(executionTime=5000)]},
        {},
    ),
    "an unused mock": ([_work()], {"a": [_mock()], "z": [_mock()]}, {}),
    "stops where none is left": ([_work(), _work("b")], {"a": [_mock()]}, {}),
    "none at all": ([_work()], {}, {}),
    "an empty list": ([_work()], {"a": []}, {}),
    "attempts": ([_retried(), _work("b")], {"a": [_mock("FAILED"), _mock("FAILED"), _mock()], "b": [_mock()]}, {}),
    "attempts with times": (
        [_retried()],
        {"a": [_mock("FAILED", executionTime=50), _mock(executionTime=50)]},
        {},
    ),
    "fewer mocks than attempts": ([_retried(), _work("b")], {"a": [_mock("FAILED")], "b": [_mock()]}, {}),
    "a terminal failure": ([_retried()], {"a": [_mock("FAILED_WITH_TERMINAL_ERROR")]}, {}),
    "in progress first": ([_work()], {"a": [_mock("IN_PROGRESS"), _mock()]}, {}),
    "canceled": ([_work()], {"a": [_mock("CANCELED")]}, {}),
    "without a status": ([_work()], {"a": [{"output": {"m": 2}}]}, {}),
    "operators": (
        [INLINE, _of("SWITCH", "switch", evaluatorType="value-param", expression="x", inputParameters={"x": "p"},
                     decisionCases={"p": [_work()]}, defaultCase=[_work("b")]),
         _of("SET_VARIABLE", "set", inputParameters={"k": 1})],
        {ref: [_mock()] for ref in ("inline", "switch", "a", "b", "set")},
        {},
    ),
    "waits": (
        [_of("HUMAN", "h"), _of("WAIT", "w"), _of("WAIT", "timed", inputParameters={"duration": "1 hours"}), _work()],
        {ref: [_mock()] for ref in ("h", "w", "timed", "a")},
        {},
    ),
    "jq and an event": (
        [_of("JSON_JQ_TRANSFORM", "jq", inputParameters={"queryExpression": ".x", "x": 3}),
         _of("EVENT", "e", sink="conductor"), _work()],
        {ref: [_mock()] for ref in ("jq", "e", "a")},
        {},
    ),
    "a fork": (
        _fork([_work()], [_work("b")]),
        {"a": [_mock(executionTime=400)], "b": [_mock()], "join": [_mock(output={"j": 1})]},
        {},
    ),
    "a branch without a mock": (_fork([_work()], [_work("b")]), {"a": [_mock()]}, {}),
    "a loop": ([_loop(_work())], {"a__1": [_mock()], "a__2": [_mock(output={"n": 2})]}, {}),
    "a loop by its plain ref": ([_loop(_work())], {"a": [_mock(), _mock()]}, {}),
    "a dynamic task": (
        [_of("DYNAMIC", "d", dynamicTaskNameParam="n", inputParameters={"n": f"{PREFIX}task"})],
        {"d": [_mock()]},
        {},
    ),
    "a sub-workflow": ([_work(), _sub(_work("c"))], {"a": [_mock()]}, INNER),
    "a sub-workflow as the last thing": ([_sub(INLINE, _work("c"))], {"z": [_mock()]}, INNER),
    "a sub-workflow and nothing else": ([_sub(_work("c"))], {}, INNER),
    "a sub-workflow without mocks of its own": ([_sub(INLINE), _work()], {"a": [_mock()]}, {}),
    "another status": ([_work()], {"a": [_mock("SKIPPED")]}, {}),
}  # fmt: skip
"""Tasks, their mocks by ref, and the requests of sub-workflows."""


def mocking_cases() -> Iterator[Case]:
    """Yield a case for each trial; its own execution only waits."""
    own = {"name": f"{PREFIX}main", "version": 1, "schemaVersion": 2, "tasks": [_work()]}
    for name, (tasks, mocks, inner) in TRIALS.items():
        tried = {"name": f"{PREFIX}tried", "version": 1, "schemaVersion": 2, "tasks": tasks}
        body = {"name": tried["name"], "version": 1, "input": {"x": 1}, "correlationId": "c", "workflowDef": tried,
                "taskRefToMockOutput": mocks, "subWorkflowTestRequest": inner}  # fmt: skip
        task = {"name": f"{PREFIX}task", "retryCount": 0, "timeoutSeconds": 0, "responseTimeoutSeconds": 600}
        step = ClientStep(operation="POST /workflow/test", body=body)
        yield Case(name=f"mocks, {name}", workflows=(own,), task_definitions=(task,), steps=(step,))
