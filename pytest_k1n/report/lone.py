"""The document of executions that no run of pytest launched: saved ones, and those of a server that is only read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_k1n.core.findings import Findings, Verdict
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.units import iso_utc
from pytest_k1n.report.document import SCHEMA, RunDocument, VerdictWord
from pytest_k1n.report.execution_document import JudgedExecution, execution_document
from pytest_k1n.report.grouping import Sighting, grouped
from pytest_k1n.report.results import finding_json

_WORDS: dict[Verdict, VerdictWord] = {
    Verdict.PASS: "pass",
    Verdict.WARN: "warn",
    Verdict.UNKNOWN: "unknown",
    Verdict.FAIL: "fail",
}


@dataclass(frozen=True, slots=True)
class FoundOf:
    """An execution and what was found of it."""

    observation: Observation
    findings: Findings


def lone_document(judged: Sequence[FoundOf], *, source: str, made_by: str = "pytest-k1n") -> RunDocument:
    """Make a document of executions alone: no batches, no tests. Raises ValueError for none."""
    if not judged:
        raise ValueError("there is no execution to report")
    first = judged[0].observation
    executions = [each.observation.execution for each in judged]
    starts = [each.started_ms for each in executions]
    ends = [each.ended_ms if each.ended_ms is not None else each.started_ms for each in executions]
    worst = max((each.findings.verdict for each in judged), key=list(_WORDS).index)
    return {
        "schema": SCHEMA,
        "run": {
            "uid": executions[0].workflow_id[:8],
            "made_by": made_by,
            "started_at": iso_utc(min(starts)),
            "ended_at": iso_utc(max(ends)),
            "seed": 0,
            "exit_code": None,
        },
        "verdict": _WORDS[worst],
        "server": {"kind": None, "version": None, "url": None, "source": source},
        "time": {"model": str(first.time_model), "speed": first.speed},
        "plan": None,
        "batches": [],
        "executions": [
            execution_document(
                JudgedExecution(
                    observation=each.observation,
                    title=each.observation.execution.name,
                    verdict=_WORDS[each.findings.verdict],
                )
            )
            for each in judged
        ],
        "findings": grouped(_sightings(judged)),
        "tests": [],
    }


def _sightings(judged: Iterable[FoundOf]) -> Iterable[Sighting]:
    for each in judged:
        for finding in each.findings.worst_first():
            yield Sighting(finding=finding_json(finding), workflow_id=each.observation.execution.workflow_id)
