"""Which task types can be ready next: what the worker polls fast, while everything else gets a slow round.

A prediction errs on the side of polling: every type that is ready is in it, or `is_certain` is false and the slow round
finds it. Wrong guesses cost one empty poll each; a missed type costs latency, never a hang.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_k1n.core.model import (
    SYSTEM_TASK_TYPES,
    TaskRecord,
    TaskStatus,
    WorkflowDefinition,
    WorkflowTask,
)

_PASS_SOON = SYSTEM_TASK_TYPES - {"SUB_WORKFLOW", "WAIT", "HUMAN", "TERMINATE"}
"""System tasks that end by themselves, in the server's own time: what follows them may be ready at any moment."""
_LATER_OR_NEVER = frozenset({"SUB_WORKFLOW", "WAIT", "HUMAN"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What may be ready in one execution."""

    types: frozenset[str]
    is_certain: bool
    """False where only the running execution knows: dynamic tasks and forks, sub-workflows, waits."""


def predict(definition: WorkflowDefinition, records: Iterable[TaskRecord]) -> Prediction:
    """Walk the definition as far as the records allow, through every alternative that they leave open.

    Records may be incomplete: the worker knows the tasks it polled and updated, not the operators in between.
    """
    walk = _Pass(records)
    walk.sequence(definition.tasks, 0)
    return Prediction(types=frozenset(walk.types), is_certain=walk.is_certain)


class _Pass:
    """One pass over a definition; `iteration` is 0 outside loops. Every visit answers: may the flow go on after it?"""

    def __init__(self, records: Iterable[TaskRecord]) -> None:
        self.types: set[str] = set()
        self.is_certain = True
        self._latest: dict[tuple[str, int], TaskRecord] = {}
        self._latest_of_ref: dict[str, TaskRecord] = {}
        self._ended: dict[tuple[str, int], bool] = {}
        for record in records:
            if (known := self._latest.get(record.key)) is None or record.seq >= known.seq:
                self._latest[record.key] = record
            if (known := self._latest_of_ref.get(record.ref)) is None or record.seq >= known.seq:
                self._latest_of_ref[record.ref] = record
        for record in self._latest.values():
            if record.is_worker_task and record.status is TaskStatus.SCHEDULED:
                self.types.add(record.type)  # dynamically forked ones are in no definition

    def sequence(self, tasks: Sequence[WorkflowTask], iteration: int) -> bool:
        return all(self._visit(task, iteration) for task in tasks)

    def _visit(self, task: WorkflowTask, iteration: int) -> bool:
        match task.type:
            case "SWITCH" | "DECISION":
                self._ended[task.ref, iteration] = True  # the operator itself; its case's last task leads on
                return self._switch(task, iteration)
            case "FORK_JOIN":
                for branch in task.branches:
                    self.sequence(branch, iteration)
                goes_on = True
            case "JOIN":
                goes_on = self._join(task, iteration)
            case "DO_WHILE":
                goes_on = self._loop(task, iteration)
            case "TERMINATE":
                goes_on = False
            case "DYNAMIC":
                goes_on = self._dynamic(task, iteration)
            case kind if kind in SYSTEM_TASK_TYPES:
                goes_on = self._system(task, iteration)
            case _:
                goes_on = self._work(task, self._latest.get((task.ref, iteration)))
        self._ended[task.ref, iteration] = goes_on
        return goes_on

    def _work(self, task: WorkflowTask, record: TaskRecord | None) -> bool:
        if record is None:
            self.types.add(task.name if task.type == "SIMPLE" else task.type)
            return False
        if record.status in (TaskStatus.FAILED, TaskStatus.TIMED_OUT):
            self.types.add(record.type)  # the next attempt, after its delay
        return _leads_on(task, record)

    def _dynamic(self, task: WorkflowTask, iteration: int) -> bool:
        record = self._latest.get((task.ref, iteration))
        if record is None:
            self.is_certain = False
            return False
        return self._work(task, record)

    def _system(self, task: WorkflowTask, iteration: int) -> bool:
        record = self._latest.get((task.ref, iteration))
        if record is not None and record.status.is_terminal:
            return _leads_on(task, record)
        if task.type in _LATER_OR_NEVER or task.type == "FORK_JOIN_DYNAMIC":
            self.is_certain = False
        return task.type in _PASS_SOON

    def _switch(self, task: WorkflowTask, iteration: int) -> bool:
        options = [*task.cases.values(), task.default_case]
        record = self._latest.get((task.ref, iteration))
        if record is not None and (case := _selected(record)) is not None:
            options = [task.cases.get(case, task.default_case)]
        elif taken := [option for option in options if self._has_begun(option, iteration)]:
            options = taken
        over = [self.sequence(option, iteration) for option in options]  # all of them, each adds its heads
        return any(over)

    def _has_begun(self, tasks: Sequence[WorkflowTask], iteration: int) -> bool:
        return any((task.ref, iteration) in self._latest for task in tasks)

    def _join(self, task: WorkflowTask, iteration: int) -> bool:
        record = self._latest.get((task.ref, iteration))
        if record is not None and record.status.is_terminal:
            return _leads_on(task, record)
        if task.join_on:
            return all(self._ended.get((ref, iteration), False) for ref in task.join_on)
        self.is_certain = False  # a dynamic fork's: joinOn is made when the fork is
        return False

    def _loop(self, task: WorkflowTask, iteration: int) -> bool:
        if iteration:  # a loop in a loop: its iterations begin again at 1 each time round
            return self._anything_within(task)
        record = self._latest_of_ref.get(task.ref)
        if record is not None and record.status.is_terminal:
            return _leads_on(task, record)
        refs = {inner.ref for inner in _own_tasks(task.loop_over)}
        current = max((n for ref, n in self._latest if ref in refs), default=1)
        goes_on = self.sequence(task.loop_over, current)
        if goes_on:
            self.sequence(task.loop_over, current + 1)
        return goes_on or "items" in task.raw or "_items" in task.inputs

    def _anything_within(self, loop: WorkflowTask) -> bool:
        for body in loop.nested():
            for task in body:
                for inner in WorkflowDefinition(name="", tasks=(task,)).walk():
                    if inner.type not in SYSTEM_TASK_TYPES and inner.type != "DYNAMIC":
                        self.types.add(inner.name if inner.type == "SIMPLE" else inner.type)
                    elif inner.type in _LATER_OR_NEVER or inner.type in ("DYNAMIC", "FORK_JOIN_DYNAMIC"):
                        self.is_certain = False
        return True


def _leads_on(task: WorkflowTask, record: TaskRecord) -> bool:
    """Tell whether the flow may go on after a task's latest attempt (which a retry may still follow)."""
    return record.status.is_terminal and (record.status.is_successful or task.optional or task.permissive)


def _selected(record: TaskRecord) -> str | None:
    """Return the case that a SWITCH or DECISION chose, as the server recorded it."""
    case = record.output.get("selectedCase")
    if case is None and isinstance(chosen := record.output.get("caseOutput"), list) and chosen:
        case = chosen[0]
    return case if isinstance(case, str) else None


def _own_tasks(tasks: Sequence[WorkflowTask]) -> Iterable[WorkflowTask]:
    """Yield the tasks of a loop's body at any depth, but not those of loops inside it."""
    for task in tasks:
        yield task
        if task.type != "DO_WHILE":
            for nested in task.nested():
                yield from _own_tasks(nested)
