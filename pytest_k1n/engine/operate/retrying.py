"""Which tasks of an ended execution a retry attempts again, and which only go on waiting."""

from __future__ import annotations

from pytest_k1n.engine.decide.context import Context
from pytest_k1n.engine.decide.scheduling import new_attempt
from pytest_k1n.engine.decide.systemtasks import UNQUEUED
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.operate.reopening import await_again, evaluate, reopen, wait_again
from pytest_k1n.engine.problems import Transient, WrongState
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import CANCELED, FAILED, SKIPPED, TIMED_OUT, UNSUCCESSFUL_TASK

_GOES_ON = frozenset({"JOIN", "DO_WHILE"})
_JOINS = frozenset({"JOIN", "EXCLUSIVE_JOIN"})
_IN_PLACE = _GOES_ON | _JOINS


def retry_tasks(engine: Engine, execution: ExecutionState) -> None:
    """Attempt again what failed or was canceled, without evaluating the execution. Raises WrongState."""
    failed, waiting = _sorted_out(execution)
    if not failed and execution.status != TIMED_OUT:
        raise WrongState(
            "There are no retryable tasks! Use restart if you want to attempt entire workflow execution again."
        )
    execution.last_retried_ms = engine.now_ms
    _demand_none_skipped(engine, execution)
    context = engine.context()
    for task in waiting:
        wait_again(task)
    attempts = [_attempt_at_once(context, task) for task in failed if not _attempt_in_place(task)]
    reopen(execution)
    for task in attempts:
        execution.add(task)
    execution.refresh_live()
    context.effects.queued.extend(task for task in attempts if task.type not in UNQUEUED)
    engine.carry_out(context, execution)


def _demand_none_skipped(engine: Engine, execution: ExecutionState) -> None:
    """Raise Transient for a task that was skipped by request.

    3.32.1 saves every record of an execution that it retries, and cannot save that one: no retry of it succeeds, and
    the execution, which is open by then, is ended again by the next look at it. Here that look follows at once.
    """
    skipped = next((task for task in execution.tasks if task.status == SKIPPED), None)
    if skipped is not None and not execution.dialect.saves_skipped:
        skipped.updated_ms = engine.now_ms
        reopen(execution)
        execution.refresh_live()
        evaluate(engine, execution)
        raise Transient(f"Error updating task: {skipped.task_id} in workflow: {execution.workflow_id}")


def _sorted_out(execution: ExecutionState) -> tuple[list[TaskState], list[TaskState]]:
    """Return what gets another attempt, one task of each ref, and what goes on in place."""
    failed: dict[str, TaskState] = {}
    waiting = []
    for task in execution.tasks:
        if _goes_on(task):
            waiting.append(task)
        elif task.status in UNSUCCESSFUL_TASK:
            failed[task.ref] = task
        else:
            failed.pop(task.ref, None)
    return sorted(failed.values(), key=lambda task: task.seq), waiting


def _goes_on(task: TaskState) -> bool:
    """Tell whether a task only waits for others and was stopped in that, or failed for what may fail."""
    if task.status == CANCELED:
        return task.type in _GOES_ON
    return task.status == FAILED and task.type in _JOINS and _joins_permitted_failure(task)


def _joins_permitted_failure(join: TaskState) -> bool:
    latest = join.execution.latest
    joined = [latest[ref] for ref in join.input.get("joinOn") or () if ref in latest]
    return any(task.is_permissive and not task.node.optional and task.status == FAILED for task in joined)


def _attempt_in_place(task: TaskState) -> bool:
    """Let a task that failed while it waited for others wait again; tell whether it is one. It keeps its reason."""
    if task.type in _IN_PLACE:
        task.attempt += 1
        task.retried = False
        wait_again(task)
    return task.type in _IN_PLACE


def _attempt_at_once(context: Context, task: TaskState) -> TaskState:
    """Make a new attempt; a retry by request also writes the new input into the old record, which shares it."""
    attempt = new_attempt(context, task, at_once=True)
    task.input = attempt.input
    task.executed = True
    attempt.ticket += 1  # the server saves it once more: it shows an update
    await_again(attempt, context.now_ms)
    return attempt
