"""One execution measured against others of its batch: the batch's wall time, the same workflow run alone."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pytest_k1n.core.expectations.estimates import QUANTUM_MS
from pytest_k1n.core.expectations.expectation import Judge, expectation
from pytest_k1n.core.expectations.latency import judge_latency
from pytest_k1n.core.expectations.queueing import queue_waits
from pytest_k1n.core.expectations.subjects import Other, is_same, missing, observation_of, pending, unfinished
from pytest_k1n.core.findings import Findings
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.statistics.stats import paired_slowdown
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.weather import REQUESTS
from pytest_k1n.core.units import duration_ms, format_ms, percent


@expectation
def spans_batch(*others: Other, slack: str = "150ms") -> Judge:
    """Expect that this execution and the others together take no longer, in raw server time, than it does by itself.

    From the earliest start to the last end of all may exceed this makespan by `slack`. Raises ValueError for what is
    no duration, and without others.
    """
    if not others:
        raise ValueError("spans_batch needs at least one other execution")
    slack_ms = duration_ms(slack)

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        together = [observation, *(observation_of(other) for other in others)]
        if any(is_same(observation, theirs, tally) for theirs in together[1:]):
            return tally.findings()
        name = observation.execution.name
        expected = f"all {len(together)} executions within its makespan + {format_ms(slack_ms)}"
        ends = [each.execution.ended_ms for each in together]
        own_end = observation.execution.ended_ms
        if own_end is None or any(end is None for end in ends):
            late = next(each for each in together if each.execution.ended_ms is None)
            observed = f"{late.execution.name} is {late.state}"
            if all(each.is_settled for each in together):
                tally.fail("not-finished", name, expected=expected, observed=observed)
            else:
                pending(tally, name, expected=expected, observed=observed)
            return tally.findings()
        wall = Interval(
            min(each.execution.started_ms for each in together), max(end for end in ends if end is not None)
        )
        own_ms = own_end - observation.execution.started_ms
        judge_latency(
            observation,
            tally,
            [wall],
            measured_ms=wall.duration_ms - own_ms,
            budget_ms=slack_ms,
            code="batch-too-long",
            subject=name,
            expected=expected,
            observed=f"{format_ms(wall.duration_ms)} together, {format_ms(own_ms)} its own makespan",
            margin=format_ms(wall.duration_ms - own_ms),
            requests=REQUESTS * sum(len(each.worker_keys) for each in together),
        )
        return tally.findings()

    return judge


@expectation
def not_slower_than(alone: Other, *, tolerance: str = "10%") -> Judge:
    """Expect every worker task to execute, in raw server time, about as fast as in the same workflow run alone.

    Slower by more than `tolerance` of the time alone *and* two poll quanta fails; queue waits are noted, not judged.
    Raises ValueError for what is no percentage.
    """
    share = percent(tolerance)

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        reference = observation_of(alone)
        if is_same(observation, reference, tally):
            return tally.findings()
        kept_pace(observation, reference, tally, tolerance=share)
        missed = [key for key in reference.worker_keys if key not in observation.finals]
        for key in missed:
            missing(observation, label(key), tally, expected="it to run as it does alone")
        tally.note(_waits(observation, reference))
        return tally.findings()

    return judge


def kept_pace(
    observation: Observation, alone: Observation, tally: Tally, *, tolerance: float, floor_ms: int = 2 * QUANTUM_MS
) -> None:
    """Judge the raw execution time of every task's last attempt against the same task alone; the unit is the task."""
    spans = _executions(observation)
    together, reference = _durations(spans), _durations(_executions(alone))
    expected = f"at most {tolerance:.0%} and {format_ms(floor_ms)} slower than alone"
    for pair in paired_slowdown(reference, together, tolerance=tolerance, floor_ms=floor_ms):
        judge_latency(
            observation,
            tally,
            [spans[pair.key]],
            measured_ms=math.ceil(pair.together_ms),
            budget_ms=math.floor(pair.limit_ms),
            code="slower-together",
            subject=pair.key,
            expected=expected,
            observed=f"{format_ms(round(pair.together_ms))} together, {format_ms(round(pair.alone_ms))} alone",
            margin=f"{100 * (pair.ratio - 1):+.1f}%",
        )
    for key in observation.worker_keys:
        if label(key) not in together:
            unfinished(observation, key, tally, expected=expected)
        elif label(key) not in reference:
            observed = "no such task ended in the execution that ran alone"
            tally.unknown("no-reference", label(key), expected=expected, observed=observed)


def _executions(observation: Observation) -> dict[str, Interval]:
    """ref -> when the last attempt was executed, raw."""
    return {label(key): span for key in observation.worker_keys if (span := observation.raw(key)) is not None}


def _durations(spans: Mapping[str, Interval]) -> dict[str, list[int]]:
    return {ref: [span.duration_ms] for ref, span in spans.items()}


def _waits(observation: Observation, reference: Observation) -> str:
    return f"queue waits: {_longest_wait(observation)} together, {_longest_wait(reference)} alone at the longest"


def _longest_wait(observation: Observation) -> str:
    waits = [wait.duration_ms for key in observation.worker_keys for _, wait in queue_waits(observation, key)]
    return format_ms(max(waits)) if waits else "none"
