"""A small picture of an execution in plain text: one bar per attempt, for terminals and test reports."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k1n.core.answers import ASKED_TYPES
from pytest_k1n.core.axis import axis_line
from pytest_k1n.core.model import Execution
from pytest_k1n.core.text import one_line
from pytest_k1n.core.units import format_ms

_NOTES = 16
"""Columns for what stands behind a bar: its duration, and in most cases a status or an attempt."""
_LEAST = 12


def bars(execution: Execution, *, columns: int = 80, most: int | None = None) -> Iterator[str]:
    """Draw the tasks of an execution in raw server time: `.` the wait in the queue, `#` work, `~` a WAIT or HUMAN.

    The picture fills `columns`, under an axis; notes of bad ends may go beyond.
    An open task's bar goes on to the latest stamp and ends in `>`. Of more than `most` tasks the rest is counted.
    """
    tasks = [
        task
        for task in execution.tasks
        if (task.is_worker_task or task.type in ASKED_TYPES) and task.scheduled_ms is not None
    ]
    stamps = [stamp for task in tasks for stamp in (task.scheduled_ms, task.started_ms, task.ended_ms) if stamp]
    last_ms = max([*stamps, execution.ended_ms or 0, execution.started_ms + 1])
    left_out = len(tasks) - most if most is not None and len(tasks) > most else 0
    tasks = tasks[: len(tasks) - left_out]
    names = [one_line(f"{task.ref}__{task.iteration}" if task.iteration else task.ref, most=60) for task in tasks]
    column = max([4, *map(len, names)])
    width = max(columns - column - _NOTES - 3, _LEAST)
    scale = width / (last_ms - execution.started_ms)
    if tasks:
        yield f"{'':<{column}}  {axis_line(last_ms - execution.started_ms, width)}"
    for name, task in zip(names, tasks, strict=True):
        begin, start, end = (
            max(0, min(width, round((stamp - execution.started_ms) * scale)))
            for stamp in (task.scheduled_ms or last_ms, task.started_ms or last_ms, task.ended_ms or last_ms)
        )
        bar = " " * begin + "." * (start - begin)
        if task.started_ms is not None:
            bar += ("~" if task.type in ASKED_TYPES else "#") * max(end - start, 1)
        if task.ended_ms is None:
            bar = bar[: width - 1] + ">"
        ran = task.ended_ms is not None and task.started_ms is not None
        took = format_ms((task.ended_ms or 0) - (task.started_ms or 0)) if ran else ""
        notes = [
            took,
            task.type if task.type in ASKED_TYPES else "",
            "" if task.status == "COMPLETED" else one_line(task.status),
        ]
        if task.attempt:
            notes.append(f"attempt {task.attempt + 1}")
        yield f"{name:<{column}} |{bar[:width]:<{width}}| {' '.join(filter(None, notes))}".rstrip()
    if left_out:
        yield f"and {left_out} more"
