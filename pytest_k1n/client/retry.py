"""Trying again: with growing pauses, within a deadline, for calls that may arrive twice: which those are, the
caller knows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from pytest_k1n.client.errors import is_transient

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses between tries: `first_s`, then `factor` times the one before, at most `limit_s`."""

    first_s: float = 0.02
    factor: float = 2.0
    limit_s: float = 1.0

    def pauses(self) -> Iterator[float]:
        """Yield pauses without end."""
        pause = self.first_s
        while True:
            yield pause
            pause = min(pause * self.factor, self.limit_s)


def retried(
    call: Callable[[], T],
    *,
    within_s: float,
    backoff: Backoff = Backoff(),
    transient: Callable[[BaseException], bool] = is_transient,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Call until it succeeds, fails for good, or `within_s` is used up (then the last error is raised)."""
    deadline = clock() + within_s
    for pause in backoff.pauses():
        try:
            return call()
        except Exception as error:
            if not transient(error) or clock() + pause >= deadline:
                raise
        sleep(pause)
    raise AssertionError("pauses never end")
