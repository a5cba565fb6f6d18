"""Verdicts and findings: what every judgement in the project returns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_k1n.core.text import one_line

NOT_MEASURABLE = "not-measurable"
"""The code of a latency that is too long, and not by more than the machine or the server stood still meanwhile."""


class Verdict(StrEnum):
    """The outcome of a judgement; `unknown` never counts as a pass."""

    PASS = "pass"
    WARN = "warn"
    UNKNOWN = "unknown"
    FAIL = "fail"


_SEVERITY = {Verdict.PASS: 0, Verdict.WARN: 1, Verdict.UNKNOWN: 2, Verdict.FAIL: 3}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Compose verdicts: one fail fails all, else one unknown makes unknown, else warn, else pass."""
    return max(verdicts, key=_SEVERITY.__getitem__, default=Verdict.PASS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One violation (or undecidable or merely remarkable point) of a requirement."""

    code: str
    """Stable, kebab-case, documented with cause and remedy: `started-early`, `outside-band`."""
    subject: str
    """The ref (or `ref__2` in a loop), phase, or workflow that is at fault."""
    expected: str
    observed: str
    margin: str = ""
    """By how much, with its unit: `412ms`, `+30.1%`."""
    origin: str = ""
    """What demands it: `definition edge task_6 -> task_7`, `band of K1N_TEMPLATE_02 in plan.toml`."""
    verdict: Verdict = Verdict.FAIL

    def __str__(self) -> str:
        by = f", by {self.margin}" if self.margin else ""
        because = f" ({one_line(self.origin)})" if self.origin else ""
        claim = f"expected {one_line(self.expected)}; observed {one_line(self.observed)}{by}{because}"
        return f"{self.verdict:<7} {self.code}: {one_line(self.subject)}: {claim}"


@dataclass(frozen=True, slots=True)
class Findings:
    """What one judgement found, beside how many single checks it evaluated and passed."""

    findings: tuple[Finding, ...] = ()
    passed: int = 0
    """Checks that passed on evidence."""
    simulated: int = 0
    """Checks on simulated work: shown, in no rate, because they would prove themselves."""
    notes: tuple[str, ...] = field(default=())
    """Remarks for the reader, such as why nothing was evaluated."""
    latencies: int = 0
    """How many of all checks were of latencies in raw server time, those that were not measurable among them."""

    @property
    def verdict(self) -> Verdict:
        return worst(finding.verdict for finding in self.findings)

    @property
    def failed(self) -> int:
        return sum(finding.verdict is Verdict.FAIL for finding in self.findings)

    @property
    def unknown(self) -> int:
        return sum(finding.verdict is Verdict.UNKNOWN for finding in self.findings)

    @property
    def not_measurable(self) -> int:
        """Latencies that this weather did not let us decide."""
        return sum(finding.code == NOT_MEASURABLE for finding in self.findings)

    def __add__(self, other: Findings) -> Findings:
        return Findings(
            self.findings + other.findings,
            self.passed + other.passed,
            self.simulated + other.simulated,
            self.notes + other.notes,
            self.latencies + other.latencies,
        )

    def worst_first(self) -> tuple[Finding, ...]:
        """Return the findings, fails before unknowns before warnings, otherwise in the order found."""
        return tuple(sorted(self.findings, key=lambda finding: -_SEVERITY[finding.verdict]))


def collect(parts: Iterable[Findings]) -> Findings:
    """Add up judgements."""
    total = Findings()
    for part in parts:
        total += part
    return total
