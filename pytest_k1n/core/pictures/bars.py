"""Pictures of executions in plain text: rows of bars over an axis of time, for terminals and test reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pytest_k1n.core.model import SYSTEM_TASK_TYPES, Execution, TaskRecord
from pytest_k1n.core.pictures.axis import axis_line
from pytest_k1n.core.standins.answers import ASKED_TYPES
from pytest_k1n.core.standins.simulation import RESERVED
from pytest_k1n.core.text import columns_of, one_line
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.weather import Weather
from pytest_k1n.core.units import format_ms

_NOTES = 16
"""Columns for what stands behind a bar: its duration, and in most cases a status or an attempt."""
_LEAST = 12
_DRAWN_TYPES = {**{each: each for each in ASKED_TYPES}, "HTTP": "HTTP", "SUB_WORKFLOW": "child"}
"""System tasks that take their time, and what their rows call them; what only directs the others has no row."""
_MARKS = {**dict.fromkeys(ASKED_TYPES, "~"), "SUB_WORKFLOW": "="}
"""By type; work is `#`."""
_LEGEND = {
    ".": ". waits for a worker or a delay",
    "~": "~ waits for an answer or its time",
    "=": "= a sub-workflow",
    "!": "! the host or the server stood still",
}


class Stretch(NamedTuple):
    """A part of a bar, in ms since the execution's start."""

    begin_ms: int
    end_ms: int
    mark: str


class Strip(NamedTuple):
    """One row: a name, its bar, and what is said behind it."""

    name: str
    stretches: Sequence[Stretch]
    note: str
    is_open: bool = False
    """Whether it still goes on: its bar ends in `>`."""


def strips(rows: Sequence[Strip], *, end_ms: int, columns: int, notes: int = _NOTES) -> Iterator[str]:
    """Draw rows under an axis; the picture fills `columns`, of which `notes` are for what stands behind the bars.

    What was work, however short, shows as a mark; a wait (`.`) only where there is room.
    """
    if not rows:
        return
    shown = [_cut(row.name, max(columns // 2, _LEAST)) for row in rows]
    names = max([4, *map(columns_of, shown)])
    width = max(columns - names - notes - 3, _LEAST)
    yield f"{'':<{names}}  {axis_line(end_ms, width)}"
    for name, row in zip(shown, rows, strict=True):
        cells = [" "] * width
        for stretch in row.stretches:
            first = max(0, min(round(width * stretch.begin_ms / end_ms), width - 1))
            least = 0 if stretch.mark == "." else 1
            last = min(max(round(width * stretch.end_ms / end_ms), first + least), width)
            cells[first:last] = stretch.mark * (last - first)
        if row.is_open:
            cells[-1] = ">"
        yield f"{name}{' ' * (names - columns_of(name))} |{''.join(cells)}| {row.note}".rstrip()


def _cut(name: str, most: int) -> str:
    """Leave out the middle of a name that is too long: often its end tells it from others."""
    return name if len(name) <= most else f"{name[: most * 2 // 3 - 1]}…{name[-(most // 3) :]}"


def bars(
    execution: Execution, *, columns: int = 80, most: int | None = None, weather: Weather | None = None
) -> Iterator[str]:
    """Draw the tasks of an execution in raw server time: `.` the wait in the queue, `#` work, `~` a WAIT or HUMAN,
    `=` a sub-workflow.

    A row per attempt. Notes of bad ends may go beyond `columns`. An open task's bar goes on to the latest stamp. Of
    more than `most` tasks the rest is counted. The last rows show by `!` when the machine or the server stood still.
    """
    fields = execution.columns
    drawn = {kind: kind not in SYSTEM_TASK_TYPES or kind in _DRAWN_TYPES for kind in fields.types}
    stamps = (fields.scheduled_ms, fields.started_ms, fields.ended_ms)
    places = [place for place, kind in enumerate(fields.type) if drawn[kind] and fields.scheduled_ms[place]]
    lasts = [max([column[place] for place in places], default=0) for column in stamps]
    last_ms = max([*lasts, execution.ended_ms or 0, execution.started_ms + 1])
    left_out = len(places) - most if most is not None and len(places) > most else 0
    shown = [execution.tasks[place] for place in places[: len(places) - left_out]]
    rows = [_strip(task, since_ms=execution.started_ms, last_ms=last_ms) for task in shown]
    if weather is not None and rows:
        rows += _stalls(weather.during(Interval(execution.started_ms, last_ms)), since_ms=execution.started_ms)
    notes = min(max([_NOTES, *(len(row.note) + 1 for row in rows)]), columns * 2 // 3)
    yield from strips(rows, end_ms=last_ms - execution.started_ms, columns=columns, notes=notes)
    marks = {stretch.mark for row in rows for stretch in row.stretches if stretch.end_ms > stretch.begin_ms}
    if legend := [text for mark, text in _LEGEND.items() if mark in marks]:
        yield f"({', '.join(legend)})"
    if left_out:
        yield f"and {left_out} more"


def _stalls(weather: Weather, *, since_ms: int) -> Iterator[Strip]:
    for name, stalls in (("host", weather.host), ("server", weather.server)):
        if stalls:
            stretches = [Stretch(each.start_ms - since_ms, each.end_ms - since_ms, "!") for each in stalls]
            still_ms = sum(each.duration_ms for each in stalls)
            yield Strip(name=f"({name})", stretches=stretches, note=f"{format_ms(still_ms)} still")


def _strip(task: TaskRecord, *, since_ms: int, last_ms: int) -> Strip:
    start, end = task.started_ms or last_ms, task.ended_ms or last_ms
    stretches = [Stretch((task.scheduled_ms or last_ms) - since_ms, start - since_ms, ".")]
    if task.started_ms is not None:
        stretches.append(Stretch(start - since_ms, end - since_ms, _MARKS.get(task.type, "#")))
    ran = task.ended_ms is not None and task.started_ms is not None
    notes = [
        format_ms(end - start) if ran else "",
        _DRAWN_TYPES.get(task.type, ""),
        "simulated" if task.type == "HTTP" and RESERVED in task.output else "",
        "" if task.status == "COMPLETED" else one_line(task.status),
        f"attempt {task.attempt + 1}" if task.attempt else "",
    ]
    return Strip(
        name=one_line(f"{task.ref}__{task.iteration}" if task.iteration else task.ref, most=60),
        stretches=stretches,
        note=" ".join(filter(None, notes)),
        is_open=task.ended_ms is None,
    )
