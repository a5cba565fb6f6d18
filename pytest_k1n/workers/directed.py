"""Which task types can be ready next: what the worker polls fast, while everything else gets a slow round.

A prediction errs on the side of polling: every type that is ready is in it, or `is_certain` is false and the slow round
finds it. Wrong guesses cost one empty poll each; a missed type costs latency, never a hang. What follows a wait, a
person or a child is told apart: nobody tells the worker when those end, and they may take days.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from pytest_k1n.core.model import (
    SYSTEM_TASK_TYPES,
    TaskRecord,
    TaskStatus,
    WorkflowDefinition,
    WorkflowTask,
)

_LATER_OR_NEVER = frozenset({"SUB_WORKFLOW", "WAIT", "HUMAN"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What may be ready in one execution."""

    types: frozenset[str]
    later: frozenset[str]
    """What is ready as soon as a wait, a person or a sub-workflow that is open now has ended."""
    hides: bool
    """Whether tasks of types that only a look at the execution tells may be ready, now or later."""
    is_certain: bool
    """False where only the running execution knows: dynamic tasks and forks, sub-workflows, waits."""


def predict(definition: WorkflowDefinition, records: Iterable[TaskRecord]) -> Prediction:
    """Walk the definition as far as the records allow, through every alternative that they leave open.

    Records may be incomplete: the worker knows the tasks it polled and updated, not the operators in between.
    """
    walk = _Pass(records)
    walk.sequence(definition.tasks, 0, _Flow.NOW)
    types = frozenset(walk.types)
    later = frozenset(walk.later) - types
    return Prediction(types=types, later=later, hides=walk.hides, is_certain=walk.is_certain)


class _Flow(IntEnum):
    """Whether the flow may go on: all of several parts are the least of them, any of them the greatest."""

    NO = 0
    LATER = 1
    NOW = 2


