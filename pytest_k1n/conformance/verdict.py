"""What is said of a case, and of all of them: pure values and the texts that show them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pytest_k1n.client.address import redact
from pytest_k1n.conformance.cases import Document
from pytest_k1n.conformance.compare import HistoryDifference, differences
from pytest_k1n.conformance.corpus import Recording
from pytest_k1n.conformance.known import Known, explanation

SCHEMA = "conformance/1"
_SHOWN = 160


class CaseOutcome(StrEnum):
    """What a case showed: from best to worst, then what says nothing."""

    SAME = "same"
    KNOWN = "known"
    RACE = "race"
    DIFFERENT = "different"
    UNDECIDED = "undecided"
    SKIPPED = "skipped"


MEANINGS = {
    CaseOutcome.SAME: "the server did what was recorded",
    CaseOutcome.KNOWN: "every difference is a known one of this version",
    CaseOutcome.RACE: "some runs showed what was recorded, others something else",
    CaseOutcome.DIFFERENT: "no run showed what was recorded",
    CaseOutcome.UNDECIDED: "the server was disturbed, or no two runs agreed",
    CaseOutcome.SKIPPED: "not run: it calls a web server on this machine, the Conductor is on another",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedDifference:
    """One difference, and the known one that explains it."""

    difference: HistoryDifference
    known: str | None = None

    def document(self) -> Document:
        """Return it as JSON data."""
        one = self.difference
        return {"path": one.path, "expected": one.left, "shown": one.right, "known": self.known}


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What `runs` runs of a case showed; the differences are those of the last run that says most."""

    suite: str
    name: str
    outcome: CaseOutcome
    runs: int = 1
    differences: tuple[JudgedDifference, ...] = ()
    note: str = ""

    @property
    def title(self) -> str:
        """Name it among those of all suites, as `Recording.title` does."""
        return f"{self.suite}/{self.name}"

    @property
    def unexplained(self) -> list[HistoryDifference]:
        return [one.difference for one in self.differences if one.known is None]

    def document(self) -> Document:
        """Return it as JSON data."""
        return {
            "suite": self.suite,
            "name": self.name,
            "outcome": str(self.outcome),
            "runs": self.runs,
            "note": self.note,
            "differences": [one.document() for one in self.differences],
        }


def unsettled(report: Document) -> set[str]:
    """Return the titles of the cases that a report, as JSON data, calls different or undecided, or did not come to."""
    unsure = (CaseOutcome.DIFFERENT, CaseOutcome.UNDECIDED)
    return {
        *report["not_asked"],
        *(f"{one['suite']}/{one['name']}" for one in report["cases"] if one["outcome"] in unsure),
    }


def judged(recording: Recording, shown: Document, known: Sequence[Known]) -> tuple[JudgedDifference, ...]:
    """Compare a history with the nearest recorded one, and look up what explains each difference."""
    nearest = _compared(recording, recording.history, shown, known)
    for other in recording.also:
        if not nearest:
            break
        nearest = min(nearest, _compared(recording, other, shown, known), key=_distance)
    return nearest


def _compared(
    recording: Recording, expected: Document, shown: Document, known: Sequence[Known]
) -> tuple[JudgedDifference, ...]:
    found = []
    for one in differences(expected, shown):
        by = explanation(one, recording.case, known)
        found.append(JudgedDifference(difference=one, known=by.id if by else None))
    return tuple(found)


def _distance(found: Sequence[JudgedDifference]) -> tuple[int, int]:
    return sum(one.known is None for one in found), len(found)


def outcome_of(found: Iterable[JudgedDifference]) -> CaseOutcome:
    """Say what one run shows."""
    every = list(found)
    if not every:
        return CaseOutcome.SAME
    return CaseOutcome.KNOWN if all(one.known for one in every) else CaseOutcome.DIFFERENT


