"""How `k1n check` shows what it has judged: one execution in full, many as a table with totals."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pytest_k1n.commands.saved import NoExecution
from pytest_k1n.commands.subject import Subject
from pytest_k1n.core.bottlenecks import Bottlenecks, Spread, bottlenecks
from pytest_k1n.core.critical import CriticalPath
from pytest_k1n.core.drawing import bars
from pytest_k1n.core.findings import Finding, Findings, Verdict, worst
from pytest_k1n.core.graph import label
from pytest_k1n.core.model import WorkflowStatus
from pytest_k1n.core.text import one_line
from pytest_k1n.core.units import format_ms, iso_utc
from pytest_k1n.report.results import finding_json

BARS = 60
"""Tasks that are drawn, and named on the path; more are counted."""
LONGEST = 2000
"""Characters of a finding."""
TASKS = 5
"""Critical tasks of many executions that the table names."""
_WAITS = ("pending", "waiting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A judged execution."""

    subject: Subject
    findings: Findings
    path: CriticalPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is kept of one execution among many."""

    source: str
    name: str
    version: int
    workflow_id: str
    status: str
    makespan_ms: int | None
    verdict: Verdict
    counts: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Finding | None:
        """The finding that is shown: the first of the worst."""
        return self.findings[0] if self.findings else None


@dataclass(slots=True)
class Totals:
    """What many executions came to."""

    rows: list[Row] = field(default_factory=list)
    foreign: list[NoExecution] = field(default_factory=list)
    """Files that are no executions."""
    damaged: list[NoExecution] = field(default_factory=list)
    """Executions that cannot be read."""
    paths: dict[str, list[CriticalPath]] = field(default_factory=dict)
    """By workflow, of the executions that COMPLETED."""

    @property
    def verdict(self) -> Verdict:
        return worst(row.verdict for row in self.rows)

    @property
    def bottlenecks(self) -> Mapping[str, Bottlenecks]:
        """By workflow, where there is more than one execution."""
        return {name: bottlenecks(paths) for name, paths in sorted(self.paths.items()) if len(paths) > 1}

    def add(self, result: Checked | NoExecution) -> None:
        """Take in one result."""
        if isinstance(result, NoExecution):
            (self.foreign if result.is_foreign else self.damaged).append(result)
            return
        observation, findings = result.subject.observation, result.findings
        execution = observation.execution
        counts = {
            "passed": findings.passed + findings.simulated,
            "failed": findings.failed,
            "unknown": findings.unknown,
        }
        self.rows.append(
            Row(
                source=result.subject.source,
                name=execution.name,
                version=execution.version,
                workflow_id=execution.workflow_id,
                status=str(execution.status),
                makespan_ms=observation.timeline.end_ms,
                verdict=findings.verdict,
                counts=counts,
                findings=_shown(findings),
            )
        )
        if execution.status is WorkflowStatus.COMPLETED:
            self.paths.setdefault(execution.name, []).append(result.path)


def text(checked: Checked) -> Iterator[str]:
    """Describe one execution in full."""
    observation, findings = checked.subject.observation, checked.findings
    execution = observation.execution
    yield f"{execution.name} version {execution.version}, execution {execution.workflow_id}"
    yield f"  from     {checked.subject.source}"
    yield f"  state    {observation.state}"
    yield f"  started  {iso_utc(execution.started_ms)}, {_makespan(checked)}"
    if observation.any_simulated:
        yield "  note     some of its work was simulated"
    columns = shutil.get_terminal_size((80, 24)).columns
    yield from (f"  {line}" for line in bars(execution, columns=columns - 2, most=BARS))
    yield from _owners(checked.path)
    yield from (f"  {one_line(finding, most=LONGEST)}" for finding in _shown(findings))
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
        "notes": [note for note in dict.fromkeys(findings.notes) if note],
        "critical_path": [label(key) for key in path.tasks],
        "owners_ms": {str(kind): ms for kind, ms in path.by_kind().items()},
    }


def table(totals: Totals) -> Iterator[str]:
    """Describe many executions: a row for each, totals, and where the time of each workflow went."""
    rows: list[tuple[str, ...]] = [("verdict", "workflow", "execution", "state", "makespan", "from", "worst finding")]
    rows += [tuple(map(one_line, _cells(row))) for row in totals.rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        yield "  ".join([*cells, row[-1]]).rstrip()
    yield from (one_line(f"unreadable  {each.source}: {each.reason}") for each in totals.damaged)
    for name, found in totals.bottlenecks.items():
        yield from _bottleneck_lines(name, found)
    if totals.foreign:
        more = f" and {len(totals.foreign) - 1} more" if len(totals.foreign) > 1 else ""
        yield f"left out: {totals.foreign[0].source}{more}, no executions"
    yield _summary(totals)


def many_document(totals: Totals) -> dict[str, object]:
    """Describe many executions for machines."""
    verdicts = Counter(str(row.verdict) for row in totals.rows)
    return {
        "verdict": str(totals.verdict),
        "totals": {
            "executions": len(totals.rows),
            **{str(verdict): verdicts[str(verdict)] for verdict in Verdict},
            "unreadable": len(totals.damaged),
            "left_out": len(totals.foreign),
        },
        "executions": [
            {
                "source": row.source,
                "workflow": {"name": row.name, "version": row.version, "workflow_id": row.workflow_id},
                "status": row.status,
                "makespan_ms": row.makespan_ms,
                "verdict": str(row.verdict),
                **row.counts,
                "findings": [finding_json(finding) for finding in row.findings],
            }
            for row in totals.rows
        ],
        "unreadable": [{"source": each.source, "reason": each.reason} for each in totals.damaged],
        "left_out": [{"source": each.source, "reason": each.reason} for each in totals.foreign],
        "bottlenecks": {name: _bottlenecks_json(found) for name, found in totals.bottlenecks.items()},
    }


def _shown(findings: Findings) -> tuple[Finding, ...]:
    """Return what a reader needs: where it is known whose turn it is, not that something is pending as well."""
    found = [finding for finding in findings.worst_first() if finding.verdict is not Verdict.PASS]
    explained = any(finding.code in ("waiting", "stalled") for finding in found)
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


def _cells(row: Row) -> tuple[str, ...]:
    took = "" if row.makespan_ms is None else format_ms(row.makespan_ms)
    finding = str(row.worst).removeprefix(row.worst.verdict).lstrip() if row.worst else ""
    more = f" (+{len(row.findings) - 1})" if len(row.findings) > 1 else ""
    return (
        row.verdict.upper(), f"{row.name}:{row.version}", row.workflow_id, row.status, took, row.source, finding + more,
    )  # fmt: skip


def _bottleneck_lines(name: str, found: Bottlenecks) -> Iterator[str]:
    parts = [f"{kind} {_of(spread)}" for kind, spread in found.segments.items()]
    yield f"{name}: {found.executions} completed, p50/p95: makespan {_of(found.makespan)}; {', '.join(parts)}"
    for task in found.tasks[:TASKS]:
        yield (
            f"  {task.ref}: critical in {task.most} of {found.executions}, on the path in {task.on_path}, "
            f"work there {_of(task.work)}"
        )


def _of(spread: Spread) -> str:
    return f"{format_ms(spread.p50_ms)}/{format_ms(spread.p95_ms)}"


def _bottlenecks_json(found: Bottlenecks) -> dict[str, object]:
    def spread(each: Spread) -> dict[str, int]:
        return {"p50_ms": each.p50_ms, "p95_ms": each.p95_ms}

    return {
        "executions": found.executions,
        "makespan": spread(found.makespan),
        "segments": {str(kind): spread(each) for kind, each in found.segments.items()},
        "tasks": [
            {"ref": task.ref, "critical": task.most, "on_path": task.on_path, "work": spread(task.work)}
            for task in found.tasks
        ],
    }


def _summary(totals: Totals) -> str:
    verdicts = Counter(row.verdict for row in totals.rows)
    parts = [f"{verdicts[verdict]} {verdict}" for verdict in Verdict if verdicts[verdict]]
    if totals.damaged:
        parts.append(f"{len(totals.damaged)} unreadable")
    return f"{len(totals.rows)} executions: {', '.join(parts) or 'none could be judged'}"
