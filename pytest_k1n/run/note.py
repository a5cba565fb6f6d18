"""What this plugin adds to a test's report: it travels with the report, between xdist's processes as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict

import pytest

from pytest_k1n.coordination.gate_ledger import ItemOutcome

ATTRIBUTE = "k1n"


class Evidence(TypedDict):
    """What the judgements of one test found."""

    findings: list[Mapping[str, Any]]
    passed: int
    simulated: int
    latencies: int
    executions: list[str]
    """Workflow ids, in the order in which they were judged."""


@dataclass(slots=True, kw_only=True)
class ReportNote:
    """One phase (setup, call, teardown) of a test of workflows."""

    batch: int = 0
    key: str | None = None
    """Of the launch whose executions the test observes."""
    blocked: str | None = None
    """Why the gate of its batch is closed for good."""
    unknown: bool = False
    evidence: Evidence | None = None
    coverage: list[Any] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return plain values: execnet cannot serialise this class."""
        return {"v": 1, **asdict(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ReportNote:
        """Rebuild what `to_json` wrote."""
        return cls(**{name: value for name, value in document.items() if name != "v"})

    def put_on(self, report: object) -> None:
        """Make it an attribute of a report."""
        setattr(report, ATTRIBUTE, self)


def note_of(report: object) -> ReportNote:
    """Read the note of a report; an empty one where it is a report of another test."""
    note = getattr(report, ATTRIBUTE, None)
    return note if isinstance(note, ReportNote) else ReportNote()


def has_note(report: object) -> bool:
    """Whether a report is of a test of workflows."""
    return isinstance(getattr(report, ATTRIBUTE, None), ReportNote)


def outcome_of(report: pytest.TestReport) -> ItemOutcome:
    """Classify one report for the gate ledger; an xfail counts as skipped, a crashed node's as failed."""
    note = note_of(report)
    if note.blocked:
        return ItemOutcome.BLOCKED
    if note.unknown:
        return ItemOutcome.UNKNOWN
    if report.failed:
        return ItemOutcome.FAILED
    return ItemOutcome.SKIPPED if report.skipped else ItemOutcome.PASSED


def status_of(report: pytest.TestReport) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Name our outcomes for the terminal: category, letter, word."""
    note = note_of(report)
    if note.blocked:
        return ("blocked", "b", ("BLOCKED", {"yellow": True})) if report.when == "setup" else None
    if note.unknown:
        return "unknown", "?", ("UNKNOWN", {"purple": True})
    return None
