"""The decider: given an execution and the time, what is scheduled, retried, timed out, ended.

`decide` changes the execution it is given and leaves all else as effects. It is deliberately independent of
`core.order.graph`: each is the oracle of the other.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_k1n.engine.decide import attention, ending, joins, loops, retry, switches, timeouts
from pytest_k1n.engine.decide.completion import Saved, finish
from pytest_k1n.engine.decide.context import Broken, Context
from pytest_k1n.engine.decide.mapping import TaskGroup
from pytest_k1n.engine.decide.scheduling import insert, new_attempt, repeat, schedule
from pytest_k1n.engine.decide.systemtasks import RUNNERS, run
from pytest_k1n.engine.definition import Node
from pytest_k1n.engine.problems import Illegal, InvalidInput
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import (
    COMPLETED,
    COMPLETED_WITH_ERRORS,
    FAILED,
    IN_PROGRESS,
    OPEN_TASK,
    PAUSED,
    SKIPPED,
    TERMINAL_WORKFLOW,
    TIMED_OUT,
    UNSUCCESSFUL_TASK,
)


def decide(context: Context, execution: ExecutionState, changed: Iterable[TaskState] | None = None) -> None:
    """Evaluate an execution until nothing changes any more.

    `changed` is all that has changed since the last evaluation; None: anything may have.
    """
    if execution.status in TERMINAL_WORKFLOW:
        if execution.status != COMPLETED:
            ending.cancel_open(context, execution)
        return
    execution.updated_ms = context.now_ms
    attention.note(execution, changed)
    while _evaluate(context, execution):
        pass
    looks = execution.attention  # nothing of what is dropped is looked at any more
    for loop in dict.fromkeys(context.begun):
        loops.forget_tasks(loop)
    execution.attention = looks


class _Findings:
    """What one look at the tasks of an execution found to do."""

    __slots__ = ("executed", "failed", "following", "terminator", "unsaved")

    def __init__(self) -> None:
        self.following: list[tuple[Node, int]] = []
        """What comes next, each in the iteration of the task before it."""
        self.executed: list[TaskState] = []
        """What has ended and will not be looked at again."""
        self.failed: list[TaskState] = []
        """What gets another attempt."""
        self.unsaved: list[Saved] = []
        """What the look itself changed, as it was before."""
        self.terminator: TaskState | None = None
        """The TERMINATE task that ended."""

    def undo(self, context: Context, execution: ExecutionState, cause: TaskState | None) -> None:
        """Forget what the look changed, but in the task that ended the execution: the server does not save it then."""
        for task in self.executed:
            task.executed = False
        for saved in reversed(self.unsaved):
            if saved.task is not cause:
                saved.restore()
        if execution.status != COMPLETED:
            ending.cancel_open(context, execution)


def _evaluate(context: Context, execution: ExecutionState) -> bool:
    """Make one pass; tell whether another one could change more."""
    if execution.definition.timeout_s and (reason := timeouts.workflow_reason(execution, context.now_ms)) is not None:
        ending.terminate(context, execution, TIMED_OUT, reason, None)
        return False
    if execution.status == PAUSED:
        attention.note(execution, None)
        return _evaluate_joins_of_paused(context, execution)
    found = _Findings()
    if not execution.live and all(task.status == SKIPPED for task in execution.tasks):
        if not execution.definition.tasks:
            execution.reason = "No tasks found to be executed"
            ending.complete(context, execution)
            return False
        found.following.append((execution.definition.tasks[0], 0))
    is_all = execution.attention.unseen is None
    looked_at = attention.take(execution, context.now_ms)
    for task in looked_at:
        if not _look_at(context, execution, task, found):
            found.undo(context, execution, task)
            return False
    if found.terminator is not None:
        _end_by_task(context, execution, found.terminator)
        found.undo(context, execution, found.terminator)
        found.terminator.executed = execution.status != COMPLETED
        return False
    execution.attention.unseen = []
    try:
        attempts = [new_attempt(context, task) for task in found.failed]
        again = schedule(context, execution, found.following, attempts)
    except InvalidInput as error:
        _break_off(context, execution, found, error)
        return False
    if found.executed or found.failed:
        attention.forget(execution, looked_at)
    if not execution.live:
        attention.note(execution, None)
        return finish(context, execution, found.executed, found.unsaved)
    going_on = attention.inner(execution, looked_at, context.now_ms, is_all=is_all)
    try:
        moved_on = _run_system_tasks(context, execution, going_on)
    except InvalidInput as error:  # of what a loop begins an iteration with
        _break_off(context, execution, found, error)
        return False
    return moved_on or again or _evaluate_joins(context, execution)


def _break_off(context: Context, execution: ExecutionState, found: _Findings, error: InvalidInput) -> None:
    """End an execution whose input is invalid. Raises Broken where its start, or that of its first task, breaks."""
    breaks_start = execution.begins and execution.parent_id is None
    if isinstance(error, Broken) and (breaks_start or not execution.tasks):
        raise error
    ending.terminate(context, execution, FAILED, str(error), None)
    found.undo(context, execution, None)


def _look_at(context: Context, execution: ExecutionState, task: TaskState, found: _Findings) -> bool:
    """Find what one task calls for: time it out, retry it, follow it; tell whether the execution goes on."""
    if task.status in OPEN_TASK:
        reason = _time_out(context, task, found)
        if reason is not None:
            ending.terminate(context, execution, TIMED_OUT, reason, task)
            return False
        if task.status in OPEN_TASK:
            return True
    if task.status in UNSUCCESSFUL_TASK:
        if retry.may_retry(task):
            spent = timeouts.total_is_used_up(task, context.now_ms)
            if spent is not None:
                ending.fail(context, execution, task, spent)
                return False
            try:
                context.again(
                    f"{execution.workflow_id}/{task.ref}", context.now_ms, lambda: f"task {task.ref} was tried"
                )
            except Illegal as endless:
                ending.fail(context, execution, task, endless.message)
                return False
            found.failed.append(task)
            return True
        if not _is_forgiven(task, found):
            ending.fail(context, execution, task)
            return False
    elif task.type == "TERMINATE":
        found.terminator = task
    task.executed = True
    found.executed.append(task)
    if task.node.next is not None and not switches.has_children(task):
        found.following.append((task.node.next, task.iteration))
    return True


def _time_out(context: Context, task: TaskState, found: _Findings) -> str | None:
    """Time an open task out if one of its times is up; return the reason if that ends the execution at once."""
    status, waited_with = task.status, task.reason
    reason = timeouts.time_out(task, context.now_ms)
    if task.status not in OPEN_TASK:
        found.unsaved.append(Saved(task, status, waited_with, 0))
        task.ended_ms = context.now_ms
        context.effects.unqueued.append(task)
    return reason


def _is_forgiven(task: TaskState, found: _Findings) -> bool:
    """Tell whether an execution goes on without a task that failed for good; an optional one ends with errors."""
    if task.node.optional:
        found.unsaved.append(Saved(task, task.status, task.reason, task.ended_ms))
        task.status = COMPLETED_WITH_ERRORS
        return True
    return task.is_permissive


def _end_by_task(context: Context, execution: ExecutionState, terminator: TaskState) -> None:
    terminator.executed = False  # what it cancels does not see its output any more
    ending.end_by_task(context, execution, terminator)


def _evaluate_joins(context: Context, execution: ExecutionState) -> bool:
    """End the JOINs that can end: workers of the server's own do that, a paused execution's too.

    They come when the evaluation is over; what ends the execution in it they do not see any more.
    """
    ended = attention.end_joins(execution)
    for join in ended:
        join.ended_ms = context.now_ms
        attention.changed(execution, join)
    return bool(ended)


def _evaluate_joins_of_paused(context: Context, execution: ExecutionState) -> bool:
    joining = [task for task in execution.live if task.type == "JOIN" and task.status == IN_PROGRESS]
    ended = [join for join in joining if joins.evaluate(join) or joins.evaluate_early(join)]
    for join in ended:
        join.ended_ms = context.now_ms
    return bool(ended)


def _run_system_tasks(context: Context, execution: ExecutionState, going_on: list[TaskState]) -> bool:
    """Run what finishes inside an evaluation; tell whether anything changed."""
    changed = False
    moved_before, context.moved = context.moved, set()
    for task in going_on:
        if task.type in RUNNERS:
            if not run(task, context):
                continue
        elif not _advance_loop(context, execution, task, moved_before):
            continue
        changed = True
        if task.status not in OPEN_TASK:
            attention.changed(execution, task)
    return changed


def _advance_loop(
    context: Context, execution: ExecutionState, loop: TaskState, moved_before: set[TaskState] | None
) -> bool:
    loops.kept(loop)  # breaks the evaluation, where what follows breaks the loop
    was_looked_at = loop.iteration > 0 and moved_before is not None and loop not in moved_before
    try:
        first = loops.advance(loop, context)
        if loop.status not in OPEN_TASK:
            loop.ended_ms = context.now_ms
            return True
        if first is None:
            return False
        if context.moved is not None and not was_looked_at:
            context.moved.add(loop)
        loop.updated_ms = context.now_ms
        batch = TaskGroup(context, execution, loop.iteration)
        batch.map(first)
        loops.forget_tasks(loop, seen=1)
        context.begun.append(loop)
    except Broken as error:
        loop.status, loop.reason, loop.ended_ms = FAILED, str(error), context.now_ms
        return True
    if batch.tasks[0].ref in execution.latest:
        repeat(context, execution, batch)
        attention.note(execution, None)
    else:
        insert(context, execution, batch)
    return True
