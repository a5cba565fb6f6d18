"""What 3.32.1 leaves in records that a client ran again: a retry, re-run or restart, often of a sub-workflow.

Each was seen on the real server; the embedded engine does the same in every recorded conformance case.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from pytest_k1n.core.columns import Columns
from pytest_k1n.core.model import Execution, TaskKey, TaskRecord, TaskStatus
from pytest_k1n.core.order.required import refs_in
from pytest_k1n.core.record.observation import Observation, TimeModel
from pytest_k1n.core.timing.spans import END_ONLY_TYPES

_ERRORS = re.compile(r"/(\S+) completed with errors")
_KEEPS_ITS_END = END_ONLY_TYPES | {"SUB_WORKFLOW"}
_COMES_TWICE = frozenset({
    "SWITCH", "DECISION", "FORK", "JOIN", "EXCLUSIVE_JOIN", "INLINE", "LAMBDA", "JSON_JQ_TRANSFORM", "NOOP",
    "SET_VARIABLE",
})  # fmt: skip
"""Types of which a loop that begins again leaves a second record: what ends at once, and JOINs by a race."""


def is_reopened(execution: Execution) -> bool:
    """Whether it goes on after an end: what is run again keeps the old one until it ends anew."""
    return execution.ended_ms is not None and not execution.is_terminal


def is_retried_in_place(execution: Execution, record: TaskRecord) -> bool:
    """Whether a task may wait again in its old record: 3.32.1 keeps its start, and its end until it ends once more.

    Of a canceled JOIN it leaves the attempt as it was; of others it counts it up.
    """
    return record.type in END_ONLY_TYPES and not record.retried and execution.last_retried_ms is not None


def has_old_end(execution: Execution, kind: str, ended_ms: int | None) -> bool:
    """Whether an end on record is that of the attempt before: 3.32.1 never writes a loop's end a second time.

    Nor does it open a loop again that is run again from within.
    """
    if kind != "DO_WHILE":
        return False
    if is_reopened(execution) and (ended_ms or 0) <= (execution.ended_ms or 0):
        return True
    retried_ms = execution.last_retried_ms
    return retried_ms is not None and (ended_ms or retried_ms) < retried_ms


def keeps_old_end(execution: Execution, record: TaskRecord) -> bool:
    """Whether a task that waits again may still bear its old end, as its execution does."""
    is_past = (record.ended_ms or 0) <= (execution.updated_ms or record.ended_ms or 0)
    return record.type in _KEEPS_ITS_END and is_reopened(execution) and is_past


def is_counted_up(columns: Columns, record: TaskRecord) -> bool:
    """Whether an attempt may be a canceled one, begun anew in its record, since a sub-workflow beside it was run again.

    What is to be believed of its number is among the `late` ones, too.
    """
    return record.attempt > 0 and "SUB_WORKFLOW" in columns.types and record.status is not TaskStatus.SKIPPED


def late(columns: Columns, *, is_virtual: bool) -> frozenset[int]:
    """Return the places scheduled after what is behind them; where time is virtual much happens at one instant."""
    found, earliest_ms = set[int](), 0
    for place in reversed(range(len(columns))):
        stamp = columns.scheduled_ms[place]
        if earliest_ms and (stamp > earliest_ms or (is_virtual and stamp == earliest_ms)):
            found.add(place)
        earliest_ms = min(stamp or earliest_ms, earliest_ms or stamp)
    return frozenset(found)


def was_run_again(before: TaskRecord, after: TaskRecord) -> bool:
    """Whether an attempt was run again in its own record, when the attempt behind it was already there."""
    is_polled_again = before.retried and before.poll_count > 1
    return bool(
        is_polled_again and before.started_ms and after.scheduled_ms and before.started_ms >= after.scheduled_ms
    )


def is_rerun(record: TaskRecord) -> bool:
    """Whether a sub-workflow's task was re-run, itself or by a task in its child: it is scheduled anew in its record.

    3.32.1 polls it no more, and gives it no start or that of its scheduling; what ran beside it or behind it stays.
    """
    is_begun = record.sub_workflow_id is not None or record.ended_ms is not None
    is_polled = bool(record.poll_count) or record.started_ms not in (None, record.scheduled_ms)
    return record.type == "SUB_WORKFLOW" and is_begun and not is_polled


def is_unevaluated(record: TaskRecord) -> bool:
    """Whether a SWITCH was re-run: it is COMPLETED without a look at its value, and never started."""
    return record.started_ms is None and not record.output and record.ended_ms is not None


def failed_before(execution: Execution) -> frozenset[str]:
    """Return the ids of optional sub-workflows' tasks: a JOIN may have seen fail what was written over since."""
    columns = execution.columns
    places = (place for place, kind in enumerate(columns.type) if kind == "SUB_WORKFLOW")
    tasks = (execution.tasks[place] for place in places)
    return frozenset(task.task_id for task in tasks if task.workflow_task and task.workflow_task.optional)


