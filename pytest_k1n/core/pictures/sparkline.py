"""A series as a line of little bars."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_k1n.core.statistics.stats import median

_BARS = "▁▂▃▄▅▆▇█"
_CALM = 0.1
"""Share of the median on either side that fills the height at least: noise of 1 % must not look like a mountain."""


def sparkline(values: Sequence[int]) -> str:
    """Draw values, oldest first, from the lowest to the highest of them."""
    if not values:
        return ""
    middle = median(values)
    low, high = min(*values, middle * (1 - _CALM)), max(*values, middle * (1 + _CALM))
    unit = (high - low) / (len(_BARS) - 1) or 1
    return "".join(_BARS[round((value - low) / unit)] for value in values)
