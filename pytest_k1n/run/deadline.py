"""A deadline that is waited for in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator


def waiting(within_s: float, *, step_s: float = 0.01, clock: Callable[[], float] = time.monotonic) -> Iterator[float]:
    """Yield what is left of a deadline, at once and then every `step_s`, until it has passed."""
    deadline = clock() + within_s
    while (left := deadline - clock()) > 0:
        yield left
        time.sleep(step_s)
