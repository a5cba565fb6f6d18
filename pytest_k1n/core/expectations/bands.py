"""How long an execution, its phases and tasks take, and when tasks start: against bands, in workflow time.

Durations of simulated work are judged, and counted apart: they show the simulation, not the product.
"""

from __future__ import annotations

from pytest_k1n.core.expectations.expectation import Judge, expectation
from pytest_k1n.core.expectations.subjects import known, missing, pending, phase_named, recorded, unfinished
from pytest_k1n.core.findings import Findings
from pytest_k1n.core.order.unroll import expected_keys, label
from pytest_k1n.core.pending.final import is_over, may_repeat
from pytest_k1n.core.plan import Band, Phase
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.units import duration_ms, format_ms


@expectation
def within(low: str, high: str) -> Judge:
    """Expect the makespan, in workflow time, between two durations; both inclusive.

    Raises ValueError for what is no duration, or for a band that is empty.
    """
    band = _band(low, high)

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        makespan_in(observation, band, tally, origin=f"within({low!r}, {high!r})")
        return tally.findings()

    return judge


def makespan_in(observation: Observation, band: Band, tally: Tally, *, origin: str) -> None:
    """Judge the makespan against a band; too long is decided before the end."""
    name = observation.execution.name
    in_band(
        name,
        "the makespan",
        observation.timeline.end_ms,
        observation.elapsed_ms,
        band,
        tally,
        origin,
        is_settled=observation.is_settled,
        simulated=observation.any_simulated,
    )


@expectation
def task_within(ref: str, low: str, high: str) -> Judge:
    """Expect the last attempt of a task to execute between two durations of workflow time; of each iteration in a loop.

    Raises ValueError for what is no duration, or for a band that is empty.
    """
    band = _band(low, high)

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        origin = f"task_within({ref!r}, {low!r}, {high!r})"
        for key in recorded(observation, ref, tally, expected=f"to take {_shown(band)}", origin=origin):
            span = observation.timeline.spans[key]
            taken_ms = span.duration_ms
            if taken_ms is None or not is_over(observation, key):
                unfinished(observation, key, tally, expected=f"to take {_shown(band)}", origin=origin)
            else:
                in_band(
                    label(key), "execution", taken_ms, taken_ms, band, tally, origin,
                    is_settled=True, simulated=span.is_simulated,
                )  # fmt: skip
        return tally.findings()

    return judge


@expectation
def starts_within(ref: str, low: str, high: str) -> Judge:
    """Expect a task to start in a window of workflow time since the start of the execution.

    Raises ValueError for what is no duration, or for a window that is empty.
    """
    band = _band(low, high)

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        start_in(observation, ref, band, tally, origin=f"starts_within({ref!r}, {low!r}, {high!r})")
        return tally.findings()

    return judge


def start_in(observation: Observation, ref: str, band: Band, tally: Tally, *, origin: str) -> None:
    """Judge when a task first started; too late is decided before it starts."""
    expected = f"to start {_shown(band)} after the execution"
    keys = observation.keys(ref)
    simulated = observation.any_simulated
    if not keys and not observation.is_settled and observation.elapsed_ms > band[1]:
        if known(observation, [ref], tally):
            _late(ref, expected, observation.elapsed_ms, band, tally, origin, simulated)
        return
    for key in recorded(observation, ref, tally, expected=expected, origin=origin):
        start_ms = observation.timeline.spans[key].start_ms
        if start_ms is None:
            unfinished(observation, key, tally, expected=expected, origin=origin)
        else:
            in_band(label(key), "start", start_ms, start_ms, band, tally, origin, is_settled=True, simulated=simulated)


@expectation
def phase_within(phase: int | str, low: str | None = None, high: str | None = None) -> Judge:
    """Expect a phase (number or name) to last between two durations of workflow time, first scheduled to last end.

    Without them the plan's band serves. Raises ValueError for what is no duration, for only one of them, or for a
    band that is empty.
    """
    if (low is None) != (high is None):
        raise ValueError("phase_within takes both ends of a band, or none of them")
    given = _band(low, high) if low is not None and high is not None else None

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        found = phase_named(observation, phase, tally)
        if found is not None:
            band = given or found.band_ms
            origin = "phase_within" if given else f"band of phase {found.number} in the plan"
            if band is None:
                name = f"phase {found.number}"
                tally.unknown("no-band", name, expected="a band in the plan", observed="none, and none was given")
            else:
                phase_in(observation, found, band, tally, origin=origin)
        return tally.findings()

    return judge


