"""What the stamps of an engine's own tasks and of the whole execution may say: within it, and not backwards.

None of 218 executions recorded from 3.32.1 breaks a rule, among them retried, restarted, re-run, skipped, paused and
terminated ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import sub

from pytest_k1n.core.consistency.contradictions import doubt
from pytest_k1n.core.consistency.reruns import is_retried_in_place
from pytest_k1n.core.findings import Finding
from pytest_k1n.core.model import Execution, TaskRecord, TaskStatus
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.units import SECOND_MS, format_ms

ROOM_MS = SECOND_MS
"""How far apart an engine's stamps of one moment may be: it writes a FORK's end before its insert, a JOIN's after."""


def engine_stamps(execution: Execution) -> Iterator[Finding]:
    """Yield a finding, `unknown`, for whatever no server stamps so."""
    yield from _of_whole(execution)
    if _is_in_order(execution):  # nearly always
        return
    columns = execution.columns
    for place, is_work in enumerate(columns.is_work):
        if not is_work:
            yield from _of_task(execution, execution.tasks[place])


def _is_in_order(execution: Execution) -> bool:
    """Whether no stamp of any task can be out of place: asked of whole columns at once."""
    columns = execution.columns
    scheduled, started, ended = columns.scheduled_ms, columns.started_ms, columns.ended_ms
    if not scheduled or 0 in scheduled or 0 in started or 0 in ended:
        return not scheduled
    earliest, latest = min(min(scheduled), min(started), min(ended)), max(max(scheduled), max(started), max(ended))
    is_over = execution.is_terminal and execution.ended_ms is not None
    if earliest < execution.started_ms - ROOM_MS or (is_over and latest > (execution.ended_ms or 0) + ROOM_MS):
        return False
    backwards_ms, late_ms = max(map(sub, started, ended)), max(map(sub, scheduled, ended))
    return bool(backwards_ms <= 0 and late_ms <= ROOM_MS)


def _of_whole(execution: Execution) -> Iterator[Finding]:
    name, started, ended = execution.name, execution.started_ms, execution.ended_ms
    if started <= 0 and execution.is_terminal:
        yield doubt("no-start-stamp", name, "the instant at which it started", f"{execution.status} without startTime")
    if execution.created_ms is not None and started + ROOM_MS < execution.created_ms:
        early = format_ms(execution.created_ms - started)
        yield doubt("stamps-out-of-order", name, "a start after it was created", "started before", early)
    if ended is not None and execution.updated_ms is not None and execution.updated_ms + ROOM_MS < ended:
        late = format_ms(ended - execution.updated_ms)
        yield doubt("stamps-out-of-order", name, "an end that is its last change, or before", "ended after it", late)


def _of_task(execution: Execution, record: TaskRecord) -> Iterator[Finding]:
    name = label(record.key)
    scheduled, started, ended = record.scheduled_ms, record.started_ms, record.ended_ms
    if scheduled is None and record.status is not TaskStatus.SKIPPED:
        said = f"{record.status} without scheduledTime"
        yield doubt("no-start-stamp", name, "the instant at which it was scheduled", said)
    for what, stamp in (("scheduled", scheduled), ("started", started), ("ended", ended)):
        if stamp is None:
            continue
        if stamp < execution.started_ms - ROOM_MS:
            early = format_ms(execution.started_ms - stamp)
            yield doubt("outside-execution", name, "stamps within its execution's", f"{what} before it started", early)
        # A JOIN that is taken away with an execution is ended behind it, and a re-run one keeps its old end.
        if execution.ended_ms is None or not execution.is_terminal or record.status is TaskStatus.CANCELED:
            continue
        if stamp > execution.ended_ms + ROOM_MS:
            late = format_ms(stamp - execution.ended_ms)
            yield doubt("outside-execution", name, "stamps within its execution's", f"{what} after it had ended", late)
    if ended is None or is_retried_in_place(execution, record):
        return
    if started is not None and started > ended:
        yield doubt("stamps-out-of-order", name, "start <= end", "the other way round", format_ms(started - ended))
    # A FORK is stamped before its insert, on a busy machine by seconds.
    if scheduled is not None and scheduled > ended + ROOM_MS and record.type != "FORK":
        yield doubt(
            "stamps-out-of-order", name, "scheduled <= end", "the other way round", format_ms(scheduled - ended)
        )
