"""Gates that need more than one execution, or what only others can measure (G5, G17 to G20)."""

from __future__ import annotations

from pytest_k1n.core.expectations.isolation import untainted, workers_kept
from pytest_k1n.core.expectations.pairs import kept_pace
from pytest_k1n.core.gates.category import BatchTally, Exempt, insufficient_baseline, not_applicable
from pytest_k1n.core.gates.facts import BatchObservation, GateSettings
from pytest_k1n.core.units import format_ms

BASELINES = 3
"""Executions that a regression verdict needs at least: fewer give no idea of the noise."""


def isolation(batch: BatchObservation, settings: GateSettings, tallies: BatchTally) -> Exempt | None:
    """G5: nothing of one execution in another, workers not overrun, and no task slowed down by the company."""
    everything = {**batch.beside, **batch.observations}
    if len(everything) < 2:
        return not_applicable("one execution: nothing to be isolated from")
    for key, observation in batch.observations.items():
        untainted(observation, (other for name, other in everything.items() if name != key), tallies.of(key))
    workers_kept(tuple(everything.values()), tallies.of(None))
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
    verdicts = batch.facts.regressions
    if not verdicts:
        return insufficient_baseline(f"fewer than {BASELINES} accepted executions to compare with")
    tally, unjudged = tallies.of(None), []
    for series, verdict in verdicts.items():
        if verdict == "REGRESSION":
            tally.fail("regression", series, expected="no regression", observed=verdict, origin="baseline")
        elif verdict == "SUSPECT":
            tally.warn("regression", series, expected="no regression", observed=verdict, origin="baseline")
        elif verdict == "PASS":
            tally.passed()
        else:
            unjudged.append(series)
    return insufficient_baseline(f"too few baselines for {', '.join(unjudged)}") if unjudged else None


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
