"""What a unit of work costs in workflow time: simulated, beside the work itself, which is real.

The costs add up to the plan's quarter of an hour: 12 patterns, 2 minutes to parse, 5 to generate, 4 to compile, 3 to
check, 1 to write. The work itself is part of what its unit costs: only the rest is waited for. What a strategy saves is
not written here: it follows from the units that it leaves out or overlaps.
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


@dataclass(frozen=True, slots=True)
class Spent:
    """What units of work cost, and how much of that was only waited for; ms of workflow time."""

    cost_ms: float = 0
    waited_ms: float = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.cost_ms + other.cost_ms, self.waited_ms + other.waited_ms)


@dataclass(slots=True)
class Meter:
    """Lets units of work take their time, shortened by `speed`, and knows how long that was for the whole task."""

    speed: float
    report: Callable[[str], None]
    spent: Spent = Spent()
    """So far; what runs side by side counts once."""
    steps: list[tuple[str, int]] = field(default_factory=list)

    @property
    def simulated_ms(self) -> float:
        """What was only waited for, in ms of this machine's clock."""
        return round(self.spent.waited_ms / self.speed, 3)

    def unit(self, name: str, work: Callable[[], _Made], *, count: int = 1) -> tuple[_Made, Spent]:
        """Do one unit of work, or `count` in one go, and wait for the rest of what it costs."""
        began = time.perf_counter()
        made = work()
        cost = UNITS_MS[name] * count
        rest = max(0.0, cost - (time.perf_counter() - began) * 1000)
        time.sleep(rest / self.speed / 1000)
        return made, Spent(cost, rest)

    def once(self, name: str, work: Callable[[], _Made], *, count: int = 1) -> _Made:
        made, spent = self.unit(name, work, count=count)
        self.spent += spent
        return made

    def each(
        self, items: Sequence[_Item], work: Callable[[_Item], tuple[_Made, Spent]], *, lanes: int = 1
    ) -> list[_Made]:
        """Do `work` on all items, by so many workers side by side; the slowest says how long all of it took."""

        def lane(number: int) -> list[tuple[_Made, Spent]]:
            return [work(item) for item in items[number::lanes]]

        if lanes == 1:
            done = [lane(0)]
        else:
            with ThreadPoolExecutor(lanes) as pool:
                done = list(pool.map(lane, range(lanes)))
        sums = [sum((spent for _, spent in each), Spent()) for each in done]
        self.spent += max(sums, key=lambda each: each.cost_ms)
        return [done[index % lanes][index // lanes][0] for index in range(len(items))]

    @contextmanager
    def step(self, name: str, text: Callable[[], str]) -> Iterator[None]:
        """Log a step and what it took: real time as measured, simulated time as it costs."""
        before, began = self.spent.waited_ms, time.perf_counter()
        yield
        simulated = self.spent.waited_ms - before
        real_ms = (time.perf_counter() - began) * 1000 - simulated / self.speed
        took_ms = round(simulated + max(0, real_ms))
        self.steps.append((name, took_ms))
        self.report(f"{name} {text()} [{took_ms}ms]")
