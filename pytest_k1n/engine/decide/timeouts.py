"""Timeouts of executions and tasks: what is due now, and when the next thing will be.

The real server looks only when something makes it evaluate the execution; here the engine evaluates at each due time.
"""

from __future__ import annotations

from heapq import heappop, heappush, heapreplace

from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import IN_PROGRESS, OPEN_TASK, RUNNING, SCHEDULED, TERMINAL_WORKFLOW, TIMED_OUT

NEVER = 2**62


def workflow_reason(execution: ExecutionState, now_ms: int) -> str | None:
    """Say why the execution as a whole is out of time, or None."""
    definition = execution.definition
    if definition.timeout_s <= 0 or definition.timeout_policy != "TIME_OUT_WF":
        return None
    elapsed = now_ms - (execution.last_retried_ms or execution.created_ms)
    if elapsed < definition.timeout_s * 1000:
        return None
    return (
        f"Workflow timed out after {elapsed // 1000} seconds. "
        f"Timeout configured as {definition.timeout_s} seconds. Timeout policy configured to TIME_OUT_WF"
    )


def time_out(task: TaskState, now_ms: int) -> str | None:
    """Set an open task TIMED_OUT if one of its times is up; return the reason if that ends the execution at once."""
    definition = task.task_def
    if definition is None:
        return None
    if definition.total_timeout_s > 0:
        elapsed = now_ms - first_scheduled_ms(task)
        if elapsed >= definition.total_timeout_s * 1000:
            reason = (
                f"Task {task.def_name}/{task.task_id} exceeded total timeout of {definition.total_timeout_s} seconds "
                f"(elapsed {elapsed // 1000} seconds across all attempts including retry delays). "
                f"Timeout policy: {definition.timeout_policy}"
            )
            if (ending := _apply(task, definition.timeout_policy, reason)) or task.status == TIMED_OUT:
                return ending
    if definition.timeout_s > 0 and task.started_ms > 0:
        elapsed = now_ms - (task.started_ms + task.start_delay_s * 1000)
        if elapsed >= definition.timeout_s * 1000:
            reason = (
                f"Task timed out after {elapsed // 1000} seconds. Timeout configured as {definition.timeout_s} seconds."
                f" Timeout policy configured to {definition.timeout_policy}"
            )
            if (ending := _apply(task, definition.timeout_policy, reason)) or task.status == TIMED_OUT:
                return ending
    if definition.poll_timeout_s > 0 and task.status == SCHEDULED:
        elapsed = now_ms - (task.scheduled_ms + task.start_delay_s * 1000)
        if elapsed >= (definition.poll_timeout_s + task.callback_s) * 1000:
            reason = (
                f"Task poll timed out after {elapsed // 1000} seconds. Poll timeout configured as "
                f"{definition.poll_timeout_s} seconds. Timeout policy configured to {definition.timeout_policy}"
            )
            if (ending := _apply(task, definition.timeout_policy, reason)) or task.status == TIMED_OUT:
                return ending
    if is_overdue(task, now_ms):
        task.status = TIMED_OUT
        task.reason = (
            f"responseTimeout: {definition.response_timeout_s} exceeded for the taskId: {task.task_id} "
            f"with Task Definition: {task.def_name}"
        )
    return None


def total_is_used_up(task: TaskState, now_ms: int) -> str | None:
    """Say why a failed task gets no further attempt although its limit would allow one, or None."""
    definition = task.task_def
    if definition is None or definition.total_timeout_s <= 0:
        return None
    elapsed = now_ms - first_scheduled_ms(task)
    if elapsed < definition.total_timeout_s * 1000:
        return None
    return (
        f"Task {task.task_id}/{task.def_name} exceeded total timeout of {definition.total_timeout_s} seconds "
        f"(elapsed {elapsed // 1000} seconds across all attempts). No further retries will be attempted."
    )


def first_scheduled_ms(task: TaskState) -> int:
    """Return when the first attempt of this ref was scheduled."""
    return min((other.scheduled_ms for other in task.execution.attempts.get(task.ref, ())), default=task.scheduled_ms)


