"""Student's t distribution and the polygamma functions that moderated variances need, by hand: no scipy at run time."""

from __future__ import annotations

import math
from functools import lru_cache

_TINY = 1e-300
_PRECISE = 1e-14
_STEPS = 500


def t_tail(t: float, degrees: float) -> float:
    """Return P(T > t) with `degrees` of freedom, which may be infinite (the normal distribution)."""
    if math.isinf(degrees):
        return 0.5 * math.erfc(t / math.sqrt(2))
    square = t * t
    tail = 0.5 * _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + square), square / (degrees + square))
    return tail if t >= 0 else 1 - tail


@lru_cache(maxsize=256)  # a family of series asks for the same one again and again
def t_quantile(tail: float, degrees: float) -> float:
    """Return the t that is exceeded with probability `tail`. Raises ValueError outside (0, 0.5]."""
    if not 0 < tail <= 0.5:
        raise ValueError(f"a tail is above 0 and at most 0.5, not {tail}")
    low, high = 0.0, 1.0
    while t_tail(high, degrees) > tail:
        low, high = high, 2 * high
    while high - low > 1e-12 * (1 + high):
        middle = (low + high) / 2
        low, high = (middle, high) if t_tail(middle, degrees) > tail else (low, middle)
    return (low + high) / 2


def digamma(x: float) -> float:
    """Return the derivative of ln Γ for x > 0: upwards by recurrence, then the asymptotic series."""
    below = 0.0
    while x < 6:
        below -= 1 / x
        x += 1
    square = 1 / (x * x)
    series = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square / 132))))
    return below + math.log(x) - 0.5 / x - series


def trigamma(x: float) -> float:
    """Return the second derivative of ln Γ for x > 0."""
    below = 0.0
    while x < 6:
        below += 1 / (x * x)
        x += 1
    square = 1 / (x * x)
    series = square * (1 / 6 - square * (1 / 30 - square * (1 / 42 - square * (1 / 30 - square * 5 / 66))))
    return below + (1 + series) / x + square / 2


def inverse_trigamma(value: float) -> float:
    """Return the x with trigamma(x) = value > 0, by Newton's method on its reciprocal, which is nearly linear."""
    x = 0.5 + 1 / value
    for _ in range(50):
        known = trigamma(x)
        # trigamma'(x) by a central difference is precise enough: Newton's method corrects itself.
        width = 1e-4 * x
        slope = (trigamma(x + width) - trigamma(x - width)) / (2 * width)
        step = known * (1 - known / value) / slope
        x += step
        if abs(step) < 1e-10 * x:
            break
    return x


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """Return the regularised incomplete beta function by its continued fraction (Lentz's method).

    `rest` is 1 - x, which the caller knows better than a subtraction would where x is close to 1.
    """
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, rest, x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest)) / a
    c, d = 1.0, 1 / _nonzero(1 - (a + b) * x / (a + 1))
    result = d
    for step in range(1, _STEPS):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        for term in (even, odd):
            d = 1 / _nonzero(1 + term * d)
            c = _nonzero(1 + term / c)
            result *= c * d
        if abs(c * d - 1) < _PRECISE:
            break
    return front * result


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
