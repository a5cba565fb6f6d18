"""Limits of time over what is still open: once one has passed, the engine owes an end. Pure.

Conductor looks at limits only when it evaluates an execution, which is its sweeper's to do; it plans its next look by
some limits and not by others, so how late a healthy one may notice is part of each limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pytest_k1n.core.definition.waitinput import duration_s, instant_ms, names_zone
from pytest_k1n.core.model import TaskRecord, TaskStatus, WorkflowStatus
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.units import HOUR_MS, SECOND_MS

_LONGEST_SWEEP_S = 3_600
"""maxPostponeDurationSeconds: no look is put off for longer."""
_USUAL_SWEEP_S = 30
_WIDEST_ZONE_MS = 14 * HOUR_MS
"""How far the zone of a server may be from UTC: a date without a zone is in the server's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit of time."""

    name: str
    due_ms: int
    """Epoch ms, by the server's clock."""
    slack_ms: int = 0
    """How much later a healthy engine may look."""
    is_failure: bool = True
    """Whether what is open then is timed out, and not ended well."""


def passed(limits: Iterable[Limit], now_ms: int | None) -> Limit | None:
    """Return the limit that has passed first, if any has; none where nothing tells the time."""
    over = [limit for limit in limits if now_ms is not None and limit.due_ms <= now_ms]
    return min(over, key=lambda limit: limit.due_ms + limit.slack_ms, default=None)


def task_limits(observation: Observation, record: TaskRecord) -> Iterator[Limit]:
    """Yield the limits of an open task that its engine enforces."""
    if not _is_swept(observation) or record.type == "HUMAN":
        return
    yield from wait_limits(record)
    definition = observation.task_definition(record.key)
    begun_ms = record.started_ms and record.started_ms + record.start_delay_ms
    slack_ms = _next_look_s(observation, record) * SECOND_MS
    if definition is not None and definition.timeout_policy != "ALERT_ONLY":
        if definition.timeout_s > 0 and begun_ms:
            name = f"its timeout of {definition.timeout_s}s"
            yield Limit(name=name, due_ms=begun_ms + definition.timeout_s * SECOND_MS, slack_ms=slack_ms)
        first_ms = observation.records[record.key][0].scheduled_ms
        if definition.total_timeout_s > 0 and first_ms:
            name = f"its total timeout of {definition.total_timeout_s}s"
            yield Limit(name=name, due_ms=first_ms + definition.total_timeout_s * SECOND_MS, slack_ms=slack_ms)
        if definition.poll_timeout_s > 0 and record.status is TaskStatus.SCHEDULED and record.scheduled_ms:
            name = f"its poll timeout of {definition.poll_timeout_s}s"
            held_ms = max(record.start_delay_ms, record.callback_s * SECOND_MS)
            due_ms = record.scheduled_ms + held_ms + definition.poll_timeout_s * SECOND_MS
            yield Limit(name=name, due_ms=due_ms)
    response_s = definition.response_timeout_s if definition else record.response_timeout_s
    if response_s > 0 and record.is_worker_task and record.status is TaskStatus.IN_PROGRESS:
        heard_ms = max(record.updated_ms or 0, record.started_ms or 0)
        if heard_ms and not (record.workflow_task and record.workflow_task.raw.get("asyncComplete") is True):
            due_ms = heard_ms + (response_s + record.callback_s) * SECOND_MS
            yield Limit(name=f"its response timeout of {response_s}s", due_ms=due_ms)


def workflow_limits(observation: Observation) -> Iterator[Limit]:
    """Yield the limit of an open execution as a whole, where its engine enforces it."""
    execution = observation.execution
    ran = execution.definition or observation.definition
    if ran.timeout_s <= 0 or ran.timeout_policy != "TIME_OUT_WF" or not _is_swept(observation):
        return
    still_open = [record for record in observation.finals.values() if not record.status.is_terminal]
    looks_s = [_next_look_s(observation, record) for record in still_open]
    yield Limit(
        name=f"its timeout of {ran.timeout_s}s",
        due_ms=(execution.last_retried_ms or execution.started_ms) + ran.timeout_s * SECOND_MS,
        slack_ms=min(looks_s, default=_USUAL_SWEEP_S) * SECOND_MS,
    )


def owes_time_out(observation: Observation, now_ms: int) -> bool:
    """Tell whether a limit of the execution or of an open task has passed: the next evaluation times it out."""
    open_ = [record for record in observation.finals.values() if not record.status.is_terminal]
    limits = [limit for record in open_ for limit in task_limits(observation, record)]
    return any(limit.is_failure and limit.due_ms <= now_ms for limit in (*limits, *workflow_limits(observation)))


def _is_swept(observation: Observation) -> bool:
    """Whether the sweeper looks at an execution: one that is paused, or that a person has in hand, is taken out."""
    if observation.execution.status is not WorkflowStatus.RUNNING:
        return False
    columns = observation.execution.columns
    if "HUMAN" not in columns.types:
        return True
    rows = zip(columns.type, columns.status, strict=True)
    return not any(kind == "HUMAN" and not status.is_terminal for kind, status in rows)


def _next_look_s(observation: Observation, record: TaskRecord) -> int:
    """Return after how long at most an engine looks again, as far as this open task has a say in it."""
    if record.status is TaskStatus.SCHEDULED:
        ran = observation.execution.definition or observation.definition
        return min(ran.timeout_s or _USUAL_SWEEP_S, _LONGEST_SWEEP_S)
    return min(record.response_timeout_s or _USUAL_SWEEP_S, _LONGEST_SWEEP_S)


def wait_limits(record: TaskRecord) -> Iterator[Limit]:
    """Yield when a WAIT ends by itself, if it says so."""
    since_ms = record.started_ms or record.scheduled_ms
    duration, until = record.input.get("duration"), record.input.get("until")
    if record.type != "WAIT" or since_ms is None or (duration and until):
        return
    try:
        if duration:
            due_ms = since_ms + duration_s(str(duration)) * SECOND_MS
            yield Limit(name=f"its {duration}", due_ms=due_ms, is_failure=False)
        elif until:
            unsure_ms = 0 if names_zone(str(until)) else _WIDEST_ZONE_MS
            due_ms = instant_ms(str(until))
            yield Limit(name=f"its date {until}", due_ms=due_ms, slack_ms=unsure_ms, is_failure=False)
    except (ValueError, OverflowError):
        return  # what is no time passes never
