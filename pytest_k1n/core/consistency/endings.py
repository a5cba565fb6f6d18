"""What an execution says of its end: which task ended it, and that nothing went on behind what did not succeed.

Each rule was tried against 401 executions of 3.32.1 that a client ran again, against 234 whose reports and ends were
sent at the same moment, and against those of all recorded cases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_k1n.core.consistency.contradictions import doubt
from pytest_k1n.core.consistency.enginestamps import ROOM_MS
from pytest_k1n.core.findings import Finding
from pytest_k1n.core.model import Execution, TaskRecord, TaskStatus, WorkflowStatus
from pytest_k1n.core.order.graph import STAMPED_LATE_TYPES, label
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.timing.spans import END_ONLY_TYPES
from pytest_k1n.core.units import format_ms

_ENDED_BY = re.compile(r"Task (\S+) failed with status: (FAILED|TIMED_OUT|TERMINATED) and reason: ")
"""How 3.32.1 says which task ended an execution; the status is the execution's."""
_FAILURES = frozenset({TaskStatus.FAILED, TaskStatus.FAILED_WITH_TERMINAL_ERROR})
_ENDS = {
    "FAILED": _FAILURES,
    "TIMED_OUT": frozenset({TaskStatus.TIMED_OUT}),
    "TERMINATED": frozenset({TaskStatus.CANCELED}),
}
_RETRIED = frozenset({TaskStatus.FAILED, TaskStatus.TIMED_OUT})
"""Ends that a server retries by itself, while an attempt is left."""
LOCKED_MS = 120_000
"""How long after an execution's end a task of it may be taken away: servers wait 60 s for the lock of an execution."""
_PASSED = ("JOIN", TaskStatus.COMPLETED)
_STOPS = _FAILURES | {TaskStatus.TIMED_OUT, TaskStatus.CANCELED}


def endings(observation: Observation) -> Iterator[Finding]:
    """Yield a finding, `unknown`, for whatever did not end as the execution says."""
    execution = observation.execution
    if execution.is_terminal and execution.reason and (said := _ENDED_BY.match(execution.reason)):
        yield from _of_culprit(execution, *said.groups())
    if not execution.columns.all_completed and not _STOPS.isdisjoint(execution.columns.status):
        yield from _of_followers(observation)


def taken_away(record: TaskRecord, execution: Execution) -> Iterator[Finding]:
    """Judge the end of what no worker ended: behind its scheduling, and with its execution.

    What was polled may be written back as open by whoever polled, and is then taken away by any later look at it.
    """
    scheduled, ended, status = record.scheduled_ms, record.ended_ms, record.status
    if record.is_worker_task and record.started_ms is None and ended and scheduled and scheduled > ended + ROOM_MS:
        early = format_ms(scheduled - ended)
        yield doubt("stamps-out-of-order", record.key, "scheduled <= end", "the other way round", early)
    if not (execution.is_terminal and execution.ended_ms and ended) or record.poll_count:
        return
    room_ms = {TaskStatus.CANCELED: LOCKED_MS, TaskStatus.SKIPPED: ROOM_MS}.get(status)
    if room_ms is not None and ended > execution.ended_ms + room_ms:
        late = format_ms(ended - execution.ended_ms)
        yield doubt("outside-execution", record.key, "an end with its execution's", f"{status} after it", late)


def _of_culprit(execution: Execution, task_id: str, said: str) -> Iterator[Finding]:
    """Judge that the task which is said to have ended the execution did not succeed, and could not be retried.

    The task of a sub-workflow is left out: its child may go on, and is written into it behind the end.
    """
    columns = execution.columns
    place = columns.task_id.index(task_id) if task_id in columns.task_id else None
    if place is None or columns.type[place] == "SUB_WORKFLOW":
        return
    record = execution.tasks[place]
    expected, task = _ENDS[said], record.workflow_task
    if task is not None and task.permissive and said == "TIMED_OUT":  # it is taken away behind its time-out
        expected |= {TaskStatus.CANCELED}
    if record.status not in expected:
        told = f"{record.status}, and {execution.name} is {execution.status} because of it"
        yield doubt("contradiction", record.key, f"the task that ended the execution ({said})", told)
    elif record.status in _RETRIED and (left := _attempts_left(record)) > 0 and not record.retried:
        told = f"attempt {record.attempt} {record.status}, and {left} more to make"
        yield doubt("attempts-missing", record.key, "a retry of what failed", told)


def _attempts_left(record: TaskRecord) -> int:
    """Return how many more attempts its definition gives a worker's task; with a limit on all of them none for sure."""
    task = record.workflow_task
    definition = task.task_definition if task is not None else None
    if task is None or definition is None or definition.total_timeout_s or not record.is_worker_task:
        return 0
    return (definition.retry_count if task.retry_count is None else task.retry_count) - record.attempt


def _of_followers(observation: Observation) -> Iterator[Finding]:
    """Judge that nothing was scheduled behind a task that did not succeed, and that no JOIN of it is COMPLETED.

    A re-run leaves what came of a success before it.
    """
    execution = observation.execution
    columns, graph = execution.columns, observation.as_run.graph
    if execution.last_retried_ms is not None or "SUB_WORKFLOW" in columns.types:
        return
    stopped = {graph.position.get(key) for key, place in columns.last.items() if _is_final(execution, place)}
    stopped -= {each for each, kind in enumerate(graph.types) if kind in STAMPED_LATE_TYPES}  # they end behind it
    for position, befores in enumerate(graph.predecessor_positions):
        key = graph.order[position]
        if stopped.isdisjoint(befores) or key not in columns.last or graph.alternatives.get(position):
            continue
        place = columns.last[key]
        kind, status = graph.types[position], columns.status[place]
        if kind == "JOIN" and _has_missed_the_end(execution, columns.ended_ms[place]):
            continue
        if status is TaskStatus.SKIPPED or (kind in END_ONLY_TYPES and (kind, status) != _PASSED):
            continue
        before = graph.order[next(each for each in befores if each in stopped)]
        said = str(columns.status[columns.last[before]])
        yield doubt("contradiction", before, f"a success, because {label(key)} follows it", said)


def _has_missed_the_end(execution: Execution, ended_ms: int) -> bool:
    """Whether a JOIN was being looked at while its execution ended: what was taken away meanwhile had succeeded for it.

    Seen behind a TERMINATE at a load of 30: 36 ms after the end, with the output of a branch that was CANCELED since.
    """
    is_stopped = execution.is_terminal and execution.status is not WorkflowStatus.COMPLETED
    return is_stopped and execution.ended_ms is not None and ended_ms >= execution.ended_ms


def _is_final(execution: Execution, place: int) -> bool:
    """Whether a task's last attempt stopped its branch."""
    if execution.columns.status[place] not in _STOPS:
        return False
    task = execution.tasks[place].workflow_task
    return task is None or not (task.optional or task.permissive)
