"""A worker in the engine's own process: calls handlers, whose work takes virtual time and no other."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_k1n.core.model import Json
from pytest_k1n.core.standins.jitter import jitter_of
from pytest_k1n.core.standins.simulation import RESERVED
from pytest_k1n.engine.language import secrets
from pytest_k1n.engine.runtime.virtualwork import VirtualResult
from pytest_k1n.engine.state import TaskState
from pytest_k1n.workers.handler import NamedHandler, Outcome, Status, Stopped, TaskContext, invoke
from pytest_k1n.workers.misbehaviour import Fault, fault_of, spoiled
from pytest_k1n.workers.registry import Handlers
from pytest_k1n.workers.time_limit import Overdue, bounded

if TYPE_CHECKING:
    pass


MAX_PAYLOAD_BYTES = 10 * 1024 * 1024
"""Of a task's output: Conductor fails a task that says more."""


GRACE_S = 0.1
"""How much longer than it may a handler works before it is interrupted: not a quick one of an endless loop."""


class HandlerWorker:
    """Runs handlers for the engine; `context.sleep` is the virtual time that their work takes."""

    def __init__(
        self,
        handlers: Handlers,
        *,
        seed: int = 0,
        estimates_ms: Mapping[tuple[str, str], int] | None = None,
        takes_ms: Mapping[str, int] | None = None,
        jitters: Mapping[str, float] | None = None,
        faults: Sequence[Fault] = (),
    ) -> None:
        """`takes_ms` tells by ref or task name, for any workflow, what `estimates_ms` tells by workflow and ref.

        `jitters` tells by workflow how much simulated work varies; "" stands for all others.
        """
        self.invocations: list[Mapping[str, Json]] = []
        self.on_work: Callable[[], None] = lambda: None
        """Called before each task: code that waits for the engine may end it by an exception."""
        self.on_late: Callable[[], None] = lambda: None
        """Called before a handler that would only begin when the time for all of them is over."""
        self.has_died = False
        self.on_death: Callable[[], None] = lambda: None
        """Called when the fault `die` strikes."""
        self.executions: Callable[[str], Iterable[str]] = lambda _workflow: ()
        """Finds the ids of a workflow's executions: what a `leak` gives away before there is any output."""
        self._handlers = handlers
        self._seed = seed
        self._estimates_ms = estimates_ms or {}
        self._takes_ms = takes_ms or {}
        self._jitters = jitters or {}
        self._faults = faults
        self._last_output: dict[str, Mapping[str, Json]] = {}
        self._within_ms = 0
        self._deadline_s: float | None = None

    @contextmanager
    def within(self, ms: int) -> Iterator[None]:
        """Let handlers work for so much real time and no longer: one still at work is ended by a TimeoutError."""
        before = self._within_ms, self._deadline_s
        self._within_ms, self._deadline_s = ms, time.monotonic() + ms / 1000
        try:
            yield
        finally:
            self._within_ms, self._deadline_s = before

    def work(self, task: TaskState) -> VirtualResult:
        """Invoke the handler of a task, with the fault it is to commit, if any."""
        self.on_work()
        workflow = task.execution.definition.name
        fault = fault_of(self._faults, workflow, task.plain_ref, task.attempt)
        kind = fault.kind if fault else None
        if kind == "die":
            self.has_died = True
            self.on_death()
            return VirtualResult(work_ms=None, heartbeats=False)
        if kind == "hang":
            self._note(task, None, "STOPPED")
            return VirtualResult(work_ms=None, heartbeats=False)
        handler = self._handlers.find(task.plain_ref, task.type, name=task.name, iteration=task.iteration)
        outcome, logs = self._invoke(handler, task)
        if kind == "twice":
            outcome, more = self._invoke(handler, task)
            logs += more
        if fault is not None:
            outcome = self._distorted(outcome, fault)
        self._last_output[workflow] = outcome.output
        status: Status = outcome.status
        output: dict[str, Json] = dict(outcome.output)
        if outcome.simulated:  # what real handlers return is the user's data: nothing of ours is put among it
            output[RESERVED] = {"simulated": True, "work_ms": outcome.work_ms, "handler": handler.name}
        reason = outcome.reason
        if (size := _size(output)) > MAX_PAYLOAD_BYTES:
            status, output = "FAILED_WITH_TERMINAL_ERROR", {}
            reason = (
                f"The payload size: {size} of task: {task.task_id} in workflow: {task.execution.workflow_id}  is "
                f"greater than the permissible limit: {MAX_PAYLOAD_BYTES} bytes"
            )
        return VirtualResult(
            status=status,
            output=output,
            reason=reason,
            callback_s=outcome.callback_s,
            logs=(*logs, *outcome.logs) or (f"{task.ref}: {outcome.status}",),
            work_ms=outcome.work_ms,
        )

    def wants(self, task: TaskState) -> bool:
        """Tell whether a task has a handler of its own, and would not be simulated."""
        return self._handlers.has(task.plain_ref, task.type, name=task.name, iteration=task.iteration)

    def _invoke(self, handler: NamedHandler, task: TaskState) -> tuple[Outcome, list[str]]:
        slept = [0.0]
        logs: list[str] = []

        def sleep(ms: float) -> None:
            slept[0] += max(0.0, ms)

        context = self._context(task, logs.append, sleep)
        is_simulated = handler.example is not None or handler is self._handlers.rest
        try:
            if self._deadline_s is None or is_simulated:
                outcome = invoke(handler.call, context)
            else:
                left_s = self._deadline_s - time.monotonic()
                if left_s <= 0:
                    self.on_late()
                outcome = bounded(lambda: invoke(handler.call, context), max(left_s, 0) + GRACE_S)
        except Stopped:
            outcome = Outcome(status="FAILED", reason="the handler stopped itself")
        except Overdue:
            raise TimeoutError(
                f"{task.execution.definition.name} has not ended within {self._within_ms / 1000:g}s of real time: the "
                f"handler of {task.ref} was still at work, and has been interrupted"
            ) from None
        # What a handler really took counts for nothing here; what it says it would take, does.
        declared = 0 if outcome.simulated else outcome.work_ms or 0
        outcome = replace(outcome, work_ms=round(slept[0]) or declared)
        self._note(task, outcome.work_ms, outcome.status)
        return outcome, logs

    def _context(self, task: TaskState, log: Callable[[str], None], sleep: Callable[[float], None]) -> TaskContext:
        workflow = task.execution.definition.name
        estimate_ms = self._estimates_ms.get((workflow, task.plain_ref))
        for key in (task.plain_ref, task.name, task.type):
            estimate_ms = self._takes_ms.get(key) if estimate_ms is None else estimate_ms
        schema = task.task_def.document.get("outputSchema") if task.task_def is not None else None
        return TaskContext(
            workflow_id=task.execution.workflow_id,
            workflow_name=workflow,
            correlation_id=task.execution.correlation_id,
            ref=task.plain_ref,
            iteration=task.iteration,
            task_id=task.task_id,
            task_type=task.type,
            task_name=task.name,
            attempt=task.attempt,
            input=_copied(secrets.revealed(task.input)),
            estimate_ms=estimate_ms,
            output_schema=schema.get("data") if isinstance(schema, dict) else None,
            speed=1.0,
            seed=self._seed,
            jitter=jitter_of(workflow, self._jitters),
            log=log,
            sleep=sleep,
        )

    def _distorted(self, outcome: Outcome, fault: Fault) -> Outcome:
        if fault.kind == "slow":
            return replace(outcome, work_ms=round((outcome.work_ms or 0) * fault.factor))
        ids: list[Json] = list(self.executions(fault.value)) if fault.kind == "leak" else []
        return spoiled(outcome, fault, {**self._last_output.get(fault.value, {}), "leaked": ids})

    def _note(self, task: TaskState, work_ms: int | None, status: str) -> None:
        begin_ms = task.started_ms
        entry: dict[str, Json] = {
            "task_id": task.task_id,
            "workflow_id": task.execution.workflow_id,
            "workflow": task.execution.definition.name,
            "ref": task.plain_ref,
            "iteration": task.iteration,
            "attempt": task.attempt,
            "begin_ms": begin_ms,
            "end_ms": None if work_ms is None else begin_ms + work_ms,
            "status": status,
        }
        self.invocations.append(entry)


def _size(output: Mapping[str, Json]) -> int:
    """Measure an output in bytes as Conductor does; a small one only nearly."""
    text = repr(output)
    if 4 * len(text) < MAX_PAYLOAD_BYTES:
        return len(text)
    return len(json.dumps(output, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace"))


def _copied(value: Any) -> Any:
    """Copy a JSON value: what a handler does to its input is its own business, as on a server."""
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value