class _Pass:
    """One pass over a definition; `iteration` is 0 outside loops. Every visit answers: may the flow go on after it?"""

    def __init__(self, records: Iterable[TaskRecord]) -> None:
        self.types: set[str] = set()
        self.later: set[str] = set()
        self.hides = False
        self.is_certain = True
        self._latest: dict[tuple[str, int], TaskRecord] = {}
        self._latest_of_ref: dict[str, TaskRecord] = {}
        self._ended: dict[tuple[str, int], _Flow] = {}
        for record in records:
            if (known := self._latest.get(record.key)) is None or record.seq >= known.seq:
                self._latest[record.key] = record
            if (known := self._latest_of_ref.get(record.ref)) is None or record.seq >= known.seq:
                self._latest_of_ref[record.ref] = record
        for record in self._latest.values():
            if record.is_worker_task and record.status is TaskStatus.SCHEDULED:
                self.types.add(record.type)  # dynamically forked ones are in no definition
            elif record.type == "SUB_WORKFLOW" and not record.status.is_terminal and not record.sub_workflow_id:
                self.hides = True

    def sequence(self, tasks: Sequence[WorkflowTask], iteration: int, flow: _Flow) -> _Flow:
        for task in tasks:
            flow = self._visit(task, iteration, flow)
            if flow is _Flow.NO:
                break
        return flow

    def _visit(self, task: WorkflowTask, iteration: int, flow: _Flow) -> _Flow:
        match task.type:
            case "SWITCH" | "DECISION":
                self._ended[task.ref, iteration] = flow  # the operator itself; its case's last task leads on
                return self._switch(task, iteration, flow)
            case "FORK_JOIN":
                for branch in task.branches:
                    self.sequence(branch, iteration, flow)
                goes_on = flow
            case "JOIN":
                goes_on = self._join(task, iteration)
            case "DO_WHILE":
                goes_on = self._loop(task, iteration, flow)
            case "TERMINATE":
                goes_on = _Flow.NO
            case "DYNAMIC":
                goes_on = self._dynamic(task, iteration, flow)
            case kind if kind in SYSTEM_TASK_TYPES:
                goes_on = self._system(task, iteration, flow)
            case _:
                goes_on = self._work(task, self._latest.get((task.ref, iteration)), flow)
        self._ended[task.ref, iteration] = goes_on
        return goes_on

    def _work(self, task: WorkflowTask, record: TaskRecord | None, flow: _Flow) -> _Flow:
        if record is None:
            self._expect(task, flow)
            return _Flow.NO
        if record.status in (TaskStatus.FAILED, TaskStatus.TIMED_OUT):
            self.types.add(record.type)  # the next attempt, after its delay
        return _after(task, record)

    def _expect(self, task: WorkflowTask, flow: _Flow) -> None:
        types = self.types if flow is _Flow.NOW else self.later
        types.add(task.name if task.type == "SIMPLE" else task.type)

    def _dynamic(self, task: WorkflowTask, iteration: int, flow: _Flow) -> _Flow:
        record = self._latest.get((task.ref, iteration))
        if record is None:
            self.is_certain, self.hides = False, True
            return _Flow.NO
        return self._work(task, record, flow)

    def _system(self, task: WorkflowTask, iteration: int, flow: _Flow) -> _Flow:
        record = self._latest.get((task.ref, iteration))
        if record is not None and record.status.is_terminal:
            return _after(task, record)
        if task.type == "FORK_JOIN_DYNAMIC":
            self.is_certain, self.hides = False, True
            return _Flow.NO
        if task.type not in _LATER_OR_NEVER:
            return flow  # it ends by itself, in the server's own time: what follows may be ready at any moment
        self.is_certain = False
        self.hides |= task.type == "SUB_WORKFLOW" and record is None
        return _Flow.LATER

    def _switch(self, task: WorkflowTask, iteration: int, flow: _Flow) -> _Flow:
        options = [*task.cases.values(), task.default_case]
        record = self._latest.get((task.ref, iteration))
        if record is not None and (case := _selected(record)) is not None:
            options, flow = [task.cases.get(case, task.default_case)], _Flow.NOW
        elif taken := [option for option in options if self._has_begun(option, iteration)]:
            options, flow = taken, _Flow.NOW
        return max([self.sequence(option, iteration, flow) for option in options])  # all of them, each adds its heads

    def _has_begun(self, tasks: Sequence[WorkflowTask], iteration: int) -> bool:
        return any((task.ref, iteration) in self._latest for task in tasks)

    def _join(self, task: WorkflowTask, iteration: int) -> _Flow:
        record = self._latest.get((task.ref, iteration))
        if record is not None and record.status.is_terminal:
            return _after(task, record)
        if task.join_on:
            return min(self._ended.get((ref, iteration), _Flow.NO) for ref in task.join_on)
        self.is_certain = False  # a dynamic fork's: joinOn is made when the fork is
        made = record.input.get("joinOn") if record is not None else None
        if not isinstance(made, list):
            return _Flow.NO
        forked = [self._latest.get((str(ref).removesuffix(f"__{iteration}"), iteration)) for ref in made]
        return min((_left(each) for each in forked), default=_Flow.NOW)

    def _loop(self, task: WorkflowTask, iteration: int, flow: _Flow) -> _Flow:
        if iteration:  # a loop in a loop: its iterations begin again at 1 each time round
            return self._anything_within(task, flow)
        record = self._latest_of_ref.get(task.ref)
        if record is not None and record.status.is_terminal:
            return _after(task, record)
        refs = {inner.ref for inner in _own_tasks(task.loop_over)}
        current = max((n for ref, n in self._latest if ref in refs), default=1)
        goes_on = self.sequence(task.loop_over, current, flow)
        if goes_on:
            self.sequence(task.loop_over, current + 1, goes_on)
        return max(goes_on, flow if "items" in task.raw or "_items" in task.inputs else _Flow.NO)

    def _anything_within(self, loop: WorkflowTask, flow: _Flow) -> _Flow:
        for body in loop.nested():
            for task in body:
                for inner in WorkflowDefinition(name="", tasks=(task,)).walk():
                    if inner.type not in SYSTEM_TASK_TYPES and inner.type != "DYNAMIC":
                        self._expect(inner, flow)
                    elif inner.type in _LATER_OR_NEVER or inner.type in ("DYNAMIC", "FORK_JOIN_DYNAMIC"):
                        self.is_certain = False
        return flow


def _after(task: WorkflowTask, record: TaskRecord) -> _Flow:
    """Tell how the flow goes on after a task's latest attempt (which a retry may still follow).

    Its record proves that whatever stands before it is over, also where the worker has not heard of that.
    """
    leads_on = record.status.is_terminal and (record.status.is_successful or task.optional or task.permissive)
    return _Flow.NOW if leads_on else _Flow.NO


def _left(forked: TaskRecord | None) -> _Flow:
    """Tell when one of a dynamic fork's branches lets the flow go on."""
    if forked is None or (forked.is_worker_task and not forked.status.is_terminal):
        return _Flow.NO
    return _Flow.LATER if forked.type in _LATER_OR_NEVER and not forked.status.is_terminal else _Flow.NOW


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
