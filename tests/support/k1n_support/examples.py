"""How many examples a property draws that costs more, or less, than others; and how many a list of them gives."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import TypeVar

from hypothesis import settings

T = TypeVar("T")
GATE = 100
"""What the profile of the gate draws of each property."""


def share(factor: float) -> settings:
    """Draw so many times what the profile in use draws: 100 in the gate, 20 in a loop, 2,000 in `make explore`."""
    return settings(max_examples=max(1, round(settings.default.max_examples * factor)))


def spread(items: Iterable[T]) -> list[T]:
    """Return all items in the gate, and every fifth in a loop: from a list as many as of a property's examples."""
    return [*items][:: ceil(GATE / settings.default.max_examples)]
