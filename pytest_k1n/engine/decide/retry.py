"""Whether a task that ended badly gets another attempt, and after how long."""

from __future__ import annotations

from typing import Final

from pytest_k1n.engine.definition import TaskDef
from pytest_k1n.engine.ids import seeded_fraction
from pytest_k1n.engine.state import MAX_S, TaskState
from pytest_k1n.engine.status import RETRIABLE_TASK

NEVER_RETRIED: Final = frozenset({"DECISION", "SWITCH", "FORK", "JOIN", "EXCLUSIVE_JOIN", "DO_WHILE"})


def may_retry(task: TaskState) -> bool:
    """Tell whether the task's status, type and limit allow another attempt."""
    if task.status not in RETRIABLE_TASK or task.type in NEVER_RETRIED or task.task_def is None:
        return False
    limit = task.node.retry_count
    return task.attempt < (task.task_def.retry_count if limit is None else limit)


def delay_s(definition: TaskDef, attempt: int, seed: int, entity: str) -> int:
    """Return the whole seconds between the failed attempt (counted from 0) and the next one.

    EXPONENTIAL_BACKOFF ignores the scale factor; the cap comes before the jitter; SQL queues keep whole seconds.
    """
    delay = definition.retry_delay_s
    if definition.retry_logic == "LINEAR_BACKOFF":
        delay *= definition.backoff_scale * (attempt + 1)
    elif definition.retry_logic == "EXPONENTIAL_BACKOFF":
        delay *= 2**attempt
    delay = min(delay, MAX_S)
    if definition.max_retry_delay_s > 0:
        delay = min(delay, definition.max_retry_delay_s)
    if definition.jitter_ms > 0:
        delay = (delay * 1000 + int(seeded_fraction(seed, entity) * (definition.jitter_ms + 1))) // 1000
    return delay
