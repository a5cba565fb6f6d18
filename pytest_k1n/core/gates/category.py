"""A category of quality gates: what it asks, and what came out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from pytest_k1n.core.findings import NOT_MEASURABLE, Finding, Verdict
from pytest_k1n.core.gates.facts import BatchObservation, GateSettings
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.tally import Tally

BLOCKING_CODES = frozenset({"joins-late"})
"""Findings that block whatever their category does: the server is not the one that all budgets were made for."""


class CategoryVerdict(StrEnum):
    """The outcome of one category; the last two pass, with a note that says why."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"
    INSUFFICIENT_BASELINE = "insufficient-baseline"

    @property
    def is_pass(self) -> bool:
        return self not in (CategoryVerdict.FAIL, CategoryVerdict.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Exempt:
    """Why a category is not, or not fully, evaluated. Does not excuse what failed all the same."""

    verdict: CategoryVerdict
    note: str


def not_applicable(note: str) -> Exempt:
    """Say that there is nothing for this category to judge."""
    return Exempt(CategoryVerdict.NOT_APPLICABLE, note)


def insufficient_baseline(note: str) -> Exempt:
    """Say that there is too little to compare with."""
    return Exempt(CategoryVerdict.INSUFFICIENT_BASELINE, note)


Single = Callable[[Observation, BatchObservation, str, GateSettings, Tally], Exempt | None]
"""Judges one execution of the batch, named by its key."""

Joint = Callable[[BatchObservation, GateSettings, "BatchTally"], Exempt | None]
"""Judges the batch as a whole."""


@dataclass(frozen=True, slots=True)
class Category:
    """One of G1 to G20. Exactly one of `single` and `joint` judges it."""

    id: str
    title: str
    unit: str
    """What is counted: refs, edges, tasks, ..."""
    blocking: bool = False
    single: Single | None = None
    joint: Joint | None = None

    @property
    def slug(self) -> str:
        """What a test id shows: `G2-ordering`."""
        return "-".join([self.id, *re.findall(r"[a-z]+", self.title.lower())])


@dataclass(frozen=True, slots=True)
class Located:
    """A finding, and the key of the execution it is about (None: the batch)."""

    key: str | None
    finding: Finding

    def __str__(self) -> str:
        return f"{self.key}: {self.finding}" if self.key else str(self.finding)


class BatchTally:
    """One tally per execution of a batch, so that every finding knows where it belongs."""

    def __init__(self) -> None:
        self.tallies: dict[str | None, Tally] = {}

    def of(self, key: str | None) -> Tally:
        """Return the tally of an execution, or with None that of the batch."""
        return self.tallies.setdefault(key, Tally())


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryResult:
    """What came out of one category."""

    id: str
    title: str
    unit: str
    blocking: bool
    verdict: CategoryVerdict
    passed: int = 0
    failed: int = 0
    unknown: int = 0
    simulated: int = 0
    """Checks on simulated work: judged and shown, in no rate."""
    latencies: int = 0
    """How many of all checks were of latencies, those that were not measurable among them."""
    located: tuple[Located, ...] = ()
    note: str = ""

    @property
    def evaluated(self) -> int:
        """The denominator of the rate: what passed or failed on evidence."""
        return self.passed + self.failed

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(each.finding for each in self.located)

    @property
    def not_measurable(self) -> int:
        """Latencies that this weather did not let us decide: in no rate."""
        return sum(finding.code == NOT_MEASURABLE for finding in self.findings)

    def __str__(self) -> str:
        counts = f"{self.passed}/{self.evaluated} {self.unit}" if self.evaluated else ""
        extras = [f"{self.unknown} unknown"] if self.unknown else []
        extras += [f"{self.simulated} on simulated work"] if self.simulated else []
        parts = [part for part in (counts, *extras, self.note) if part]
        return f"{self.id} {self.title}: {self.verdict}" + (f" ({'; '.join(parts)})" if parts else "")


def judge(category: Category, batch: BatchObservation, settings: GateSettings) -> CategoryResult:
    """Judge one category. What raises inside is one unknown check, with the exception named."""
    tallies = BatchTally()
    exemptions: list[Exempt | None] = []
    if category.joint is not None:
        exemptions.append(_guarded(category.joint, tallies.of(None), batch, settings, tallies))
    elif category.single is not None:
        for key, observation in batch.observations.items():
            tallies.tallies[key], exempt = _of_one(category, category.single, observation, batch, key, settings)
            exemptions.append(exempt)
    return _result(
        category,
        category.blocking or category.id in settings.also_blocking,
        tallies,
        [exempt for exempt in exemptions if exempt is not None],
    )


def _of_one(
    category: Category,
    check: Single,
    observation: Observation,
    batch: BatchObservation,
    key: str,
    settings: GateSettings,
) -> tuple[Tally, Exempt | None]:
    """Judge one execution, once: what is found of it in its batch stands also where it is looked at by itself."""
    asked = (settings, batch.skips, batch.facts)
    known = batch.company.judged.get((category.id, key))
    if known is not None and known[0] is observation and known[1] == asked:
        return cast("tuple[Tally, Exempt | None]", known[2])
    tally = Tally()
    found = (tally, _guarded(check, tally, observation, batch, key, settings, tally))
    batch.company.judged[category.id, key] = (observation, asked, found)
    return found


def _guarded(check: Callable[..., Exempt | None], tally: Tally, *arguments: object) -> Exempt | None:
    try:
        return check(*arguments)
    except Exception as error:
        said = " ".join(str(error).split())
        tally.unknown(
            "judgement-crashed",
            getattr(check, "__name__", "check"),
            expected="a judgement",
            observed=f"{type(error).__name__}: {said}",
        )
        return None


def _result(category: Category, blocking: bool, batch: BatchTally, exemptions: list[Exempt]) -> CategoryResult:
    tallies = batch.tallies
    located = tuple(Located(key, finding) for key, tally in tallies.items() for finding in tally.found)
    passed = sum(tally.passes for tally in tallies.values())
    failed = sum(tally.fails for tally in tallies.values())
    unknown = sum(tally.unknowns for tally in tallies.values())
    simulated = sum(tally.simulated for tally in tallies.values())
    latencies = sum(tally.latencies for tally in tallies.values())
    unmeasurable = sum(each.finding.code == NOT_MEASURABLE for each in located)
    notes = [exempt.note for exempt in exemptions] + [note for tally in tallies.values() for note in tally.notes]
    if any(each.finding.verdict is Verdict.FAIL for each in located):
        verdict = CategoryVerdict.FAIL
    elif unknown:
        verdict = CategoryVerdict.UNKNOWN
    elif any(exempt.verdict is CategoryVerdict.INSUFFICIENT_BASELINE for exempt in exemptions):
        verdict = CategoryVerdict.INSUFFICIENT_BASELINE
    elif passed or simulated or unmeasurable:
        verdict = CategoryVerdict.PASS
    else:
        verdict = CategoryVerdict.NOT_APPLICABLE
        notes = notes or ["nothing to judge"]
    if simulated and not (passed or failed):
        notes.append("all on simulated work: judged, not in the rate")
    if unmeasurable:
        notes.append(f"{unmeasurable} latencies not measurable in this weather")
    return CategoryResult(
        id=category.id,
        title=category.title,
        unit=category.unit,
        blocking=blocking or any(each.finding.code in BLOCKING_CODES for each in located),
        verdict=verdict,
        passed=passed,
        failed=failed,
        unknown=unknown,
        simulated=simulated,
        latencies=latencies,
        located=located,
        note="; ".join(dict.fromkeys(notes)),
    )
