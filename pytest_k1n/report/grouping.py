"""Findings brought together: several tests and gates notice the same thing, a report tells it once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_k1n.report.document import FindingDocument

SEVERITY = {"pass": 0, "warn": 1, "unknown": 2, "fail": 3}
_TEXTS = ("code", "subject", "expected", "observed", "margin", "origin", "verdict")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A finding, which execution it is about, and the test or quality gate that noticed it."""

    finding: Mapping[str, Any]
    workflow_id: str | None = None
    batch: str | None = None
    test: str | None = None
    gate: str | None = None
    title: str = ""
    """How its execution is called: gates put that before the subject."""


def lenient(finding: Mapping[str, Any], category: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a quality gate found as it counts: a gate that blocks nothing only warns."""
    warns = not category["blocking"] and finding["verdict"] == "fail"
    return {**finding, "verdict": "warn"} if warns else finding


def grouped(sightings: Iterable[Sighting]) -> list[FindingDocument]:
    """Tell each cause once, worst first, otherwise in the order seen.

    The same code, subject and observation of one execution are one cause; what was expected may be put differently.
    """
    found: dict[tuple[str | None, str, str, str], FindingDocument] = {}
    for seen in sightings:
        texts = {name: str(seen.finding.get(name, "")) for name in _TEXTS}
        if texts["verdict"] == "pass":
            continue
        subject = texts["subject"].removeprefix(f"{seen.title}: ") if seen.title else texts["subject"]
        identity = (seen.workflow_id, texts["code"], subject, texts["observed"])
        cause = found.get(identity)
        if cause is None:
            cause = found[identity] = _cause(texts, subject, seen)
        elif SEVERITY.get(texts["verdict"], 0) > SEVERITY.get(cause["verdict"], 0):
            cause["verdict"] = texts["verdict"]
        for name, values in ((seen.test, cause["tests"]), (seen.gate, cause["gates"])):
            if name is not None and name not in values:
                values.append(name)
    return sorted(found.values(), key=lambda cause: -SEVERITY.get(cause["verdict"], 0))


def _cause(texts: Mapping[str, str], subject: str, seen: Sighting) -> FindingDocument:
    return {
        "code": texts["code"],
        "subject": subject,
        "expected": texts["expected"],
        "observed": texts["observed"],
        "margin": texts["margin"],
        "origin": texts["origin"],
        "verdict": texts["verdict"],
        "workflow_id": seen.workflow_id,
        "batch": seen.batch,
        "tests": [],
        "gates": [],
    }
