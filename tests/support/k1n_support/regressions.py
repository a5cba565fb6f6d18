"""How often the verdict on regressions errs, by simulation: executions of 20 tasks with lognormal durations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from pytest_k1n.core.baselines.regression import CONFIRMED_BY, SeriesState, judge_series, needs_confirmation
from pytest_k1n.core.baselines.series import SeriesKey

TASKS = 20
CV = 0.05
"""The median coefficient of variation of a task; tasks differ in it, by a factor of 1.5 either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Shares of trials."""

    any_false: float
    """A regression was reported although nothing had changed."""
    any_suspect: float
    executions: float
    """New executions per trial, those that a suspicion asks for included, where nothing had changed."""
    found: dict[float, float]
    """By how much slower one task of the 20 really was -> how often that was reported."""


def simulate(
    *, base: int, new: int, trials: int, slower: tuple[float, ...] = (), confirm: bool = False, heavy: bool = False
) -> Rates:
    """Judge `trials` workflows, each with a baseline of `base` executions and `new` new ones; seeded."""
    healthy = [_Workflow(seed, heavy=heavy) for seed in range(trials)]
    verdicts = [each.judged(base, new, 1.0, confirm=confirm) for each in healthy]
    states = [{one.state for one in each} for each in verdicts]
    return Rates(
        any_false=sum(SeriesState.REGRESSION in each for each in states) / trials,
        any_suspect=sum(SeriesState.SUSPECT in each for each in states) / trials,
        executions=sum(len(each[0].new) for each in verdicts) / trials,
        found={
            factor: sum(
                _Workflow(trials + seed, heavy=heavy).judged(base, new, factor, confirm=confirm)[0].state
                is SeriesState.REGRESSION
                for seed in range(trials)
            )
            / trials
            for factor in slower
        },
    )


class _Workflow:
    def __init__(self, seed: int, *, heavy: bool) -> None:
        self._random, self._heavy = Random(seed), heavy
        self._cvs = [CV * math.exp(self._random.gauss(0, 0.4)) for _ in range(TASKS)]
        self._usual = [math.exp(self._random.uniform(math.log(300), math.log(60_000))) for _ in range(TASKS)]

    def judged(self, base: int, new: int, factor: float, *, confirm: bool):  # type: ignore[no-untyped-def]
        accepted = [self._execution(1.0) for _ in range(base)]
        fresh = [self._execution(factor) for _ in range(new)]
        verdicts = judge_series(accepted, fresh, exact=False)
        if confirm and needs_confirmation(verdicts):
            fresh += [self._execution(factor) for _ in range(CONFIRMED_BY - 1)]
            verdicts = judge_series(accepted, fresh, exact=False)
        return verdicts

    def _execution(self, factor: float) -> dict[SeriesKey, int]:
        return {
            SeriesKey(f"task_{number}", "exec"): max(
                1, round(usual * math.exp(cv * self._noise()) * (factor if number == 0 else 1))
            )
            for number, (usual, cv) in enumerate(zip(self._usual, self._cvs, strict=True))
        }

    def _noise(self) -> float:
        """One standard normal value; heavy: a t of 4 degrees, scaled to the same variance."""
        value = self._random.gauss(0, 1)
        if not self._heavy:
            return value
        squares = sum(self._random.gauss(0, 1) ** 2 for _ in range(4))
        return value / math.sqrt(squares / 4) / math.sqrt(2)
