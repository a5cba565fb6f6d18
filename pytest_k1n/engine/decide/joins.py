"""JOIN and EXCLUSIVE_JOIN: what they wait for and what comes out."""

from __future__ import annotations

from pytest_k1n.engine.state import TaskState
from pytest_k1n.engine.status import (
    CANCELED,
    COMPLETED,
    COMPLETED_WITH_ERRORS,
    FAILED,
    OPEN_TASK,
    UNSUCCESSFUL_TASK,
)
from pytest_k1n.engine.values import JsonObject


def awaited(join: TaskState) -> list[str]:
    """Return the refs a JOIN waits for; in a loop those of its own iteration."""
    refs: list[str] = join.input.get("joinOn") or []
    return [f"{ref}__{join.iteration}" for ref in refs] if join.iteration else refs


def awaited_next(join: TaskState) -> str:
    """Return the first ref that an open JOIN does not know to have ended."""
    ref: str = join.input["joinOn"][join.cursor]
    return f"{ref}__{join.iteration}" if join.iteration else ref


def evaluate(join: TaskState) -> bool:
    """End an open JOIN if it can be; tell whether it ended.

    `cursor` remembers how many refs are known to have ended, so a wide fork costs one step per ended branch.
    """
    count, latest = len(join.input.get("joinOn") or ()), join.execution.latest
    while join.cursor < count:
        task = latest.get(awaited_next(join))
        if task is None or task.status in OPEN_TASK:
            return False
        join.cursor += 1
    tasks = [latest[ref] for ref in awaited(join)]
    failed = [task for task in tasks if task.status in UNSUCCESSFUL_TASK and not task.node.optional]
    if failed:
        _fail(join, tasks, failed)
        return True
    join.output = {task.ref: task.output for task in tasks if task.output}
    partial = [task for task in tasks if task.status == COMPLETED_WITH_ERRORS and task.node.optional]
    join.status = COMPLETED_WITH_ERRORS if partial else COMPLETED
    if partial:
        join.reason = " ".join(f"{task.def_name}/{task.task_id} completed with errors" for task in partial)
    return True


def evaluate_early(join: TaskState) -> bool:
    """Fail an open JOIN for a failure that does not let it wait for the others; tell whether there is one.

    Only in a paused execution: any other has ended by then.
    """
    latest = join.execution.latest
    tasks = [latest[ref] for ref in awaited(join) if ref in latest]
    failed = [task for task in tasks if task.status in UNSUCCESSFUL_TASK]
    fatal = [task for task in failed if not task.node.optional and not task.is_permissive]
    if fatal:
        _fail(join, tasks, fatal)
    return bool(fatal)


def _fail(join: TaskState, tasks: list[TaskState], failed: list[TaskState]) -> None:
    """Fail a JOIN: it stops collecting at the first failure, but keeps what earlier evaluations have collected."""
    first, last_ms = tasks.index(failed[0]), max(task.ended_ms for task in tasks)
    seen = [task for at, task in enumerate(tasks) if at <= first or task.ended_ms < last_ms]
    join.output = {task.ref: task.output for task in seen if task.output}
    join.status = FAILED
    join.reason = " ".join(task.reason or "null" for task in failed)


def output(join: TaskState) -> JsonObject:
    """Collect {ref: output} of what an open JOIN has seen so far, leaving out empty ones; it may not have looked yet.

    A task whose end has not been evaluated yet is left out: what fails the execution is not seen by the JOIN any more.
    Of a sub-workflow it has seen by then that it was started.
    """
    found: JsonObject = {}
    for ref in awaited(join) if join.poll_count else ():
        task = join.execution.latest.get(ref)
        if task is not None and task.output and (task.executed or task.status in OPEN_TASK):
            found[ref] = task.output
        elif task is not None and task.sub_id is not None:
            found[ref] = {"subWorkflowId": task.sub_id}
    return found


def evaluate_exclusive(join: TaskState) -> bool:
    """End an open EXCLUSIVE_JOIN with the output of the first ref that ran; tell whether it ended."""
    latest, suffix = join.execution.latest, f"__{join.iteration}" if join.iteration else ""
    for ref in join.node.join_on:
        task = latest.get(ref + suffix)
        if task is None or task.status == CANCELED:
            continue
        return _copy(task, join)
    for ref in join.node.document.get("defaultExclusiveJoinTask") or []:
        task = latest.get(ref + suffix)
        if task is not None and task.status not in OPEN_TASK:
            return _copy(task, join)
    return False


def _copy(task: TaskState, join: TaskState) -> bool:
    if task.status in OPEN_TASK:
        return False
    if task.status in UNSUCCESSFUL_TASK and not task.node.optional:
        join.status, join.reason = FAILED, task.reason
    else:
        join.status = COMPLETED
    join.output = task.output
    return True
