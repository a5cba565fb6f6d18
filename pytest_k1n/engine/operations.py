"""What an operator may do to an execution, and what Conductor answers otherwise (conductor.md 9)."""

from __future__ import annotations

from pytest_k1n.engine.context import Context
from pytest_k1n.engine.decider import new_attempt
from pytest_k1n.engine.definition import Definition
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.problems import Conflict, Illegal, Invalid, NotFound
from pytest_k1n.engine.state import ExecutionState, JsonObject, TaskState
from pytest_k1n.engine.status import (
    COMPLETED,
    IN_PROGRESS,
    OPEN_TASK,
    PAUSED,
    RUNNING,
    SCHEDULED,
    SKIPPED,
    TERMINAL_WORKFLOW,
    TERMINATED,
    TIMED_OUT,
    UNSUCCESSFUL_TASK,
)
from pytest_k1n.engine.systemtasks import UNQUEUED

_REOPENED = frozenset({"JOIN", "EXCLUSIVE_JOIN", "DO_WHILE"})
"""Retried in place: they only wait for others."""


def pause(execution: ExecutionState) -> None:
    """Stop scheduling; what is in progress may end. Raises Conflict."""
    if execution.status in TERMINAL_WORKFLOW:
        raise Conflict(f"Workflow {_label(execution)} has ended, status cannot be updated.")
    execution.status = PAUSED


def resume(engine: Engine, execution: ExecutionState) -> None:
    """Go on scheduling; the execution's timeout begins anew. Raises Illegal."""
    if execution.status != PAUSED:
        raise Illegal(
            f"The workflow {execution.workflow_id} is not PAUSED so cannot resume. Current status is {execution.status}"
        )
    execution.status = RUNNING
    execution.last_retried_ms = engine.now_ms
    _evaluate(engine, execution)


def skip(engine: Engine, execution: ExecutionState, ref: str) -> None:
    """Mark a task that is not scheduled yet as skipped. Raises Illegal."""
    if execution.status != RUNNING:
        raise Illegal(
            f"The workflow {execution.workflow_id} is not running so the task referenced by {ref} cannot be skipped"
        )
    node = execution.definition.by_ref.get(ref)
    if node is None:
        raise Illegal(
            f"The task referenced by {ref} does not exist in the WorkflowDefinition {execution.definition.name}"
        )
    if ref in execution.latest:
        raise Illegal(f"The task referenced {ref} has already been processed, cannot be skipped")
    task = TaskState(execution, node, node.name, ref, 0)
    task.status = SKIPPED
    task.scheduled_ms = task.ended_ms = engine.now_ms
    task.task_def = None
    first = next((at for at, other in enumerate(execution.tasks) if other.seq > 0), len(execution.tasks))
    execution.tasks.insert(first, task)  # the server gives skipped tasks seq 0
    execution.latest[ref] = execution.plain[ref] = task
    _evaluate(engine, execution)


def terminate(engine: Engine, execution: ExecutionState, reason: str | None) -> None:
    """End an execution unless it completed. Raises Conflict."""
    if execution.status == COMPLETED:
        raise Conflict("Cannot terminate a COMPLETED workflow.")
    if execution.status != TERMINATED:
        engine.terminate(execution, reason)
        engine.settle()


def restart(engine: Engine, execution: ExecutionState, latest: Definition | None = None) -> None:
    """Begin a terminal execution anew under its id; `latest` replaces its definition. Raises Conflict or NotFound."""
    _demand_terminal(execution, "restart")
    if execution.status == COMPLETED and not execution.definition.restartable:
        raise NotFound(f"Workflow: {_label(execution)}.{execution.status} is non-restartable")
    if latest is not None:
        execution.definition = latest
    execution.keep([])
    execution.created_ms = engine.now_ms
    execution.last_retried_ms = execution.ended_ms = 0
    execution.output = {}
    execution.variables = dict(execution.definition.variables)
    _reopen(execution)  # the names of what failed before stay
    _evaluate(engine, execution)
    _reopen_parents(engine, execution)


