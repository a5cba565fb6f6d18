"""One ordered queue of everything that will happen: by time, then priority, then the order of asking."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any, Final

Action = Callable[[Any], None]

FINISH: Final = 0
"""Work that ends at an instant counts before a deadline at the same instant."""
WAKE: Final = 1
"""Timed WAITs and delayed deliveries."""
DEADLINE: Final = 2
"""Evaluations for timeouts."""


class Agenda:
    """What is to be done now (in the order asked for) and at later instants."""

    __slots__ = ("_later", "_now", "_order")

    def __init__(self) -> None:
        self._later: list[tuple[int, int, int, Action, Any]] = []
        self._now: deque[tuple[Action, Any]] = deque()
        self._order = 0

    def soon(self, action: Action, subject: Any) -> None:
        """Do something at this instant, after what is being done."""
        self._now.append((action, subject))

    def at(self, instant_ms: int, priority: int, action: Action, subject: Any) -> None:
        """Do something at an instant."""
        self._order += 1
        heappush(self._later, (instant_ms, priority, self._order, action, subject))

    def settle(self) -> None:
        """Do everything that is due at this instant because of what happened before."""
        now = self._now
        while now:
            action, subject = now.popleft()
            action(subject)

    def next_ms(self) -> int | None:
        """Return the instant of the next event, or None."""
        return self._later[0][0] if self._later else None

    def first(self) -> tuple[int, int, Any] | None:
        """Return the instant, priority and subject of the next event without taking it, or None."""
        return (self._later[0][0], self._later[0][1], self._later[0][4]) if self._later else None

    def pop(self) -> tuple[int, int, Action, Any]:
        """Take the next event: its instant, priority, action and subject."""
        instant_ms, priority, _, action, subject = heappop(self._later)
        return instant_ms, priority, action, subject

    def sift(self, is_wanted: Callable[[int, Any], bool]) -> None:
        """Keep of what is to be done later only that whose priority and subject are wanted."""
        self._later = [event for event in self._later if is_wanted(event[1], event[4])]
        heapify(self._later)

    def __len__(self) -> int:
        return len(self._later)
