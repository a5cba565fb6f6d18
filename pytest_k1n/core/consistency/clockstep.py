"""Whether the server's clock was set back during an execution: stamps then run against the order of scheduling."""

from __future__ import annotations

from pytest_k1n.core.consistency.reruns import (
    gone_over,
    is_counted_up,
    is_rerun,
    is_retried_in_place,
    left_behind,
)
from pytest_k1n.core.model import Execution, TaskRecord, TaskStatus
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.units import format_ms


def clock_step(execution: Execution) -> str | None:
    """Describe the largest step back of the scheduled stamps against `seq`; None if they only go forward."""
    columns = execution.columns
    if 0 not in columns.scheduled_ms and columns.scheduled_ms == sorted(columns.scheduled_ms):  # nearly always
        return None
    worst: tuple[int, TaskRecord, TaskRecord] | None = None
    latest: TaskRecord | None = None
    strays = left_behind(columns) | gone_over(execution)
    for place, record in enumerate(execution.tasks):
        if record.scheduled_ms is None or record.status is TaskStatus.SKIPPED:  # skipped by hand, out of turn: seq 0
            continue
        if is_retried_in_place(execution, record) or is_counted_up(columns, record):  # stamped anew, at its old place
            continue
        if is_rerun(record) or place in strays:
            continue
        if latest is not None and latest.scheduled_ms is not None and record.scheduled_ms < latest.scheduled_ms:
            back = latest.scheduled_ms - record.scheduled_ms
            if worst is None or back > worst[0]:
                worst = (back, latest, record)
        else:
            latest = record
    if worst is None:
        return None
    back, before, after = worst
    late, early = f"{label(after.key)} (seq {after.seq})", f"{label(before.key)} (seq {before.seq})"
    return f"{late} is stamped {format_ms(back)} before {early}"
