"""What FORKs and JOINs say of themselves and of their branches.

None of 440 FORKs and 437 JOINs of 3.32.1 breaks a rule: of a busy machine, most of them in executions run again.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k1n.core.consistency.contradictions import doubt
from pytest_k1n.core.consistency.enginestamps import ROOM_MS
from pytest_k1n.core.findings import Finding
from pytest_k1n.core.model import Execution, TaskRecord, TaskStatus
from pytest_k1n.core.units import format_ms
from pytest_k1n.core.words import split_iteration

_OF_DYNAMIC = "forkedTasks"
"""What a server writes into the input of a dynamic FORK only."""


def branches(execution: Execution) -> Iterator[Finding]:
    """Yield a finding, `unknown`, for whatever a FORK or a JOIN says that is not so."""
    columns = execution.columns
    if "FORK" in columns.types:
        yield from _of_forks(execution)
    for place, kind in enumerate(columns.type if "JOIN" in columns.types else ()):
        if kind == "JOIN" and columns.output[place]:
            yield from _of_swapped(execution, place)
            if not columns.status[place].is_terminal and execution.last_retried_ms is None:
                yield from _of_seen(execution, execution.tasks[place])


def _of_forks(execution: Execution) -> Iterator[Finding]:
    columns = execution.columns
    scheduled, started, ended = columns.scheduled_ms, columns.started_ms, columns.ended_ms
    known = execution.definition.by_ref if execution.definition else {}
    places = [place for place, kind in enumerate(columns.type) if kind == "FORK"]
    kinds = [task.type if (task := known.get(columns.ref[place])) else "" for place in places]
    has_both = {"FORK_JOIN", "FORK_JOIN_DYNAMIC"}.issubset(kinds)
    for place, kind in zip(places, kinds, strict=True):
        if not scheduled[place] >= started[place] == ended[place]:
            yield from _of_stamps(execution, place, is_static=kind == "FORK_JOIN")
        if has_both and kind == "FORK_JOIN":
            yield from _of_input(execution.tasks[place])


def _of_stamps(execution: Execution, place: int, *, is_static: bool) -> Iterator[Finding]:
    """Judge that a FORK ends as it starts, and is inserted later.

    A server reads its clock once for both stamps of a static fork, for those of a dynamic one twice.
    """
    columns = execution.columns
    scheduled, started, ended = columns.scheduled_ms[place], columns.started_ms[place], columns.ended_ms[place]
    apart_ms = abs(ended - started) if started and ended else 0
    if apart_ms > (0 if is_static else ROOM_MS):
        apart = format_ms(apart_ms)
        yield doubt(
            "stamps-out-of-order", columns.keys[place], "a FORK that ends as it starts", f"{apart} apart", apart
        )
    if 0 < scheduled < started:
        early = format_ms(started - scheduled)
        yield doubt(
            "stamps-out-of-order", columns.keys[place], "start <= scheduled of a FORK", "scheduled before", early
        )


def _of_input(record: TaskRecord) -> Iterator[Finding]:
    task = record.workflow_task
    if _OF_DYNAMIC in record.input and task is not None and _OF_DYNAMIC not in task.inputs:
        yield doubt("foreign-record", record.key, "the input of a static fork", f"it has {_OF_DYNAMIC}")


def _of_swapped(execution: Execution, place: int) -> Iterator[Finding]:
    """Judge that no two branches have each other's output: a JOIN says what it was given by which.

    One that differs alone may be of a branch that was run again, or written over by a person.
    """
    columns = execution.columns
    said = columns.output[place]
    others: dict[str, object] = {}
    for name, output in said.items():
        row = columns.last.get((name, 0), columns.last.get(split_iteration(name)) if "__" in name else None)
        if row is not None and columns.output[row] != output:
            others[name] = columns.output[row]
    if len(others) < 2:
        return
    whose = {repr(output): name for name, output in others.items()}
    for name in others:
        other = whose.get(repr(said[name]))
        if other is not None and other != name and said[other] == others[name]:
            yield doubt("foreign-record", columns.keys[place], f"{name} with the output of {name}", f"that of {other}")
            return


def _of_seen(execution: Execution, join: TaskRecord) -> Iterator[Finding]:
    """Judge that what an open JOIN has of a branch had ended when it last looked: no worker reported before its end."""
    columns = execution.columns
    for name, output in join.output.items():
        row = columns.last.get((name, 0), columns.last.get(split_iteration(name)))
        if row is None or not columns.is_work[row] or columns.status[row] is not TaskStatus.COMPLETED:
            continue
        late_ms = columns.ended_ms[row] - (join.updated_ms or columns.ended_ms[row]) - ROOM_MS
        record = execution.tasks[row]
        is_reported_once = (record.updated_ms or 0) <= (record.started_ms or 0) + ROOM_MS
        if late_ms > 0 and output and record.output == output and is_reported_once:
            late = format_ms(late_ms + ROOM_MS)
            yield doubt("stamps-out-of-order", record.key, f"an end that {join.ref} has seen", "it ended later", late)
