"""Quality gates as JSON: the `gates` object of a results file, and one result object for every kind of report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypedDict

from pytest_k1n.core.definition.fingerprint import digest
from pytest_k1n.core.findings import Finding, Verdict
from pytest_k1n.core.gates.category import CategoryResult, CategoryVerdict, Located
from pytest_k1n.core.gates.quality import Quality
from pytest_k1n.core.model import Json
from pytest_k1n.core.wire.wire import split_iteration

EVIDENCE_LINES = 3
"""Lines of evidence per result, at most."""

_RESULT_VERDICT = {
    CategoryVerdict.PASS: "pass",
    CategoryVerdict.FAIL: "fail",
    CategoryVerdict.UNKNOWN: "unknown",
    CategoryVerdict.NOT_APPLICABLE: "skip",
    CategoryVerdict.INSUFFICIENT_BASELINE: "skip",
}


class GateFinding(TypedDict):
    """A finding of a gate; its subject begins with the execution it is about, where there are several."""

    code: str
    subject: str
    expected: str
    observed: str
    margin: str
    origin: str
    verdict: str


class CategoryDocument(TypedDict):
    """One of G1 to G20."""

    id: str
    title: str
    verdict: str
    passed: int
    evaluated: int
    unknown: int
    simulated: int
    latencies: int
    """Checks of latencies in raw time, those that were not measurable among them."""
    not_measurable: int
    unit: str
    blocking: bool
    note: str
    findings: list[GateFinding]


class CheckCounts(TypedDict):
    """Checks over all categories."""

    passed: int
    failed: int
    unknown: int
    simulated: int
    not_measurable: int


class QualityDocument(TypedDict):
    """What the gates say of a batch, or of one execution: the `gates` object of a results file."""

    verdict: str
    rate_verdict: str
    rate: float | None
    """Share of evaluated checks that passed, 0 to 1; None where none was evaluated."""
    wilson_low: float
    min_rate: float
    checks: CheckCounts
    categories: list[CategoryDocument]
    reasons: list[str]


class PublishedQuality(TypedDict):
    """What the director publishes of a batch that has ended."""

    v: int
    joins: list[list[int]]
    """Begin and end, in epoch ms, of what the JOINs of a control execution were late by."""
    batch: QualityDocument
    executions: Mapping[str, QualityDocument]
    """By workflow id."""


def counted(category: CategoryDocument) -> str:
    """Say how many checks of a gate passed, and what became of those on simulated work; empty if there was none."""
    parts = [f"{category['passed']} of {category['evaluated']} {category['unit']}"] if category["evaluated"] else []
    if simulated := category["simulated"]:
        failing = sum(each["verdict"] == "fail" for each in category["findings"])
        failed = max(0, failing - (category["evaluated"] - category["passed"]))
        parts.append(f"{simulated - failed} of {simulated} on simulated work")
    return ", ".join(parts)


def quality_document(quality: Quality) -> QualityDocument:
    """Return the `gates` object of a results file."""
    checks = quality.checks
    return {
        "verdict": str(quality.verdict),
        "rate_verdict": str(quality.rate_verdict),
        "rate": None if quality.rate is None else round(quality.rate, 6),
        "wilson_low": round(quality.wilson_low, 6),
        "min_rate": quality.settings.min_pass_rate,
        "checks": {
            "passed": checks.passed,
            "failed": checks.failed,
            "unknown": checks.unknown,
            "simulated": checks.simulated,
            "not_measurable": checks.not_measurable,
        },
        "categories": [_category(each) for each in quality.categories],
        "reasons": list(quality.reasons),
    }


def gate_results(quality: Quality) -> list[dict[str, Json]]:
    """Return one object per finding, and one per category without any: for JUnit, SARIF, Markdown."""
    return [result for each in quality.categories for result in _results(each, quality)]


def probe_output(result: CategoryResult) -> dict[str, Json]:
    """Return what a probe task of K1N_QUALITY_GATES puts out for its category."""
    return {
        "verdict": _RESULT_VERDICT[result.verdict],
        "passed": result.passed,
        "evaluated": result.evaluated,
        "unknown": result.unknown,
        "simulated": result.simulated,
        "blocking": result.blocking,
        "note": result.note,
        "findings": [str(finding) for finding in result.findings[:EVIDENCE_LINES]],
    }


def _category(result: CategoryResult) -> CategoryDocument:
    return {
        "id": result.id,
        "title": result.title,
        "verdict": str(result.verdict),
        "passed": result.passed,
        "evaluated": result.evaluated,
        "unknown": result.unknown,
        "simulated": result.simulated,
        "latencies": result.latencies,
        "not_measurable": result.not_measurable,
        "unit": result.unit,
        "blocking": result.blocking,
        "note": result.note,
        "findings": [_finding(each) for each in result.located],
    }


def _finding(located: Located) -> GateFinding:
    finding = located.finding
    subject = f"{located.key}: {finding.subject}" if located.key else finding.subject
    return {
        "code": finding.code,
        "subject": subject,
        "expected": finding.expected,
        "observed": finding.observed,
        "margin": finding.margin,
        "origin": finding.origin,
        "verdict": str(finding.verdict),
    }


def _results(category: CategoryResult, quality: Quality) -> Iterator[dict[str, Json]]:
    known = {key: (workflow_id, hashed) for key, workflow_id, hashed in quality.definitions}
    if not category.located:
        yield {
            **_head(category, _RESULT_VERDICT[category.verdict]),
            "observed": f"{category.passed} of {category.evaluated}",
            "limit": "all",
            "margin": "",
            "evidence": [category.note] if category.note else [],
            "subject": {"workflowId": _only_id(quality), "ref": None, "attempt": None},
            "fingerprint": digest(category.id, sorted(hashed for _, hashed in known.values()), None),
        }
    for located in category.located:
        finding = located.finding
        workflow_id, hashed = known.get(located.key or "", (_only_id(quality), ""))
        ref = split_iteration(finding.subject)[0]
        verdict = "pass" if finding.verdict is Verdict.WARN else str(finding.verdict)
        yield {
            **_head(category, verdict),
            "observed": finding.observed,
            "limit": finding.expected,
            "margin": finding.margin,
            "evidence": _evidence(finding),
            "subject": {"workflowId": workflow_id, "ref": ref, "attempt": None},
            "fingerprint": digest(category.id, hashed, ref),
        }


def _head(category: CategoryResult, verdict: str) -> dict[str, Json]:
    return {
        "id": category.id,
        "category": category.title,
        "verdict": verdict,
        "blocking": category.blocking,
        "unit": category.unit,
    }


def _evidence(finding: Finding) -> list[Json]:
    evidence: list[Json] = [line for line in (str(finding), finding.origin, finding.code) if line]
    return evidence[:EVIDENCE_LINES]


def _only_id(quality: Quality) -> str | None:
    ids = [workflow_id for _, workflow_id, _ in quality.definitions]
    return ids[0] if len(ids) == 1 else None
