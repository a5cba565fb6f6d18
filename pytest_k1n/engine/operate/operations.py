"""What an operator may do to an execution, and what Conductor answers otherwise."""

from __future__ import annotations

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.operate.parents import reopen_parents
from pytest_k1n.engine.operate.reopening import demand_terminal, evaluate, label, reopen
from pytest_k1n.engine.operate.retrying import retry_tasks
from pytest_k1n.engine.problems import Illegal, Invalid, Unknown, WrongState
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import (
    COMPLETED,
    PAUSED,
    RUNNING,
    SCHEDULED,
    SKIPPED,
    TERMINAL_WORKFLOW,
    TERMINATED,
    UNSUCCESSFUL_TASK,
)


def pause(execution: ExecutionState) -> None:
    """Stop scheduling; what is in progress may end. Raises WrongState."""
    if execution.status in TERMINAL_WORKFLOW:
        raise WrongState(f"Workflow {label(execution)} has ended, status cannot be updated.")
    execution.become(PAUSED)


def resume(engine: Engine, execution: ExecutionState) -> None:
    """Go on scheduling; the execution's timeout begins anew. Raises Illegal."""
    if execution.status != PAUSED:
        raise Illegal(
            f"The workflow {execution.workflow_id} is not PAUSED so cannot resume. Current status is {execution.status}"
        )
    execution.become(RUNNING)
    execution.last_retried_ms = engine.now_ms
    evaluate(engine, execution)


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
    evaluate(engine, execution)


def terminate(engine: Engine, execution: ExecutionState, reason: str | None) -> None:
    """End an execution unless it completed. Raises WrongState."""
    if execution.status == COMPLETED:
        raise WrongState("Cannot terminate a COMPLETED workflow.")
    if execution.status != TERMINATED:
        engine.terminate(execution, reason)
        engine.settle()
    elif not engine.dialect.keeps_first_reason:
        execution.reason = reason


def restart(engine: Engine, execution: ExecutionState, *, latest: bool = False) -> None:
    """Begin a terminal execution anew under its id, with the latest definition or its own.

    Raises WrongState or Unknown.
    """
    demand_terminal(execution, "restart")
    if execution.status == COMPLETED and not execution.definition.restartable:
        raise Unknown(f"Workflow: {label(execution)}.{execution.status} is non-restartable")
    if latest:
        definition = engine.catalogue.workflow(execution.definition.name, None)
        if definition is None:
            raise Unknown(f"Unable to find latest definition for {execution.workflow_id}")
        execution.definition = definition
    execution.cut([])
    execution.created_ms = engine.now_ms
    execution.last_retried_ms = execution.ended_ms = 0
    execution.failed_task_id = None
    execution.output = {}
    reopen(execution)  # the names of what failed before stay, and the variables
    evaluate(engine, execution)
    reopen_parents(engine, execution)


def retry(engine: Engine, execution: ExecutionState, *, resume_children: bool = False) -> None:
    """Retry what failed in a terminal execution; what only waits goes on in place. Raises Unknown, WrongState."""
    if execution.status not in TERMINAL_WORKFLOW:
        raise Unknown(f"Workflow is still running.  status={execution.status}")
    if not execution.tasks:
        raise WrongState("Workflow has not started yet")
    if resume_children:
        first = next((task for task in execution.tasks if task.status in UNSUCCESSFUL_TASK), None)
        if first is None:
            return  # without this option it would be refused
        execution = _deepest_failure(engine, first)
    retry_tasks(engine, execution)
    reopen_parents(engine, execution)
    evaluate(engine, execution)


def reset_callbacks(engine: Engine, execution: ExecutionState) -> None:
    """Make tasks that wait for a callback deliverable now. Raises WrongState."""
    if execution.status in TERMINAL_WORKFLOW:
        raise WrongState(f"Workflow is in terminal state. Status = {execution.status}")
    for task in execution.live:
        if task.status == SCHEDULED and task.callback_s > 0:
            engine.requeue(task)


def remove(engine: Engine, execution: ExecutionState, *, archive: bool = True) -> None:
    """Forget an execution; what is queued of it goes with it, and searches still find it where it is archived.

    Raises Invalid: only an ended one can be archived.
    """
    if archive and execution.status not in TERMINAL_WORKFLOW:
        raise Invalid(f"Cannot archive workflow: {execution.workflow_id} with status: {execution.status}")
    for task in execution.live:
        task.ticket += 1
    engine.forget(execution)
    if not archive:
        execution.release()
        return
    if len(engine.archived) == engine.archived.maxlen:
        engine.archived.popleft().release()
    engine.archived.append(execution)


def _deepest_failure(engine: Engine, task: TaskState) -> ExecutionState:
    """Follow the first failure of each execution down to the child in which it began, through loops as well."""
    execution = task.execution
    if task.type == "DO_WHILE":
        task = next(
            (inner for inner in execution.tasks if inner.type == "SUB_WORKFLOW" and inner.status in UNSUCCESSFUL_TASK),
            task,
        )
    child = engine.executions.get(task.sub_id or "") if task.type == "SUB_WORKFLOW" else None
    if child is None:
        return execution
    first = next((inner for inner in child.tasks if inner.status in UNSUCCESSFUL_TASK), None)
    return execution if first is None else _deepest_failure(engine, first)