@dataclass(frozen=True, slots=True, kw_only=True)
class ConformanceReport:
    """All results on one server."""

    url: str
    version: str
    conductor: str
    """The version that the cases were recorded on."""
    results: tuple[CaseResult, ...]
    known: tuple[Known, ...]
    """Those that this server may show."""
    took_s: float
    not_asked: tuple[str, ...] = ()
    """Titles of the cases that were chosen, and not asked about before it was interrupted."""

    @property
    def counts(self) -> Counter[CaseOutcome]:
        return Counter(result.outcome for result in self.results)

    @property
    def conforms(self) -> bool:
        """Whether nothing differs that should not, something was compared, and nothing is left to ask."""
        counts = self.counts
        return (
            not self.not_asked
            and not counts[CaseOutcome.DIFFERENT]
            and bool(counts[CaseOutcome.SAME] + counts[CaseOutcome.KNOWN] + counts[CaseOutcome.RACE])
        )

    @property
    def met(self) -> Counter[str]:
        """In how many cases each known difference was met."""
        return Counter(
            name for result in self.results for name in {one.known for one in result.differences if one.known}
        )

    def document(self) -> Document:
        """Return it as JSON data; a case that did what was recorded is counted only."""
        return {
            "schema": SCHEMA,
            "url": redact(self.url),
            "version": self.version,
            "conductor": self.conductor,
            "conforms": self.conforms,
            "took_s": round(self.took_s, 1),
            "counts": {str(outcome): self.counts[outcome] for outcome in CaseOutcome},
            "known": {entry.id: {"cases": self.met[entry.id], "reason": entry.reason, "upstream": entry.upstream}
                      for entry in self.known if self.met[entry.id]},
            "not_asked": list(self.not_asked),
            "cases": [result.document() for result in self.results if result.outcome is not CaseOutcome.SAME],
        }  # fmt: skip


def lines(report: ConformanceReport, *, most: int = 3) -> Iterator[str]:
    """Show a report: a table by suite, what each known difference is, and what differs, `most` lines a case."""
    many = f"{len(report.results)} cases recorded on Conductor {report.conductor}"
    yield f"{report.version} at {redact(report.url)}: {many}"
    yield ""
    yield from _table(report)
    if report.met:
        yield from ("", "known differences of this version:")
        yield from (f"  {report.met[entry.id]:>5}  {entry.id}: {entry.reason}"
                    for entry in report.known if report.met[entry.id])  # fmt: skip
    for outcome in (CaseOutcome.RACE, CaseOutcome.UNDECIDED, CaseOutcome.DIFFERENT):
        some = [result for result in report.results if result.outcome is outcome]
        if some:
            yield from ("", f"{outcome} ({MEANINGS[outcome]}):")
        for result in some:
            yield from _of_case(result, most)


def _table(report: ConformanceReport) -> Iterator[str]:
    suites = list(dict.fromkeys(result.suite for result in report.results))
    used = [
        outcome
        for outcome in CaseOutcome
        if report.counts[outcome] or outcome in (CaseOutcome.SAME, CaseOutcome.DIFFERENT)
    ]
    width = max(len(name) for name in ("suite", "all", *suites))
    yield "  ".join([f"{'suite':<{width}}", "cases", *(f"{outcome:>9}" for outcome in used)])
    for suite in (*suites, *(["all"] if len(suites) > 1 else [])):
        counts = Counter(result.outcome for result in report.results if suite in ("all", result.suite))
        yield "  ".join([f"{suite:<{width}}", f"{counts.total():>5}", *(f"{counts[outcome]:>9}" for outcome in used)])


def _of_case(result: CaseResult, most: int) -> Iterator[str]:
    found = result.unexplained
    note = f" ({result.note})" if result.note else ""
    yield f"  {result.title}{note}"
    yield from (f"      {one.path}: {_value(one.left)} -> {_value(one.right)}" for one in found[:most])
    if len(found) > most:
        yield f"      and {len(found) - most} more"


def _value(value: Any) -> str:
    text = value if value == "<missing>" else json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
