"""Guards against runaway time: a clock that jumps on and on without anything changing is a mistake to report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_k1n.core.units import format_ms


class Stuck(RuntimeError):
    """The clock ran on without effect; the message says what every open execution waits for."""


@dataclass(slots=True)
class Guards:
    """Limits of one engine, and how near it is to them."""

    max_idle_jumps: int = 10_000
    """Jumps in a row after which nothing was scheduled, updated or ended."""
    max_horizon_ms: int = 10 * 366 * 24 * 3_600_000
    """How far virtual time may run in all."""
    idle_jumps: int = 0
    """The engine sets it back to 0 whenever something changes."""
    passed_ms: int = 0

    def jump(self, duration_ms: int, diagnosis: Callable[[], str]) -> None:
        """Count a jump. Raises Stuck."""
        self.idle_jumps += 1
        self.passed_ms += duration_ms
        if self.idle_jumps > self.max_idle_jumps:
            raise Stuck(f"the clock jumped {self.idle_jumps} times and nothing changed; waiting: {diagnosis()}")
        if self.passed_ms > self.max_horizon_ms:
            raise Stuck(f"virtual time ran over {format_ms(self.max_horizon_ms)}; waiting: {diagnosis()}")
