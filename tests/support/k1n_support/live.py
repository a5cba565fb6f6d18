"""An execution under a test's hands: everything a test does to it, all on the engine's time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_k1n.core.units import format_ms
from pytest_k1n.engine.documents import execution_document
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.operate import operations
from pytest_k1n.engine.registry.constraints import check_workflow
from pytest_k1n.engine.registry.wiredefaults import workflow_document
from pytest_k1n.engine.runtime.taskresults import TaskResult
from pytest_k1n.engine.runtime.virtualwork import UNLIMITED, VirtualWorker
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import COMPLETED, FAILED, OPEN_TASK, TERMINAL_WORKFLOW
from pytest_k1n.engine.values import JsonObject


class NotReached(AssertionError):
    """What was waited for did not come to be; the message says what the execution waits for instead."""


class ExecutionHandle:
    """One started execution. Time passes only inside `advance`, `wait_for` and `wait`."""

    def __init__(self, engine: Engine, state: ExecutionState) -> None:
        self.engine = engine
        self.state = state

    @property
    def workflow_id(self) -> str:
        return self.state.workflow_id

    @property
    def is_terminal(self) -> bool:
        return self.state.status in TERMINAL_WORKFLOW

    def document(self) -> JsonObject:
        """Return the execution as `GET /workflow/{id}` answers it."""
        return execution_document(self.state)

    def task(self, ref: str) -> TaskState | None:
        """Return the last attempt of a ref (of its last iteration, in a loop), or None while it is not scheduled."""
        return self.state.latest.get(ref) or self.state.plain.get(ref)

    def advance(self, duration_ms: int) -> None:
        """Let a duration pass."""
        self.engine.advance(duration_ms)

    def wait_for(self, ref: str, *, within_ms: int | None = None) -> TaskState:
        """Let time pass until a task is scheduled; return it. Raises NotReached."""
        self._reach(lambda: self.task(ref) is not None or self.is_terminal, within_ms)
        task = self.task(ref)
        if task is None:
            raise NotReached(f"task {ref} was never scheduled; {self._situation()}")
        return task

    def wait(self, *, within_ms: int | None = None) -> None:
        """Let time pass until the execution is terminal. Raises NotReached."""
        if not self._reach(lambda: self.is_terminal, within_ms):
            after = "" if within_ms is None else f" within {format_ms(within_ms)}"
            raise NotReached(f"the execution did not end{after}; {self._situation()}")

    def complete(self, ref: str, output: Mapping[str, Any] | None = None) -> None:
        """Complete an open task as a worker would. Raises NotReached if there is none."""
        self._report(ref, COMPLETED, output, None)

    def fail(self, ref: str, reason: str = "", *, terminal: bool = False) -> None:
        """Fail an open task as a worker would; `terminal` allows no retry. Raises NotReached if there is none."""
        self._report(ref, "FAILED_WITH_TERMINAL_ERROR" if terminal else FAILED, None, reason or None)

    def pause(self) -> None:
        operations.pause(self.state)

    def resume(self) -> None:
        operations.resume(self.engine, self.state)

    def terminate(self, reason: str | None = None) -> None:
        operations.terminate(self.engine, self.state, reason)

    def retry(self) -> None:
        operations.retry(self.engine, self.state)

    def restart(self) -> None:
        operations.restart(self.engine, self.state)

    def skip(self, ref: str) -> None:
        operations.skip(self.engine, self.state, ref)

    def _report(self, ref: str, status: str, output: Mapping[str, Any] | None, reason: str | None) -> None:
        task = self.task(ref)
        if task is None or task.status not in OPEN_TASK:
            raise NotReached(f"task {ref} is not open; {self._situation()}")
        self.engine.take(task)
        self.engine.update(task, TaskResult(status=status, output=dict(output or {}), reason=reason, worker_id="test"))

    def _reach(self, is_reached: Any, within_ms: int | None) -> bool:
        horizon_ms = None if within_ms is None else self.engine.now_ms + within_ms
        return self.engine.run_until(is_reached, horizon_ms=horizon_ms)

    def _situation(self) -> str:
        open_tasks = ", ".join(f"{task.ref} {task.status}" for task in self.state.live if task.status in OPEN_TASK)
        return f"it is {self.state.status} and waits for {open_tasks or 'nothing'}"


def start(
    engine: Engine,
    definition: Mapping[str, Any],
    input_: Mapping[str, Any] | None = None,
    *,
    correlation_id: str | None = None,
    domains: Mapping[str, str] | None = None,
) -> ExecutionHandle:
    """Start a workflow definition given as a document. Raises Invalid, with what the engine refuses."""
    document = dict(definition)
    check_workflow(workflow_document(document), f"workflow {document.get('name')}")
    engine.tick()
    state = engine.start(
        engine.catalogue.inline(document),
        dict(input_ or {}),
        correlation_id=correlation_id,
        domains=dict(domains or {}),
    )
    return ExecutionHandle(engine, state)


def run(
    engine: Engine,
    definition: Mapping[str, Any],
    input_: Mapping[str, Any] | None = None,
    *,
    worker: VirtualWorker,
    slots: int = UNLIMITED,
    within_ms: int | None = None,
) -> ExecutionHandle:
    """Start a definition with a worker for all tasks; let time pass until it ends. Raises Invalid, NotReached."""
    engine.attach_to_all(worker, slots=slots)
    execution = start(engine, definition, input_)
    execution.wait(within_ms=within_ms)
    return execution
