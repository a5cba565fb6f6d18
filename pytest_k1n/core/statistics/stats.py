"""Small-sample statistics: the Wilson interval, quantiles that are observed values, paired slow-down."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Z_95 = 1.96


def wilson(passed: int, evaluated: int, z: float = Z_95) -> tuple[float, float]:
    """Return the Wilson score interval of a rate; (0, 1) where nothing was evaluated.

    Raises ValueError if `passed` is not between 0 and `evaluated`.
    """
    if not 0 <= passed <= evaluated:
        raise ValueError(f"{passed} of {evaluated} is not a rate")
    if evaluated == 0:
        return (0.0, 1.0)
    rate, square = passed / evaluated, z * z
    centre = rate + square / (2 * evaluated)
    spread = z * math.sqrt(rate * (1 - rate) / evaluated + square / (4 * evaluated * evaluated))
    scale = 1 + square / evaluated
    return (max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale))


def quantile(values: Iterable[int], share: float) -> int:
    """Return the smallest observed value that at least `share` of the values do not exceed (nearest rank).

    An observed value, not an interpolated one: the task behind it can be named. Raises ValueError without values.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("a quantile needs at least one value")
    # The tiny subtraction keeps 0.95 * 20 = 19.000000000000004 from becoming rank 20.
    rank = math.ceil(share * len(ordered) - 1e-9)
    return ordered[min(len(ordered), max(1, rank)) - 1]


def binomial_tail(least: int, trials: int, chance: float) -> float:
    """Return the probability of at least `least` successes in `trials` independent ones of a given chance."""
    return sum(math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(least, trials + 1))


def median(values: Sequence[int]) -> float:
    """Return the middle value, or the mean of the middle two. Raises ValueError without values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("a median needs at least one value")
    middle = len(ordered) // 2
    return float(ordered[middle]) if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowdown:
    """How a duration measured beside others compares with the same duration measured alone."""

    key: str
    alone_ms: float
    together_ms: float
    limit_ms: float

    @property
    def ratio(self) -> float:
        return self.together_ms / self.alone_ms if self.alone_ms else math.inf if self.together_ms else 1.0

    @property
    def is_slower(self) -> bool:
        return self.together_ms > self.limit_ms


def paired_slowdown(
    alone: Mapping[str, Sequence[int]], together: Mapping[str, Sequence[int]], *, tolerance: float, floor_ms: int
) -> tuple[Slowdown, ...]:
    """Compare medians per key; slower means by more than `tolerance` *and* by more than `floor_ms`.

    The floor is what polling alone can add (two quanta): without it tasks of 100 ms alarm on nothing. Keys that were
    not measured both ways are left out; the caller knows which those are.
    """
    pairs = []
    for key in together:
        if alone.get(key) and together[key]:
            base_ms = median(alone[key])
            limit_ms = base_ms + max(tolerance * base_ms, floor_ms)
            pairs.append(Slowdown(key=key, alone_ms=base_ms, together_ms=median(together[key]), limit_ms=limit_ms))
    return tuple(pairs)
