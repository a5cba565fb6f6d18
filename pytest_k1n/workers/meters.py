"""Meters of the weather: what a thread with nothing to do experiences, and how long a cheap request takes.

They run in the process whose speed matters: where the worker is stopped, so are they.
"""

from __future__ import annotations

import threading
import time
from bisect import insort
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pytest_k1n.client.api import Conductor
from pytest_k1n.client.errors import ConductorError
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.workers.weather_log import WeatherLog

TICK_S = 0.01
"""A wake-up costs 50 to 90 µs on a busy machine: a hundred of them a second, 0.5 to 0.9 % of a core."""
LATE_S = 0.002
"""What a quiet machine may be late by; less could not be told from the resolution of stamps."""
ASK_EVERY_S = 0.04
USUAL = 1001
"""How many of the last answers say what is usual: those of a minute."""
SHARE = 0.1
"""What a tenth of them keep is what the server can do: on a busy machine the median is as busy as all the rest.

Measured on two cores with the work of ten: 3 ms where the median was 14 and every tenth answer took 70.
"""
QUICK_S = 0.004
"""No server on this machine needs longer for it: a quiet 3.32.1 takes 1.5 to 2 ms.

On a machine that is busy from the beginning to the end, even a tenth of the answers is late.
"""
TYPE = "k1n_weather"
"""The task type that the server is asked for: no task has it, so its queue is always empty."""


class Usual:
    """What the last answers took when nothing was in their way."""

    def __init__(self, size: int = USUAL) -> None:
        self._order: deque[float] = deque()
        self._sorted: list[float] = []
        self._size = size

    def beyond(self, took: float) -> float:
        """Take in a measurement; return by how much it exceeds what was usual before it."""
        known = self._sorted
        usual = min(QUICK_S, known[int(SHARE * len(known))]) if known else QUICK_S
        excess = max(0.0, took - usual)
        if len(self._order) == self._size:
            known.remove(self._order.popleft())
        self._order.append(took)
        insort(known, took)
        return excess


class Meters:
    """The two meters of a process, each a thread; `ask` sends the cheap request."""

    def __init__(self, path: Path, ask: Callable[[], object], begun: Callable[[], int] = lambda: 0) -> None:
        """Begin to measure; `begun` counts the tasks taken. Raises OSError where the log cannot be written."""
        self._ask = ask
        self._begun = begun
        self._answered_s = time.time()
        """When the last answer came: a stall of the server that is still to be told begins later."""
        self._log = WeatherLog(path, _epoch_ms(time.time()))
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=each, name=f"k1n-{each.__name__.strip('_')}", daemon=True)
            for each in (self._watch_host, self._watch_server)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop measuring."""
        self._stop.set()
        for thread in self._threads:
            thread.join(1)
        self._log.close()

    def _watch_host(self) -> None:
        """Sleep to an absolute schedule; what a wake-up is late by, the machine stood still."""
        monotonic, sleep = time.monotonic, time.sleep
        due, ticks, known = monotonic(), 0, self._begun()
        while not self._stop.is_set():
            due += TICK_S
            left = due - monotonic()
            if left > 0:
                sleep(left)
            late = monotonic() - due
            ticks += 1
            if (begun := self._begun()) != known:
                self._log.took(begun - known, _epoch_ms(time.time()))
                known = begun
            if late > LATE_S:
                self._stood_still("host", late)
                due = monotonic()
                ticks = 10
            if ticks >= 10:
                ticks = 0
                self._log.told_until(_epoch_ms(min(time.time(), self._answered_s)))

    def _watch_server(self) -> None:
        usual = Usual()
        while not self._stop.is_set():
            time.sleep(ASK_EVERY_S)
            began = time.monotonic()
            try:
                self._ask()
            except (ConductorError, OSError):
                # A server that does not answer is no weather: what waits for it fails as it did.
                usual = Usual()
            else:
                took = time.monotonic() - began
                excess = usual.beyond(took)
                if excess > LATE_S:
                    # Until it is asked again it is taken to be as slow as it was just now.
                    self._stood_still("server", excess, and_then_s=ASK_EVERY_S * excess / took)
            self._answered_s = time.time()

    def _stood_still(self, source: str, for_s: float, *, and_then_s: float = 0.0) -> None:
        now = time.time()
        self._log.add(source, Interval(_epoch_ms(now - for_s), _epoch_ms(now + and_then_s)))


def asking(client: Conductor) -> Callable[[], object]:
    """Return the cheap request: a poll of a queue that is always empty, the path that every task takes."""
    return partial(client.poll, TYPE, worker_id=TYPE)


def _epoch_ms(epoch_s: float) -> int:
    return round(epoch_s * 1000)
