"""Whether a record can be true: what contradicts itself, or what no server does, proves nothing, so it is no pass.

Each rule was tried against every execution recorded from Conductor 3.32.1 in `fixtures/histories`: none of them breaks
one. What breaks a rule is `unknown`, because not the execution but the evidence is at fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import compress, count, islice
from typing import TypeVar

from pytest_k1n.core.columns import Columns
from pytest_k1n.core.consistency.branches import branches
from pytest_k1n.core.consistency.claims import claims
from pytest_k1n.core.consistency.contradictions import contradictions, doubt, kept_type
from pytest_k1n.core.consistency.endings import endings, taken_away
from pytest_k1n.core.consistency.enginestamps import ROOM_MS, engine_stamps
from pytest_k1n.core.consistency.numbering import numbering
from pytest_k1n.core.consistency.reruns import is_reopened, keeps_old_end
from pytest_k1n.core.consistency.rewriting import is_overtaken
from pytest_k1n.core.definition.shape import JOINS
from pytest_k1n.core.findings import Finding
from pytest_k1n.core.model import (
    Execution,
    TaskKey,
    TaskRecord,
    TaskStatus,
    WorkflowDefinition,
    WorkflowStatus,
    WorkflowTask,
)
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.record.observation import Observation, TimeModel
from pytest_k1n.core.units import SECOND_MS, format_ms

T = TypeVar("T")
WORKED = frozenset(
    {TaskStatus.COMPLETED, TaskStatus.COMPLETED_WITH_ERRORS, TaskStatus.FAILED, TaskStatus.FAILED_WITH_TERMINAL_ERROR}
)
"""Ends that a worker reports, after it has polled; others come about without it."""
SKIPPED = TaskStatus.SKIPPED
LEAST_TASKS = 3
"""Worker tasks that must all have taken 0 ms before that is incredible: one or two may be luck."""
MOST_TOLD = 100
"""Missing rounds of one loop that are told."""


def implausible(observation: Observation) -> tuple[Finding, ...]:
    """Return a finding, `unknown`, for whatever cannot be true of the records of an execution."""
    return tuple(_found(observation))


def _found(observation: Observation) -> Iterator[Finding]:
    execution, as_run = observation.execution, observation.as_run
    nodes = as_run.graph.nodes
    yield from _whole(observation)
    yield from numbering(observation)
    yield from _rounds(observation)
    yield from contradictions(observation)
    yield from engine_stamps(execution)
    yield from claims(execution)
    yield from branches(execution)
    yield from endings(observation)
    loops: dict[str, bool] | None = None
    for place in sorted(_in_doubt(execution, as_run)):
        record = execution.tasks[place]
        loops = _loops(as_run.definition) if loops is None else loops
        yield from _stamps(record, execution)
        yield from _place(record, nodes.get(record.key) or _defined(as_run, record.key), loops)
    yield from _all_at_once(observation)


def _in_doubt(execution: Execution, as_run: Observation) -> set[int]:
    """Return the places of all records that may break a rule of `_stamps` or `_place`: of a true record none is there.

    Each rule is asked of its whole column at first; only where a column breaks it, which of its places do.
    """
    columns, found = execution.columns, set[int]()

    def note(places: Iterable[bool]) -> None:
        found.update(compress(count(), places))

    statuses = set(columns.status)
    for column, own in ((columns.workflow_id, execution.workflow_id), (columns.workflow_name, execution.name)):
        if not {own, None}.issuperset(column):
            note(each not in (own, None) for each in column)
    for stamps in (columns.scheduled_ms, columns.started_ms, columns.ended_ms):
        if 0 in stamps:
            note(stamp == 0 for stamp in stamps)
    if any(not status.is_terminal for status in statuses):
        note(not status.is_terminal for status in columns.status)
    if TaskStatus.COMPLETED_WITH_ERRORS in statuses:
        note(status is TaskStatus.COMPLETED_WITH_ERRORS for status in columns.status)
    if min(columns.scheduled_ms, default=execution.started_ms) < execution.started_ms:
        note(stamp < execution.started_ms for stamp in columns.scheduled_ms)
    if execution.ended_ms and max(columns.ended_ms, default=0) > execution.ended_ms:
        note(stamp > execution.ended_ms for stamp in columns.ended_ms)
    if any(columns.iteration) or any(columns.stated_iteration) or _has_loops(as_run.definition):
        note(_is_elsewhere(as_run.definition, columns))
    nodes = as_run.graph.nodes
    kept = {key: kind for key, task in nodes.items() if (kind := kept_type(task))}
    if kept:
        note([kept.get(key, kind) != kind for key, kind in zip(columns.keys, columns.type, strict=True)])
    names = {key: task.name for key, task in nodes.items() if task.type == "SIMPLE"}
    rows = zip(columns.keys, columns.type, columns.def_name, strict=True)
    note([not names.get(key) == kind == name and _may_be_foreign(as_run, key, names) for key, kind, name in rows])
    return found


def _has_loops(definition: WorkflowDefinition) -> bool:
    return any(task.loop_over for task in definition.walk())


def _may_be_foreign(as_run: Observation, key: TaskKey, names: Mapping[TaskKey, str]) -> bool:
    return key in names or key not in as_run.graph.nodes


def _is_elsewhere(definition: WorkflowDefinition, columns: Columns) -> Iterator[bool]:
    """Say of each record whether its iteration is not what its place in the definition, or its name, says."""
    loops = _loops(definition)
    for ref, iteration, stated in zip(columns.ref, columns.iteration, columns.stated_iteration, strict=True):
        yield stated != iteration or loops.get(ref, iteration > 0) is not (iteration > 0)


def _whole(observation: Observation) -> Iterator[Finding]:
    """Judge the execution's own record."""
    execution = observation.execution
    name = execution.name
    if name != observation.definition.name:
        yield doubt("foreign-record", name, f"an execution of {observation.definition.name}", f"it is of {name}")
    if execution.is_terminal and execution.ended_ms is None:
        yield doubt("no-end-stamp", name, "an end of a terminal execution", f"{execution.status} without endTime")
    if execution.ended_ms is not None and execution.ended_ms < execution.started_ms:
        back = execution.started_ms - execution.ended_ms
        yield doubt(
            "stamps-out-of-order", name, "an end after the start", "it ended before it started", format_ms(back)
        )
    # What is run again keeps its end until it ends anew (3.32.1), and has been changed since; in virtual time perhaps
    # at the same instant, and then a task of it is open.
    changed_ms = (execution.updated_ms or 0) - (execution.ended_ms or 0)
    if is_reopened(execution) and (changed_ms < 0 or (changed_ms == 0 and not _has_open(execution))):
        yield doubt("open-with-end", name, f"no end while {execution.status}", "endTime is set")
    if execution.status is WorkflowStatus.COMPLETED and not execution.columns.all_completed:
        for record in execution.tasks:
            is_excused = is_overtaken(execution, record) or _was_given_up(record, execution)
            if not (record.status.is_terminal or is_excused):
                said = f"{execution.status} while it is {record.status}"
                yield doubt("open-task", label(record.key), "every task of a COMPLETED execution ended", said)


