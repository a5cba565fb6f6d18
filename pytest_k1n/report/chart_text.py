"""The Gantt of an execution as plain text, as wide as the terminal, with an axis of time."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k1n.core.axis import axis_line
from pytest_k1n.core.text import one_line
from pytest_k1n.core.units import format_ms
from pytest_k1n.report.document import ExecutionDocument, TaskDocument
from pytest_k1n.report.figures import SUCCESSFUL, last_attempt, shares, status_of
from pytest_k1n.report.picture.rows import rows

MOST_ROWS = 60
_NOTE = 24
_LEAST = 12


def chart(execution: ExecutionDocument, *, width: int = 80, most: int = MOST_ROWS) -> Iterator[str]:
    """Yield the lines: `#` work, `=` work on the critical path, `.` the wait for a worker, `>` still open."""
    chosen = rows(execution, most=most)
    end_ms = max(execution["makespan_ms"], 1)
    names = [one_line(task["ref"], most=32) for task in chosen.shown]
    column = max([4, *map(len, names)])
    room = max(width - column - _NOTE - 4, _LEAST)
    status = one_line(execution["workflow"]["status"], most=30)
    yield f"{one_line(execution['title'], most=60)}: {format_ms(execution['makespan_ms'])}, {status}"
    yield f"{'':<{column}}  {axis_line(end_ms, room)}"
    for name, task in zip(names, chosen.shown, strict=True):
        yield f"{name:<{column}} |{_bar(task, end_ms, room)}| {_note(task)}".rstrip()
    if chosen.rest:
        yield f"{len(chosen.rest)} more tasks are not shown"
    parts = " + ".join(f"{each.kind} {format_ms(each.ms)}" for each in shares(execution) if each.share >= 0.001)
    if parts:
        yield f"{format_ms(execution['makespan_ms'])} = {parts}"


def _bar(task: TaskDocument, end_ms: int, room: int) -> str:
    cells = [" "] * room
    for attempt in task["attempts"]:
        ready, start = attempt["ready_ms"], attempt["start_ms"]
        end = attempt["end_ms"]
        last = end_ms if end is None else end
        if ready is not None:
            _fill(cells, ready, last if start is None else start, ".", end_ms, least=0)
        if start is not None:
            _fill(cells, start, last, "=" if task["is_critical"] else "#", end_ms, least=1)
            if end is None:
                cells[-1] = ">"
    return "".join(cells)


def _fill(cells: list[str], begin: int, end: int, mark: str, end_ms: int, *, least: int) -> None:
    room = len(cells)
    first = min(round(room * begin / end_ms), room - 1)
    for place in range(max(first, 0), min(max(round(room * end / end_ms), first + least), room)):
        cells[place] = mark


def _note(task: TaskDocument) -> str:
    last = last_attempt(task)
    took = ""
    if last and last["start_ms"] is not None and last["end_ms"] is not None:
        took = format_ms(last["end_ms"] - last["start_ms"])
    status = one_line(status_of(task), most=30)
    attempt = f"attempt {last['number']}" if last and last["number"] > 1 else ""
    return " ".join(filter(None, (took, "" if status in SUCCESSFUL else status, attempt)))
