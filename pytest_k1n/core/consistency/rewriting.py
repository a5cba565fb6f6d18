"""Ends that 3.32.1 has written over: what such a record says of its order is not what happened."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

from pytest_k1n.core.consistency.enginestamps import ROOM_MS
from pytest_k1n.core.consistency.reruns import gone_over, is_rerun, joined
from pytest_k1n.core.consistency.timeouts import decided
from pytest_k1n.core.definition.shape import JOINS
from pytest_k1n.core.model import Execution, TaskKey, TaskRecord, TaskStatus, WorkflowStatus

_OVERTAKEN: Final = "Workflow is in COMPLETED state"


def is_rewritten(execution: Execution, kind: str, join: TaskRecord | None, begin: float, *, has_all: bool) -> bool:
    """Whether a JOIN's end is only that of a second look at it: all it waits for had ended when what follows began.

    3.32.1 looks at a JOIN at once when a sub-workflow of a branch has ended; where its queue brings it up at the same
    moment, the later of the two looks writes its end over (4 of 100 executions; by 2 to 41 ms). Of a running execution
    it holds as long as the record may still turn out so: until its stamps are later than such an end.
    """
    if kind not in JOINS or not has_all or join is None or (join.scheduled_ms or 0) > begin:
        return False
    may_end = join.ended_ms is None and not join.status.is_terminal and not execution.is_terminal
    end = execution.columns.latest_ms if may_end else join.ended_ms
    return end is not None and end - begin <= ROOM_MS


def is_overtaken(execution: Execution, join: TaskRecord) -> bool:
    """Whether a last JOIN is on record as open, or CANCELED, although its execution has completed by it.

    3.32.1 looks at a JOIN on a thread of its own: where the execution has completed meanwhile, that look's record may
    be the one that stays (open: 2 of 2,220 executions at load 8; CANCELED: 4).
    """
    if execution.status is not WorkflowStatus.COMPLETED or join.type not in JOINS:
        return False
    if join.status is TaskStatus.CANCELED:
        return (join.reason or "").startswith(_OVERTAKEN)
    definition, statuses = execution.definition, execution.columns.status
    if join.status.is_terminal or definition is None or definition.tasks[-1].ref != join.ref:
        return False
    rows = joined(execution, join)
    return rows is not None and all(row is not None and statuses[row].is_terminal for row in rows)


def seen(execution: Execution) -> Mapping[TaskKey, int]:
    """Say by when tasks had ended that bear a later end: sub-workflows whose whole output a JOIN has, and time-outs.

    What was done again because its loop began again had ended when it was first done: what follows followed that.
    3.32.1 writes an end into a task when its child ends, and a later one when it looks at the task once more (in 1 of
    1,802 executions, by 29 ms) or when it is re-run. Before its first end a task's output is the child's id alone.
    """
    columns = execution.columns
    found = dict(decided(execution))
    for place, kind in enumerate(columns.type if "SUB_WORKFLOW" in columns.types else ()):
        if kind != "JOIN" or not columns.ended_ms[place]:
            continue
        for name, output in columns.output[place].items():
            row = columns.place_of(name)
            if row is None or columns.type[row] != "SUB_WORKFLOW" or columns.output[row] != output:
                continue
            if len(columns.output[row]) > 1:
                key, ended_ms = columns.keys[row], columns.ended_ms[place]
                found[key] = min(ended_ms, found.get(key, ended_ms))
    for place in sorted(gone_over(execution), reverse=True):
        found[columns.keys[place]] = columns.ended_ms[place]
    return found


def is_rerun_since(begin: float, before: TaskRecord | None) -> bool:
    """Whether a sub-workflow's task was run again behind what began at an instant."""
    return before is not None and is_rerun(before) and begin < (before.scheduled_ms or 0)


def is_done_again(execution: Execution, begin: float, before: TaskRecord | None, after: TaskRecord | None) -> bool:
    """Whether a person has had `before` done again behind what follows it: its first end is on record no more.

    A retry is on record; a rerun is not. 3.32.1 removes the tasks of a higher number then, and a JOIN has a lower one
    than the last of its branch: it stays, and nothing is left of what was scheduled when the server went on from it.
    """
    if before is None or is_rerun_since(begin, before):
        return before is not None
    scheduled, retried_ms = before.scheduled_ms or 0, execution.last_retried_ms
    if after is not None and after.executed and begin < scheduled:
        stamps = execution.columns.scheduling
        if bisect_left(stamps, begin) == bisect_left(stamps, scheduled):
            return True
    return retried_ms is not None and begin < retried_ms <= (before.ended_ms or 0)
