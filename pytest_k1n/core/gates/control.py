"""The server's own pace beside what was tested: JOINs of a control execution, held up by no workflow and no worker."""

from __future__ import annotations

from dataclasses import replace

from pytest_k1n.core.definition.shape import JOINS
from pytest_k1n.core.expectations.latency import not_measurable
from pytest_k1n.core.gates.facts import BatchObservation, GateSettings
from pytest_k1n.core.record.observation import Observation, TimeModel
from pytest_k1n.core.statistics.stats import median
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.weather import Pace, pace
from pytest_k1n.core.units import format_ms

FEWEST = 3
"""Late JOINs that count as more than chance."""
OF_A_STEP = 0.2
"""What of a step before it, which no look at JOINs is in, a server that is slow in everything needs for a JOIN, too.

On two cores with the work of 25 to 30, half of the JOINs of 19 of 121 healthy controls were late, and of none when this
had been taken off each; of 60 of a server that looks at them twice a second half were late in 60 and are in 56.
"""


def joins_on_time(observation: Observation, batch: BatchObservation, settings: GateSettings, tally: Tally) -> None:
    """Count one check: whether the server looks at JOINs as often as its budget assumes, where there is one to look at.

    Late is a server at which half of them are. What the host stood still is taken off each; what the server did is
    not, for it is the subject: but a server that is so slow in everything is not measurable. Nothing is counted where
    no control executions ran.
    """
    control = batch.facts.control
    has_joins = any(node.type in JOINS for node in observation.graph.nodes.values())
    if control is None or not control.joins or not has_joins or observation.time_model is TimeModel.VIRTUAL:
        return
    budget_ms, lags = settings.join_ms, [join.lag for join in control.joins]
    weather = replace(control.weather, server=()) if control.weather else None
    paces = [pace(lag.duration_ms, budget_ms, [lag], weather) for lag in lags]
    measured = [lag for lag, each in zip(lags, paces, strict=True) if each is not Pace.UNMEASURABLE]
    late = paces.count(Pace.LATE)
    expected = f"JOINs of control executions within {format_ms(budget_ms)}"
    origin = "raw server time; control executions right after the batch, with no work in them"
    observed = f"{late} of {len(measured)} later: {', '.join(str(lag.duration_ms) for lag in lags)} ms"
    tally.latencies += 1
    if _is_late(late, measured):
        step_ms = median([join.step_ms for join in control.joins])
        spared_ms = round(OF_A_STEP * step_ms)
        beyond = [pace(lag.duration_ms - spared_ms, budget_ms, [lag], weather) for lag in lags].count(Pace.LATE)
        margin = format_ms(round(median([lag.duration_ms for lag in measured])) - budget_ms)
        if _is_late(beyond, measured):
            tally.fail("joins-late", "control", expected=expected, observed=observed, margin=margin, origin=origin)
        else:
            observed += f"; what is no JOIN's took {format_ms(round(step_ms))} a step as well"
            origin = f"joins-late; {origin}"
            tally.unmeasurable("control", expected=expected, observed=observed, margin=margin, origin=origin)
    elif measured:
        tally.passed()
    else:
        not_measurable(
            weather, tally, lags, subject="control", expected=expected, observed=observed, margin="",
            origin=f"joins-late; {origin}",
        )  # fmt: skip


def _is_late(late: int, measured: list[Interval]) -> bool:
    return late >= FEWEST and 2 * late >= len(measured)
