"""How executions end: status, reason, output, and what becomes of the rest."""

from __future__ import annotations

from pytest_k1n.engine.decide import joins, loops
from pytest_k1n.engine.decide.context import Context
from pytest_k1n.engine.ids import child_id
from pytest_k1n.engine.problems import InvalidInput
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import (
    CANCELED,
    COMPLETED,
    FAILED,
    FAILED_WITH_TERMINAL_ERROR,
    OPEN_TASK,
    TERMINATED,
    TIMED_OUT,
)
from pytest_k1n.engine.values import JsonObject

_ENDS_AS = {TIMED_OUT: TIMED_OUT, CANCELED: TERMINATED}


def complete(context: Context, execution: ExecutionState, terminator: TaskState | None = None) -> None:
    """End an execution successfully; `terminator` is the TERMINATE task that did it."""
    loops.note_end(context, execution, terminator)
    try:
        execution.output = _output(execution) if terminator is None else terminator.output
    except InvalidInput as error:
        terminate(context, execution, FAILED, str(error), None, {})
        return
    if terminator is not None:
        execution.reason = _terminator_reason(terminator, COMPLETED)
    _name_failures(execution)
    _end(context, execution, COMPLETED)


def end_by_task(context: Context, execution: ExecutionState, terminator: TaskState) -> None:
    """End an execution as its TERMINATE task says."""
    status = str(terminator.input.get("terminationStatus"))
    if status == COMPLETED or (status == TERMINATED and not context.dialect.ends_terminated):
        complete(context, execution, terminator)
        execution.reason = _terminator_reason(terminator, status)
        return
    reason = _terminator_reason(terminator, status)
    loops.note_end(context, execution, terminator)  # its output may show that of the loop it stands in
    terminate(context, execution, status, reason, terminator, terminator.output)


def fail(context: Context, execution: ExecutionState, task: TaskState, reason: str | None = None) -> None:
    """End an execution because one of its tasks failed for good."""
    status = _ENDS_AS.get(task.status, FAILED)
    text = reason or f"Task {task.task_id} failed with status: {status} and reason: '{task.reason or 'null'}'"
    loops.note_end(context, execution, task)
    execution.output = _output_if_any(execution)  # the output of the ended one may show it as `${workflow.output}`
    terminate(context, execution, status, text, task)


def terminate(
    context: Context,
    execution: ExecutionState,
    status: str,
    reason: str | None,
    task: TaskState | None,
    output: JsonObject | None = None,
    *,
    by_request: bool = False,
) -> None:
    """End an execution unsuccessfully; unless that was requested through the API, its failureWorkflow starts."""
    loops.note_end(context, execution, task)
    if task is not None and execution.failed_task_id is None:  # a retry does not forget the first one
        execution.failed_task_id = task.task_id
    _name_failures(execution)
    failure_workflow = execution.definition.failure_workflow
    if output is None:
        execution.previous_status, execution.status = execution.status, status
        output = _output_if_any(execution)
        execution.status = execution.previous_status
    execution.output = output
    execution.reason = reason  # only now: outputs do not see it
    _end(context, execution, status)
    if failure_workflow and not by_request:
        context.effects.started_failures.append((execution, execution.failed_task_id))


def cancel_open(context: Context, execution: ExecutionState) -> None:
    """Cancel every open task of an ended execution, take it off its queue, and have child executions ended.

    Also an earlier attempt that a rerun has opened again, which no evaluation looks at.
    """
    why = f"reason: {execution.reason}" if execution.reason else f"status {execution.status}"
    for task in execution.tasks:
        if task.status in OPEN_TASK:
            if task.type == "JOIN":
                task.output = joins.output(task)
            task.status = CANCELED
            task.ended_ms = context.now_ms
            context.effects.unqueued.append(task)
            if task.type == "SUB_WORKFLOW":  # its child, too, where an update has forgotten that
                child = task.sub_id or child_id(execution.workflow_id, task.task_id, task.attempt)
                context.effects.terminated.append((child, f"Parent workflow has been terminated with {why}"))


def _name_failures(execution: ExecutionState) -> None:
    """Add every attempt that failed, also one that was retried since, to the names that the execution keeps."""
    refs, names = dict.fromkeys(execution.failed_refs), dict.fromkeys(execution.failed_names)
    for task in execution.tasks:
        if task.status in (FAILED, FAILED_WITH_TERMINAL_ERROR):
            refs[task.ref] = names[task.def_name] = None
    execution.failed_refs, execution.failed_names = tuple(refs), tuple(names)


def _end(context: Context, execution: ExecutionState, status: str) -> None:
    execution.previous_status = execution.status
    execution.status = status
    execution.updated_ms = execution.ended_ms = context.now_ms
    cancel_open(context, execution)
    context.effects.ended.append(execution)


def _output(execution: ExecutionState) -> JsonObject:
    if not execution.tasks:
        return execution.output
    resolve = execution.definition.resolve_output
    if resolve is not None:
        output: JsonObject = resolve(execution, None)
        return output
    last = execution.tasks[-1]
    return joins.output(last) if last.type == "JOIN" and last.status in OPEN_TASK else last.output


def _output_if_any(execution: ExecutionState) -> JsonObject:
    try:
        return _output(execution)
    except InvalidInput:
        return {}


def _terminator_reason(terminator: TaskState, status: str) -> str:
    given = terminator.input.get("terminationReason")
    return str(given) if given else f"Workflow is {status} by TERMINATE task: {terminator.task_id}"
