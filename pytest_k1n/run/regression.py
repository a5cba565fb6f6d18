"""Memory between runs: comparing a batch with its baseline, and remembering what has completed."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from pytest_k1n.client.address import is_on_this_machine
from pytest_k1n.coordination.batch_run import BatchRun
from pytest_k1n.coordination.collection import UNBATCHED
from pytest_k1n.coordination.runfolder import RunState
from pytest_k1n.coordination.watch import Watch
from pytest_k1n.core.baselines.regression import AgainstBaseline, SeriesState, SeriesVerdict
from pytest_k1n.core.baselines.series import Sample, sample_of
from pytest_k1n.history.comparing import against_baseline
from pytest_k1n.history.file import HistoryError
from pytest_k1n.history.store import Group, History
from pytest_k1n.report.document import BaselineDocument, ComparisonDocument, RunDocument, SeriesDocument
from pytest_k1n.run.controller import Controller
from pytest_k1n.run.run import Run

TREND = 30
"""Executions in a trend."""
MOST_SERIES = 200
"""Series of one workflow in a run's document: the doubtful ones, then those that moved most."""


def compared(controller: Controller, batch: BatchRun, state: RunState) -> tuple[AgainstBaseline, ...]:
    """Compare the main executions of a batch, with those that were run again beside them, with what was accepted.

    A history that cannot be used fails the run and stops nothing.
    """
    path = controller.run.settings.history
    if path is None:
        return ()
    found = []
    try:
        # What can only be read can still be compared with; that nothing can be remembered there is told at the end.
        with History(path, is_read_only=path.is_file()) as history:
            for title, samples in _samples(controller.run, batch, state, {}).items():
                found.append(
                    against_baseline(
                        history.baselines(samples[0].workflow),
                        samples,
                        title=title,
                        is_exact=state.time_model == "virtual",
                        now_ms=_now_ms(),
                        age_ms=controller.run.settings.baseline_age_ms,
                    )
                )
    except HistoryError as error:
        controller.fail(str(error))
    return tuple(found)


def remember(controller: Controller, document: RunDocument) -> BaselineDocument | None:
    """Write what has completed into the history, and return what the run's document says of it; None without one.

    A history that cannot be written fails the run.
    """
    run, path, state = controller.run, controller.run.settings.history, controller.director.state
    if path is None or state.server is None:
        return None
    verdicts = {each["workflow"]["workflow_id"]: str(each["verdict"]) for each in document["executions"]}
    batches = [batch for batch in controller.director.batches if batch.number != UNBATCHED]
    samples = [each for batch in batches for mine in _samples(run, batch, state, verdicts).values() for each in mine]
    trend = {}
    try:
        with History(path) as history:
            history.add(samples)
            for sample in samples:
                group = Group(sample.workflow, sample.definition, sample.environment)
                trend[sample.workflow] = [[uid, ms] for uid, _, ms in history.trend(group, last=TREND)]
    except HistoryError as error:
        controller.fail(str(error))
    return {
        "history": str(path),
        "compared": [_document(each) for batch in batches for each in batch.compared],
        "trend": trend,
    }


def _samples(run: Run, batch: BatchRun, state: RunState, verdicts: Mapping[str, str]) -> dict[str, list[Sample]]:
    """Return the main executions of a batch by title, each with its confirmations behind it."""
    found: dict[str, list[Sample]] = {}
    titles: dict[str, str] = {}
    for watch in _measured(batch):
        sample = _sample(run, watch, state, verdicts.get(watch.workflow_id, "unknown"))
        if sample is not None:
            title = titles.setdefault(watch.start.workflow, watch.title)
            found.setdefault(title, []).append(sample)
    return found


def _measured(batch: BatchRun) -> Iterator[Watch]:
    yield from (watch for watch in batch.watches if watch.start.is_main and not watch.start.alone)
    yield from batch.confirmations


def _sample(run: Run, watch: Watch, state: RunState, verdict: str) -> Sample | None:
    if watch.observation is None:
        return None
    return sample_of(
        watch.observation,
        run_uid=run.uid,
        environment=environment(run, state, is_simulated=watch.observation.any_simulated),
        started_ms=_now_ms(),
        verdict=verdict,
    )


def environment(run: Run, state: RunState, *, is_simulated: bool) -> str:
    """Say in words where durations were measured: two texts that differ do not compare."""
    work = ", simulated work" if is_simulated else ""
    if state.time_model == "virtual":
        # Nothing of this machine, nor of the engine's version, enters a virtual duration.
        return f"embedded engine, virtual time, seed {run.settings.seed}{work}"
    server = state.server
    speed = f" x{state.speed:g}" if state.time_model == "scaled" else ""
    url = server["url"] if server else None
    is_far = url is not None and server is not None and not server["owned"] and not is_on_this_machine(url)
    where = url if is_far else _machine()
    named = f"{server['kind']} {server['version'] or ''}".strip() if server else "no server"
    return f"{named}, {state.time_model} time{speed}{work}, {where}"


def _machine() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.machine()
    return f"{os.cpu_count()} x {model}"


def _document(compared: AgainstBaseline) -> ComparisonDocument:
    ranked = sorted(compared.verdicts, key=_importance)
    return {
        "title": compared.title,
        "workflow": compared.workflow,
        "state": str(compared.state),  # type: ignore[typeddict-item]  # a SeriesState's value
        "is_exact": compared.is_exact,
        "accepted": compared.accepted,
        "note": compared.note,
        "stale": compared.stale,
        "unknown": len(compared.of(SeriesState.UNKNOWN)),
        "series": [_series(each) for each in ranked[:MOST_SERIES]],
    }


def _importance(verdict: SeriesVerdict) -> tuple[object, ...]:
    """Sort the worst first, a task before the makespan that only repeats it."""
    return _RANK[verdict.state], verdict.key.segment == "makespan", -abs(verdict.effect or 0)


_RANK = {SeriesState.REGRESSION: 0, SeriesState.SUSPECT: 1, SeriesState.PASS: 2, SeriesState.UNKNOWN: 3}


def _series(verdict: SeriesVerdict) -> SeriesDocument:
    return {
        "ref": verdict.key.ref,
        "segment": verdict.key.segment,
        "state": str(verdict.state),  # type: ignore[typeddict-item]  # a SeriesState's value
        "base_ms": verdict.base_ms,
        "new_ms": verdict.new_ms,
        "executions": len(verdict.new),
        "effect": _rounded(verdict.effect),
        "chance": _rounded(verdict.chance),
        "detectable": _rounded(verdict.detectable),
        "is_improvement": verdict.is_improvement,
        "note": verdict.note,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