def _has_open(execution: Execution) -> bool:
    return any(not status.is_terminal for status in execution.columns.status)


def _was_given_up(record: TaskRecord, execution: Execution) -> bool:
    """Whether an optional task was overdue: with the last one 3.32.1 ends the execution, and leaves the task open.

    Or a JOIN was looked at while a TERMINATE took it away, and written back (1 of 180 of a busy server).
    """
    if record.type in JOINS and "TERMINATE" in execution.columns.types:
        return True
    took_ms = (execution.ended_ms or 0) - (record.started_ms or execution.ended_ms or 0)
    is_optional = record.workflow_task is not None and record.workflow_task.optional
    return is_optional and 0 < record.response_timeout_s * SECOND_MS <= took_ms


def _rounds(observation: Observation) -> Iterator[Finding]:
    """Judge that each round which a DO_WHILE counts has left records; with keepLastN the server drops the older."""
    nodes = observation.as_run.graph.nodes
    places = observation.execution.columns.last
    if is_reopened(observation.execution):  # run again from within a loop: the rounds behind that are gone
        return
    loops = [key for key in places if (node := nodes.get(key)) is None or node.type == "DO_WHILE"]
    rounds_of: dict[str, set[int]] = {}
    for ref, iteration in places if loops else ():
        if iteration:
            rounds_of.setdefault(ref, set()).add(iteration)
    for key in loops:
        record, task = observation.finals[key], _defined(observation, key)
        if task is None or task.type != "DO_WHILE" or not task.loop_over:
            continue
        rounds, first = record.output.get("iteration"), task.loop_over[0].ref
        there = rounds_of.get(first, set())
        if isinstance(rounds, int) and record.status is TaskStatus.COMPLETED:
            kept = record.input.get("keepLastN", rounds)
            if isinstance(kept, int) and kept <= 0 and len(there) <= 1:
                continue  # 3.32.1 drops what it has just scheduled, and leaves the records of one round or of none
            oldest = rounds - kept + 1 if isinstance(kept, int) and 0 < kept < rounds else 1
            absent = (number for number in range(oldest, rounds + 1) if number not in there)
            for missing in islice(absent, MOST_TOLD):
                said = f"{first} has no record of round {missing}"
                yield doubt("round-missing", label(key), f"records of rounds {oldest} to {rounds}", said)


