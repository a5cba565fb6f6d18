"""Progress checkpoints: how far an execution was at fixed instants of workflow time."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_k1n.core.model import TaskStatus, WorkflowDefinition
from pytest_k1n.core.timing.timeline import Timeline

_ERRORS = frozenset({TaskStatus.FAILED, TaskStatus.FAILED_WITH_TERMINAL_ERROR, TaskStatus.TIMED_OUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a watcher would have seen at one instant; worker tasks only."""

    at_ms: int
    """Workflow time since the execution's start."""
    completed: int
    running: int
    percent: float
    """Of the tasks that the definition declares."""
    errors: int
    """Attempts that had failed by then, retried ones included."""

    def __str__(self) -> str:
        return f"{self.completed} done, {self.running} running, {self.percent:.0f} %, {self.errors} errors"


def checkpoints(
    timeline: Timeline, definition: WorkflowDefinition, *, every_ms: int, now_ms: int
) -> tuple[Checkpoint, ...]:
    """Return the checkpoints that lie behind `now_ms`; the makespan, once known, is the last instant that counts."""
    last_ms = now_ms if timeline.end_ms is None else timeline.end_ms
    spans = [span for span in timeline.spans.values() if span.attempts[-1].record.is_worker_task]
    declared = sum(_is_worker_type(task.type) for task in definition.walk())
    total = max(declared, len(spans), 1)
    taken = []
    for at_ms in range(every_ms, last_ms + 1, every_ms):
        ended = [span for span in spans if span.end_ms is not None and span.end_ms <= at_ms]
        done = sum(span.attempts[-1].record.status.is_successful for span in ended)
        running = sum(
            span.start_ms is not None and span.start_ms <= at_ms and (span.end_ms is None or span.end_ms > at_ms)
            for span in spans
        )
        errors = sum(
            attempt.record.status in _ERRORS and attempt.end_ms is not None and attempt.end_ms <= at_ms
            for span in spans
            for attempt in span.attempts
        )
        taken.append(
            Checkpoint(at_ms=at_ms, completed=done, running=running, percent=100 * done / total, errors=errors)
        )
    return tuple(taken)


def _is_worker_type(task_type: str) -> bool:
    return task_type in ("SIMPLE", "DYNAMIC", "USER_DEFINED")
