"""From a workflow definition to its happens-before graph.

Without an execution this is the plan: every case of a SWITCH an alternative, loops once round, dynamic forks closed.
With one it is that execution's requirement: loops unrolled as often as they went round, the cases that were taken,
dynamic forks opened, and beyond the records whatever the definition still has to come.

It is lenient on purpose: what makes no sense (see `lint`) demands nothing, and the graph is acyclic always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from pytest_k1n.core.model import Execution, TaskKey, TaskRecord, WorkflowDefinition, WorkflowTask
from pytest_k1n.core.order.graph import Choice, Edge, Graph, ParallelGroup, label
from pytest_k1n.core.order.required import expected_keys, refs_in, unexpected_keys
from pytest_k1n.core.wire import wire

__all__ = [
    "Edge",
    "Graph",
    "ParallelGroup",
    "expected_keys",
    "happens_before",
    "label",
    "selected_case",
    "unexpected_keys",
]

Ends = tuple[int, ...] | None
"""Whose end lets the next task be scheduled, by position: one task, or alternatives; none at the start; None: nothing
follows."""

Reason = Callable[[str], str]
"""Says in words what an edge into the task of this name comes from."""

_LEADING = frozenset({"DO_WHILE", "SWITCH", "DECISION", "FORK_JOIN", "FORK_JOIN_DYNAMIC", "TERMINATE"})
"""Operators after which it does not simply go on with the next task."""

_DECIDED_BY_EXECUTIONS = _LEADING - {"FORK_JOIN", "TERMINATE"}
"""Operators of which only an execution says how often, which way or how widely they went."""

MOST_MISSING = 1000
"""Rounds of a loop that a record counts beyond what is on record: more are not unrolled, a forged count has no end."""


def happens_before(definition: WorkflowDefinition, execution: Execution | None = None) -> Graph:
    """Derive which task must have ended before which is scheduled. Never raises: `lint` says what is wrong.

    Keys are (ref, iteration) as in `TaskRecord.key`; a plan names a loop's body with iteration 1. A sub-workflow is one
    opaque task. Nodes of a JOIN and a DO_WHILE stand for their *end*: the server stamps their start at the fork and
    before the first iteration. A JOIN waits for its `joinOn` only, so a branch left out of it runs on beside the rest.
    """
    known = definition.derived.get("graph")
    if isinstance(known, Graph):
        return known
    unrolling = _Unrolling(execution)
    unrolling.follow(definition.tasks, ())
    unrolling.forget()
    graph = Graph(
        nodes=dict(zip(unrolling.order, unrolling.tasks, strict=True)),
        predecessor_positions=unrolling.before,
        origins=unrolling.origins,
        alternatives=unrolling.groups,
        forks=unrolling.forks,
        undecided=unrolling.undecided,
    )
    if _DECIDED_BY_EXECUTIONS.isdisjoint([task.type for task in definition.walk()]):
        definition.derived["graph"] = graph
    return graph


def selected_case(record: TaskRecord) -> str | None:
    """Return the value that a SWITCH or DECISION evaluated to; `None` before it has."""
    results = record.output.get("evaluationResult") or record.output.get("caseOutput")
    chosen = record.output.get("selectedCase")
    if chosen is None and isinstance(results, list) and results:
        chosen = results[0]
    return None if chosen is None else str(chosen)


class _Unrolling:
    """Walks a definition, and adds every task after all that it waits for: so the graph cannot have a cycle."""

    def __init__(self, execution: Execution | None) -> None:
        self.records: Mapping[TaskKey, TaskRecord] = execution.finals if execution else {}
        self._counts: dict[str, set[int]] = {}  # by ref: the iterations on record
        for ref, count in self.records if execution and any(execution.columns.iteration) else ():
            if count:
                self._counts.setdefault(ref, set()).add(count)
        self.position: dict[TaskKey, int] = {}
        self.order: list[TaskKey] = []
        self.tasks: list[WorkflowTask] = []
        self.before: list[tuple[int, ...]] = []
        self.groups: dict[int, tuple[int, ...]] = {}
        self.forks: dict[TaskKey, tuple[tuple[TaskKey, ...], ...]] = {}
        self.undecided: dict[TaskKey, tuple[Choice, ...]] = {}
        self._reasons: dict[int, Reason] = {}
        """By position, where it is no plain edge of the definition."""
        self._waits: dict[int, int] = {}
        """Of a JOIN, how many edges into it come before those of what it waits for."""
        self._choices: tuple[Choice, ...] = ()
        self._forked: dict[int, tuple[str, ...]] = {}
        self._groups = 0

    def forget(self) -> None:
        """Let go of the records: the graph, which asks for origins later, may outlive the execution."""
        self.records, self._counts = {}, {}

    def origins(self, position: int) -> list[str]:
        """Say of every edge into a position what it comes from."""
        befores, name = [self._label(each) for each in self.before[position]], self._label(position)
        first = self._waits.get(position, len(befores))
        reason = self._reasons.get(position)
        said = [reason(name) if reason else f"definition edge {each} -> {name}" for each in befores[:first]]
        return said + [f"{name} waits for {each}" for each in befores[first:]]

    def _label(self, position: int) -> str:
        return label(self.order[position])

    def follow(
        self, tasks: Sequence[WorkflowTask], ends: Ends, iteration: int = 0, reason: Reason | None = None
    ) -> Ends:
        """Add tasks that follow one another; `reason` says in words how the first of them is reached."""
        for task in tasks:
            if ends is None:  # a TERMINATE before it: never scheduled
                return None
            if task.type in _LEADING:
                ends = self._place(task, ends, iteration, reason)
            else:
                ends = (self._add(task, ends, iteration, reason),)
            reason = None
        return ends

    def _place(self, task: WorkflowTask, ends: tuple[int, ...], iteration: int, reason: Reason | None) -> Ends:
        if task.type == "DO_WHILE":
            return self._loop(task, ends, iteration)
        position = self._add(task, ends, iteration, reason)
        key = (task.ref, iteration)
        if task.type in ("SWITCH", "DECISION"):
            return self._switch(task, key, position)
        if task.type in ("FORK_JOIN", "FORK_JOIN_DYNAMIC"):
            self._fork(task, key, position)
        return None if task.type == "TERMINATE" else (position,)

    def _add(self, task: WorkflowTask, ends: tuple[int, ...], iteration: int, reason: Reason | None = None) -> int:
        key, position = (task.ref, iteration), len(self.tasks)
        known = self.position.setdefault(key, position)
        if known != position:  # a duplicate ref: the server knows only one of them
            return known
        self.order.append(key)
        self.tasks.append(task)
        self.before.append(ends)
        if self._choices:
            self.undecided[key] = self._choices
        if reason is not None:
            self._reasons[position] = reason
        if len(ends) > 1:
            self.groups[position] = (self._new_group(),) * len(ends)
        if task.type in ("JOIN", "EXCLUSIVE_JOIN"):
            self._wait(task, key, position, ends)
        return position

    def _wait(self, task: WorkflowTask, key: TaskKey, position: int, ends: tuple[int, ...]) -> None:
        """Add the edges from what a JOIN (all of it) or an EXCLUSIVE_JOIN (any of it) waits for, if not there."""
        join_on = self._join_on(task, key, ends)
        found = [self.position.get((ref, key[1]), position) for ref in dict.fromkeys(join_on)]
        befores = [before for before in found if before != position]
        is_any = task.type == "EXCLUSIVE_JOIN" and len(befores) > 1
        if befores == list(ends) or (is_any and set(befores) == set(ends)):
            return
        known = ends if len(ends) == 1 and not is_any else ()
        befores = [before for before in befores if before not in known]
        if is_any or position in self.groups:
            group = self._new_group() if is_any else 0
            self.groups[position] = (*self.groups.get(position, (0,) * len(ends)), *([group] * len(befores)))
        self._waits[position] = len(ends)
        self.before[position] = (*ends, *befores)

    def _join_on(self, task: WorkflowTask, key: TaskKey, ends: tuple[int, ...]) -> Sequence[str]:
        forked = self._forked.get(ends[0]) if ends else None
        if forked is None:
            return task.join_on
        record = self.records.get(key)  # the server writes there what a dynamic fork's JOIN waits for
        noted = record.input.get("joinOn") if record else None
        if not isinstance(noted, list):
            return forked
        return [wire.split_iteration(ref)[0] if key[1] else ref for ref in noted if isinstance(ref, str)]

    def _fork(self, task: WorkflowTask, key: TaskKey, position: int) -> None:
        branches = task.branches if task.type == "FORK_JOIN" else self._forked_tasks(key, position)
        members: list[tuple[TaskKey, ...]] = []
        reason = _leading_to(f"fork {label(key)} starts")
        for branch in branches:
            first = len(self.order)
            self.follow(branch, (position,), key[1], reason)
            members.append(tuple(self.order[first:]))
        self.forks[key] = tuple(members)

    def _forked_tasks(self, key: TaskKey, position: int) -> tuple[tuple[WorkflowTask, ...], ...]:
        """Open a dynamic fork by what the server noted on the FORK (its input) and on the forked tasks' records."""
        record = self.records.get(key)
        if record is None:
            return ()
        try:
            forked = wire.workflow_tasks(record.input.get("forkedTaskDefs"), f"forkedTaskDefs of {label(key)}")
        except wire.WireError:  # in external storage, or dropped: the forked records' own snapshots will do
            refs = record.input.get("forkedTasks")
            names = [ref for ref in refs if isinstance(ref, str)] if isinstance(refs, list) else []
            forked = tuple(self._snapshot(ref, key[1]) for ref in names)
        self._forked[position] = tuple(task.ref for task in forked)
        return tuple((task,) for task in forked)

    def _snapshot(self, ref: str, iteration: int) -> WorkflowTask:
        record = self.records.get((ref, iteration))
        if record is None:
            return WorkflowTask(ref=ref, name=ref)
        return record.workflow_task or WorkflowTask(ref=ref, name=record.def_name, type=record.type)

    def _switch(self, task: WorkflowTask, key: TaskKey, position: int) -> Ends:
        name = label(key)
        cases = {f"case {case!r}": tasks for case, tasks in task.cases.items()} | {
            "the default case": task.default_case
        }
        taken = self._taken(task, key)
        if taken is not None:
            return self.follow(cases[taken], (position,), key[1], _leading_to(f"{name} takes {taken} to"))
        ends: dict[int, None] = {}
        for case, tasks in cases.items():
            outside, self._choices = self._choices, (*self._choices, (key, case))
            last = self.follow(tasks, (position,), key[1], _leading_to(f"{name} may take {case} to"))
            self._choices = outside
            ends.update(dict.fromkeys(last or ()))
        return tuple(ends) or None

    def _taken(self, task: WorkflowTask, key: TaskKey) -> str | None:
        """Find the case a SWITCH took: by its output, else by which case has records; None while that is open."""
        record = self.records.get(key)
        if record is None:
            return None
        chosen = selected_case(record)
        if chosen is not None:  # a case that is there but empty is taken too, and leads straight on (3.32.1)
            return f"case {chosen!r}" if chosen in task.cases else "the default case"
        begun = [f"case {case!r}" for case, tasks in task.cases.items() if self._has_begun(tasks, key[1])]
        if self._has_begun(task.default_case, key[1]):
            begun.append("the default case")
        return begun[0] if len(begun) == 1 else None

    def _has_begun(self, tasks: Sequence[WorkflowTask], iteration: int) -> bool:
        return bool(tasks) and (tasks[0].ref, iteration) in self.records

    def _loop(self, task: WorkflowTask, ends: tuple[int, ...], iteration: int) -> Ends:
        name = label((task.ref, iteration))
        tail: Ends = ends
        entered = " or ".join(map(self._label, ends))
        for count in self._iterations(task, iteration):
            tail = self.follow(task.loop_over, tail, count, _going_round(name, count, entered))
            entered = str(count)
            if tail is None:
                break
        closing = tail if tail is not None else ends
        position = self._add(task, closing, iteration, _saying(f"{name} ends after its last iteration"))
        return None if tail is None else (position,)

    def _iterations(self, task: WorkflowTask, iteration: int) -> Iterable[int]:
        """Count from 1 to the last iteration on record; with keepLastN the server has dropped the first ones."""
        record = self.records.get((task.ref, iteration))
        body = set(refs_in(task.loop_over, into_loops=False))
        seen = {count for ref in body for count in self._counts.get(ref, ())}
        noted = record.output.get("iteration") if record else None
        last = max(seen | ({noted} if isinstance(noted, int) else set()), default=0)
        if not last:  # not begun, or over before it began (no items)
            return () if record and record.status.is_terminal else (1,)
        if last > len(self.records) + MOST_MISSING:  # a count that no loop of these records can have reached
            return sorted(seen) or (1,)
        drops = record is not None and "keepLastN" in {**task.inputs, **record.input}
        return range(min(seen) if drops and seen else 1, last + 1)

    def _new_group(self) -> int:
        self._groups += 1
        return self._groups


def _leading_to(text: str) -> Reason:
    return lambda name: f"{text} {name}"


def _going_round(loop: str, count: int, entered: str) -> Reason:
    return lambda _: f"loop body of {loop}, iteration {count} after {entered}"


def _saying(text: str) -> Reason:
    return lambda _: text
