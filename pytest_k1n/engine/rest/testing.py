"""POST /workflow/test: run a definition on mocked results, as far as they go.

The execution is an ordinary one, in a task domain of its own. As on the server it is looked at round after round: in
each one every open task is ended by the next mock of its ref (`__N` of a loop included); operators, sub-workflows among
them, and what the server evaluates by itself run as they are, whatever mocks name them. It stops at an open task whose
ref has no mocks at all, at the end, and once no mocks are left to try; what it answers is what that round has seen. So
mocks of a sub-workflow count only while its parent has mocks of its own left.

Where the server's threads race with the mocks, the mocks win here: HTTP and START_WORKFLOW tasks of a tested execution
run only if a test stops before them.
"""

from __future__ import annotations

from typing import Any, Final

from pytest_k1n.engine.documents import execution_document
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.ids import seeded_id
from pytest_k1n.engine.problems import Illegal
from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.rest.request import Reply, Request, Route
from pytest_k1n.engine.rest.workflows import started
from pytest_k1n.engine.runtime.taskresults import amended
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import COMPLETED, OPEN_TASK, TERMINAL_WORKFLOW
from pytest_k1n.engine.values import JsonObject

_OPERATORS: Final = frozenset({
    "JOIN", "DO_WHILE", "SET_VARIABLE", "FORK", "INLINE", "TERMINATE", "DECISION", "DYNAMIC", "FORK_JOIN",
    "FORK_JOIN_DYNAMIC", "SWITCH", "SUB_WORKFLOW",
})  # fmt: skip


class _Mocks:
    """What is left of the mocks of one execution."""

    def __init__(self, request: Any) -> None:
        given = shapes.read(request, shapes.TEST)
        self.left = {ref: list(mocks) for ref, mocks in (given.get("taskRefToMockOutput") or {}).items()}
        inner = given.get("subWorkflowTestRequest") or {}
        self.inner = {ref: _Mocks(each) for ref, each in inner.items()}

    def __len__(self) -> int:
        """Count what is left in all, for telling whether a round got anywhere."""
        return sum(1 + len(mocks) for mocks in self.left.values()) + sum(map(len, self.inner.values()))


class _Trial:
    """One request: a tested execution and its mocks, those of its sub-workflows included."""

    def __init__(self, engine: Engine, mocks: _Mocks) -> None:
        self._engine = engine
        self._mocks = mocks
        self._root: ExecutionState | None = None

    def run(self, request: Request, domain: str) -> JsonObject:
        """Start the execution, and answer it as it stands when its mocks are used up."""
        runs = self._engine.system_runs
        with runs.held_back(self._is_tested):
            execution = self._root = started(request, domain=domain)
            answer = self._rounds(execution, self._mocks)
        self._engine.settle()
        return answer

    def _is_tested(self, task: TaskState) -> bool:
        return self._mocks_of(task.execution) is not None

    def _mocks_of(self, execution: ExecutionState) -> _Mocks | None:
        if execution.parent_id is None:
            return self._mocks if self._root in (None, execution) else None
        parent = self._engine.executions.get(execution.parent_id)
        outer = None if parent is None else self._mocks_of(parent)
        if parent is None or outer is None:
            return None
        task = next(task for task in parent.tasks if task.task_id == execution.parent_task_id)
        return outer.inner.get(task.ref)

    def _rounds(self, execution: ExecutionState, mocks: _Mocks) -> JsonObject:
        while True:
            seen = execution_document(execution)
            waiting = [task for task in execution.tasks if task.status in OPEN_TASK]
            if any(task.type not in _OPERATORS and task.ref not in mocks.left for task in waiting):
                return seen
            before = len(mocks)
            for task in waiting:
                self._try(task, mocks)
            if seen["status"] in TERMINAL_WORKFLOW or not mocks.left:
                return seen
            if not self._engine.system_runs.release("SUB_WORKFLOW") and len(mocks) == before:
                return seen  # the server would look at this 20,000 times

    def _try(self, task: TaskState, mocks: _Mocks) -> None:
        child = self._engine.executions.get(task.sub_id or "")
        if child is not None and task.ref in mocks.inner:
            self._rounds(child, mocks.inner[task.ref])
        if task.type in _OPERATORS or not mocks.left.get(task.ref):
            mocks.left.pop(task.ref, None)
        else:
            self._end(task, mocks.left[task.ref].pop(0))

    def _end(self, task: TaskState, mock: JsonObject) -> None:
        if task.status not in OPEN_TASK:
            return  # by what a mock before it in this round has led to
        if mock.get("output") is None:
            raise Illegal('Cannot invoke "java.util.Map.size()" because "m" is null')
        status, output = mock.get("status") or COMPLETED, dict(mock["output"])
        took_ms, waited_ms = mock.get("executionTime") or 0, mock.get("queueWaitTime") or 0
        if took_ms <= 0 and waited_ms <= 0:
            self._engine.update(task, amended(task, status, output))
            return
        now_ms = self._engine.now_ms
        task.status, task.output = status, {**task.output, **output}
        task.scheduled_ms, task.started_ms = now_ms - took_ms - waited_ms, now_ms - took_ms
        task.ticket += 1
        self._engine.decide(task.execution)
        self._engine.settle()
        if task.executed or task.retried:  # the last one of an execution is left without an end
            task.ended_ms = task.updated_ms = now_ms


def _test(request: Request) -> Reply:
    mocks = _Mocks(request.json())
    domain = seeded_id(request.engine.seed, f"test/{len(request.engine.executions)}")
    return Reply(payload=_Trial(request.engine, mocks).run(request, domain))


ROUTES = (Route("POST", "/workflow/test", _test),)
