"""`k1n check`: judge an execution that nobody here launched. Reads only."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence

from pytest_k1n.commands.subject import Subject, add_subject_arguments, read_subject
from pytest_k1n.core.critical import critical_path
from pytest_k1n.core.drawing import bars
from pytest_k1n.core.expectations import (
    Expectation,
    barriers_hold,
    completed,
    follows_definition,
    judge_all,
    planned,
)
from pytest_k1n.core.findings import Finding, Findings, Verdict
from pytest_k1n.core.graph import label
from pytest_k1n.core.observation import Observation
from pytest_k1n.core.units import format_ms, iso_utc
from pytest_k1n.report.results import finding_json

EXIT = {Verdict.PASS: 0, Verdict.WARN: 0, Verdict.FAIL: 1, Verdict.UNKNOWN: 1}


def main(argv: Sequence[str]) -> int:
    """Judge one execution and print the verdict; 0 pass, 1 fail or unknown, 2 for what cannot be read."""
    parser = argparse.ArgumentParser(prog="k1n check", description=__doc__)
    add_subject_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    arguments = parser.parse_args(argv)
    subject = read_subject(arguments)
    findings = judge(subject.observation)
    if arguments.json:
        print(json.dumps(_document(subject, findings), indent=1, ensure_ascii=False))
    else:
        print("\n".join(_text(subject, findings)))
    return EXIT[findings.verdict]


def judge(observation: Observation) -> Findings:
    """Judge order, barriers and outcome; bands and windows where the plan knows the workflow."""
    expectations: list[Expectation] = [completed(), follows_definition()]
    if observation.template is not None:
        if observation.template.phases:
            expectations.append(barriers_hold())
        expectations += planned(observation.template)
    return judge_all(expectations, observation)


def _text(subject: Subject, findings: Findings) -> Iterator[str]:
    observation = subject.observation
    execution = observation.execution
    yield f"{execution.name} version {execution.version}, execution {execution.workflow_id}"
    yield f"  from     {subject.source}"
    yield f"  state    {observation.state}"
    yield f"  started  {iso_utc(execution.started_ms)}, {_makespan(observation)}"
    if observation.any_simulated:
        yield "  note     some of its work was simulated"
    yield from (f"  {line}" for line in bars(execution))
    yield from _owners(observation)
    yield from (f"  {finding}" for finding in _shown(findings))
    yield from (f"  note     {note}" for note in findings.notes if note)
    counts = (
        f"{findings.passed + findings.simulated} checks passed, {findings.failed} failed, {findings.unknown} unknown"
    )
    yield f"{_word(observation, findings)}: {counts}"


def _word(observation: Observation, findings: Findings) -> str:
    if findings.verdict is Verdict.UNKNOWN and not observation.execution.is_terminal:
        return "UNKNOWN (it is still running; nothing is wrong so far)"
    return findings.verdict.upper()


def _shown(findings: Findings) -> list[Finding]:
    return [finding for finding in findings.worst_first() if finding.verdict is not Verdict.PASS]


def _makespan(observation: Observation) -> str:
    if observation.timeline.end_ms is None:
        return f"running for {format_ms(observation.elapsed_ms)} at its last stamp"
    return f"took {format_ms(observation.timeline.end_ms)}"


def _owners(observation: Observation) -> Iterator[str]:
    path = critical_path(observation.timeline, observation.graph)
    parts = [f"{kind} {format_ms(ms)}" for kind, ms in path.by_kind().items() if ms]
    if parts:
        yield f"  time     {format_ms(path.makespan_ms)} = {' + '.join(parts)}"
    tasks = [f"{label(key)} {format_ms(path.work_ms(key))}" for key in path.tasks if path.work_ms(key)]
    if tasks:
        yield f"  path     {' > '.join(tasks)}"


def _document(subject: Subject, findings: Findings) -> dict[str, object]:
    observation = subject.observation
    execution = observation.execution
    path = critical_path(observation.timeline, observation.graph)
    return {
        "verdict": str(findings.verdict),
        "workflow": {"name": execution.name, "version": execution.version, "workflow_id": execution.workflow_id},
        "status": str(execution.status),
        "makespan_ms": observation.timeline.end_ms,
        "passed": findings.passed,
        "simulated": findings.simulated,
        "findings": [finding_json(finding) for finding in findings.worst_first()],
        "notes": [note for note in findings.notes if note],
        "critical_path": [label(key) for key in path.tasks],
        "owners_ms": {str(kind): ms for kind, ms in path.by_kind().items()},
    }
