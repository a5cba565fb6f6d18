"""What a run knows of the server that it is on: which one it is, and how its time passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from pytest_k1n.core.choices import TimeName


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeScale:
    """How simulated work relates to workflow time (docs/explanation/workflow-time.md)."""

    name: TimeName
    speed: float = 1.0
    """By how much simulated work is shortened; 1 unless scaled."""


class ServerDescription(TypedDict):
    """Which server a run is on, for headers and results."""

    kind: str
    """jar, docker, url or embedded."""
    url: str | None
    """Without secrets; None for the engine in this process."""
    version: str | None
    owned: bool
    """Whether this run has started it, and ends it."""
    notes: list[str]
    """What was passed over, and why."""
