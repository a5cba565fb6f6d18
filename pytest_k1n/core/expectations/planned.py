"""What the plan and the definition alone expect of an execution, and what of it can be said before the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pytest_k1n.core.expectations.bands import makespan_in, phase_in, start_in
from pytest_k1n.core.expectations.estimates import on_estimate
from pytest_k1n.core.expectations.expectation import Expectation, Judge, expectation, judge_each
from pytest_k1n.core.expectations.order import barriers_hold, follows_definition, in_order
from pytest_k1n.core.expectations.outcome import completed
from pytest_k1n.core.expectations.overlap import concurrent, start_together
from pytest_k1n.core.findings import Findings, Verdict
from pytest_k1n.core.plan import Band, Phase, Template, WatchPoint
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.tally import Tally


def planned(template: Template | None, *, skipped: Sequence[str] = ()) -> tuple[Expectation, ...]:
    """Return what every execution of a template must meet, spelt out or not; without one, what any definition asks.

    `skipped`: refs of tasks that the API was asked to skip.
    """
    return tuple(_planned(template, skipped))


def planned_bands(template: Template) -> tuple[Expectation, ...]:
    """Return what the plan says of times: the band of the makespan, of phases, and the windows of watched tasks."""
    return tuple(_bands(template))


def early_findings(observation: Observation) -> Findings:
    """Judge what the plan and the definition decide already, on an execution that may still be running.

    Fails and warnings only: what may yet come right is left out.
    """
    judged = judge_each(planned(observation.template), observation)  # doubts of records decide nothing
    decided = tuple(finding for finding in judged.findings if finding.verdict in (Verdict.FAIL, Verdict.WARN))
    return replace(judged, findings=decided)


def _planned(template: Template | None, skipped: Sequence[str]) -> Iterator[Expectation]:
    yield completed(skipped=skipped) if skipped else completed()
    yield follows_definition()
    if template is None:
        return
    if len(template.phases) > 1:
        yield barriers_hold()
    for group in template.parallel:
        if len(group) > 1:
            yield start_together(*group, spread=f"{template.start_spread_ms}ms")
            yield concurrent(*group)
    yield from _bands(template)
    for point in template.watch:
        if point.successor:
            yield in_order(point.ref, point.successor)
    if template.estimates_ms or template.total_estimate_ms is not None:
        yield on_estimate()


def _bands(template: Template) -> Iterator[Expectation]:
    if template.band_ms:
        yield planned_band(template.band_ms)
    for phase in template.phases:
        if phase.band_ms:
            yield planned_phase_band(phase, phase.band_ms)
    for point in template.watch:
        yield planned_window(point)


@expectation
def planned_band(band: Band) -> Judge:
    """Expect the makespan in the plan's band."""

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        makespan_in(observation, band, tally, origin=f"band of {observation.execution.name} in the plan")
        return tally.findings()

    return judge


@expectation
def planned_phase_band(phase: Phase, band: Band) -> Judge:
    """Expect a phase in the plan's band."""

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        phase_in(observation, phase, band, tally, origin=f"band of phase {phase.number} in the plan")
        return tally.findings()

    return judge


@expectation
def planned_window(point: WatchPoint) -> Judge:
    """Expect a watched task to start in the plan's window."""

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        band = (point.low_ms, point.high_ms)
        start_in(observation, point.ref, band, tally, origin=f"watch point {point.ref} of the plan")
        return tally.findings()

    return judge
