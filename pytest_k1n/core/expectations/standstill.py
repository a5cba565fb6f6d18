"""What would have run at the same time if machine and server had not stood still while it waited for a worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil

from pytest_k1n.core.expectations.latency import not_measurable
from pytest_k1n.core.expectations.queueing import queue_wait
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.model import TaskKey
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.timing.intervals import (
    RESOLUTION_MS,
    Interval,
    max_concurrency,
    overlap_ms,
    overlap_needed_ms,
    really_overlapped,
)
from pytest_k1n.core.timing.weather import Pace, pace
from pytest_k1n.core.units import format_ms

AT_ONCE_MS = 150
"""A task that is taken so soon does not keep others waiting: the budget of starts that belong together."""


def kept_apart(
    observation: Observation, first: TaskKey, second: TaskKey, spans: Mapping[TaskKey, Interval], tally: Tally, why: str
) -> bool:
    """Count a pair that would have met if machine and server had not stood still while the later one was queued."""
    if observation.weather is None or really_overlapped(spans[first], spans[second]) is not Verdict.FAIL:
        return False
    earlier, later = sorted((first, second), key=lambda key: spans[key].start_ms)
    needed, overlap = overlap_needed_ms(spans[first], spans[second]), overlap_ms(spans[first], spans[second])
    wait = queue_wait(observation.finals[later])
    if wait is None or wait.start_ms > spans[earlier].end_ms - needed:
        return False
    lacking_ms = ceil(needed - overlap)
    if pace(lacking_ms, 0, [wait], observation.weather) is not Pace.UNMEASURABLE:
        return False
    not_measurable(
        observation.weather,
        tally,
        [wait],
        subject=label(later),
        expected=f"{label(first)} and {label(second)} to overlap for at least {format_ms(round(needed))}",
        observed=f"{label(later)} waited {format_ms(wait.duration_ms)} for a worker",
        margin=format_ms(lacking_ms),
        origin=f"not-concurrent; {why}",
    )
    return True


def fewer_by_late_answers(
    observation: Observation,
    keys: Iterable[TaskKey],
    least: int,
    tally: Tally,
    *,
    subject: str,
    expected: str,
    origin: str = "",
) -> bool:
    """Count a maximum concurrency that would have been reached, had the server answered polls at once.

    Moved back to where it was queued is a task that its worker asked for in time, and the server gave late. The meters'
    stalls do not count here: while a server is slow all along, they would excuse a worker that has no slot free or does
    not ask (half of such workers at a load of 20 on two cores).
    """
    if observation.weather is None or observation.weather.policy == "strict":
        return False
    polls = {each.task_id: each.poll for each in observation.invocations or () if each.poll is not None}
    spans: list[Interval] = []
    moved: list[Interval] = []
    excused: list[Interval] = []
    for record in [each for key in keys for each in observation.records[key]]:
        wait = queue_wait(record)
        if wait is None or record.started_ms is None or record.ended_ms is None:
            continue
        poll = polls.get(record.task_id)
        is_excused = poll is not None and wait.duration_ms > AT_ONCE_MS >= poll.start_ms - wait.start_ms
        shift_ms = wait.duration_ms if is_excused else 0
        spans.append(Interval(record.started_ms, record.ended_ms))
        moved.append(Interval(record.started_ms - shift_ms, record.ended_ms - shift_ms))
        excused += [wait] * is_excused
    if not excused or max_concurrency(moved, for_ms=RESOLUTION_MS).level < least:
        return False
    level = max_concurrency(spans, for_ms=RESOLUTION_MS).level
    longest_ms = max(wait.duration_ms for wait in excused)
    tally.unmeasurable(
        subject,
        expected=expected,
        observed=f"{level}; {len(excused)} were asked for in time, and given up to {format_ms(longest_ms)} later",
        margin=f"{level - least:+d}",
        origin=f"wrong-concurrency; {origin}" if origin else "wrong-concurrency",
    )
    return True
