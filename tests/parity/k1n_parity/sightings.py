"""Cases put to a real server, with what is expected of it; those that diverge are made small."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from k1n_parity.shrink import shrink
from k1n_parity.targets import EngineTarget
from pytest_k1n.conformance.cases import Case, Document
from pytest_k1n.conformance.compare import HistoryDifference, differences
from pytest_k1n.conformance.driver import run
from pytest_k1n.conformance.known import Known, unexplained
from pytest_k1n.conformance.normalise import canonical
from pytest_k1n.conformance.sightings import RUNS, SHOWN, RunsVerdict, Sightings, sightings
from pytest_k1n.conformance.target import CaseTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A case and the history expected of a real server: the recorded one, or else what the engine shows.

    `also` it may show; `known` differences are forgiven; `prefix` is new to the server.
    """

    case: Case
    target: CaseTarget
    prefix: str
    recorded: Document | None = None
    also: tuple[Document, ...] = ()
    known: tuple[Known, ...] = ()

    def expected(self) -> Document:
        return canonical(run(self.case, EngineTarget(), "engine_")) if self.recorded is None else self.recorded

    def ask(self, most: int = RUNS) -> Sightings:
        """Run the case until it shows what is expected, `most` times at most."""
        expected, numbers = (self.expected(), *self.also), itertools.count()
        return sightings(
            lambda: canonical(run(self.case, self.target, f"{self.prefix}{most}y{next(numbers)}_")),
            lambda history: not all(self.differences(history, one) for one in expected),
            most,
        )

    def differences(self, history: Document, expected: Document) -> list[HistoryDifference]:
        return unexplained(list(differences(history, expected)), self.case, self.known)

    def told(self, seen: Sightings) -> list[str]:
        """Say line by line what the commonest history has otherwise; the server's value stands on the left."""
        found = self.differences(seen.commonest, self.expected()) if seen.commonest is not None else []
        shown = found[:SHOWN] if seen.verdict is RunsVerdict.RACE else found
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
            return found.verdict is RunsVerdict.DIVERGES and bool(wanted & smaller.kinds(found))

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
        (question, seen if seen.verdict is RunsVerdict.AGREES else seen + question.ask())
        for question, seen in zip(asked, first, strict=True)
    ]
