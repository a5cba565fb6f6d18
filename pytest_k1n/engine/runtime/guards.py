"""Guards against what never ends: time that jumps on without effect, loops and starts that go on and on.

A server that is asked for something endless goes on doing it, until its disk is full or an operator stops it. An engine
in virtual time would not even let a timeout come up: all of it happens at one instant. So each of these ends with a
reason here. The limits lie far above what definitions do on purpose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from pytest_k1n.core.units import format_ms
from pytest_k1n.engine.problems import Illegal

MOST_AT_ONCE: Final = 10_000
_MOST_COUNTED: Final = 10_000
"""Loops, tasks and workflows that are counted; of more, those that were done least often begin anew."""


class Stuck(RuntimeError):
    """The clock ran on without effect; the message says what every open execution waits for."""


class Endless(Illegal):
    """Something that was done too often to come to an end; says what, and how often."""


@dataclass(slots=True)
class Guards:
    """Limits of one engine, and how near it is to them."""

    max_idle_jumps: int = 10_000
    """Jumps in a row after which nothing was scheduled, updated or ended."""
    max_horizon_ms: int = 10 * 366 * 24 * 3_600_000
    """How far virtual time may run since a client last asked for something to be started."""
    max_at_once: int = MOST_AT_ONCE
    """How often one thing may be done at one instant: rounds of a loop, attempts of a task, starts of a workflow."""
    max_in_all: int = 20_000
    """How often it may be done in all, as long as no request starts it again."""
    max_nesting: int = 50
    """How deep sub-workflows may lie within each other."""
    breathe: Callable[[], None] = lambda: None
    """Called whenever one of these is done: the server may answer other requests meanwhile."""
    struck: str | None = None
    """What was taken for endless last: it has failed a task, perhaps of an execution that is not looked at."""
    idle_jumps: int = 0
    """The engine sets it back to 0 whenever something changes."""
    passed_ms: int = 0
    _instant_ms: int = 0
    _at_once: Counter[str] = field(default_factory=Counter)
    _in_all: Counter[str] = field(default_factory=Counter)

    def jump(self, duration_ms: int, diagnosis: Callable[[], str]) -> None:
        """Count a jump. Raises Stuck where it is one too many, or too far: it is not made then, a nearer one may be."""
        self.idle_jumps += 1
        if self.idle_jumps > self.max_idle_jumps:
            raise Stuck(f"the clock jumped {self.idle_jumps} times and nothing changed; waiting: {diagnosis()}")
        if self.passed_ms + duration_ms > self.max_horizon_ms:
            raise Stuck(f"virtual time ran over {format_ms(self.max_horizon_ms)}; waiting: {diagnosis()}")
        self.passed_ms += duration_ms

    def again(self, key: str, now_ms: int, what: Callable[[], str], seen: Callable[[], str] = str) -> None:
        """Count what is done once more, by its key. Raises Endless, whose text is between `what` and what is `seen`."""
        self.breathe()
        if now_ms != self._instant_ms:
            self._instant_ms = now_ms
            self._at_once.clear()
        self._at_once[key] += 1
        self._in_all[key] += 1
        if len(self._in_all) > _MOST_COUNTED:
            self._in_all = Counter(dict(self._in_all.most_common(_MOST_COUNTED // 10)))
        if self._at_once[key] > self.max_at_once:
            raise self._endless(f"{what()} {self.max_at_once} times at one instant", seen())
        if self._in_all[key] > self.max_in_all:
            raise self._endless(f"{what()} {self.max_in_all} times", seen())

    def nest(self, names: list[str]) -> None:
        """Look at how deep a sub-workflow lies: the names of those it lies in, outermost first. Raises Endless."""
        self.breathe()
        if len(names) > self.max_nesting:
            way = " > ".join([*names[:3], "...", *names[-2:]])
            raise self._endless(f"sub-workflows lie {len(names)} deep in each other ({way})")

    def _endless(self, what: str, seen: str = "") -> Endless:
        self.struck = f"{what}: this engine takes that for endless{seen and '; '}{seen}"
        return Endless(self.struck)