def retry(engine: Engine, execution: ExecutionState, *, resume_children: bool = False) -> None:
    """Retry what failed in a terminal execution; what only waits for it goes on in place. Raises NotFound, Conflict."""
    if execution.status not in TERMINAL_WORKFLOW:
        raise NotFound(f"Workflow is still running.  status={execution.status}")
    if resume_children:
        if not any(task.status in UNSUCCESSFUL_TASK for task in execution.tasks):
            return  # without this option it would be refused
        if (child := _failed_child(engine, execution)) is not None:
            retry(engine, child, resume_children=True)
            return
    failed = [task for task in execution.latest.values() if task.status in UNSUCCESSFUL_TASK and not task.retried]
    if not failed and execution.status != TIMED_OUT:
        raise Conflict(
            "There are no retryable tasks! Use restart if you want to attempt entire workflow execution again."
        )
    context = engine.context()
    attempts = []
    for task in failed:
        if task.type in _REOPENED:
            _wait_again(task)
        else:
            attempts.append(_attempt_at_once(context, task))
            task.executed = True
    execution.last_retried_ms = engine.now_ms
    _reopen(execution)
    for task in attempts:
        execution.add(task)
    _refresh_live(execution)
    context.effects.queued.extend(task for task in attempts if task.type not in UNQUEUED)
    engine.carry_out(context, execution)
    _evaluate(engine, execution)
    _reopen_parents(engine, execution)


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
    _demand_terminal(execution, "rerun")
    if task_id is None:
        _take_over(execution, workflow_input, correlation_id)
        execution.keep([])
        execution.failed_refs, execution.failed_names = [], []
        _reopen(execution)
        _evaluate(engine, execution)
        _reopen_parents(engine, execution)
        return
    if not _rerun_from(engine, execution, task_id, workflow_input, task_input, correlation_id):
        raise Invalid(f"Task {task_id} not found")


def reset_callbacks(engine: Engine, execution: ExecutionState) -> None:
    """Make tasks that wait for a callback deliverable now. Raises Conflict."""
    if execution.status in TERMINAL_WORKFLOW:
        raise Conflict(f"Workflow is in terminal state. Status = {execution.status}")
    for task in execution.live:
        if task.status == SCHEDULED and task.callback_s > 0:
            engine.requeue(task)


def remove(engine: Engine, execution: ExecutionState, *, archive: bool = True) -> None:
    """Forget an execution; what is queued of it goes with it. Raises Invalid: only an ended one can be archived."""
    if archive and execution.status not in TERMINAL_WORKFLOW:
        raise Invalid(f"Cannot archive workflow: {execution.workflow_id} with status: {execution.status}")
    for task in execution.live:
        task.ticket += 1
    del engine.executions[execution.workflow_id]


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
    if task.type == "SUB_WORKFLOW" and task.status == COMPLETED:  # its child has ended: so has everything after it
        _reopen(execution)
        _refresh_live(execution)
        _evaluate(engine, execution)
        return True
    execution.keep([other for other in execution.tasks if other.seq <= task.seq])
    context = engine.context()
    task.retried = False
    _reset(context, task)
    if task_input is not None:
        task.input = task_input
    for other in execution.tasks:
        if other.ref != task.ref and other.status in UNSUCCESSFUL_TASK:  # retried or optional ones too
            if other.type in _REOPENED:
                _wait_again(other)
            else:
                polled = other.poll_count
                _reset(context, other)
                other.poll_count = polled
    execution.failed_refs, execution.failed_names = [], []
    _reopen(execution)
    _refresh_live(execution)
    engine.carry_out(context, execution)
    _evaluate(engine, execution)
    _reopen_parents(engine, execution)
    return True


