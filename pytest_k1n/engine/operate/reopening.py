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
    RUNNING,
    SCHEDULED,
    TERMINAL_WORKFLOW,
)


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
    """Put a task back to the moment it was scheduled, under its id.

    A JOIN stays SCHEDULED for ever: on the server only its mapper sets it in progress.
    """
    task.status = SCHEDULED
    task.scheduled_ms = context.now_ms
    task.started_ms = task.ended_ms = 0
    task.updated_ms = context.now_ms
    task.ticket += 1  # saved anew, it shows an update, and its worker until the next one comes
    task.poll_count = task.callback_s = task.cursor = 0
    task.sub_id = None
    task.output = {}
    task.executed = False
    if task.type == "DO_WHILE":
        task.iteration = 0  # like a JOIN it stays SCHEDULED, and goes on all the same
    elif task.type in ("JOIN", "EXCLUSIVE_JOIN"):
        task.started_ms = context.now_ms
        task.status = SCHEDULED if task.type == "JOIN" else IN_PROGRESS
    elif task.type not in UNQUEUED:
        await_again(task, context.now_ms)
        if task.type == "HUMAN":
            task.started_ms = 0  # only a mapper sets it
        context.effects.queued.append(task)


def await_again(task: TaskState, now_ms: int) -> None:
    """Let a WAIT or HUMAN task wait again: no worker polls for it."""
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
    execution.become(RUNNING)
    execution.wake()
    execution.reason = None
