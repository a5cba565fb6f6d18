"""How soon workers take tasks: raw server time, at any speed."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_k1n.core.expectations.expectation import Judge, expectation
from pytest_k1n.core.expectations.latency import judge_latency
from pytest_k1n.core.expectations.subjects import known, pending, recorded, refuse_none, unfinished
from pytest_k1n.core.findings import Findings
from pytest_k1n.core.model import TaskKey, TaskRecord
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.units import duration_ms, format_ms


@expectation
def starts_at_once(ref: str, *, within: str = "250ms") -> Judge:
    """Expect a task to be taken by a worker `within` a raw server time of the execution's start.

    Raises ValueError for what is no duration.
    """
    limit_ms = duration_ms(within)

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        expected = f"to start within {format_ms(limit_ms)} of the execution (raw)"
        for key in recorded(observation, ref, tally, expected=expected):
            start_ms = observation.records[key][0].started_ms
            waited_ms = None if start_ms is None else start_ms - observation.execution.started_ms
            if waited_ms is None:
                unfinished(observation, key, tally, expected=expected)
            else:
                judge_latency(
                    observation,
                    tally,
                    [Interval(observation.execution.started_ms, observation.execution.started_ms + waited_ms)],
                    measured_ms=waited_ms,
                    budget_ms=limit_ms,
                    code="started-late",
                    subject=label(key),
                    expected=expected,
                )
        return tally.findings()

    return judge


@expectation
def max_queue_wait(limit: str, *, refs: Sequence[str] | None = None) -> Judge:
    """Expect no attempt to wait longer for a worker, in raw server time, delays declared by the definition excepted.

    Raises ValueError for what is no duration, and for an empty list of refs.
    """
    refuse_none("max_queue_wait", refs)
    limit_ms = duration_ms(limit)

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        expected = f"to wait at most {format_ms(limit_ms)} for a worker"
        wanted = observation.refs if refs is None else known(observation, refs, tally)
        for ref in wanted if refs is not None else ():
            recorded(observation, ref, tally, expected=expected)
        for key in observation.worker_keys:
            if key[0] not in wanted:
                continue
            for attempt, wait in queue_waits(observation, key):
                judge_latency(
                    observation,
                    tally,
                    [wait],
                    measured_ms=wait.duration_ms,
                    budget_ms=limit_ms,
                    code="waited-long",
                    subject=label(key),
                    expected=expected,
                    observed=f"{format_ms(wait.duration_ms)} at attempt {attempt + 1}",
                    origin="raw server time",
                )
        if not observation.is_settled:
            pending(tally, observation.execution.name, expected=expected, observed="more tasks may come")
        return tally.findings()

    return judge


def queue_waits(observation: Observation, key: TaskKey) -> list[tuple[int, Interval]]:
    """Return (attempt, queue wait in raw server time) of every started attempt; a declared delay is no wait."""
    return [(record.attempt, wait) for record in observation.records[key] if (wait := queue_wait(record)) is not None]


def queue_wait(record: TaskRecord) -> Interval | None:
    """Return when an attempt waited for a worker, raw; None if it never started. A declared delay is no wait."""
    if record.started_ms is None or record.scheduled_ms is None:
        return None
    return Interval(min(record.scheduled_ms + record.start_delay_ms, record.started_ms), record.started_ms)
