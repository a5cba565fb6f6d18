"""The Gantt of an execution as plain text, as wide as the terminal, with an axis of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_k1n.core.pictures.bars import Stretch, Strip, strips
from pytest_k1n.core.text import one_line
from pytest_k1n.core.units import format_ms
from pytest_k1n.report.document import ExecutionDocument, TaskDocument
from pytest_k1n.report.figures import SUCCESSFUL, last_attempt, shares, status_of
from pytest_k1n.report.picture.rows import rows
from pytest_k1n.report.stalls import Stall, sentence, stalls_of
from pytest_k1n.report.weather import WeatherDocument

MOST_ROWS = 60
_NOTE = 25


def chart(
    execution: ExecutionDocument, *, width: int = 80, most: int = MOST_ROWS, weather: WeatherDocument | None = None
) -> Iterator[str]:
    """Yield the lines: `#` work, `=` work on the critical path, `.` the wait for a worker, `>` still open.

    The last rows show by `!` when the machine or the server stood still.
    """
    chosen = rows(execution, most=most)
    end_ms = max(execution["makespan_ms"], 1)
    status = one_line(execution["workflow"]["status"], most=30)
    yield f"{one_line(execution['title'], most=60)}: {format_ms(execution['makespan_ms'])}, {status}"
    stalls = stalls_of(execution, weather)
    drawn = [*(_strip(task, end_ms) for task in chosen.shown), *_stood_still(stalls)]
    yield from strips(drawn, end_ms=end_ms, columns=width, notes=_NOTE)
    if said := sentence(stalls):
        yield f"(! {said})"
    if chosen.rest:
        yield f"{len(chosen.rest)} more tasks are not shown"
    parts = " + ".join(f"{each.kind} {format_ms(each.ms)}" for each in shares(execution) if each.share >= 0.001)
    if parts:
        yield f"{format_ms(execution['makespan_ms'])} = {parts}"


def _stood_still(stalls: Sequence[Stall]) -> Iterator[Strip]:
    for source in ("host", "server"):
        own = [each for each in stalls if each.source == source]
        if own:
            stretches = [Stretch(each.start_ms, each.end_ms, "!") for each in own]
            yield Strip(f"({source})", stretches, f"{format_ms(sum(each.lasted_ms for each in own))} still")


def _strip(task: TaskDocument, end_ms: int) -> Strip:
    stretches = []
    for attempt in task["attempts"]:
        ready, start = attempt["ready_ms"], attempt["start_ms"]
        last = end_ms if attempt["end_ms"] is None else attempt["end_ms"]
        if ready is not None:
            stretches.append(Stretch(ready, last if start is None else start, "."))
        if start is not None:
            stretches.append(Stretch(start, last, "=" if task["is_critical"] else "#"))
    is_open = any(each["start_ms"] is not None and each["end_ms"] is None for each in task["attempts"])
    return Strip(name=one_line(task["ref"], most=32), stretches=stretches, note=_note(task), is_open=is_open)


def _note(task: TaskDocument) -> str:
    last = last_attempt(task)
    took = ""
    if last and last["start_ms"] is not None and last["end_ms"] is not None:
        took = format_ms(last["end_ms"] - last["start_ms"])
    status = one_line(status_of(task), most=30)
    attempt = f"attempt {last['number']}" if last and last["number"] > 1 else ""
    return " ".join(filter(None, (took, "" if status in SUCCESSFUL else status, attempt)))
