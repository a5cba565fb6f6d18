"""The verdict over all categories: the rate over checks, its Wilson bound, blocking gates, unknown checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from pytest_k1n.core.definition.fingerprint import definition_hash
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.gates.category import CategoryResult, CategoryVerdict, judge
from pytest_k1n.core.gates.facts import BatchObservation, GateSettings
from pytest_k1n.core.gates.table import CATEGORIES
from pytest_k1n.core.statistics.stats import wilson


@dataclass(frozen=True, slots=True)
class Checks:
    """How many single checks came out how."""

    passed: int
    failed: int
    unknown: int
    simulated: int
    not_measurable: int

    @property
    def evaluated(self) -> int:
        return self.passed + self.failed


@dataclass(frozen=True, kw_only=True)
class Quality:
    """What the quality gates say about a batch, or about one execution of it."""

    categories: tuple[CategoryResult, ...]
    settings: GateSettings
    definitions: tuple[tuple[str, str, str], ...]
    """(key, workflow id, hash of the definition) of every execution judged."""

    @cached_property
    def checks(self) -> Checks:
        return Checks(
            passed=sum(each.passed for each in self.categories),
            failed=sum(each.failed for each in self.categories),
            unknown=sum(each.unknown for each in self.categories),
            simulated=sum(each.simulated for each in self.categories),
            not_measurable=sum(each.not_measurable for each in self.categories),
        )

    @property
    def rate(self) -> float | None:
        """Passed checks over evaluated ones; `None` if nothing was evaluated."""
        checks = self.checks
        return checks.passed / checks.evaluated if checks.evaluated else None

    @property
    def wilson_low(self) -> float:
        """The lower end of the rate's 95 % interval: what so few checks can promise."""
        checks = self.checks
        return wilson(checks.passed, checks.evaluated)[0]

    @property
    def unknown_share(self) -> float:
        checks = self.checks
        total = checks.evaluated + checks.unknown
        return checks.unknown / total if total else 0.0

    @property
    def evaluated(self) -> tuple[CategoryResult, ...]:
        """The categories that had something to judge."""
        return tuple(each for each in self.categories if each.evaluated)

    @property
    def categories_passed(self) -> int:
        """How many of these passed."""
        return sum(each.verdict.is_pass for each in self.evaluated)

    @property
    def verdict(self) -> Verdict:
        """Fail, unknown, warn or pass; `reasons` says why it is no pass."""
        return max((verdict for verdict, _ in self._found), key=_RANK.__getitem__, default=Verdict.PASS)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the verdict is no pass, one sentence each, worst first."""
        ordered = sorted(self._found, key=lambda reason: -_RANK[reason[0]])
        return tuple(text for _, text in ordered)

    @property
    def rate_verdict(self) -> Verdict:
        """The verdict of the pass rate alone (`test_pass_rate`): the categories have items of their own."""
        return max((verdict for verdict, _ in self._rate_reasons()), key=_RANK.__getitem__, default=Verdict.PASS)

    def category(self, gate_id: str) -> CategoryResult:
        """Return the result of one category. Raises KeyError."""
        for each in self.categories:
            if each.id == gate_id:
                return each
        raise KeyError(gate_id)

    @cached_property
    def _found(self) -> tuple[tuple[Verdict, str], ...]:
        return tuple(self._reasons())

    def _reasons(self) -> Iterator[tuple[Verdict, str]]:
        for each in self.categories:
            if each.verdict is CategoryVerdict.FAIL:
                count = sum(finding.verdict is Verdict.FAIL for finding in each.findings)
                kind = "blocking " if each.blocking else ""
                yield (
                    Verdict.FAIL if each.blocking else Verdict.WARN,
                    f"{kind}gate {each.id} ({each.title}) failed {count} checks",
                )
            elif each.verdict is CategoryVerdict.UNKNOWN and each.blocking:
                yield Verdict.UNKNOWN, f"blocking gate {each.id} ({each.title}) is unknown"
        yield from self._rate_reasons()

    def _rate_reasons(self) -> Iterator[tuple[Verdict, str]]:
        checks, least = self.checks, self.settings.min_pass_rate
        if self.rate is None:
            yield Verdict.UNKNOWN, "no check was evaluated"
            return
        counts = f"{checks.passed} of {checks.evaluated} checks passed, {self.rate:.1%}"
        if self.rate < least:
            yield Verdict.FAIL, f"{counts}; at least {least:.1%} is asked for"
        elif self.wilson_low < least:
            yield Verdict.WARN, f"{counts}; so few promise no more than {self.wilson_low:.1%} (Wilson, 95 %)"
        if self.unknown_share > self.settings.max_unknown:
            yield (
                Verdict.FAIL,
                f"{checks.unknown} checks are unknown, {self.unknown_share:.1%}; "
                f"at most {self.settings.max_unknown:.0%} may be",
            )


_RANK = {Verdict.PASS: 0, Verdict.WARN: 1, Verdict.UNKNOWN: 2, Verdict.FAIL: 3}


def evaluate(batch: BatchObservation, settings: GateSettings | None = None) -> Quality:
    """Judge all categories on a batch. Never raises: what goes wrong inside a category is an unknown check of it."""
    settings = settings or GateSettings()
    return Quality(
        categories=tuple(judge(category, batch, settings) for category in CATEGORIES),
        settings=settings,
        definitions=tuple(
            (key, observation.execution.workflow_id, definition_hash(observation.definition))
            for key, observation in batch.observations.items()
        ),
    )
