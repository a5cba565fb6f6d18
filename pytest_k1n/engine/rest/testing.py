"""POST /workflow/test: run a definition on mocked results, as far as they go (conductor.md 5.6).

The i-th mock of a ref ends its i-th attempt (of a worker's task, a WAIT, a HUMAN) without any delay; the execution is
an ordinary one, in a task domain of its own. What a mock says of durations is ignored: here no time passes.
"""

from __future__ import annotations

from typing import Final

from pytest_k1n.engine import shapes
from pytest_k1n.engine.documents import execution_document
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.ids import seeded_id
from pytest_k1n.engine.reports import Report
from pytest_k1n.engine.rest.workflows import started
from pytest_k1n.engine.routes import Reply, Request, Route
from pytest_k1n.engine.state import ExecutionState, JsonObject, TaskState
from pytest_k1n.engine.status import COMPLETED, OPEN_TASK

_WAITING: Final = ("SIMPLE", "WAIT", "HUMAN")


class _Mocks:
    """What is left of the mocks of one execution."""

    def __init__(self, request: JsonObject) -> None:
        given = shapes.read_map(request.get("taskRefToMockOutput") or {})
        self._left = {
            ref: [shapes.read(each, shapes.MOCK) for each in shapes.read_any_list(mocks)]
            for ref, mocks in given.items()
        }
        inner = shapes.read_map(request.get("subWorkflowTestRequest") or {})
        self.inner = {ref: _Mocks(shapes.read_map(each)) for ref, each in inner.items()}

    def take(self, task: TaskState) -> JsonObject | None:
        """Return the next mock of a task's ref, or None."""
        left = self._left.get(task.ref) or self._left.get(task.plain_ref)
        return left.pop(0) if left else None


def _test(request: Request) -> Reply:
    document = shapes.read_map(shapes.parse(request.body))
    mocks = _Mocks(document)
    domain = seeded_id(request.engine.seed, f"test/{len(request.engine.executions)}")
    execution = started(request, domain=domain)
    while _end_one(request.engine, execution, mocks):
        pass  # each takes one mock
    return Reply(payload=execution_document(execution))


def _end_one(engine: Engine, execution: ExecutionState, mocks: _Mocks) -> bool:
    """End the first open task that there is a mock for; tell whether there was one."""
    for task in list(execution.live):
        if task.status not in OPEN_TASK:
            continue
        child = engine.executions.get(task.sub_id or "")
        if child is not None and task.ref in mocks.inner and _end_one(engine, child, mocks.inner[task.ref]):
            return True
        if task.node.type in _WAITING and (mock := mocks.take(task)) is not None:
            engine.take(task)
            engine.update(task, Report(status=mock.get("status") or COMPLETED, output=dict(mock.get("output") or {})))
            return True
    return False


ROUTES = (Route("POST", "/workflow/test", _test),)