def joined(execution: Execution, join: TaskRecord) -> list[int | None] | None:
    """Return the places of all that a JOIN waits for, None of what is not on record; None if it does not say."""
    refs = join.input.get("joinOn")
    return [execution.columns.place_of(str(ref)) for ref in refs] if isinstance(refs, list) else None


def told_by(join: TaskRecord) -> frozenset[str]:
    """Return the ids of the tasks that a JOIN says to have seen go wrong."""
    return frozenset(_ERRORS.findall(join.reason or ""))


def left_behind(columns: Columns) -> frozenset[int]:
    """Return the places of JOINs of before a re-run of the whole, written back by a thread that was looking at them.

    They have the number of the record that took their place, and were scheduled before the record of the number before:
    3 of 1,802 re-run, retried or restarted executions of a busy server.
    """
    if not columns.is_repeated or "JOIN" not in columns.types:
        return frozenset()
    numbers = Counter(zip(columns.keys, columns.seq, strict=True))
    rows = enumerate(zip(columns.type, columns.scheduled_ms, columns.keys, columns.seq, strict=True))
    return frozenset(
        place
        for place, (kind, stamp, key, seq) in rows
        if kind == "JOIN" and numbers[key, seq] > 1 and 0 < stamp < _scheduled_before(columns, place)
    )


def _scheduled_before(columns: Columns, place: int) -> int:
    """Return when the record of the next lower number was scheduled; of the first number, when what follows it was."""
    seq = columns.seq[place]
    lower = next((each for each in reversed(range(place)) if columns.seq[each] < seq), 0)
    return columns.scheduled_ms[lower]


def gone_over(execution: Execution, *, is_virtual: bool = False) -> frozenset[int]:
    """Return the places of what was scheduled before its loop began, and came a second time since.

    Where a task of a former iteration is re-run, 3.32.1 starts its loop anew with the first one, over what is left:
    workers' tasks stay, what ends at once is done again in a record of its own, of the same attempt. A JOIN of an
    iteration that is gone may be written back by a thread that was looking at it.
    """
    columns = execution.columns
    if not columns.is_repeated or "DO_WHILE" not in columns.types:
        return frozenset()
    begins: dict[str, int] = {}
    for place in [place for place, kind in enumerate(columns.type) if kind == "DO_WHILE"]:
        task = execution.tasks[place].workflow_task
        for ref in refs_in(task.loop_over) if task else ():
            begins[ref] = max(columns.started_ms[place], begins.get(ref, 0))
    found = set[int]()
    for (ref, iteration), places in columns.repeated.items():
        for former, later in pairwise(places if iteration and ref in begins else ()):
            # What was itself re-run is scheduled with its loop, and never started; a FORK waits for ever then.
            was_rerun = not columns.started_ms[former]
            is_of_before = columns.scheduled_ms[former] < begins[ref] + (is_virtual or was_rerun)
            is_again = columns.attempt[former] == columns.attempt[later] and columns.type[former] in _COMES_TWICE
            if is_of_before and is_again and (was_rerun or columns.status[former].is_successful):
                found.add(former)
    return frozenset(found)


def attempts(observation: Observation) -> Iterator[tuple[TaskKey, Sequence[TaskRecord]]]:
    """Yield the attempts of each task, without JOINs that were left behind and what was done again in its loop."""
    columns, is_virtual = observation.execution.columns, observation.time_model is TimeModel.VIRTUAL
    places = left_behind(columns) | gone_over(observation.execution, is_virtual=is_virtual)
    strays = {columns.task_id[place] for place in places}
    for key, records in observation.records.items():
        kept = [each for each in records if each.task_id not in strays] if strays else records
        yield key, kept or records
