"""How an execution stands while nothing happens: a line now and then, so that a long run shows that it lives. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_k1n.core.model import TaskRecord
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.schedule.planned_schedule import makespan_ms, planned_schedule
from pytest_k1n.core.units import MINUTE_MS, SECOND_MS, format_ms

FIRST_MS = 30 * SECOND_MS
"""How long nothing is said before the first line, raw time."""
MOST_MS = 5 * MINUTE_MS
"""How long nothing is said at most: a run of two hours fills one screen of a CI log with it."""
_MOST_TASKS = 4


@dataclass(slots=True)
class Pulse:
    """Knows when the next line is due: later and later, as the run gets longer. Instants are monotonic ms."""

    begun_ms: int | None = None
    said_ms: int = 0

    def spoke(self, now_ms: int) -> None:
        """Note that something was said of the execution."""
        self.said_ms = now_ms

    def is_due(self, now_ms: int) -> bool:
        """Whether a line is due; the first call begins the count."""
        if self.begun_ms is None:
            self.begun_ms = self.said_ms = now_ms
        pause_ms = min(max((now_ms - self.begun_ms) // 10, FIRST_MS), MOST_MS)
        return now_ms - self.said_ms >= pause_ms


def standing(observation: Observation, *, raw_ms: int, speed: float) -> str:
    """Say how many tasks are done, what runs for how long, and how long that was planned to take.

    `raw_ms` is how long the execution has been running by the clock on the wall; plans are shortened by `speed`.
    """
    records = list(observation.finals.values())
    workers = [record for record in records if record.is_worker_task]
    done = sum(record.status.is_terminal for record in workers)
    total = max(len(observation.graph.worker_keys), len(workers))
    running = [record for record in workers if record.started_ms is not None and not record.status.is_terminal]
    queued = [record.ref for record in workers if record.started_ms is None and not record.status.is_terminal]
    begun = observation.execution.started_ms
    parts = [f"{done} of {total} tasks done"]
    parts += list(_running(running[:_MOST_TASKS], observation, begun + raw_ms, speed))
    if len(running) > _MOST_TASKS:
        parts.append(f"{len(running) - _MOST_TASKS} more run")
    parts += list(_waiting(records, begun + raw_ms))
    if queued:
        parts.append(f"{', '.join(queued[:_MOST_TASKS])} waits for a worker")
    total_ms = observation.template.total_estimate_ms if observation.template else None
    # What a WAIT or a start delay holds is the server's own time: no speed shortens it.
    held_ms = min(makespan_ms(planned_schedule(observation.definition, {})), total_ms or 0)
    left_ms = None if total_ms is None else round((total_ms - held_ms) / speed) + held_ms - raw_ms
    if left_ms is not None and left_ms > 0:
        parts.append(f"about {format_ms(left_ms)} to go")
    return "; ".join(parts)


def _waiting(records: list[TaskRecord], now_ms: int) -> Iterator[str]:
    """Name the people, signals and pauses that are waited for."""
    open_ = [each for each in records if each.type in ("HUMAN", "WAIT") and not each.status.is_terminal]
    for record in open_[:_MOST_TASKS]:
        yield f"{record.ref} ({record.type}) waits for {format_ms(max(now_ms - (record.scheduled_ms or now_ms), 0))}"


def _running(records: list[TaskRecord], observation: Observation, now_ms: int, speed: float) -> Iterator[str]:
    for record in records:
        planned_ms = observation.estimate_ms(record.ref)
        of = f" of about {format_ms(round(planned_ms / speed))}" if planned_ms else ""
        yield f"{record.ref} runs for {format_ms(max(now_ms - (record.started_ms or now_ms), 0))}{of}"
