"""The planned schedule: when each task would start and end if every task took its estimate and the server no time."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_k1n.core.definition.waitinput import duration_s
from pytest_k1n.core.model import WorkflowDefinition, WorkflowTask
from pytest_k1n.core.units import SECOND_MS

Schedule = Mapping[str, tuple[int, int]]
"""ref -> (start_ms, end_ms) from the start of the execution."""


def planned_schedule(definition: WorkflowDefinition, estimates_ms: Mapping[str, int]) -> Schedule:
    """Lay the estimates on the definition's structure, unlimited workers.

    Of refs without an estimate a WAIT takes the duration that it names, any other 0 ms. Of a SWITCH the longest case
    counts, of a DO_WHILE one pass: what a plan can know before anything runs.
    """
    schedule: dict[str, tuple[int, int]] = {}
    _lay(definition.tasks, 0, estimates_ms, schedule)
    return schedule


def makespan_ms(schedule: Schedule) -> int:
    """Return the end of the last task."""
    return max((end_ms for _, end_ms in schedule.values()), default=0)


def pause_ms(task: WorkflowTask) -> int:
    """Return for how long a WAIT holds its workflow by itself; 0 where the definition does not tell."""
    duration = task.inputs.get("duration")
    if task.type != "WAIT" or not isinstance(duration, str):
        return 0
    try:
        return duration_s(duration) * SECOND_MS
    except ValueError:  # an expression, or what the server refuses
        return 0


def _lay(
    tasks: tuple[WorkflowTask, ...],
    start_ms: int,
    estimates_ms: Mapping[str, int],
    schedule: dict[str, tuple[int, int]],
) -> int:
    """Place a sequence of tasks from `start_ms` on and return its end."""
    now_ms = start_ms
    for task in tasks:
        begin_ms = now_ms + task.start_delay_s * 1000
        inner_ends = [_lay(inner, begin_ms, estimates_ms, schedule) for inner in task.nested()]
        if task.branches:
            # A fork ends at once; what waits for its branches is the JOIN after it.
            end_ms = begin_ms
        elif task.type == "JOIN":
            end_ms = max([begin_ms, *(schedule[ref][1] for ref in task.join_on if ref in schedule)])
        else:
            took_ms = estimates_ms.get(task.ref)
            end_ms = max([begin_ms + (pause_ms(task) if took_ms is None else took_ms), *inner_ends])
        schedule[task.ref] = (begin_ms, end_ms)
        now_ms = end_ms
    return now_ms
