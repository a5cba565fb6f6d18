"""How many examples a property draws that costs more, or less, than others."""

from __future__ import annotations

from hypothesis import settings


def share(factor: float) -> settings:
    """Draw so many times what the profile in use draws: 100 in the gate, 20 in a loop, 2,000 in `make explore`."""
    return settings(max_examples=max(1, round(settings.default.max_examples * factor)))
