"""Whether a real server does what is expected of it, told from the races inside it by asking again.

The server's JOIN reads a failed attempt that `decide` is about to retry, and then fails the execution; two of its
threads may both schedule a successor. Such a case has more than one history there, the rarer one in up to a third of
the runs. So a history that differs is no divergence yet: the case is run again, and if any run shows what was expected,
the server can do either, and the runs are counted. What no run shows is a divergence.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum

from k1n_parity.cases import Case, Document
from k1n_parity.compare import Difference, differences
from k1n_parity.driver import DisturbedError, run
from k1n_parity.known import Known, unexplained
from k1n_parity.normalise import canonical
from k1n_parity.shrink import shrink
from k1n_parity.targets import EngineTarget, Target

RUNS = 24
"""How often to ask again: what a fifth of the runs shows (as seed 473), 24 miss once in 210 times."""
SHOWN = 3
"""How many differences of a race are worth reading."""
PATIENCE_S = 90
"""When to stop asking after two runs: a case that stalls takes half a minute each time."""


class Verdict(Enum):
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
    def verdict(self) -> Verdict:
        if self.expected:
            return Verdict.RACE if self.others else Verdict.AGREES
        return Verdict.DIVERGES if self.most > 1 else Verdict.UNDECIDED

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A case and the history expected of a real server: the recorded one, or else what the engine shows.

    `known` differences are forgiven; `prefix` is new to the server.
    """

    case: Case
    target: Target
    prefix: str
    recorded: Document | None = None
    known: tuple[Known, ...] = ()

    def expected(self) -> Document:
        return canonical(run(self.case, EngineTarget(), "engine_")) if self.recorded is None else self.recorded

    def ask(self, most: int = RUNS) -> Sightings:
        """Run the case until it shows what is expected, `most` times at most."""
        expected, numbers = self.expected(), itertools.count()
        return sightings(
            lambda: canonical(run(self.case, self.target, f"{self.prefix}{most}y{next(numbers)}_")),
            lambda history: not self.differences(history, expected),
            most,
        )

    def differences(self, history: Document, expected: Document) -> list[Difference]:
        return unexplained(list(differences(history, expected)), self.case.name, self.known)

    def told(self, seen: Sightings) -> list[str]:
        """Say line by line what the commonest history has otherwise; the server's value stands on the left."""
        found = self.differences(seen.commonest, self.expected()) if seen.commonest is not None else []
        shown = found[:SHOWN] if seen.verdict is Verdict.RACE else found
        more = [f"    and {len(found) - len(shown)} more"] if len(shown) < len(found) else []
        return [f"{self.case.name} {seen}", *(f"    {one}" for one in shown), *more]

    def smallest(self, seen: Sightings, *, trials: int, within_s: float) -> Case:
        """Shrink a case that diverges from the engine: delete what can go while one of its differences stays.

        Any other difference would be one that the smaller case brought in.
        """
        deadline, numbers = time.monotonic() + within_s, itertools.count()
        wanted = self.kinds(seen)

        def diverges(case: Case) -> bool:
            if time.monotonic() > deadline:
                return False
            smaller = replace(self, case=case, prefix=f"{self.prefix}s{next(numbers)}_")
            found = smaller.ask(4)
            return found.verdict is Verdict.DIVERGES and bool(wanted & smaller.kinds(found))

        return shrink(self.case, diverges, trials)

    def kinds(self, seen: Sightings) -> set[str]:
        """Name what differs, wherever it stands: the plain values, or else the fields."""
        if seen.commonest is None:
            return set()
        found = self.differences(seen.commonest, self.expected())
        plain = [
            one for one in found if not isinstance(one.left, dict | list) and not isinstance(one.right, dict | list)
        ]
        return {f"{one.path.rpartition('|')[2]} {one.left} {one.right}" for one in plain} or {
            one.path.rpartition("|")[2] for one in found
        }


def answered(questions: Iterable[Question], jobs: int) -> list[tuple[Question, Sightings]]:
    """Ask about every case, `jobs` at once; then again, one by one, about those that showed anything unexpected.

    Alone, because company makes races likelier.
    """
    asked = list(questions)
    with ThreadPoolExecutor(jobs) as pool:
        first = list(pool.map(lambda question: question.ask(1), asked))
    return [
        (question, seen if seen.verdict is Verdict.AGREES else seen + question.ask())
        for question, seen in zip(asked, first, strict=True)
    ]
