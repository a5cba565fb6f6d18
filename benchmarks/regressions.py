"""P7: how often the verdict on regressions errs, and what a history of 10,000 runs costs it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import perf_counter

from benchmarks.row import Row, row
from k1n_support.regressions import simulate
from pytest_k1n.core.baselines.series import Sample, SeriesKey
from pytest_k1n.history.comparing import against_baseline
from pytest_k1n.history.store import History

TRIALS = 1500
RUNS = 10_000
CASES = (
    # base, new, confirm, heavy, limit of false alarms, least found at +20 and +30 %
    (5, 3, False, False, 5.0, 75.0, 90.0),
    (10, 3, False, False, None, None, None),
    (5, 1, False, False, None, None, None),
    (3, 1, True, False, None, None, None),
    (5, 1, True, False, None, None, None),
    (10, 1, True, False, None, None, None),
    (5, 3, False, True, None, None, None),
)


def rows() -> Iterator[Row]:
    for base, new, confirm, heavy, most, least_20, least_30 in CASES:
        rates = simulate(base=base, new=new, confirm=confirm, heavy=heavy, slower=(1.1, 1.2, 1.3), trials=TRIALS)
        name = f"P7 k={base} m={new}{' and re-runs' if confirm else ''}{', heavy tails' if heavy else ''}"
        yield row(f"{name}: any false alarm", 100 * rates.any_false, "%", limit=most)
        yield row(f"{name}: any suspicion left", 100 * rates.any_suspect, "%")
        yield row(f"{name}: executions when healthy", rates.executions, "")
        for factor, least in ((1.1, None), (1.2, least_20), (1.3, least_30)):
            found = 100 * rates.found[factor]
            yield row(f"{name}: found at {factor - 1:+.0%}", found, "%", limit=least, at_least=True)
    yield from _history()


def _history() -> Iterator[Row]:
    random = Random(7)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.sqlite"
        with History(path) as history:
            history.add(_sample(random, number) for number in range(RUNS))
            history.accept(history.executions("wf")[-20:], now_ms=1)
        taken = []
        for number in range(5):
            began = perf_counter()
            new = _sample(random, RUNS + number)
            with History(path) as history:
                found = against_baseline(
                    history.baselines("wf"), [new], title="wf", is_exact=False, now_ms=1, age_ms=10**12
                )
                history.add([new])
            taken.append(perf_counter() - began)
            assert len(found.verdicts) == 45
        yield row("P7 verdict with 10,000 runs remembered", max(taken), "s", limit=1.0)
        yield row("P7 history of 10,000 runs of 22 tasks", path.stat().st_size / 1e6, "MB")


def _sample(random: Random, number: int) -> Sample:
    durations = {SeriesKey("", "makespan"): round(random.gauss(130_000, 3000))}
    for task in range(22):
        durations[SeriesKey(f"task_{task}", "exec")] = round(random.gauss(6000, 300))
        durations[SeriesKey(f"task_{task}", "queue")] = round(random.uniform(5, 15))
    return Sample(
        run_uid=f"{number:08x}",
        workflow_id=f"id-{number}",
        workflow="wf",
        definition="d",
        environment="e",
        started_ms=number,
        verdict="pass",
        durations=durations,
        names={f"task_{task}": f"task_{task}" for task in range(22)},
        is_simulated=False,
    )
