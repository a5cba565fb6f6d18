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
_FLAGS = frozenset({bool, type(None)})
_TEXTS_OR_NONE = frozenset({str, type(None)})
_TEXTS = frozenset({str})
_REQUIRED = ("referenceTaskName", "taskType", "taskId", "status")
_NUMBERS = ("seq", "retryCount", "iteration", "scheduledTime", "startTime", "endTime", "startDelayInSeconds")
_UNUSED = ("responseTimeoutSeconds", "pollCount", "updateTime", "callbackAfterSeconds")
"""Whole numbers that no column holds: they are looked at for their type only."""
_OPTIONAL = ("workflowInstanceId", "workflowType", "taskDefName", "retriedTaskId")
_DOCUMENTS = ("inputData", "outputData")
_NAMES = (*_REQUIRED, *_NUMBERS, *_OPTIONAL, *_DOCUMENTS, "retried", "workflowTask")
_AT_ONCE = 256
"""Rows that are read field by field before the next ones: so many stay in the processor's cache from field to field."""


def read_columns(documents: Sequence[Json]) -> Columns | None:
    """Read the columns that checks need, in the order of the documents; None where a field is not of its type.

    What is refused here `wire` reads record by record, and says what is wrong.
    """
    if not {dict}.issuperset(map(type, documents)):
        return None
    rows = cast("Rows", documents)
    fields = _fields(rows)
    texts = [fields[name] for name in _REQUIRED]
    numbers = [fields[name] for name in _NUMBERS]
    if not (
        all(_TEXTS.issuperset(map(type, each)) and all(each) for each in texts)
        and all(_INTEGERS.issuperset(map(type, each)) for each in numbers)
        and all(_INTEGERS.issuperset(type(row.get(name)) for row in rows) for name in _UNUSED)
        and all(_OBJECTS.issuperset(map(type, fields[name])) for name in _DOCUMENTS)
        and all(_TEXTS_OR_NONE.issuperset(map(type, fields[name])) for name in _OPTIONAL)
        and _FLAGS.issuperset(map(type, fields["retried"]))
        and _STATUSES.keys() >= set(fields["status"])
    ):
        return None
    refs, types, ids, statuses = (cast("list[str]", each) for each in texts)
    seq, attempt, stated, scheduled, started, ended, delays_s = map(_whole, numbers)
    iteration = stated
    if any(stated):
        # A DO_WHILE's own record counts its rounds under its plain name: only a suffix makes a key.
        keys = [split_iteration(ref) if count else (ref, 0) for ref, count in zip(refs, stated, strict=True)]
        refs, iteration = [ref for ref, _ in keys], [count for _, count in keys]
    workflow_ids, workflow_names, def_names, retried_ids = (_texts(fields[name]) for name in _OPTIONAL)
    return Columns(
        ref=refs,
        iteration=iteration,
        stated_iteration=stated,
        task_id=ids,
        workflow_id=workflow_ids,
        workflow_name=workflow_names,
        type=types,
        def_name=[name or kind for name, kind in zip(def_names, types, strict=True)],
        status=[_STATUSES[each] for each in statuses],
        attempt=attempt,
        retried=[each is True for each in fields["retried"]],
        seq=seq,
        scheduled_ms=scheduled,
        started_ms=started,
        ended_ms=ended,
        retried_task_id=retried_ids,
        snapshot_ref=_texts(
            [row.get("taskReferenceName") if type(row) is dict else None for row in fields["workflowTask"]]
        ),
        start_delay_ms=[1000 * each for each in delays_s] if any(delays_s) else delays_s,
        output=[each or {} for each in cast("list[dict[str, Json] | None]", fields["outputData"])],
    )


def _fields(rows: Rows) -> Mapping[str, list[Json]]:
    found: dict[str, list[Json]] = {name: [] for name in _NAMES}
    for first in range(0, len(rows), _AT_ONCE):
        part = rows[first : first + _AT_ONCE]
        for name, column in found.items():
            column += [row.get(name) for row in part]
    return found


def _whole(column: list[Json]) -> list[int]:
    """Return whole numbers, absent ones as 0."""
    numbers = cast("list[int | None]", column)
    return [each or 0 for each in numbers] if None in numbers else cast("list[int]", numbers)


def _texts(column: list[Json]) -> list[str | None]:
    """Return texts; whatever is none, or empty, as None."""
    if _TEXTS.issuperset(map(type, column)) and all(column):
        return cast("list[str | None]", column)
    return [each if isinstance(each, str) and each else None for each in column]
