"""How much simulated work varies, seeded, as a fraction of its estimate; apart, for every run with a plan reads it."""

from __future__ import annotations

from collections.abc import Mapping

JITTER = 0.01
"""Where no plan tells it: half-width of the variation around an estimate."""


def jitter_of(workflow: str, jitters: Mapping[str, float]) -> float:
    """Return the jitter of a workflow's simulated work; "" stands for all others."""
    return jitters.get(workflow, jitters.get("", JITTER))
