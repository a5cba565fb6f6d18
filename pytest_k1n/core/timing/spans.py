"""The lives of tasks: attempts with their stamps, and what a worker said about the work in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pytest_k1n.core.model import TaskKey, TaskRecord, TaskStatus
from pytest_k1n.core.timing.intervals import Interval

END_ONLY_TYPES = frozenset({"JOIN", "EXCLUSIVE_JOIN", "DO_WHILE"})
"""Operators of which only the end means something: they open at the fork, or before their first iteration."""


class Attempt(NamedTuple):
    """One attempt of a task; instants count from the execution's start, None where the server has no stamp yet."""

    record: TaskRecord
    scheduled_ms: int | None
    start_ms: int | None
    end_ms: int | None

    @property
    def ready_ms(self) -> int | None:
        """From when a worker could have had it: scheduled, plus a declared delay."""
        return None if self.scheduled_ms is None else self.scheduled_ms + self.record.start_delay_ms

    @property
    def interval(self) -> Interval | None:
        if self.start_ms is None or self.end_ms is None:
            return None
        return Interval(self.start_ms, self.end_ms)


class Span(NamedTuple):
    """The life of one task over all its attempts."""

    key: TaskKey
    attempts: tuple[Attempt, ...]
    """First to last; never empty."""

    @property
    def scheduled_ms(self) -> int | None:
        return self.attempts[0].scheduled_ms

    @property
    def start_ms(self) -> int | None:
        """When the first attempt was started."""
        return self.attempts[0].start_ms

    @property
    def end_ms(self) -> int | None:
        """When the last attempt ended; None while the task is open."""
        return self.attempts[-1].end_ms

    @property
    def duration_ms(self) -> int | None:
        """How long the last attempt was executed: what an estimate is compared with."""
        last = self.attempts[-1].interval
        return None if last is None else last.duration_ms

    @property
    def is_skipped(self) -> bool:
        """Whether it was SKIPPED by hand: its stamps say when that was asked for, and bind nothing."""
        return self.attempts[-1].record.status is TaskStatus.SKIPPED

    @property
    def is_simulated(self) -> bool:
        """Whether the last attempt's worker said that it only simulated the work."""
        return simulated_work_ms(self.attempts[-1].record) is not None


@dataclass(frozen=True, slots=True)
class Window:
    """The time a set of tasks took: from the first scheduled to the last end."""

    start_ms: int
    end_ms: int | None
    """None while one of the tasks has not ended."""

    @property
    def duration_ms(self) -> int | None:
        return None if self.end_ms is None else self.end_ms - self.start_ms


def simulated_work_ms(record: TaskRecord) -> int | None:
    """Return the work that the worker simulated, at most the time of execution; None if it was real.

    It stands in the reserved output object `_k1n` that our worker writes.
    """
    noted = _note(record)
    return _within_execution(record, noted.get("work_ms")) if noted.get("simulated") is True else None


def scaled_work_ms(record: TaskRecord, slept_ms: int = 0) -> int:
    """Return the raw time of an attempt that its worker had shortened by the speed: simulated or declared work.

    `slept_ms` is what the worker's ledger says of a real handler; where there is none, its output may. Of a
    SUB_WORKFLOW it is what its own execution was shortened by: its output may be that of one of its tasks.
    """
    if record.type == "SUB_WORKFLOW" and slept_ms:
        return _within_execution(record, slept_ms)
    simulated = simulated_work_ms(record)
    return _within_execution(record, slept_ms or _note(record).get("slept_ms")) if simulated is None else simulated


def _note(record: TaskRecord) -> Mapping[str, object]:
    noted = record.output.get("_k1n")
    return noted if isinstance(noted, Mapping) else {}


def _within_execution(record: TaskRecord, work: object) -> int:
    if record.started_ms is None or record.ended_ms is None or isinstance(work, bool) or not isinstance(work, int):
        return 0
    return max(0, min(work, record.ended_ms - record.started_ms))
