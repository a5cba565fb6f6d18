"""The executions above a child that an operator has opened again: they wait for it once more.

On the server more than the waiting task opens again, level by level: a JOIN or a DO_WHILE that was canceled goes on, a
sibling's child is retried where something in it failed, and whatever else was canceled is scheduled again, as the next
attempt but under its old id.
"""

from __future__ import annotations

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.operate.reopening import evaluate, reopen, wait_again
from pytest_k1n.engine.operate.retrying import retry_tasks
from pytest_k1n.engine.runtime import children
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import (
    CANCELED,
    IN_PROGRESS,
    RUNNING,
    SCHEDULED,
    TERMINAL_WORKFLOW,
    UNSUCCESSFUL_TASK,
)

_GOES_ON = frozenset({"JOIN", "DO_WHILE"})


def reopen_parents(engine: Engine, execution: ExecutionState) -> None:
    """Let the parents of a reopened child wait for it again, beside all that was canceled. Raises WrongState."""
    child = execution
    while child.parent_id is not None:
        parent = engine.executions.get(child.parent_id)
        if parent is None:
            return
        task = next((task for task in parent.tasks if task.task_id == child.parent_task_id), None)
        if task is None or task.node.optional or task.retried:  # no task waits for this child any more
            return
        _await_child(task)
        reopen(parent)
        parent.failed_task_id = None
        parent.failed_refs, parent.failed_names = (), ()
        parent.last_retried_ms = engine.now_ms
        for sibling in parent.tasks:
            _reopen_beside(engine, sibling)
        for join in parent.tasks:
            if join.type == "JOIN" and join.status in UNSUCCESSFUL_TASK:
                wait_again(join)
        parent.refresh_live()
        evaluate(engine, parent)
        if child.status in TERMINAL_WORKFLOW:
            children.tell_parent(engine, child)
        child = parent


def _await_child(task: TaskState) -> None:
    task.status, task.reason, task.executed = IN_PROGRESS, None, False


def _reopen_beside(engine: Engine, task: TaskState) -> None:
    """Open a task again that ended because its execution did."""
    if task.node.type == "SUB_WORKFLOW" and task.sub_id is not None and task.status in UNSUCCESSFUL_TASK:
        child = engine.executions.get(task.sub_id)
        if child is None:
            return
        if child.status != RUNNING:
            if not any(inner.status in UNSUCCESSFUL_TASK for inner in child.tasks):
                return
            retry_tasks(engine, child)
        _await_child(task)
    elif task.status == CANCELED:
        if task.type in _GOES_ON:
            wait_again(task)
        else:
            _schedule_again(engine, task)


def _schedule_again(engine: Engine, task: TaskState) -> None:
    task.attempt += 1
    task.reason = task.worker_id = None
    task.poll_count = 0
    task.scheduled_ms, task.started_ms, task.ended_ms = engine.now_ms, 0, 0
    task.retried = task.executed = False
    task.status = SCHEDULED
    context = engine.context()
    context.effects.queued.append(task)
    engine.carry_out(context, task.execution)
