"""Clocks: how the engine's time relates to the wall. Whole ms; `Engine` alone moves a virtual one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

EPOCH_MS: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z: where virtual time begins, so that stamps are reproducible."""


class Clock(Protocol):
    """Where the engine reads the time; `jumps` tells whether it may be moved to the next event."""

    jumps: bool

    def now_ms(self) -> int: ...

    def move_to(self, instant_ms: int) -> None: ...


class VirtualClock:
    """Stands still while anything can be done and jumps to the next event when nothing can."""

    jumps = True

    def __init__(self, start_ms: int = EPOCH_MS) -> None:
        self._now_ms = start_ms

    def now_ms(self) -> int:
        return self._now_ms

    def move_to(self, instant_ms: int) -> None:
        """Advance to an instant; time never goes back."""
        if instant_ms < self._now_ms:
            raise ValueError(f"time cannot go back from {self._now_ms} to {instant_ms}")
        self._now_ms = instant_ms


class ManualClock(VirtualClock):
    """Virtual time that moves only when it is told to: `advance` or `POST /_k1n/clock`."""

    jumps = False


class ElasticClock:
    """Virtual time that can also run: it keeps pace with the wall while a worker really works, else stands or jumps."""

    jumps = True

    def __init__(self, start_ms: int = EPOCH_MS, *, wall_ms: Callable[[], int] | None = None) -> None:
        self._wall_ms = wall_ms or monotonic_ms
        self._base_ms = start_ms
        self._since_ms: int | None = None

    def now_ms(self) -> int:
        return self._base_ms if self._since_ms is None else self._base_ms + self._wall_ms() - self._since_ms

    def move_to(self, instant_ms: int) -> None:
        """Advance to an instant, unless the clock has run past it already."""
        if instant_ms > self.now_ms():
            self._base_ms = instant_ms
            if self._since_ms is not None:
                self._since_ms = self._wall_ms()

    def run(self) -> None:
        """Keep pace with the wall from now on."""
        if self._since_ms is None:
            self._since_ms = self._wall_ms()

    def stand(self) -> None:
        """Stop where it is."""
        self._base_ms, self._since_ms = self.now_ms(), None


class ScaledClock:
    """Runs `rate` times as fast as the wall; its stamps already are workflow ms, never to be scaled again."""

    jumps = False

    def __init__(self, rate: float = 1.0, start_ms: int | None = None) -> None:
        if rate <= 0:
            raise ValueError(f"a clock's rate must be above 0, not {rate}")
        self.rate = rate
        self._began_s = time.monotonic()
        self._start_ms = int(time.time() * 1000) if start_ms is None else start_ms

    def now_ms(self) -> int:
        return self._start_ms + int((time.monotonic() - self._began_s) * 1000 * self.rate)

    def move_to(self, instant_ms: int) -> None:
        """Do nothing: this clock moves by itself."""

    def wall_s_until(self, instant_ms: int) -> float:
        """Return how many wall seconds are left until an instant, 0 if it is past."""
        return max(0.0, (instant_ms - self.now_ms()) / 1000 / self.rate)


def monotonic_ms() -> int:
    """Read the wall's time as it passes: whole ms, from an arbitrary zero."""
    return time.monotonic_ns() // 1_000_000


def real_clock() -> ScaledClock:
    """Make a clock that shows the wall's time."""
    return ScaledClock(1.0)
