"""An execution that `k1n check` has judged, and how it is shown in full."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_k1n.commands.subject import Subject
from pytest_k1n.core.findings import Finding, Findings, Verdict
from pytest_k1n.core.order.graph import label
from pytest_k1n.core.pending.nextstep import SERVER, NextStep, to_type
from pytest_k1n.core.pictures.bars import bars
from pytest_k1n.core.schedule.critical import CriticalPath
from pytest_k1n.core.text import one_line
from pytest_k1n.core.units import format_ms, iso_utc
from pytest_k1n.report.results import finding_json

BARS = 60
"""Tasks that are drawn, and named on the path; more are counted."""
LONGEST = 2000
"""Characters of a finding."""
_WAITS = ("pending", "waiting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A judged execution."""

    subject: Subject
    findings: Findings
    path: CriticalPath
    steps: tuple[NextStep, ...] = ()
    """What it waits for."""

    def to_type(self) -> list[str]:
        """Return the commands that bring about what it waits for, each once."""
        server, workflow_id = self.subject.server, self.subject.observation.execution.workflow_id
        found = [each for each in dict.fromkeys(to_type(step, workflow_id) for step in self.steps) if each]
        is_public = server and "@" not in server  # else it may hold a password
        return [each.replace(SERVER, server) for each in found] if is_public else found


def text(checked: Checked) -> Iterator[str]:
    """Describe one execution in full."""
    observation, findings = checked.subject.observation, checked.findings
    execution = observation.execution
    yield one_line(f"{execution.name} version {execution.version}, execution {execution.workflow_id}")
    yield f"  from     {checked.subject.source}"
    yield f"  state    {observation.state}"
    yield f"  started  {iso_utc(execution.started_ms)}, {_makespan(checked)}"
    if observation.any_simulated:
        yield "  note     some of its work was simulated"
    columns = shutil.get_terminal_size((80, 24)).columns
    yield from (f"  {line}" for line in bars(execution, columns=columns - 2, most=BARS))
    yield from _owners(checked.path)
    yield from (f"  {one_line(finding, most=LONGEST)}" for finding in shown(findings))
    yield from (f"  next     {one_line(command)}" for command in checked.to_type())
    yield from (f"  note     {note}" for note in dict.fromkeys(findings.notes) if note)
    counts = (
        f"{findings.passed + findings.simulated} checks passed, {findings.failed} failed, {findings.unknown} unknown"
    )
    yield f"{_word(checked)}: {counts}"


def document(checked: Checked) -> dict[str, object]:
    """Describe one execution for machines."""
    observation, findings, path = checked.subject.observation, checked.findings, checked.path
    execution = observation.execution
    return {
        "verdict": str(findings.verdict),
        "source": checked.subject.source,
        "workflow": {"name": execution.name, "version": execution.version, "workflow_id": execution.workflow_id},
        "status": str(execution.status),
        "makespan_ms": observation.timeline.end_ms,
        "passed": findings.passed,
        "simulated": findings.simulated,
        "findings": [finding_json(finding) for finding in findings.worst_first()],
        "next": checked.to_type(),
        "notes": [note for note in dict.fromkeys(findings.notes) if note],
        "critical_path": [label(key) for key in path.tasks],
        "owners_ms": {str(kind): ms for kind, ms in path.by_kind().items()},
    }


def shown(findings: Findings) -> tuple[Finding, ...]:
    """Return what a reader needs: where it is known whose turn it is, not that something is pending as well."""
    found = [finding for finding in findings.worst_first() if finding.verdict is not Verdict.PASS]
    explained = any(finding.code in ("waiting", "stalled", "waits-for-ever") for finding in found)
    kept = [finding for finding in found if not (explained and finding.code == "pending")]
    kept.sort(key=lambda finding: finding.code in _WAITS)
    return tuple(kept)


def _word(checked: Checked) -> str:
    findings = checked.findings
    if findings.verdict is not Verdict.UNKNOWN or checked.subject.observation.execution.is_terminal:
        return findings.verdict.upper()
    if any(finding.code == "stalled" for finding in findings.findings):
        return "UNKNOWN (the engine owes it a step, not for long yet)"
    return "UNKNOWN (it has not ended; nothing is wrong so far)"


def _makespan(checked: Checked) -> str:
    observation = checked.subject.observation
    if observation.timeline.end_ms is None:
        return f"running for {format_ms(observation.elapsed_ms)} at its last stamp"
    return f"took {format_ms(observation.timeline.end_ms)}"


def _owners(path: CriticalPath) -> Iterator[str]:
    parts = [f"{kind} {format_ms(ms)}" for kind, ms in path.by_kind().items() if ms]
    if parts:
        yield f"  time     {format_ms(path.makespan_ms)} = {' + '.join(parts)}"
    works = path.work_by_task()
    tasks = [f"{label(key)} {format_ms(works[key])}" for key in path.tasks if works.get(key)]
    if len(tasks) > BARS:
        tasks[BARS:] = [f"{len(tasks) - BARS} more"]
    if tasks:
        yield f"  path     {' > '.join(tasks)}"
