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


def fewer_by_weather(
    observation: Observation,
    keys: Iterable[TaskKey],
    least: int,
    tally: Tally,
    *,
    subject: str,
    expected: str,
    origin: str = "",
) -> bool:
    """Count a maximum concurrency that would have been reached, had tasks not been queued while everything stood still.

    Moved back to where it was queued is a task whose wait the weather excuses as a whole. One that waited until another
    had ended, on a server that answered in between, is not: its worker had no slot free, or did not ask.
    """
    if observation.weather is None:
        return False
    spans: list[Interval] = []
    moved: list[Interval] = []
    excused: list[Interval] = []
    for record in [each for key in keys for each in observation.records[key]]:
        wait = queue_wait(record)
        if wait is None or record.started_ms is None or record.ended_ms is None:
            continue
        is_excused = pace(wait.duration_ms, AT_ONCE_MS, [wait], observation.weather) is Pace.UNMEASURABLE
        shift_ms = wait.duration_ms if is_excused else 0
        spans.append(Interval(record.started_ms, record.ended_ms))
        moved.append(Interval(record.started_ms - shift_ms, record.ended_ms - shift_ms))
        excused += [wait] * is_excused
    if not excused or max_concurrency(moved, for_ms=RESOLUTION_MS).level < least:
        return False
    level = max_concurrency(spans, for_ms=RESOLUTION_MS).level
    longest = max(excused, key=lambda wait: wait.duration_ms)
    not_measurable(
        observation.weather,
        tally,
        [longest],
        subject=subject,
        expected=expected,
        observed=f"{level}, where one of {len(excused)} waited {format_ms(longest.duration_ms)} for a worker",
        margin=f"{level - least:+d}",
        origin=f"wrong-concurrency; {origin}" if origin else "wrong-concurrency",
    )
    return True
