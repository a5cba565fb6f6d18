"""Ids and numbers of an execution's records: each has its own, and attempts count from 0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

from pytest_k1n.core.columns import Columns
from pytest_k1n.core.consistency.contradictions import doubt, was_overtaken
from pytest_k1n.core.consistency.reruns import (
    attempts,
    is_counted_up,
    is_retried_in_place,
    late,
    left_behind,
    was_run_again,
)
from pytest_k1n.core.findings import Finding
from pytest_k1n.core.model import TaskRecord, TaskStatus
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.record.observation import Observation, TimeModel

T = TypeVar("T")


def numbering(observation: Observation) -> Iterator[Finding]:
    """Judge ids and numbers: each task has one of its own, attempts count from 0."""
    execution = observation.execution
    columns = execution.columns
    for task_id, times in _repeated(columns.task_id):
        yield doubt("same-id", task_id, "a task id of its own for each record", f"{times} records carry it")
    seqs, strays = columns.seq, left_behind(columns)
    if strays or TaskStatus.SKIPPED in columns.status:
        rows = enumerate(zip(columns.seq, columns.status, strict=True))
        seqs = [seq for place, (seq, status) in rows if status is not TaskStatus.SKIPPED and place not in strays]
    for seq, times in _repeated(seqs):
        yield doubt("same-id", f"seq {seq}", "a number of its own for each record", f"{times} records carry it")
    if min(columns.attempt, default=0) < 0:
        said = f"attempt {min(columns.attempt)}"
        yield doubt("attempts-missing", execution.name, "attempts from 0", said)
    if not columns.is_repeated and not any(columns.attempt) and not any(columns.retried):  # nearly always
        return
    behind = late(columns, is_virtual=observation.time_model is TimeModel.VIRTUAL) if any(columns.attempt) else ()
    anew = {columns.task_id[place] for place in behind}
    for key, records in attempts(observation):
        if len(records) == 1 and records[0].attempt == 0 and not records[0].retried:
            continue
        if len(records) == 1 and is_retried_in_place(execution, records[0]):
            continue
        if not _is_gapless(records, columns, anew):
            said = f"attempts {', '.join(str(record.attempt) for record in records)}"
            yield doubt("attempts-missing", label(key), "attempts 0, 1, 2, … on record", said)
        for record, after in pairwise(records):
            is_failure = record.retried and not record.status.is_successful
            if not is_failure and not was_overtaken(record) and not was_run_again(record, after):
                said = f"attempt {record.attempt} {record.status}, {'' if record.retried else 'not '}retried"
                yield doubt("attempts-missing", label(key), "an unsuccessful, retried attempt before the last", said)
        if records[-1].retried:
            yield doubt("attempts-missing", label(key), "the attempt that followed a retried one", "it is not there")


def _is_gapless(records: Sequence[TaskRecord], columns: Columns, anew: Collection[str]) -> bool:
    """Whether attempts count 0, 1, 2, … but for those that were counted up in their own record, scheduled anew."""
    expected = 0
    for record in records:
        if record.attempt < expected:
            return False
        if record.attempt > expected and not (record.task_id in anew and is_counted_up(columns, record)):
            return False
        expected = record.attempt + 1
    return True


def _repeated(numbers: Sequence[T]) -> Iterator[tuple[T, int]]:
    """Yield what is there more than once, and how often."""
    if len(set(numbers)) < len(numbers):
        yield from ((each, times) for each, times in Counter(numbers).items() if times > 1)
