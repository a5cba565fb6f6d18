"""Records as the server answers them, read field by field instead of one by one: in a fifth of the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from pytest_k1n.core.columns import Columns
from pytest_k1n.core.words import Json, TaskStatus, split_iteration

Rows = Sequence[Mapping[str, Json]]
_STATUSES = {str(status): status for status in TaskStatus}
_INTEGERS = frozenset({int, type(None)})
_OBJECTS = frozenset({dict, type(None)})
_TEXTS = frozenset({str})
_UNUSED = ("startDelayInSeconds", "responseTimeoutSeconds", "pollCount", "updateTime")
"""Whole numbers that no column holds: they are looked at for their type only."""


def read_columns(documents: Sequence[Json]) -> Columns | None:
    """Read the columns that checks need, in the order of the documents; None where a field is not of its type.

    What is refused here `wire` reads record by record, and says what is wrong.
    """
    if not {dict}.issuperset(map(type, documents)):
        return None
    rows = cast("Rows", documents)
    references, kinds, ids, stated = (_column(rows, name) for name in _REQUIRED)
    if not all(_TEXTS.issuperset(map(type, each)) and all(each) for each in (references, kinds, ids, stated)):
        return None
    numbers = [_column(rows, name) for name in _NUMBERS]
    outputs = _column(rows, "outputData")
    if not (
        all(_INTEGERS.issuperset(map(type, each)) for each in numbers)
        and all(_INTEGERS.issuperset(map(type, _column(rows, name))) for name in _UNUSED)
        and _OBJECTS.issuperset(map(type, outputs))
        and _OBJECTS.issuperset(map(type, _column(rows, "inputData")))
        and _STATUSES.keys() >= set(stated)
    ):
        return None
    seq, attempt, iteration, scheduled, started, ended = (_whole(each) for each in numbers)
    refs = cast("list[str]", references)
    own = iteration
    if any(iteration):
        # A DO_WHILE's own record counts its rounds under its plain name: only a suffix makes a key.
        keys = [split_iteration(ref) if count else (ref, 0) for ref, count in zip(refs, iteration, strict=True)]
        refs, own = [ref for ref, _ in keys], [count for _, count in keys]
    types = cast("list[str]", kinds)
    named = _texts(rows, "taskDefName")
    return Columns(
        ref=refs,
        iteration=own,
        stated_iteration=iteration,
        task_id=cast("list[str]", ids),
        workflow_id=_texts(rows, "workflowInstanceId"),
        workflow_name=_texts(rows, "workflowType"),
        type=types,
        def_name=cast("list[str]", named) if all(named) else [a or b for a, b in zip(named, types, strict=True)],
        status=[_STATUSES[each] for each in cast("list[str]", stated)],
        attempt=attempt,
        retried=[row.get("retried") is True for row in rows],
        seq=seq,
        scheduled_ms=scheduled,
        started_ms=started,
        ended_ms=ended,
        output=[each or {} for each in cast("list[dict[str, Json] | None]", outputs)],
    )


_REQUIRED = ("referenceTaskName", "taskType", "taskId", "status")
_NUMBERS = ("seq", "retryCount", "iteration", "scheduledTime", "startTime", "endTime")


def _column(rows: Rows, name: str) -> list[Json]:
    return [row.get(name) for row in rows]


def _whole(column: list[Json]) -> list[int]:
    """Return whole numbers, absent ones as 0."""
    numbers = cast("list[int | None]", column)
    return [each or 0 for each in numbers] if None in numbers else cast("list[int]", numbers)


def _texts(rows: Rows, name: str) -> list[str | None]:
    """Return texts; whatever is none, or empty, as None."""
    column = _column(rows, name)
    if _TEXTS.issuperset(map(type, column)) and all(column):
        return cast("list[str | None]", column)
    return [each if isinstance(each, str) and each else None for each in column]
