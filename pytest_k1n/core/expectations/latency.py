"""Judging a latency in raw server time: within its budget, too late, or not measurable in this weather."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_k1n.core.expectations.subjects import pending
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.weather import REQUESTS, Pace, Weather, pace
from pytest_k1n.core.units import format_ms


def judge_latency(
    observation: Observation,
    tally: Tally,
    windows: Iterable[Interval],
    *,
    measured_ms: int,
    budget_ms: int,
    code: str,
    subject: str,
    expected: str,
    observed: str = "",
    margin: str = "",
    origin: str = "",
    requests: int = REQUESTS,
) -> None:
    """Count one check of a latency that was measured over `windows` (epoch ms of the server's clock).

    `requests` is how many of them a task passes through in each.
    """
    windows = tuple(windows)
    observed, margin = observed or format_ms(measured_ms), margin or format_ms(measured_ms - budget_ms)
    verdict = pace(
        measured_ms, budget_ms, windows, observation.weather, requests=requests, is_settled=observation.is_settled
    )
    tally.latencies += 1
    if verdict is Pace.KEPT:
        tally.passed()
    elif verdict is Pace.UNDECIDED:
        pending(tally, subject, expected=expected, observed=observed, origin=origin)
    elif verdict is Pace.UNMEASURABLE:
        not_measurable(
            observation.weather, tally, windows, subject=subject, expected=expected, observed=observed, margin=margin,
            origin=f"{code}; {origin}" if origin else code, requests=requests,
        )  # fmt: skip
    else:
        tally.fail(code, subject, expected=expected, observed=observed, margin=margin, origin=origin)


def not_measurable(
    weather: Weather | None,
    tally: Tally,
    windows: Iterable[Interval],
    *,
    subject: str,
    expected: str,
    observed: str,
    margin: str,
    origin: str,
    requests: int = REQUESTS,
) -> None:
    """Count a check that this weather does not let us decide: in no rate, and listed with its figures."""
    if weather is None or weather.policy == "off":
        because = "latencies are not judged in this run"
    else:
        stalled_ms = weather.stalled_ms(windows, requests=requests)
        because = f"for {format_ms(stalled_ms)} of it the machine or the server stood still"
    tally.unmeasurable(
        subject, expected=expected, observed=f"{observed}; {because}", margin=margin, origin=origin
    )  # fmt: skip
