"""Comparing many short series at once: variances that borrow strength from each other, and Holm's correction.

After Smyth, "Linear models and empirical Bayes methods" (2004): with three to five executions a series' own variance is
hardly known; shrunk towards that of all the workflow's tasks it gives about twice the power.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from pytest_k1n.core.statistics.student import digamma, inverse_trigamma, t_quantile, t_tail, trigamma

_STAMP_MS = 0.29
"""The standard deviation that rounding to whole ms alone gives a stamp's duration (1 / sqrt 12)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One series before and now, in ms; each with at least one value, the former with at least two."""

    base: Sequence[int]
    new: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How one series compares."""

    effect: float
    """Ratio of the geometric means, less 1: 0.3 is 30 % slower."""
    base_ms: float
    new_ms: float
    slower: float
    """Probability that chance alone makes it look so much slower."""
    faster: float
    detectable: float
    """The least effect that this many values could show at the level of the whole family: what stays unseen."""


def compare(pairs: Sequence[Pair], *, level: float) -> list[Shift]:
    """Test every series of a family by the moderated t statistic of log durations.

    `level` is the family-wise one, for `detectable` only: the probabilities are uncorrected, see `holm`.
    """
    if not pairs:
        return []
    logs = [([_log(ms) for ms in pair.base], [_log(ms) for ms in pair.new]) for pair in pairs]
    own = [_pooled(base, new) for base, new in logs]
    prior_degrees, prior = _prior(own)
    shifts = []
    for (base, new), (square, degrees) in zip(logs, own, strict=True):
        if math.isinf(prior_degrees):
            moderated, total = prior, math.inf
        else:
            total = prior_degrees + degrees
            moderated = (prior_degrees * prior + degrees * square) / total
        scale = math.sqrt(moderated * (1 / len(base) + 1 / len(new)))
        difference = fmean(new) - fmean(base)
        shifts.append(
            Shift(
                effect=math.exp(difference) - 1,
                base_ms=math.exp(fmean(base)),
                new_ms=math.exp(fmean(new)),
                slower=t_tail(difference / scale, total),
                faster=t_tail(-difference / scale, total),
                detectable=math.expm1(min(t_quantile(level / len(pairs), total) * scale, 50.0)),
            )
        )
    return shifts


def holm(chances: Sequence[float]) -> list[float]:
    """Adjust probabilities so that rejecting those at most p keeps the family-wise error at p (Holm 1979)."""
    order = sorted(range(len(chances)), key=chances.__getitem__)
    adjusted, reached = [0.0] * len(chances), 0.0
    for rank, place in enumerate(order):
        reached = max(reached, min(1.0, (len(chances) - rank) * chances[place]))
        adjusted[place] = reached
    return adjusted


def _pooled(base: Sequence[float], new: Sequence[float]) -> tuple[float, int]:
    """Return a series' own variance and its degrees of freedom; a single new value tells nothing of it."""
    squares = _squares(base) + _squares(new)
    degrees = len(base) + len(new) - 2
    rounding = _STAMP_MS / math.exp(fmean(base))
    return squares / degrees + rounding * rounding, degrees


def _prior(own: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """Return what all series together say of a variance: its weight in degrees of freedom, and its value."""
    spread = [math.log(square) - digamma(degrees / 2) + math.log(degrees / 2) for square, degrees in own]
    if len(own) < 2:
        return 0.0, own[0][0]
    surplus = _squares(spread) / (len(spread) - 1) - fmean(trigamma(degrees / 2) for _, degrees in own)
    if surplus <= 0:
        return math.inf, math.exp(fmean(spread))
    half = inverse_trigamma(surplus)
    return 2 * half, math.exp(fmean(spread) + digamma(half) - math.log(half))


def _squares(values: Sequence[float]) -> float:
    """Sum squared deviations from the mean; `statistics.variance` is exact to the last digit and 30 times slower."""
    mean = fmean(values)
    return math.fsum((value - mean) ** 2 for value in values)


def _log(duration_ms: int) -> float:
    return math.log(max(duration_ms, 1))