def _stamps(record: TaskRecord, execution: Execution) -> Iterator[Finding]:
    name, status = record.key, record.status
    if record.workflow_id is not None and record.workflow_id != execution.workflow_id:
        yield doubt("foreign-record", name, f"a record of {execution.workflow_id}", f"it is of {record.workflow_id}")
    if status.is_terminal and status is not SKIPPED and record.ended_ms is None:
        yield doubt("no-end-stamp", name, "an end of a terminal task", f"{status} without endTime")
    if record.ended_ms is not None and not status.is_terminal and not keeps_old_end(execution, record):
        yield doubt("open-with-end", name, f"no end while {status}", "endTime is set")
    if record.workflow_name is not None and record.workflow_name != execution.name:
        yield doubt("foreign-record", name, f"a record of {execution.name}", f"it is of {record.workflow_name}")
    yield from taken_away(record, execution)
    if record.type == "SUB_WORKFLOW" and status.is_successful and record.started_ms is None and record.poll_count:
        # A re-run one has no start either, and its polls are counted from 0 (3.32.1).
        yield doubt("no-start-stamp", name, "a start of what started an execution", f"{status} without startTime")
    if not record.is_worker_task:
        return
    has_worked = status in WORKED
    if record.scheduled_ms is None and status is not SKIPPED:
        said = f"{status} without scheduledTime"
        yield doubt("no-start-stamp", name, "the instant at which it was scheduled", said)
    # A task that the API completes before any worker polled for it keeps startTime 0; the report may name a worker
    # (tried on 3.32.1).
    if record.started_ms is None and record.poll_count:
        yield doubt("no-start-stamp", name, "a start of what a worker has done", f"{status} without startTime")
    if record.scheduled_ms is not None and record.scheduled_ms < execution.started_ms:
        early = execution.started_ms - record.scheduled_ms
        yield doubt(
            "outside-execution", name, "stamps within its execution's", "scheduled before it started", format_ms(early)
        )
    ended_ms = execution.ended_ms if execution.is_terminal else None  # what is re-run keeps its old end
    # What a person or a failure ends takes reports until its end has been written (44 of 237 sent at the same moment).
    room_ms = 0 if execution.status is WorkflowStatus.COMPLETED else ROOM_MS
    if has_worked and record.ended_ms and ended_ms and record.ended_ms > ended_ms + room_ms:
        late = record.ended_ms - ended_ms
        yield doubt(
            "outside-execution", name, "stamps within its execution's", "ended after its execution", format_ms(late)
        )


def _place(record: TaskRecord, task: WorkflowTask | None, loops: dict[str, bool]) -> Iterator[Finding]:
    name, holds = record.key, loops.get(record.ref)
    if task is not None and task.type == "SIMPLE" and not record.type == record.def_name == task.name:
        yield doubt("foreign-record", name, f"a task of type {task.name}", f"{record.type} ({record.def_name})")
    is_skipped = record.status is SKIPPED  # by hand: 3.32.1 writes the task's name as its type then
    if task is not None and (kept := kept_type(task)) and record.type != kept and not is_skipped:
        yield doubt("foreign-record", name, f"a task of type {kept}", record.type)
    if record.stated_iteration != record.iteration and record.type != "DO_WHILE":
        yield doubt("outside-loop", name, "the iteration that its name says", f"iteration {record.stated_iteration}")
    if record.iteration > 0 and holds is False:
        yield doubt("outside-loop", name, "iterations of what a DO_WHILE holds", f"iteration {record.iteration}")
    if record.iteration == 0 and holds is True and record.status is not SKIPPED:
        yield doubt("outside-loop", name, "an iteration, because a DO_WHILE holds it", "no iteration")
    is_join = record.type in JOINS  # it becomes so where what it joins has
    if record.status is TaskStatus.COMPLETED_WITH_ERRORS and not is_join and task and not task.optional:
        yield doubt("not-optional", name, "COMPLETED_WITH_ERRORS on an optional task only", "it is not optional")


def _all_at_once(observation: Observation) -> Iterator[Finding]:
    """Judge whether all work took no time at all, where a server and a network lie between engine and worker."""
    if observation.time_model is not TimeModel.REAL:
        return
    columns, instant = observation.execution.columns, 0
    rows = zip(columns.is_work, columns.status, columns.started_ms, columns.ended_ms, strict=True)
    for is_work, status, start, end in rows:
        if is_work and status in WORKED and start and end:
            if start != end:
                return
            instant += 1
    if instant >= LEAST_TASKS:
        observed = f"all {instant} took 0 ms"
        yield doubt("no-time-taken", observation.execution.name, "work that takes time", observed)


def _loops(definition: WorkflowDefinition) -> dict[str, bool]:
    """Tell of each ref of a definition whether a DO_WHILE holds it."""
    inside: dict[str, bool] = {}
    held: set[str] = set()
    for task in definition.walk():
        inside[task.ref] = False
        if task.loop_over:
            held.update(each.ref for each in _below(task.loop_over))
    return {**inside, **dict.fromkeys(held, True)}


def _below(tasks: tuple[WorkflowTask, ...]) -> Iterator[WorkflowTask]:
    for task in tasks:
        yield task
        for inner in task.nested():
            yield from _below(inner)


def _defined(observation: Observation, key: TaskKey) -> WorkflowTask | None:
    node = observation.as_run.graph.nodes.get(key)
    if node is not None:
        return node
    record = observation.finals.get(key)
    return record.workflow_task if record else None
