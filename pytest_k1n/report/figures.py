"""Figures of one execution, derived from its document: every report shows the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pytest_k1n.report.document import AttemptDocument, ExecutionDocument, TaskDocument

SUCCESSFUL = frozenset({"COMPLETED", "COMPLETED_WITH_ERRORS", "SKIPPED"})
OPEN = frozenset({"SCHEDULED", "IN_PROGRESS"})


class Share(NamedTuple):
    """A part of the makespan."""

    kind: str
    ms: int
    share: float


class Excess(NamedTuple):
    """Something on the critical path that took longer than planned."""

    what: str
    ms: int
    planned_ms: int
    took_ms: int


def shares(execution: ExecutionDocument) -> list[Share]:
    """Return the makespan by kind of segment, in the order of the kinds' first appearance; the parts add up to it."""
    totals: dict[str, int] = {}
    for segment in execution["segments"]:
        totals[segment["kind"]] = totals.get(segment["kind"], 0) + segment["end_ms"] - segment["start_ms"]
    whole = execution["makespan_ms"] or 1
    return [Share(kind, ms, ms / whole) for kind, ms in sorted(totals.items(), key=lambda item: -item[1])]


def work_on_path(execution: ExecutionDocument) -> dict[str, int]:
    """Return each task's work on the critical path, longest first."""
    works: dict[str, int] = {}
    for segment in execution["segments"]:
        if segment["kind"] == "work" and segment["ref"] is not None:
            works[segment["ref"]] = works.get(segment["ref"], 0) + segment["end_ms"] - segment["start_ms"]
    return dict(sorted(works.items(), key=lambda item: -item[1]))


def excesses(execution: ExecutionDocument) -> list[Excess]:
    """Return what on the critical path took longer than planned, most first; waits and lags are planned as nothing."""
    estimates = {task["ref"]: task["estimate_ms"] for task in execution["tasks"]}
    found = []
    for ref, took_ms in work_on_path(execution).items():
        planned_ms = estimates.get(ref)
        if planned_ms is not None and took_ms > planned_ms:
            found.append(Excess(f"{ref} worked", took_ms - planned_ms, planned_ms, took_ms))
    found += [Excess(each.kind, each.ms, 0, each.ms) for each in shares(execution) if each.kind != "work"]
    return sorted(found, key=lambda excess: -excess.ms)


def profile(execution: ExecutionDocument) -> list[tuple[int, int]]:
    """Return how many workers' tasks ran from each instant on: (ms, count), where the count changes."""
    changes: dict[int, int] = {}
    for task in execution["tasks"]:
        if task["kind"] == "worker":
            for begin, end in intervals(task, execution["makespan_ms"]):
                changes[begin] = changes.get(begin, 0) + 1
                changes[end] = changes.get(end, 0) - 1
    count, steps = 0, [(0, 0)]
    for instant in sorted(changes):
        if changes[instant]:
            count += changes[instant]
            steps.append((instant, count))
    return steps


def intervals(task: TaskDocument, end_ms: int) -> Iterator[tuple[int, int]]:
    """Yield when each attempt was executed; an open one up to `end_ms`. Empty ones are left out."""
    for attempt in task["attempts"]:
        start = attempt["start_ms"]
        if start is not None:
            end = attempt["end_ms"] if attempt["end_ms"] is not None else end_ms
            if end > start:
                yield start, end


def last_attempt(task: TaskDocument) -> AttemptDocument | None:
    """Return the attempt that counts."""
    return task["attempts"][-1] if task["attempts"] else None


def has_completed(execution: ExecutionDocument) -> bool:
    """Whether an execution ended as it should: one that failed took the time of another course."""
    return execution["workflow"]["status"] == "COMPLETED"


def status_of(task: TaskDocument) -> str:
    """Return the status of the attempt that counts; a task that was never scheduled is NOT RUN."""
    last = last_attempt(task)
    return last["status"] if last else "NOT RUN"


def culprits(execution: ExecutionDocument) -> list[TaskDocument]:
    """Return the tasks whose last attempt ended neither well nor by being canceled with the rest."""
    return [
        task
        for task in execution["tasks"]
        if task["attempts"] and status_of(task) not in SUCCESSFUL | OPEN | {"CANCELED"}
    ]


def off_plan_ms(execution: ExecutionDocument) -> int | None:
    """Return by how much the makespan differs from the estimate: above zero is slower; None without an estimate."""
    estimate = execution["estimate_ms"]
    return None if estimate is None else execution["makespan_ms"] - estimate


def has_missed(execution: ExecutionDocument) -> bool:
    """Whether the makespan is outside its band, or slower than the estimate by more than the tolerance."""
    took, band, estimate = execution["makespan_ms"], execution["band_ms"], execution["estimate_ms"]
    if band is not None and not band[0] <= took <= band[1]:
        return True
    return estimate is not None and took > estimate * (1 + execution["tolerance"])
