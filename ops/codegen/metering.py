"""What a unit of work costs in workflow time: simulated, beside the work itself, which is real.

The costs add up to the plan's quarter of an hour: 12 patterns, 2 minutes to parse, 5 to generate, 4 to compile, 3 to
check, 1 to write. What a strategy saves is not written here: it follows from the units that it leaves out or overlaps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

UNITS_MS = {
    "parse a pattern": 10_000,
    "compile a template": 3_000,
    "render a module": 22_000,
    "compile a module": 20_000,
    "check a module": 15_000,
    "write a module": 5_000,
}

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


@dataclass(slots=True)
class Meter:
    """Lets units of work take their time, shortened by `speed`, and knows how long that was for the whole task."""

    speed: float
    report: Callable[[str], None]
    workflow_ms: float = 0
    """Simulated so far, in workflow time: what runs side by side counts once."""
    steps: list[tuple[str, int]] = field(default_factory=list)

    @property
    def simulated_ms(self) -> int:
        """The same in ms of this machine's clock."""
        return round(self.workflow_ms / self.speed)

    def spend(self, unit: str) -> float:
        """Take the time of one unit, and return it in workflow ms; `each` and `once` count it."""
        time.sleep(UNITS_MS[unit] / self.speed / 1000)
        return UNITS_MS[unit]

    def once(self, unit: str) -> None:
        self.workflow_ms += self.spend(unit)

    def each(
        self, items: Sequence[_Item], work: Callable[[_Item], tuple[_Made, float]], *, lanes: int = 1
    ) -> list[_Made]:
        """Do `work` on all items, by so many workers side by side; the slowest says how long all of it took."""

        def lane(number: int) -> list[tuple[_Made, float]]:
            return [work(item) for item in items[number::lanes]]

        if lanes == 1:
            done = [lane(0)]
        else:
            with ThreadPoolExecutor(lanes) as pool:
                done = list(pool.map(lane, range(lanes)))
        self.workflow_ms += max((sum(cost for _, cost in each) for each in done), default=0)
        return [done[index % lanes][index // lanes][0] for index in range(len(items))]

    @contextmanager
    def step(self, name: str, text: Callable[[], str]) -> Iterator[None]:
        """Log a step and what it took: real time as measured, simulated time as it costs."""
        before, began = self.workflow_ms, time.perf_counter()
        yield
        simulated = self.workflow_ms - before
        real_ms = (time.perf_counter() - began) * 1000 - simulated / self.speed
        took_ms = round(simulated + max(0, real_ms))
        self.steps.append((name, took_ms))
        self.report(f"{name} {text()} [{took_ms}ms]")
