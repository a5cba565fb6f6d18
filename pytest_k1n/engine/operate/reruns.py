"""Rerunning a terminal execution, from its beginning or from one of its tasks."""

from __future__ import annotations

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.operate.reopening import (
    REOPENED,
    demand_terminal,
    evaluate,
    refresh_live,
    reopen,
    reopen_parents,
    reset,
    wait_again,
)
from pytest_k1n.engine.problems import Invalid
from pytest_k1n.engine.state import ExecutionState
from pytest_k1n.engine.status import COMPLETED, UNSUCCESSFUL_TASK
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
    """Run a terminal execution again from a task, or from its beginning. Raises Conflict or Invalid."""
    demand_terminal(execution, "rerun")
    if task_id is None:
        _take_over(execution, workflow_input, correlation_id)
        execution.keep([])
        execution.failed_task_id = None
        execution.failed_refs, execution.failed_names = [], []
        reopen(execution)
        evaluate(engine, execution)
        reopen_parents(engine, execution)
        return
    if not _rerun_from(engine, execution, task_id, workflow_input, task_input, correlation_id):
        raise Invalid(f"Task {task_id} not found")


def _rerun_from(
    engine: Engine,
    execution: ExecutionState,
    task_id: str,
    workflow_input: JsonObject | None,
    task_input: JsonObject | None,
    correlation_id: str | None,
) -> bool:
    """Rerun from a task of an execution or of one of its children; tell whether it was found."""
    task = next((task for task in execution.tasks if task.task_id == task_id), None)
    if task is None:
        for parent in execution.tasks:
            child = engine.executions.get(parent.sub_id or "")
            if child is not None and _rerun_from(engine, child, task_id, None, task_input, None):
                return True
        return False
    _take_over(execution, workflow_input, correlation_id)
    context = engine.context()
    task.retried = False
    if task.type != "SUB_WORKFLOW":
        execution.keep([other for other in execution.tasks if other.seq <= task.seq])
        reset(context, task)
        if task_input is not None:
            task.input = task_input
    elif task.status != COMPLETED:  # it gets a new child; what ran beside it or after it stays, as does its input
        reset(context, task)
    for other in execution.tasks:
        if other.ref != task.ref and other.status in UNSUCCESSFUL_TASK:  # retried or optional ones too
            if other.type in REOPENED:
                wait_again(other)
            else:
                polled = other.poll_count
                reset(context, other)
                other.poll_count = polled
    execution.failed_refs, execution.failed_names = [], []
    reopen(execution)
    refresh_live(execution)
    engine.carry_out(context, execution)
    evaluate(engine, execution)
    reopen_parents(engine, execution)
    return True


def _take_over(execution: ExecutionState, workflow_input: JsonObject | None, correlation_id: str | None) -> None:
    if workflow_input is not None:
        execution.input = workflow_input
    if correlation_id is not None:
        execution.correlation_id = correlation_id
