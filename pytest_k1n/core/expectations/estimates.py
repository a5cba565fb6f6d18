"""How long an execution and its tasks take: against the plan's estimates, in workflow time.

Durations of simulated work are judged, and counted apart: they show the simulation, not the product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_k1n.core.expectations.bands import in_band
from pytest_k1n.core.expectations.expectation import Judge, expectation
from pytest_k1n.core.expectations.subjects import known, pending, recorded, refuse_none, unfinished
from pytest_k1n.core.findings import Findings
from pytest_k1n.core.model import TaskKey
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.pending.final import is_over
from pytest_k1n.core.plan import Template
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.units import format_ms, percent

QUANTUM_MS = 10
"""Resolution of our worker's polls: two of them are the least deviation that means anything."""


@expectation
def on_estimate(*, tolerance: str | None = None, refs: Sequence[str] | None = None) -> Judge:
    """Expect makespan and tasks on the plan's estimates: slower than the tolerance fails, faster warns.

    A makespan that is faster *and* outside the plan's band fails. `tolerance` (`"10%"`) is the plan's by default, and
    never less than two polls. With `refs` only those tasks are judged. Raises ValueError for what is no percentage,
    and for an empty list of refs.
    """
    refuse_none("on_estimate", refs)
    fraction = None if tolerance is None else percent(tolerance)

    def judge(observation: Observation) -> Findings:
        tally = Tally()
        share = fraction if fraction is not None else (observation.template.tolerance if observation.template else 0.1)
        if refs is None:
            makespan_on_estimate(observation, share, tally)
        tasks_on_estimate(observation, share, tally, refs=refs)
        if not (tally.passes or tally.fails or tally.unknowns or tally.simulated):
            name = observation.execution.name
            untold = observation.template.total_untold if observation.template else ""
            tally.unknown("no-estimate", name, expected="an estimate in the plan", observed=untold or "none")
        return tally.findings()

    return judge


def makespan_on_estimate(observation: Observation, share: float, tally: Tally) -> None:
    """Judge the makespan against the template's total estimate, where it has one; say why it has none."""
    template, timeline = observation.template, observation.timeline
    if template is None or template.total_estimate_ms is None:
        if template and template.total_untold:
            tally.note(f"makespan not judged: {template.total_untold}")
            if timeline.end_ms is None and not observation.is_settled:  # a task that has not begun may yet be slow
                expected = "to end, with its tasks on their estimates"
                pending(tally, observation.execution.name, expected=expected, observed=observation.state)
        return
    name, simulated = observation.execution.name, observation.any_simulated
    if template.total_origin and simulated and template.loops_within:
        tally.note(f"makespan not judged: {_of_one_round(*next(iter(template.loops_within.items())))}")
        return
    origin = f"{total_origin(template)}, tolerance {share:.0%}"
    if timeline.end_ms is None:
        limit_ms = _slowest(template.total_estimate_ms, share, QUANTUM_MS)
        expected = f"a makespan of at most {format_ms(round(limit_ms))}"
        if observation.elapsed_ms > limit_ms:
            _slower(name, expected, observation.elapsed_ms, template.total_estimate_ms, tally, origin, simulated)
        elif observation.is_settled:
            tally.fail("not-finished", name, expected=expected, observed=observation.state, origin=origin)
        else:
            pending(tally, name, expected=expected, observed=observation.state, origin=origin)
        return
    if template.band_ms and timeline.end_ms < template.band_ms[0]:
        in_band(
            name, "the makespan", timeline.end_ms, timeline.end_ms, template.band_ms, tally,
            f"band of {template.workflow} in the plan", is_settled=True, simulated=simulated,
        )  # fmt: skip
        return
    _estimated(name, timeline.end_ms, template.total_estimate_ms, share, tally, origin, simulated=simulated)


def total_origin(template: Template) -> str:
    """Say where a template's estimate of the whole comes from."""
    return template.total_origin or f"estimate of {template.workflow} in the plan"


