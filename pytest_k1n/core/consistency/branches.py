"""What FORKs and JOINs say of themselves and of their branches.

None of 440 FORKs and 437 JOINs of 3.32.1 breaks a rule: of a busy machine, most of them in executions run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_k1n.core.consistency.contradictions import doubt
from pytest_k1n.core.consistency.enginestamps import ROOM_MS
from pytest_k1n.core.findings import Finding
from pytest_k1n.core.model import Execution, TaskRecord, TaskStatus
from pytest_k1n.core.units import format_ms

_OF_DYNAMIC = "forkedTasks"
"""What a server writes into the input of a dynamic FORK only."""
_DONE = frozenset({TaskStatus.COMPLETED, TaskStatus.COMPLETED_WITH_ERRORS})


def branches(execution: Execution) -> Iterator[Finding]:
    """Yield a finding, `unknown`, for whatever a FORK or a JOIN says that is not so."""
    columns = execution.columns
    if "FORK" in columns.types:
        yield from _of_forks(execution)
    if "JOIN" not in columns.types:
        return
    for place in [place for place, kind in enumerate(columns.type) if kind == "JOIN" and columns.output[place]]:
        is_done = columns.status[place] in _DONE and execution.last_retried_ms is None
        if is_done:
            yield from _of_collected(execution, place)
            yield from _of_looked_at(execution.tasks[place])
        else:
            yield from _of_swapped(execution, place)
        if not columns.status[place].is_terminal and execution.last_retried_ms is None:
            yield from _of_seen(execution, execution.tasks[place])


def _of_forks(execution: Execution) -> Iterator[Finding]:
    columns = execution.columns
    scheduled, started, ended = columns.scheduled_ms, columns.started_ms, columns.ended_ms
    places = [place for place, kind in enumerate(columns.type) if kind == "FORK"]
    known = execution.definition.by_ref if execution.definition else {}
    for place in [each for each in places if not scheduled[each] >= started[each] == ended[each]]:
        task = known.get(columns.ref[place])
        yield from _of_stamps(execution, place, is_static=task is not None and task.type == "FORK_JOIN")
    kinds = {task.type for ref in {columns.ref[place] for place in places} if (task := known.get(ref)) is not None}
    for place in places if len(kinds) > 1 else ():
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
    is_static = task is not None and task.type == "FORK_JOIN" and _OF_DYNAMIC not in task.inputs
    if is_static and _OF_DYNAMIC in record.input:
        yield doubt("foreign-record", record.key, "the input of a static fork", f"it has {_OF_DYNAMIC}")


def _of_collected(execution: Execution, place: int) -> Iterator[Finding]:
    """Judge that a JOIN has the output of each branch that ended before it, and of nothing else.

    So did 303 of 303 that completed. What it has of a branch without output may be what that said while it was in
    progress; a sub-workflow's is added to, by its child's end and by reports. One that names no branch was reported by
    a person; a branch that ended later was run again since.
    """
    columns = execution.columns
    said = columns.output[place]
    rows = {name: row for name in said if (row := columns.place_of(name)) is not None}
    key, ended_ms = columns.keys[place], columns.ended_ms[place]
    if not rows or not ended_ms:
        return
    for name, row in rows.items():
        output, told = columns.output[row], said[name]
        is_grown = columns.type[row] == "SUB_WORKFLOW" and isinstance(told, Mapping) and told.items() <= output.items()
        if output and output != told and not is_grown and columns.ended_ms[row] <= ended_ms:
            yield doubt("contradiction", key, f"the output of {name}, as that has it", "another")
    given = execution.tasks[place].input.get("joinOn")
    if not isinstance(given, list):
        return
    round_ = columns.iteration[place]
    awaited = {f"{name}__{round_}" if round_ else name for name in given if isinstance(name, str)}
    if foreign := sorted(said.keys() - awaited):
        yield doubt("contradiction", key, "the output of what it waits for", f"that of {foreign[0]}")
    for name in sorted(awaited - said.keys()):
        row = columns.place_of(name)
        if row is not None and columns.output[row] and 0 < columns.ended_ms[row] <= ended_ms:
            yield doubt("contradiction", key, f"the output of {name}", "nothing of it")


def _of_looked_at(join: TaskRecord) -> Iterator[Finding]:
    """Judge that a JOIN was looked at for the last time before it ended: so it was in 287 of 287."""
    late_ms = (join.updated_ms or 0) - (join.ended_ms or 0)
    if join.ended_ms and late_ms > ROOM_MS:
        late = format_ms(late_ms)
        yield doubt("stamps-out-of-order", join.key, "updated <= end of a JOIN", f"ended {late} before", late)


def _of_swapped(execution: Execution, place: int) -> Iterator[Finding]:
    """Judge that no two branches have each other's output: a JOIN says what it was given by which.

    One that differs alone may be of a branch that was run again, or written over by a person.
    """
    columns = execution.columns
    said = columns.output[place]
    others: dict[str, object] = {}
    for name, output in said.items():
        row = columns.place_of(name)
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
        row = columns.place_of(name)
        if row is None or not columns.is_work[row] or columns.status[row] is not TaskStatus.COMPLETED:
            continue
        late_ms = columns.ended_ms[row] - (join.updated_ms or columns.ended_ms[row]) - ROOM_MS
        record = execution.tasks[row]
        is_reported_once = (record.updated_ms or 0) <= (record.started_ms or 0) + ROOM_MS
        if late_ms > 0 and output and record.output == output and is_reported_once:
            late = format_ms(late_ms + ROOM_MS)
            yield doubt("stamps-out-of-order", record.key, f"an end that {join.ref} has seen", "it ended later", late)
