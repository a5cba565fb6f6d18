"""From an execution's document to a model that can be edited, and what would make it faster."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

from pytest_k1n.core.schedule.proposals import Change, changes
from pytest_k1n.core.schedule.whatif import Model, ModelledTask
from pytest_k1n.core.timing.spans import END_ONLY_TYPES
from pytest_k1n.report.document import ExecutionDocument, TaskDocument

Advice = Change
MOST_TASKS = 2_000
"""A page computes advice for executions up to so many tasks: it tries each of them."""


def model_of(execution: ExecutionDocument) -> Model:
    """Make the model of an ended execution. Raises ValueError for one that is still open."""
    if execution["is_open"]:
        raise ValueError(f"{execution['title']} has not ended: what it would have taken is not known")
    ends: dict[str, int] = {}
    steps = []
    for task in execution["tasks"]:
        reached = max([ends[ref] for ref in task["after"] if ref in ends], default=0)
        step, ends[task["ref"]] = _step(task, reached)
        steps.append(step)
    return Model(steps=tuple(steps), tail_ms=execution["makespan_ms"] - max(ends.values(), default=0))


def _step(task: TaskDocument, reached: int) -> tuple[ModelledTask, int]:
    """Return the step and when it ended; what has no end on record passes on what it waited for, as skipped does."""
    attempts = task["attempts"]
    end = attempts[-1]["end_ms"] if attempts and attempts[-1]["status"] != "SKIPPED" else None
    start = next((each["start_ms"] for each in attempts if each["start_ms"] is not None), None)
    ready = attempts[0]["ready_ms"] if attempts else None
    gap, queue, hold = 0, 0, 0
    if end is not None and (start is None or task["type"] in END_ONLY_TYPES):
        gap = end - reached
    elif end is not None and start is not None:
        ready = start if ready is None or ready > start else ready
        gap, queue, hold = ready - reached, start - ready, end - start
    step = ModelledTask(
        ref=task["ref"],
        pool=task["name"] if task["kind"] == "worker" else None,
        after=tuple(task["after"]),
        reads=frozenset(task["reads"]),
        phase=task["phase"],
        gap_ms=gap,
        queue_ms=queue,
        hold_ms=hold,
        has_run=bool(attempts),
        operator=task["type"] if task["kind"] == "operator" else None,
    )
    return step, reached + gap + queue + hold


def advice(execution: ExecutionDocument, *, most: int = 5) -> list[Advice]:
    """Return the single changes that would help most; none for an execution that is open, or too large to try."""
    if execution["is_open"] or len(execution["tasks"]) > MOST_TASKS or execution["makespan_ms"] == 0:
        return []
    worth = execution["makespan_ms"] * 0.01
    return [each for each in changes(model_of(execution), most=most) if each.saved_ms >= worth]


def quantiles(values: Iterable[int], at: Sequence[float] = (0.05, 0.5, 0.9, 0.95)) -> list[int]:
    """Return quantiles by nearest rank. Raises ValueError for no value."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("there is no value to take quantiles of")
    return [ordered[min(int(share * len(ordered)), len(ordered) - 1)] for share in at]


def resampled(makespans: Sequence[int], *, samples: int = 10_000, seed: int = 0) -> list[int]:
    """Draw whole executions with replacement: the tasks of one execution share the speed of their machine."""
    return Random(seed).choices(makespans, k=samples)