def tasks_on_estimate(
    observation: Observation,
    share: float,
    tally: Tally,
    *,
    refs: Sequence[str] | None = None,
    quantum_ms: int = QUANTUM_MS,
) -> None:
    """Judge the last attempt of every task that has an estimate; of tasks that never ran, those in `refs` only."""
    wanted = observation.refs if refs is None else known(observation, refs, tally)
    for key in observation.acting_keys:
        estimate_ms = observation.estimate_ms(key[0])
        if key[0] in wanted and estimate_ms is not None:
            _task_on_estimate(observation, key, estimate_ms, share, tally, quantum_ms)
    for ref, name in _estimated_by_name(observation) if refs is None else ():
        expected = f"its estimate by ref, as in: {ref} = ..."
        tally.unknown("no-estimate", ref, expected=expected, observed=f"one of {name}, which is its task's name")
    for ref in wanted if refs is not None else ():
        if observation.estimate_ms(ref) is None:
            tally.unknown("no-estimate", ref, expected="an estimate in the plan", observed="none")
        else:
            recorded(observation, ref, tally, expected="to run, and to take its estimate")


def _of_one_round(ref: str, loop: str) -> str:
    return f"the simulated tasks of {ref} share its estimate for one round of {loop}, and nothing tells its rounds"


def _estimated_by_name(observation: Observation) -> Iterator[tuple[str, str]]:
    """Yield a ref, with its task's name, for each estimate that names a task and no ref: it would judge nothing."""
    estimates = observation.template.estimates_ms if observation.template else {}
    told: set[str] = set()
    for key, record in observation.finals.items():
        name = record.def_name
        if name in estimates and name not in observation.refs and name not in told and key[0] not in estimates:
            told.add(name)
            yield key[0], name


def _task_on_estimate(
    observation: Observation, key: TaskKey, estimate_ms: int, share: float, tally: Tally, quantum_ms: int
) -> None:
    span = observation.timeline.spans[key]
    origin = f"estimate of {key[0]} in the plan, tolerance {share:.0%}"
    if span.duration_ms is None or not is_over(observation, key):
        # With no refs asked for, a task that never ran is another expectation's finding.
        if not observation.is_settled or observation.finals[key].started_ms is not None:
            unfinished(observation, key, tally, expected=f"to take {format_ms(estimate_ms)}", origin=origin)
        return
    if observation.is_simulated(key) and (
        loop := observation.template and observation.template.loops_within.get(key[0])
    ):
        tally.note(f"{label(key)} not judged: {_of_one_round(key[0], loop)}")
        return
    _estimated(
        label(key), span.duration_ms, estimate_ms, share, tally, origin,
        simulated=observation.is_simulated(key), quantum_ms=quantum_ms,
    )  # fmt: skip


def slower_than_allowed(taken_ms: int, estimate_ms: int, share: float, quantum_ms: int = QUANTUM_MS) -> bool:
    """Whether a duration exceeds its estimate by more than the tolerance, which is never less than two polls."""
    return taken_ms > _slowest(estimate_ms, share, quantum_ms)


def _slowest(estimate_ms: int, share: float, quantum_ms: int) -> float:
    return estimate_ms + max(share * estimate_ms, 2 * quantum_ms)


def _estimated(
    subject: str,
    taken_ms: int,
    estimate_ms: int,
    share: float,
    tally: Tally,
    origin: str,
    *,
    simulated: bool,
    quantum_ms: int = QUANTUM_MS,
) -> None:
    expected = f"{format_ms(estimate_ms)} ± {share:.0%}"
    slack_ms = _slowest(estimate_ms, share, quantum_ms) - estimate_ms
    if slower_than_allowed(taken_ms, estimate_ms, share, quantum_ms):
        _slower(subject, expected, taken_ms, estimate_ms, tally, origin, simulated)
    elif estimate_ms - taken_ms > slack_ms:
        tally.warn(
            "faster-than-estimate",
            subject,
            expected=expected,
            observed=format_ms(taken_ms),
            margin=_relative(taken_ms, estimate_ms),
            origin=origin,
            simulated=simulated,
        )
    else:
        tally.passed(simulated=simulated)


def _slower(
    subject: str, expected: str, taken_ms: int, estimate_ms: int, tally: Tally, origin: str, simulated: bool
) -> None:
    tally.fail(
        "slower-than-estimate",
        subject,
        expected=expected,
        observed=format_ms(taken_ms),
        margin=_relative(taken_ms, estimate_ms),
        origin=origin,
        simulated=simulated,
    )


def _relative(taken_ms: int, estimate_ms: int) -> str:
    return f"{100 * (taken_ms - estimate_ms) / estimate_ms:+.1f}%" if estimate_ms else format_ms(taken_ms)
