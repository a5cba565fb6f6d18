"""Gates that need more than one execution, or what only others can measure (G5, G17 to G20)."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k1n.core.baselines.regression import LEAST_EFFECT, AgainstBaseline, SeriesState, SeriesVerdict
from pytest_k1n.core.expectations.pairs import kept_pace
from pytest_k1n.core.gates.category import BatchTally, Exempt, insufficient_baseline, not_applicable
from pytest_k1n.core.gates.facts import BatchObservation, GateSettings
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.units import format_ms


def isolation(batch: BatchObservation, settings: GateSettings, tallies: BatchTally) -> Exempt | None:
    """G5: nothing of one execution in another, workers not overrun, and no task slowed down by the company."""
    if len(batch.company.observations) < 2:
        return not_applicable("one execution: nothing to be isolated from")
    for key, observation in batch.observations.items():
        tallies.of(key).absorb(batch.company.foreign_in(observation))
    tallies.of(None).absorb(batch.company.workers)
    if batch.alone is None:
        return insufficient_baseline("no execution alone to compare with: slow-down was not judged")
    missing = [key for key in batch.observations if not _slowed(batch, key, settings, tallies)]
    return insufficient_baseline(f"no execution alone of {', '.join(missing)}") if missing else None


def _slowed(batch: BatchObservation, key: str, settings: GateSettings, tallies: BatchTally) -> bool:
    """Judge the raw execution time of every task against the same task alone; False if there is none."""
    observation = batch.observations[key]
    alone = (batch.alone or {}).get(observation.execution.name)
    if alone is None:
        return False
    kept_pace(observation, alone, tallies.of(key), tolerance=settings.slowdown, floor_ms=2 * settings.quantum_ms)
    return True


def regression(batch: BatchObservation, _settings: GateSettings, tallies: BatchTally) -> Exempt | None:
    """G17: no series has regressed against its baseline."""
    if batch.facts.regressions is None:
        return insufficient_baseline("no history is kept, so nothing compares: --k1n-history=FILE keeps one")
    notes: list[str] = []
    for compared in batch.facts.regressions:
        if compared.title in batch.observations:
            notes += _beside_its_baseline(compared, tallies.of(compared.title))
    return insufficient_baseline("; ".join(notes)) if notes else None


def _beside_its_baseline(compared: AgainstBaseline, tally: Tally) -> Iterator[str]:
    """Count every series of an execution, and say which could not be judged."""
    if compared.stale:
        tally.warn_only(
            "baseline-stale",
            compared.workflow,
            expected="a baseline of this definition and environment that is not too old",
            observed=compared.stale,
            origin="history of runs",
        )
    for each in compared.verdicts:
        # Queue waits are the product's even where the work is simulated.
        is_simulated = compared.is_simulated and each.key.segment != "queue"
        if each.state in (SeriesState.REGRESSION, SeriesState.SUSPECT):
            say = tally.fail if each.state is SeriesState.REGRESSION else tally.warn
            say(
                "regression" if each.state is SeriesState.REGRESSION else "suspected-regression",
                _subject(compared, each),
                expected=f"at most {LEAST_EFFECT:.0%} over {format_ms(round(each.base_ms or 0))}",
                observed=format_ms(round(each.new_ms or 0)),
                margin=f"{each.effect or 0:+.1%}",
                origin=_origin(compared, each),
                simulated=is_simulated,
            )
        elif each.state is SeriesState.PASS:
            tally.passed(simulated=is_simulated)
    if gains := compared.improvements:
        best = min(gains, key=lambda each: each.effect or 0)
        more = f" and {len(gains) - 1} more series are faster" if gains[1:] else ""
        tally.note(f"{_subject(compared, best)} is {-(best.effect or 0):.0%} faster than its baseline{more}")
    unjudged = compared.of(SeriesState.UNKNOWN)
    if unjudged:
        named = ", ".join(str(each.key) for each in unjudged[:3]) + (", ..." if unjudged[3:] else "")
        yield f"{len(unjudged)} series of {compared.title} not judged ({named}): {compared.note or unjudged[0].note}"


def _subject(compared: AgainstBaseline, verdict: SeriesVerdict) -> str:
    """Name a series so that a task's own finds its bar in the reports."""
    names = {"exec": verdict.key.ref, "queue": f"{verdict.key.ref} in the queue", "makespan": compared.workflow}
    return names[verdict.key.segment]


def _origin(compared: AgainstBaseline, verdict: SeriesVerdict) -> str:
    executions = f"median of {len(verdict.base)} accepted executions, {len(verdict.new)} new"
    if compared.is_exact:
        return f"{executions}; virtual time: exact"
    return f"{executions}; p = {verdict.chance or 0:.2g} after Holm's correction"


def recovery(batch: BatchObservation, _settings: GateSettings, tallies: BatchTally) -> Exempt | None:
    """G18: the execution came to its end within the budget of every injected fault, and nothing was left behind."""
    faults = batch.facts.faults
    if not faults:
        return not_applicable("no fault was injected")
    tally = tallies.of(None)
    for fault in faults:
        expected = f"terminal within {format_ms(fault.budget_ms)}, no orphan, empty queues"
        in_time = fault.recovered_ms is not None and fault.recovered_ms <= fault.budget_ms
        if in_time and not fault.orphans and not fault.queued:
            tally.passed()
            continue
        took = "never" if fault.recovered_ms is None else f"after {format_ms(fault.recovered_ms)}"
        observed = f"{took}, {fault.orphans} orphans, {fault.queued} tasks queued"
        tally.fail("not-recovered", fault.name, expected=expected, observed=observed)
    return None


def determinism(batch: BatchObservation, _settings: GateSettings, tallies: BatchTally) -> Exempt | None:
    """G19: the same seed gives the same history, to the byte."""
    histories = batch.facts.histories
    if not histories:
        return not_applicable("concerns the embedded engine: judged by its own tests")
    tally = tallies.of(None)
    for seed, hashes in histories.items():
        if len(hashes) == 1:
            tally.passed()
        else:
            tally.fail("not-deterministic", f"seed {seed}", expected="one history", observed=f"{len(hashes)} different")
    return None


def parity(batch: BatchObservation, _settings: GateSettings, tallies: BatchTally) -> Exempt | None:
    """G20: the engine's history equals the real server's, after normalisation."""
    divergences = batch.facts.divergences
    if not divergences:
        return not_applicable("concerns the embedded engine: judged by its own tests")
    tally = tallies.of(None)
    for definition, differences in divergences.items():
        if not differences:
            tally.passed()
        else:
            tally.fail(
                "divergent",
                definition,
                expected="no unexplained difference",
                observed=differences[0],
                margin=str(len(differences)),
            )
    return None
