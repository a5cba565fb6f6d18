"""A move of the clock that a client has asked for: how far, what it waits for meanwhile, how it ended."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum


class Arrival(StrEnum):
    """How a move on request has ended."""

    REACHED = "reached"
    """What was awaited has come."""
    INSTANT = "instant"
    """The instant that was asked for is there."""
    LIMIT = "limit"
    """What comes next is a time limit of somebody outside who does not act."""
    TASK = "task"
    """A new task is there, and no worker polls for it."""
    IDLE = "idle"
    """Nothing more happens by itself."""
    STUCK = "stuck"
    """Time ran on without effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockMove:
    """What a client has asked of the clock; with `until_ms` alone time passes whoever works meanwhile."""

    until_ms: int | None = None
    is_reached: Callable[[], bool] | None = None
    """Time goes as it does by itself, until this holds."""
    aside: Collection[str] = ()
    """Tasks in the hands of the client itself: they hold nothing."""
    seen: Collection[str] = ()
    """Tasks that could be taken when it was asked for."""

    @property
    def goes_by_itself(self) -> bool:
        return self.is_reached is not None
