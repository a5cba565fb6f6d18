"""One execution as a run's document carries it: built from an observation, without judging anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pytest_k1n.core.definition.references import references
from pytest_k1n.core.gates.document import QualityDocument
from pytest_k1n.core.model import OPERATOR_TASK_TYPES, SYSTEM_TASK_TYPES
from pytest_k1n.core.order.graph import label
from pytest_k1n.core.record.observation import Observation, record_is_simulated
from pytest_k1n.core.schedule.critical import CriticalPath, Segment, critical_path, waited_for
from pytest_k1n.core.schedule.planned_schedule import planned_schedule
from pytest_k1n.core.schedule.schedule import Schedule, durations, schedule
from pytest_k1n.core.timing.checkpoints import Checkpoint
from pytest_k1n.core.timing.spans import Attempt
from pytest_k1n.report.document import (
    AttemptDocument,
    CheckpointDocument,
    ExecutionDocument,
    PhaseDocument,
    SegmentDocument,
    TaskDocument,
    VerdictWord,
    WatchDocument,
)

Role = Literal["main", "repeat", "alone", "own"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedExecution:
    """An execution and what the run knows around it."""

    observation: Observation
    title: str
    verdict: VerdictWord
    batch: str | None = None
    role: Role = "own"
    checkpoints: tuple[Checkpoint, ...] = ()
    gates: QualityDocument | None = None
    """Its own quality document; None where it was not judged."""


def execution_document(observed: JudgedExecution) -> ExecutionDocument:
    """Describe one execution in workflow time, with its raw stamps beside it."""
    observation = observed.observation
    execution, timeline, template = observation.execution, observation.timeline, observation.template
    is_open = timeline.end_ms is None
    path = critical_path(timeline, observation.graph, now_ms=observation.elapsed_ms) if is_open else observation.path
    ideal = schedule(observation.graph, durations(timeline))
    return {
        "title": observed.title,
        "workflow": {
            "name": execution.name,
            "version": execution.version,
            "workflow_id": execution.workflow_id,
            "correlation_id": execution.correlation_id,
            "status": str(execution.status),
            "reason": execution.reason,
        },
        "batch": observed.batch,
        "template": template.id if template else None,
        "role": observed.role,
        "verdict": observed.verdict,
        "released": observation.released,
        "is_simulated": observation.any_simulated,
        "raw_started_ms": execution.started_ms,
        "raw_ended_ms": execution.ended_ms,
        "makespan_ms": path.makespan_ms,
        "is_open": is_open,
        "band_ms": template.band_ms if template else None,
        "estimate_ms": template.total_estimate_ms if template else None,
        "tolerance": template.tolerance if template else 0.1,
        "work_ms": ideal.work_ms,
        "span_ms": ideal.span_ms,
        "expected_speedup": template.expected_speedup if template else None,
        "tasks": list(_tasks(observation, path, ideal)),
        "segments": [_segment(each) for each in path.segments],
        "phases": list(_phases(observation)),
        "watch": list(_watch_points(observation)),
        "checkpoints": [_checkpoint(each) for each in observed.checkpoints],
        "gates": observed.gates,
    }


def _tasks(observation: Observation, path: CriticalPath, ideal: Schedule) -> Iterator[TaskDocument]:
    """Yield the graph's tasks in its order, then those on record that it does not know."""
    template, timeline, graph = observation.template, observation.timeline, observation.graph
    planned = planned_schedule(observation.definition, template.known_ms) if template else {}
    on_path = set(path.tasks)
    reads: dict[str, set[str]] = {}
    for reference in references(observation.definition):
        if reference.consumer is not None and reference.is_of_task:
            reads.setdefault(reference.consumer, set()).add(reference.source)
    slack, drag = ideal.slack, ideal.drag
    for key in (*graph.nodes, *(key for key in timeline.spans if key not in graph.nodes)):
        span, node = timeline.spans.get(key), graph.nodes.get(key)
        last = span.attempts[-1].record if span else None
        task_type = last.type if last else node.type if node else "SIMPLE"
        phase = template.phase_of(key[0]) if template else None
        before = waited_for(timeline, graph, key) if span else None
        yield {
            "ref": label(key),
            "name": last.def_name if last else node.name if node else key[0],
            "type": task_type,
            "kind": _kind(task_type),
            "phase": phase.number if phase else None,
            "after": [label(each) for each in graph.predecessors(key)] if node else [],
            "reads": sorted(reads.get(key[0], ())),
            "waited_for": label(before) if before else None,
            "estimate_ms": observation.estimate_ms(key[0]),
            "planned": planned.get(key[0]) if key[1] < 2 else None,
            "slack_ms": slack.get(key, 0),
            "drag_ms": drag.get(key, 0),
            "is_critical": key in on_path,
            "is_simulated": last is not None and record_is_simulated(last),
            "attempts": [_attempt(number, each) for number, each in enumerate(span.attempts, 1)] if span else [],
        }


def _kind(task_type: str) -> Literal["worker", "system", "operator"]:
    if task_type in OPERATOR_TASK_TYPES:
        return "operator"
    return "system" if task_type in SYSTEM_TASK_TYPES else "worker"


def _attempt(number: int, attempt: Attempt) -> AttemptDocument:
    record = attempt.record
    return {
        "number": number,
        "task_id": record.task_id,
        "status": str(record.status),
        "worker_id": record.worker_id,
        "reason": record.reason,
        "scheduled_ms": attempt.scheduled_ms,
        "ready_ms": attempt.ready_ms,
        "start_ms": attempt.start_ms,
        "end_ms": attempt.end_ms,
        "raw": {"scheduled_ms": record.scheduled_ms, "started_ms": record.started_ms, "ended_ms": record.ended_ms},
    }


def _segment(segment: Segment) -> SegmentDocument:
    return {
        "kind": str(segment.kind),
        "ref": label(segment.key) if segment.key else None,
        "attempt": segment.attempt + 1,
        "start_ms": segment.start_ms,
        "end_ms": segment.end_ms,
        "blame": label(segment.blame) if segment.blame else None,
    }


def _phases(observation: Observation) -> Iterator[PhaseDocument]:
    for phase in observation.template.phases if observation.template else ():
        window = observation.timeline.window(phase.refs)
        yield {
            "number": phase.number,
            "name": phase.name,
            "refs": list(phase.refs),
            "start_ms": window.start_ms if window else None,
            "end_ms": window.end_ms if window else None,
            "band_ms": phase.band_ms,
            "estimate_ms": phase.estimate_ms,
        }


def _watch_points(observation: Observation) -> Iterator[WatchDocument]:
    for point in observation.template.watch if observation.template else ():
        span = observation.timeline.spans.get((point.ref, 0))
        yield {
            "ref": point.ref,
            "low_ms": point.low_ms,
            "high_ms": point.high_ms,
            "successor": point.successor,
            "start_ms": span.start_ms if span else None,
        }


def _checkpoint(checkpoint: Checkpoint) -> CheckpointDocument:
    return {
        "at_ms": checkpoint.at_ms,
        "completed": checkpoint.completed,
        "running": checkpoint.running,
        "percent": round(checkpoint.percent, 1),
        "errors": checkpoint.errors,
    }
