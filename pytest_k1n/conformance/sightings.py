"""Whether a real server does what is expected of it, told from the races inside it by asking again.

The server's JOIN reads a failed attempt that `decide` is about to retry, and then fails the execution; two of its
threads may both schedule a successor. Such a case has more than one history there, the rarer one in up to a third of
the runs. So a history that differs is no divergence yet: the case is run again, and if any run shows what was expected,
the server can do either, and the runs are counted. What no run shows is a divergence.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from pytest_k1n.conformance.cases import Document
from pytest_k1n.conformance.driver import DisturbedError

RUNS = 24
"""How often to ask again: what a fifth of the runs shows (as seed 473), 24 miss once in 210 times."""
SHOWN = 3
"""How many differences of a race are worth reading."""
PATIENCE_S = 90
"""When to stop asking after two runs: a case that stalls takes half a minute each time."""


class RunsVerdict(Enum):
    """What the runs of a case say."""

    AGREES = "agrees"
    RACE = "is a race of the server's"
    DIVERGES = "diverges"
    UNDECIDED = "is undecided: no two runs agree, or the server was disturbed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """In how many runs of a case the expected history was seen, and what the others showed instead."""

    runs: int
    expected: int
    others: tuple[Document, ...]

    def __add__(self, more: Sightings) -> Sightings:
        return Sightings(
            runs=self.runs + more.runs, expected=self.expected + more.expected, others=self.others + more.others
        )

    @property
    def verdict(self) -> RunsVerdict:
        if self.expected:
            return RunsVerdict.RACE if self.others else RunsVerdict.AGREES
        return RunsVerdict.DIVERGES if self.most > 1 else RunsVerdict.UNDECIDED

    @property
    def commonest(self) -> Document | None:
        """The other history that most runs agree on; None if there is no other."""
        return max(self.others, key=self.others.count, default=None)

    @property
    def most(self) -> int:
        """How many runs showed that one."""
        return self.others.count(self.commonest)

    def __str__(self) -> str:
        others = f", the commonest other in {self.most}" if self.others else ""
        return f"{self.verdict.value} (the expected history was seen in {self.expected} of {self.runs} runs{others})"


def sightings(
    ask: Callable[[], Document],
    is_expected: Callable[[Document], bool],
    most: int = RUNS,
    clock: Callable[[], float] = time.monotonic,
) -> Sightings:
    """Ask until the expected history is seen, `most` times at most. A disturbed run shows nothing, but counts."""
    others: list[Document] = []
    runs, until = 0, clock() + PATIENCE_S
    while runs < most and (runs < 2 or clock() < until):
        runs += 1
        try:
            history = ask()
        except DisturbedError:
            continue
        if is_expected(history):
            return Sightings(runs=runs, expected=1, others=tuple(others))
        others.append(history)
    return Sightings(runs=runs, expected=0, others=tuple(others))
