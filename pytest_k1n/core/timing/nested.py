"""Sub-workflows in workflow time: how much of one's raw time was work that the speed had shortened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from pytest_k1n.core.model import Execution
from pytest_k1n.core.timing.timeline import Timeline


class Shortened(NamedTuple):
    """By how many raw ms the speed has shortened a SUB_WORKFLOW, as of the end that its task had when it was seen."""

    ms: int
    ended_ms: int | None


def shortened(
    execution: Execution, speed: float, child: Callable[[str], Timeline], known: Mapping[str, Shortened] | None = None
) -> dict[str, Shortened]:
    """Return, by the task ids of an execution's ended SUB_WORKFLOWs, by how much the speed has shortened each.

    `child` lays out an execution in workflow time, by its id. A child's makespan there is that of its critical path, so
    that what ran side by side in it counts once. What an earlier look has found is `known`: no child is laid out again
    unless its task has ended anew since, because the child was retried or rerun. Empty at speed 1.
    """
    columns, found = execution.columns, known or {}
    if speed == 1 or "SUB_WORKFLOW" not in columns.types:
        return {}
    ended = [
        execution.tasks[place]
        for place, kind in enumerate(columns.type)
        if kind == "SUB_WORKFLOW" and columns.status[place].is_terminal
    ]
    return {
        record.task_id: found[record.task_id]
        if record.task_id in found and found[record.task_id].ended_ms == record.ended_ms
        else Shortened(_shortened_ms(child(record.sub_workflow_id), speed), record.ended_ms)
        for record in ended
        if record.sub_workflow_id
    }


def amounts_ms(found: Mapping[str, Shortened]) -> dict[str, int]:
    """Return the amounts alone, by task id: what an observation of the execution is to take off."""
    return {task_id: each.ms for task_id, each in found.items()}


def _shortened_ms(timeline: Timeline, speed: float) -> int:
    """Solve `makespan = raw + shortened * (speed - 1)`, where the raw makespan is that of the last stamp."""
    ends = [span.attempts[-1].record.ended_ms for span in timeline.spans.values()]
    raw_ms = max((end for end in ends if end is not None), default=timeline.started_ms) - timeline.started_ms
    last_ms = max((span.end_ms for span in timeline.spans.values() if span.end_ms is not None), default=0)
    return max(0, round((last_ms - raw_ms) / (speed - 1)))