def _reset(context: Context, task: TaskState) -> None:
    """Put a task back to the moment it was scheduled, under its id."""
    task.status = SCHEDULED
    task.scheduled_ms = context.now_ms
    task.started_ms = task.ended_ms = task.updated_ms = 0
    task.poll_count = task.callback_s = task.cursor = 0
    task.worker_id = task.sub_id = None
    task.output = {}
    task.executed = False
    if task.type in _REOPENED:
        task.status = IN_PROGRESS
        if task.type == "DO_WHILE":
            task.iteration = 0
        else:
            task.started_ms = context.now_ms
    elif task.type not in UNQUEUED:
        _await(task, context.now_ms)
        if task.type == "HUMAN":
            task.started_ms = 0  # only a mapper sets it
        context.effects.queued.append(task)


def _attempt_at_once(context: Context, task: TaskState) -> TaskState:
    """Make a new attempt; a retry by request also writes the new input into the old record, which shares it."""
    attempt = new_attempt(context, task, at_once=True)
    task.input = attempt.input
    _await(attempt, context.now_ms)
    return attempt


def _await(task: TaskState, now_ms: int) -> None:
    """Let a WAIT or HUMAN task wait again: nobody polls for it."""
    if task.node.type in ("WAIT", "HUMAN"):
        task.status, task.started_ms = IN_PROGRESS, now_ms
        if task.node.type == "WAIT":
            from pytest_k1n.engine import waits

            waits.prepare(task, now_ms)


def _wait_again(task: TaskState) -> None:
    task.status = IN_PROGRESS
    task.cursor = 0
    task.executed = False


def _reopen(execution: ExecutionState) -> None:
    execution.status = RUNNING
    execution.reason = None


def _refresh_live(execution: ExecutionState) -> None:
    execution.live = [
        task for task in execution.tasks if not task.executed and not task.retried and task.status != SKIPPED
    ]


def _failed_child(engine: Engine, execution: ExecutionState) -> ExecutionState | None:
    """Find the first child that ended without success."""
    for task in execution.tasks:
        if task.node.type == "SUB_WORKFLOW" and task.status in UNSUCCESSFUL_TASK and not task.retried:
            child = engine.executions.get(task.sub_id or "")
            if child is not None and child.status in TERMINAL_WORKFLOW and child.status != COMPLETED:
                return child
    return None


def _reopen_parents(engine: Engine, execution: ExecutionState) -> None:
    """Let the parents of a reopened child wait for it again."""
    child = execution
    while child.parent_id is not None:
        parent = engine.executions.get(child.parent_id)
        if parent is None:
            return
        task = next((task for task in parent.tasks if task.task_id == child.parent_task_id), None)
        if task is None or task.status in OPEN_TASK:
            return
        task.status, task.reason, task.executed, task.retried = IN_PROGRESS, None, False, False
        for other in parent.latest.values():
            if other.type in _REOPENED and other.status in UNSUCCESSFUL_TASK:
                _wait_again(other)
        _reopen(parent)
        parent.failed_refs, parent.failed_names = [], []
        parent.last_retried_ms = engine.now_ms
        _refresh_live(parent)
        child = parent


def _take_over(execution: ExecutionState, workflow_input: JsonObject | None, correlation_id: str | None) -> None:
    if workflow_input is not None:
        execution.input = workflow_input
    if correlation_id is not None:
        execution.correlation_id = correlation_id


def _demand_terminal(execution: ExecutionState, verb: str) -> None:
    if execution.status not in TERMINAL_WORKFLOW:
        raise Conflict(f"Workflow: {_label(execution)}.{execution.status} is not in terminal state, unable to {verb}.")


def _evaluate(engine: Engine, execution: ExecutionState) -> None:
    engine.decide(execution)
    engine.settle()


def _label(execution: ExecutionState) -> str:
    return f"{execution.definition.name}.{execution.definition.version}/{execution.workflow_id}"
