"""When the server had decided that a task's time was up: before the end that it stamped.

3.32.1 schedules what follows an optional task that timed out in the decision that ends it, and stamps the end when it
stores the task after that: 1 to 14 ms later (8 of 8 such tasks among 2,220 recorded executions).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pytest_k1n.core.consistency.enginestamps import ROOM_MS
from pytest_k1n.core.model import Execution, TaskKey, TaskStatus

_REASONS: Final = (
    (re.compile(r"responseTimeout: (\d{1,9}) exceeded for the taskId"), "updated_ms"),
    (re.compile(r"Task timed out after (\d{1,9}) seconds"), "started_ms"),
    (re.compile(r"Task poll timed out after (\d{1,9}) seconds"), "scheduled_ms"),
)
"""How the reasons begin, each with the stamp that the seconds in it count from."""
_STATUSES: Final = frozenset({TaskStatus.TIMED_OUT, TaskStatus.COMPLETED_WITH_ERRORS})


def decided(execution: Execution) -> Iterator[tuple[TaskKey, int]]:
    """Yield tasks whose time was up, with the earliest instant at which that may have been decided."""
    columns = execution.columns
    if columns.all_completed:  # nearly always
        return
    for place, status in enumerate(columns.status):
        if status not in _STATUSES:
            continue
        record = execution.tasks[place]
        if not (record.ended_ms and record.reason):
            continue
        for pattern, stamp in _REASONS:
            since_ms: int | None = getattr(record, stamp)
            if since_ms and (told := pattern.match(record.reason)):
                due_ms = since_ms + int(told[1]) * 1000
                yield record.key, min(record.ended_ms, max(due_ms, record.ended_ms - ROOM_MS))
