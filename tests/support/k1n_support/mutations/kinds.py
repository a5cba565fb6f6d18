"""The kinds of mutations: what a value is changed into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

GONE = object()
"""Stands for a field that is left out."""
HOUR_MS = 3_600_000
FIRST_STAMP_MS = 10**11
"""Whole numbers from here on are stamps."""
TASK_STATUSES = (
    "SCHEDULED", "IN_PROGRESS", "COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "FAILED_WITH_TERMINAL_ERROR",
    "TIMED_OUT", "CANCELED", "SKIPPED",
)  # fmt: skip
STATUSES = ("RUNNING", "PAUSED", "COMPLETED", "FAILED", "TIMED_OUT", "TERMINATED")


def mutations(value: Any, *, statuses: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield (kind, new value) of a field's mutations that need no other record; GONE takes it away."""
    yield "gone", GONE
    if value is None:
        yield "other", "other"
        return
    yield "null", None
    if isinstance(value, bool):
        yield "turned", not value
        yield "other type", "yes"
    elif isinstance(value, int):
        yield "next", value + 1
        yield "negative", -value - 1
        yield "zero", 0
        yield "other type", "seven"
        if value > FIRST_STAMP_MS:
            yield "hour late", value + HOUR_MS
            yield "hour early", value - HOUR_MS
    elif isinstance(value, str):
        yield "emptied", ""
        yield "other type", 7
        if statuses:
            yield from ((f"is {status}", status) for status in statuses)
        else:
            yield "other", "other"
    elif isinstance(value, dict):
        yield "emptied", {}
        yield "other type", ["other"]
    elif isinstance(value, list):
        yield "emptied", []
        yield "other type", {"other": 1}
    else:
        yield "zero", 0


def is_a_change(old: Any, new: Any) -> bool:
    """Whether a mutation changes anything: an empty text beside none does not, an absent 0 does."""
    return new is not old and (type(new) is not type(old) or new != old)
