"""Many executions that `k1n check` has judged: a row of each, and what they came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from pytest_k1n.commands.checked import Checked, shown
from pytest_k1n.commands.saved import NoExecution
from pytest_k1n.commands.subject import Subject
from pytest_k1n.core.baselines.bottlenecks import Bottlenecks, Spread, bottlenecks
from pytest_k1n.core.consistency.kinship import Kin, Tie, disagreements, kin, ties
from pytest_k1n.core.findings import Finding, Verdict, worst
from pytest_k1n.core.model import Execution, WorkflowStatus
from pytest_k1n.core.pending.nextstep import Owner
from pytest_k1n.core.schedule.critical import CriticalPath
from pytest_k1n.core.text import one_line
from pytest_k1n.core.units import format_ms
from pytest_k1n.report.results import finding_json

TASKS = 5
"""Critical tasks of many executions that the table names."""


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
    to_type: tuple[str, ...] = ()

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
    parents: list[tuple[int, Subject]] = field(default_factory=list)
    """Executions that wait for a sub-workflow, each with the place of its row."""
    children: dict[str, Execution] = field(default_factory=dict)
    """Executions that another one has started, by their ids; without their records."""
    kin: dict[str, Kin] = field(default_factory=dict)
    ties: list[tuple[int, tuple[Tie, ...]]] = field(default_factory=list)
    """What parents say of their sub-workflows, each with the place of its row."""

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
        execution = result.subject.observation.execution
        if any(step.owner is Owner.CHILD for step in result.steps):
            self.parents.append((len(self.rows), result.subject))
        if execution.parent_workflow_id:
            self.children[execution.workflow_id] = replace(execution, tasks=())
        self.kin[execution.workflow_id] = kin(execution)
        if said := ties(execution):
            self.ties.append((len(self.rows), said))
        self.rows.append(_row(result))
        if execution.status is WorkflowStatus.COMPLETED:
            self.paths.setdefault(execution.name, []).append(result.path)

    def with_children(self) -> Iterator[tuple[int, Subject]]:
        """Yield, with the place of its row, each execution that waits for a sub-workflow which is here as well."""
        for place, subject in self.parents:
            ids = {record.sub_workflow_id for record in subject.observation.finals.values() if record.sub_workflow_id}
            if known := {each: self.children[each] for each in ids if each in self.children}:
                yield place, replace(subject, observation=replace(subject.observation, children=known))

    def judged_again(self, place: int, result: Checked) -> None:
        """Take in what an execution came to when more was known."""
        self.rows[place] = _row(result)

    def compare_kin(self) -> None:
        """Doubt each parent whose sub-workflow is here as well, and says something else."""
        for place, said in self.ties:
            row = self.rows[place]
            if found := tuple(disagreements(said, self.kin)):
                counts = {**row.counts, "unknown": row.counts["unknown"] + len(found)}
                findings = sorted((*row.findings, *found), key=lambda each: each.verdict is not Verdict.FAIL)
                verdict = worst((row.verdict, Verdict.UNKNOWN))
                self.rows[place] = replace(row, verdict=verdict, counts=counts, findings=tuple(findings))


def _row(result: Checked) -> Row:
    observation, findings = result.subject.observation, result.findings
    execution = observation.execution
    return Row(
        source=result.subject.source,
        name=execution.name,
        version=execution.version,
        workflow_id=execution.workflow_id,
        status=str(execution.status),
        makespan_ms=observation.timeline.end_ms,
        verdict=findings.verdict,
        counts={
            "passed": findings.passed + findings.simulated,
            "failed": findings.failed,
            "unknown": findings.unknown,
        },
        findings=shown(findings),
        to_type=tuple(result.to_type()),
    )


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
                "next": list(row.to_type),
            }
            for row in totals.rows
        ],
        "unreadable": [{"source": each.source, "reason": each.reason} for each in totals.damaged],
        "left_out": [{"source": each.source, "reason": each.reason} for each in totals.foreign],
        "bottlenecks": {name: _bottlenecks_json(found) for name, found in totals.bottlenecks.items()},
    }


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
