"""Opening again what had ended: a task, an execution, and the parents that wait for it."""

from __future__ import annotations

from pytest_k1n.engine.decide import waits
from pytest_k1n.engine.decide.context import Context
from pytest_k1n.engine.decide.systemtasks import UNQUEUED
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.problems import WrongState
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import (
    IN_PROGRESS,
    OPEN_TASK,
    RUNNING,
    SCHEDULED,
    SKIPPED,
    TERMINAL_WORKFLOW,
    UNSUCCESSFUL_TASK,
)

REOPENED = frozenset({"JOIN", "EXCLUSIVE_JOIN", "DO_WHILE"})
"""Retried in place: they only wait for others."""


def demand_terminal(execution: ExecutionState, verb: str) -> None:
    """Raise WrongState unless an execution has ended."""
    if execution.status not in TERMINAL_WORKFLOW:
        raise WrongState(f"Workflow: {label(execution)}.{execution.status} is not in terminal state, unable to {verb}.")


def evaluate(engine: Engine, execution: ExecutionState) -> None:
    """Evaluate an execution, with everything that follows from that at this instant."""
    engine.decide(execution)
    engine.settle()


def label(execution: ExecutionState) -> str:
    """Name an execution as the server does in its messages."""
    return f"{execution.definition.name}.{execution.definition.version}/{execution.workflow_id}"


def reset(context: Context, task: TaskState) -> None:
    """Put a task back to the moment it was scheduled, under its id."""
    task.status = SCHEDULED
    task.scheduled_ms = context.now_ms
    task.started_ms = task.ended_ms = task.updated_ms = 0
    task.poll_count = task.callback_s = task.cursor = 0
    task.worker_id = task.sub_id = None
    task.output = {}
    task.executed = False
    if task.type in REOPENED:
        task.status = IN_PROGRESS
        if task.type == "DO_WHILE":
            task.iteration = 0
        else:
            task.started_ms = context.now_ms
    elif task.type not in UNQUEUED:
        await_again(task, context.now_ms)
        if task.type == "HUMAN":
            task.started_ms = 0  # only a mapper sets it
        context.effects.queued.append(task)


def await_again(task: TaskState, now_ms: int) -> None:
    """Let a WAIT or HUMAN task wait again: nobody polls for it."""
    if task.node.type in ("WAIT", "HUMAN"):
        task.status, task.started_ms = IN_PROGRESS, now_ms
        if task.node.type == "WAIT":
            waits.prepare(task, now_ms)


def wait_again(task: TaskState) -> None:
    """Let a task that only waits for others go on waiting, in place."""
    task.status = IN_PROGRESS
    task.cursor = 0
    task.executed = False


def reopen(execution: ExecutionState) -> None:
    """Let an execution run again."""
    execution.status = RUNNING
    execution.reason = None


def refresh_live(execution: ExecutionState) -> None:
    """Find anew what an evaluation must look at."""
    execution.live = [
        task for task in execution.tasks if not task.executed and not task.retried and task.status != SKIPPED
    ]


def reopen_parents(engine: Engine, execution: ExecutionState) -> None:
    """Let the parents of a reopened child wait for it again."""
    child = execution
    while child.parent_id is not None:
        parent = engine.executions.get(child.parent_id)
        if parent is None:
            return
        task = next((task for task in parent.tasks if task.task_id == child.parent_task_id), None)
        if task is None or task.status in OPEN_TASK or task.node.optional:  # nobody waits for an optional one
            return
        task.status, task.reason, task.executed, task.retried = IN_PROGRESS, None, False, False
        for other in parent.latest.values():
            if other.type in REOPENED and other.status in UNSUCCESSFUL_TASK:
                wait_again(other)
        reopen(parent)
        parent.failed_refs, parent.failed_names = [], []
        parent.last_retried_ms = engine.now_ms
        refresh_live(parent)
        child = parent
