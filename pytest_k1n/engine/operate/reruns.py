"""Rerunning a terminal execution, from its beginning or from one of its tasks."""

from __future__ import annotations

from pytest_k1n.engine.decide.context import Context
from pytest_k1n.engine.decide.mapping import TaskGroup
from pytest_k1n.engine.decide.scheduling import insert
from pytest_k1n.engine.decide.systemtasks import UNQUEUED
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.operate.parents import reopen_parents
from pytest_k1n.engine.operate.reopening import await_again, demand_terminal, evaluate, reopen, reset
from pytest_k1n.engine.problems import Invalid, Transient
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import COMPLETED, IN_PROGRESS, SCHEDULED, SKIPPED, TERMINAL_WORKFLOW, UNSUCCESSFUL_TASK
from pytest_k1n.engine.values import JsonObject


def rerun(
    engine: Engine,
    execution: ExecutionState,
    *,
    task_id: str | None = None,
    workflow_input: JsonObject | None = None,
    task_input: JsonObject | None = None,
    correlation_id: str | None = None,
) -> None:
    """Run a terminal execution again from a task, or from its beginning. Raises WrongState, Invalid or Unknown."""
    if task_id is None:
        demand_terminal(execution, "rerun")
        _take_over(execution, workflow_input, correlation_id)
        execution.cut([])
        _begin(engine, execution)
        evaluate(engine, execution)
        reopen_parents(engine, execution)
    elif not _rerun_from(engine, execution, task_id, workflow_input, task_input, correlation_id):
        raise Invalid(f"Task {task_id} not found")


def _begin(engine: Engine, execution: ExecutionState) -> None:
    """Open an execution and, before it is evaluated, its parents."""
    execution.failed_task_id = None
    execution.failed_refs, execution.failed_names = (), ()
    reopen(execution)
    reopen_parents(engine, execution)


def _rerun_from(
    engine: Engine,
    execution: ExecutionState,
    task_id: str,
    workflow_input: JsonObject | None,
    task_input: JsonObject | None,
    correlation_id: str | None,
) -> bool:
    """Rerun from a task of an execution or of one of its children; tell whether it was found."""
    demand_terminal(execution, "rerun")
    retried_ms = execution.last_retried_ms
    task = next((task for task in execution.tasks if task.task_id == task_id), None)
    if task is None:
        holder = next((held for held in execution.tasks if _holds(engine, held, task_id, task_input)), None)
        if holder is not None:
            _take_over(execution, workflow_input, correlation_id)
            _begin(engine, execution)
            execution.last_retried_ms = retried_ms  # the server writes back what it had read before the child's rerun
            _await_child(engine, holder)
            evaluate(engine, execution)
        return holder is not None
    _take_over(execution, workflow_input, correlation_id)
    _begin(engine, execution)
    context = engine.context()
    task.retried = False
    _demand_none_skipped(engine, context, task)
    if task.node.type == "FORK_JOIN_DYNAMIC":
        _fork_anew(context, task)
    elif task.type != "SUB_WORKFLOW":
        execution.cut([other for other in execution.tasks if other.seq <= task.seq])
        reset(context, task)
        if task_input is not None:
            task.input = task_input
    elif task.status != COMPLETED:  # it gets a new child; what ran beside it or after it stays, as does its input
        reset(context, task)
    for other in execution.tasks if task.node.type != "FORK_JOIN_DYNAMIC" else ():
        if other.ref != task.ref and other.status in UNSUCCESSFUL_TASK:  # retried or optional ones too
            _resume(context, other)
    execution.refresh_live()
    engine.carry_out(context, execution)
    evaluate(engine, execution)
    reopen_parents(engine, execution)
    return True


def _demand_none_skipped(engine: Engine, context: Context, task: TaskState) -> None:
    """Raise Transient where a task was skipped by request: the server cannot save its record, as with a retry.

    The task that the rerun begins with is scheduled by then, and what came after it is still there.
    """
    execution = task.execution
    skipped = next((each for each in execution.tasks if each.status == SKIPPED), None)
    if skipped is None or execution.dialect.saves_skipped:
        return
    reset(context, task)
    execution.refresh_live()
    engine.carry_out(context, execution)
    raise Transient(f"Error updating task: {skipped.task_id} in workflow: {execution.workflow_id}")


def _await_child(engine: Engine, task: TaskState) -> None:
    """Let a task wait for its child that runs again, also one that is optional."""
    child = engine.executions.get(task.sub_id or "")
    if child is not None and child.status not in TERMINAL_WORKFLOW:
        task.status, task.reason, task.executed, task.retried = IN_PROGRESS, None, False, False
        task.poll_count, task.started_ms, task.ended_ms = 0, 0, 0
        task.scheduled_ms = engine.now_ms
        task.execution.refresh_live()


def _fork_anew(context: Context, fork: TaskState) -> None:
    """Map a dynamic fork once more, in place of what it was and of all that came after it."""
    execution = fork.execution
    execution.cut([other for other in execution.tasks if other.seq < fork.seq])
    group = TaskGroup(context, execution, 0)
    group.map(fork.node)
    insert(context, execution, group)


def _holds(engine: Engine, task: TaskState, task_id: str, task_input: JsonObject | None) -> bool:
    """Rerun from a task in the child of another one, if it is there."""
    if task.type != "SUB_WORKFLOW":
        return False
    return _rerun_from(engine, engine.execution(task.sub_id or "null"), task_id, None, task_input, None)


def _resume(context: Context, task: TaskState) -> None:
    """Open a task again that ended without success: it keeps its output, its number and how often it was polled."""
    task.executed = False
    task.reason = None
    task.started_ms, task.ended_ms = context.now_ms, 0
    if task.type in UNQUEUED:
        task.status = IN_PROGRESS
        task.cursor = 0
        return
    task.status = SCHEDULED
    task.sub_id = None
    await_again(task, context.now_ms)
    context.effects.queued.append(task)


def _take_over(execution: ExecutionState, workflow_input: JsonObject | None, correlation_id: str | None) -> None:
    if workflow_input is not None:
        execution.input = workflow_input
    if correlation_id is not None:
        execution.correlation_id = correlation_id