def phase_in(observation: Observation, phase: Phase, band: Band, tally: Tally, *, origin: str) -> None:
    """Judge how long a phase lasted; too long is decided before its end."""
    name = f"phase {phase.number}"
    window = observation.timeline.window(phase.refs)
    keys = [key for key in observation.acting_keys if key[0] in phase.refs]
    is_closed = all(is_over(observation, key) for key in keys) and not any(
        may_repeat(observation, ref) for ref in phase.refs
    )
    simulated = any(observation.is_simulated(key) for key in keys)
    if window is None:
        missing(observation, name, tally, expected=f"to last {_shown(band)}", origin=origin)
        return
    in_band(
        name,
        f"{phase.name or name}",
        window.duration_ms if is_closed else None,
        _reached_ms(observation, phase) - window.start_ms,
        band,
        tally,
        origin,
        is_settled=observation.is_settled,
        simulated=simulated,
    )


def _reached_ms(observation: Observation, phase: Phase) -> int:
    """Return until when a phase has lasted for certain: until now while it has tasks to come, else to its last end.

    Refs in a case that is not taken never come, and a TERMINATE may spare others.
    """
    spans = [span for key, span in observation.timeline.spans.items() if key[0] in phase.refs]
    ends = [span.end_ms for span in spans if span.end_ms is not None]
    may_stop = any(task.type == "TERMINATE" for task in observation.graph.nodes.values())
    required = () if may_stop else expected_keys(observation.graph, observation.execution)
    to_come = any(key[0] in phase.refs and key not in observation.records for key in required)
    return observation.elapsed_ms if to_come or len(ends) < len(spans) else max(ends)


def _band(low: str, high: str) -> Band:
    band = (duration_ms(low), duration_ms(high))
    if band[0] > band[1]:
        raise ValueError(f"the band from {low} to {high} is empty")
    return band


def _shown(band: Band) -> str:
    return f"{format_ms(band[0])} to {format_ms(band[1])}"


def in_band(
    subject: str,
    what: str,
    taken_ms: int | None,
    so_far_ms: int,
    band: Band,
    tally: Tally,
    origin: str,
    *,
    is_settled: bool,
    simulated: bool,
) -> None:
    """Judge a duration (or a start) against a band; `taken_ms` is None while it is not over."""
    expected = f"{what} of {_shown(band)}" if what != "start" else f"a start {_shown(band)} after the execution's"
    if taken_ms is None and so_far_ms > band[1]:
        _late(subject, expected, so_far_ms, band, tally, origin, simulated)
    elif taken_ms is None and is_settled:
        observed = f"{format_ms(so_far_ms)}, and no end"
        tally.fail("not-finished", subject, expected=expected, observed=observed, origin=origin)
    elif taken_ms is None:
        pending(tally, subject, expected=expected, observed=f"{format_ms(so_far_ms)} so far", origin=origin)
    elif band[0] <= taken_ms <= band[1]:
        tally.passed(simulated=simulated)
    else:
        off_ms = band[0] - taken_ms if taken_ms < band[0] else taken_ms - band[1]
        side = "below" if taken_ms < band[0] else "above"
        tally.fail(
            "outside-band",
            subject,
            expected=expected,
            observed=f"{format_ms(taken_ms)}",
            margin=f"{format_ms(off_ms)} {side}",
            origin=origin,
            simulated=simulated,
        )


def _late(subject: str, expected: str, so_far_ms: int, band: Band, tally: Tally, origin: str, simulated: bool) -> None:
    tally.fail(
        "outside-band",
        subject,
        expected=expected,
        observed=f"{format_ms(so_far_ms)} already, and not over",
        margin=f"{format_ms(so_far_ms - band[1])} above so far",
        origin=origin,
        simulated=simulated,
    )