def next_due_ms(execution: ExecutionState) -> int:
    """Return the next instant at which an evaluation could find something out of time, or NEVER."""
    if execution.status in TERMINAL_WORKFLOW:
        return NEVER
    due = NEVER
    definition = execution.definition
    if definition.timeout_s > 0 and definition.timeout_policy == "TIME_OUT_WF":
        due = (execution.last_retried_ms or execution.created_ms) + definition.timeout_s * 1000
    return min(due, _earliest_ms(execution)) if execution.status == RUNNING else due


def _earliest_ms(execution: ExecutionState) -> int:
    """Return when the time of a live task may be up next; what was noted and no longer holds is dropped on the way."""
    dues = execution.attention.dues
    while dues:
        due_ms, number, task = dues[0]
        holds_ms = task_due_ms(task, due_ms - 1) if task in execution.live else NEVER
        if holds_ms == due_ms:
            return due_ms
        if holds_ms == NEVER:
            heappop(dues)
        else:
            heapreplace(dues, (holds_ms, number, task))
    return NEVER


def await_due(task: TaskState, now_ms: int) -> bool:
    """Take note of when the time of an open task may be up next; tell whether it ever may."""
    due_ms = task_due_ms(task, now_ms)
    if due_ms == NEVER or task.execution.status in TERMINAL_WORKFLOW:  # ended ones share one empty Attention
        return False
    heappush(task.execution.attention.dues, (due_ms, task.number, task))
    return True


def task_due_ms(task: TaskState, now_ms: int) -> int:
    """Return the next instant at which one of a task's times is up, or NEVER.

    What is overdue and still open is only alerted about: it does not come again.
    """
    limits, due = task.task_def, NEVER
    if limits is None or (task.status == SCHEDULED and not limits.limits_waiting) or task.status not in OPEN_TASK:
        return due
    if limits.response_timeout_s > 0 and not task.lease_until_ms and _answers(task):
        candidate = task.due_ms if _is_untouched(task) else _response_due_ms(task)
        if now_ms < candidate < due:
            due = candidate
    if limits.timeout_s > 0 and task.started_ms > 0:
        candidate = task.started_ms + (task.start_delay_s + limits.timeout_s) * 1000
        if now_ms < candidate < due:
            due = candidate
    if limits.poll_timeout_s > 0 and task.status == SCHEDULED:
        candidate = task.scheduled_ms + (task.start_delay_s + limits.poll_timeout_s + task.callback_s) * 1000
        if now_ms < candidate < due:
            due = candidate
    if limits.total_timeout_s > 0:
        candidate = first_scheduled_ms(task) + limits.total_timeout_s * 1000
        if now_ms < candidate < due:
            due = candidate
    return due


def is_overdue(task: TaskState, now_ms: int) -> bool:
    """Tell whether its response timeout is over."""
    return _answers(task) and now_ms >= _response_due_ms(task)


def _answers(task: TaskState) -> bool:
    definition = task.task_def
    return (
        task.status == IN_PROGRESS
        and definition is not None
        and definition.response_timeout_s > 0
        and task.type != "SUB_WORKFLOW"  # the server completes it by itself
        and (task.type != "WAIT" or task.due_ms > 0)  # what waits without an end has 68 years more
        and not task.node.document["asyncComplete"]
    )


def _response_due_ms(task: TaskState) -> int:
    definition = task.task_def
    limit = definition.response_timeout_s if definition is not None else 0
    if _is_untouched(task):
        return 0
    return max(task.updated_ms, task.lease_until_ms) + (limit + task.callback_s) * 1000


def _is_untouched(task: TaskState) -> bool:
    """Tell whether it is a WAIT that nobody has updated: to the server it was last heard of in 1970.

    The response timeout of a task definition of its name is over at once then: with the next look, at its own end at
    the latest, for the server does not look before that by itself.
    """
    return task.type == "WAIT" and task.due_ms > 0 and task.ticket == 0


def _apply(task: TaskState, policy: str, reason: str) -> str | None:
    if policy == "ALERT_ONLY":
        return None
    task.status = TIMED_OUT
    task.reason = reason
    return reason if policy == "TIME_OUT_WF" else None
