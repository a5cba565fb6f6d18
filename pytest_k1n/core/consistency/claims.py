"""What a record says of how something came about, and what it was then: outputs, time-outs, attempts, retries by hand.

Each rule was tried against every execution recorded from 3.32.1, that of the output also against 3,800 of 3.32.1 and
3.15.0 whose outputs alone are kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k1n.core.consistency.contradictions import doubt
from pytest_k1n.core.consistency.enginestamps import ROOM_MS
from pytest_k1n.core.consistency.rewriting import is_overtaken
from pytest_k1n.core.findings import Finding
from pytest_k1n.core.model import Execution, TaskStatus, WorkflowStatus
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.units import SECOND_MS, format_ms

_BY_HAND = frozenset({TaskStatus.CANCELED, TaskStatus.FAILED_WITH_TERMINAL_ERROR})
"""Ends that no server retries by itself."""


def claims(execution: Execution) -> Iterator[Finding]:
    """Yield a finding, `unknown`, for whatever did not come about as its record says."""
    yield from _of_output(execution)
    yield from _of_failures(execution)
    yield from _of_numbers(execution)
    yield from _of_hands(execution)
    columns = execution.columns
    if any(columns.retried_task_id):
        yield from _of_predecessors(execution)
    if not columns.all_completed:
        yield from _of_ends(execution)


def _of_output(execution: Execution) -> Iterator[Finding]:
    """Judge that an output which the definition does not describe is that of the last task, or of a TERMINATE.

    An empty one says nothing: exports and records written by hand often have none.
    """
    definition, columns = execution.definition, execution.columns
    if execution.status is not WorkflowStatus.COMPLETED or definition is None or definition.output_parameters:
        return
    if not (columns.ref and execution.output) or execution.is_stored_elsewhere or "TERMINATE" in columns.types:
        return
    if columns.status[-1] is TaskStatus.CANCELED:  # a JOIN, whose record is of before a branch was run again
        return
    if not columns.all_completed and any(is_overtaken(execution, each) for each in execution.tasks):
        return
    skipped = [place for place, status in enumerate(columns.status) if status is TaskStatus.SKIPPED]  # numbered 0
    if not any(columns.output[place] == execution.output for place in (len(columns) - 1, *skipped)):
        last = label(columns.keys[-1])
        yield doubt("contradiction", execution.name, f"the output of {last}, its last task", "another output")


def _of_failures(execution: Execution) -> Iterator[Finding]:
    """Judge that what an execution counts as failed has a record of that; a sub-workflow's task may have none."""
    columns = execution.columns
    if execution.status is not WorkflowStatus.FAILED or not execution.failed_refs or "SUB_WORKFLOW" in columns.types:
        return
    lasts = [columns.status[place] for place in columns.last.values()]
    if all(status.is_successful or not status.is_terminal for status in lasts):
        failed = ", ".join(execution.failed_refs[:3])
        yield doubt("contradiction", execution.name, f"a record of how {failed} failed", "FAILED, and no task failed")


def _of_numbers(execution: Execution) -> Iterator[Finding]:
    columns = execution.columns
    for what, stamp in (("created", execution.created_ms), ("changed", execution.updated_ms)):
        if stamp is not None and stamp < 0:
            yield doubt("contradiction", execution.name, "stamps since 1970", f"{what} at {stamp} ms")
    if 0 in columns.seq and any(columns.seq):
        for place, seq in enumerate(columns.seq):
            if not seq and columns.status[place] is not TaskStatus.SKIPPED:
                yield doubt("contradiction", columns.keys[place], "numbers from 1", "seq 0")
    if min(columns.start_delay_ms, default=0) < 0:
        place = columns.start_delay_ms.index(min(columns.start_delay_ms))
        said = format_ms(columns.start_delay_ms[place])
        yield doubt("contradiction", columns.keys[place], "a delay of its start, if any", said)


def _of_hands(execution: Execution) -> Iterator[Finding]:
    """Judge that a retry by hand lies within the execution: much is allowed of what was retried so."""
    retried_ms, updated_ms = execution.last_retried_ms, execution.updated_ms
    if retried_ms is None:
        return
    if retried_ms + ROOM_MS < execution.started_ms:
        early = format_ms(execution.started_ms - retried_ms)
        yield doubt("outside-execution", execution.name, "a retry after its start", "retried before it started", early)
    elif updated_ms is not None and retried_ms > updated_ms + ROOM_MS:
        late = format_ms(retried_ms - updated_ms)
        yield doubt("outside-execution", execution.name, "a retry before its last change", "retried after it", late)


def _of_predecessors(execution: Execution) -> Iterator[Finding]:
    """Judge that the attempt which another one follows is of the same task, and came before it."""
    columns = execution.columns
    places = dict(zip(columns.task_id, range(len(columns)), strict=True))
    for place, before in enumerate(columns.retried_task_id):
        if not before or before not in places:
            continue
        said, key = columns.keys[places[before]], columns.keys[place]
        if said != key:
            yield doubt("attempts-missing", key, "the attempt before as what it follows", f"it follows {label(said)}")
        elif columns.attempt[places[before]] >= columns.attempt[place]:
            told = f"attempt {columns.attempt[place]} follows attempt {columns.attempt[places[before]]}"
            yield doubt("attempts-missing", key, "the attempt before as what it follows", told)


def _of_ends(execution: Execution) -> Iterator[Finding]:
    """Judge ends that have a cause: nothing is overdue before its time, or retried by a server when it was final."""
    columns = execution.columns
    for place, status in enumerate(columns.status):
        if status in _BY_HAND and columns.retried[place] and execution.last_retried_ms is None:
            yield doubt("attempts-missing", columns.keys[place], "no retry, but by hand", f"{status} and retried")
        if status is not TaskStatus.TIMED_OUT or not columns.is_work[place]:
            continue
        record = execution.tasks[place]
        task = record.workflow_task.task_definition if record.workflow_task else None
        if task is None or task.total_timeout_s or not (record.started_ms and record.ended_ms):
            continue
        limits_s = [each for each in (record.response_timeout_s, task.timeout_s) if each > 0]
        took_ms = record.ended_ms - record.started_ms
        if limits_s and took_ms + ROOM_MS < min(limits_s) * SECOND_MS:
            said = f"TIMED_OUT after {format_ms(took_ms)}"
            limit = format_ms(min(limits_s) * SECOND_MS)
            yield doubt("contradiction", columns.keys[place], f"a time-out after {limit}", said)
