"""The decider: given an execution and the time, what is scheduled, retried, timed out, ended (conductor.md 7.1).

`decide` changes the execution it is given and leaves all else as effects. It is deliberately independent of
`core.graph`: each is the oracle of the other.
"""

from __future__ import annotations

from pytest_k1n.engine.decide import ending, joins, loops, retry, switches, timeouts
from pytest_k1n.engine.decide.completion import Saved, finish
from pytest_k1n.engine.decide.context import Broken, Context, InvalidInput
from pytest_k1n.engine.decide.mapping import TaskGroup
from pytest_k1n.engine.decide.scheduling import insert, new_attempt, schedule
from pytest_k1n.engine.decide.systemtasks import RUNNERS
from pytest_k1n.engine.definition import Node
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import (
    COMPLETED,
    COMPLETED_WITH_ERRORS,
    FAILED,
    OPEN_TASK,
    PAUSED,
    SKIPPED,
    TERMINAL_WORKFLOW,
    TIMED_OUT,
    UNSUCCESSFUL_TASK,
)


def decide(context: Context, execution: ExecutionState) -> None:
    """Evaluate an execution until nothing changes any more."""
    if execution.status in TERMINAL_WORKFLOW:
        if execution.status != COMPLETED:
            ending.cancel_open(context, execution)
        return
    execution.updated_ms = context.now_ms
    while _evaluate(context, execution):
        pass


def _evaluate(context: Context, execution: ExecutionState) -> bool:
    """Make one pass; tell whether another one could change more."""
    now_ms = context.now_ms
    if execution.definition.timeout_s and (reason := timeouts.workflow_reason(execution, now_ms)) is not None:
        ending.terminate(context, execution, TIMED_OUT, reason, None)
        return False
    if execution.status == PAUSED:
        return _evaluate_joins(context, execution)
    following: list[tuple[Node, int]] = []
    executed: list[TaskState] = []
    attempts: list[TaskState] = []
    unsaved: list[Saved] = []
    terminator: TaskState | None = None
    if not execution.live and all(task.status == SKIPPED for task in execution.tasks):
        if not execution.definition.tasks:
            execution.reason = "No tasks found to be executed"
            ending.complete(context, execution)
            return False
        following.append((execution.definition.tasks[0], 0))
    for task in execution.live:
        status = task.status
        if status in OPEN_TASK:
            waited_with = task.reason
            reason = timeouts.time_out(task, now_ms)
            if task.status in OPEN_TASK:
                continue
            unsaved.append(Saved(task, status, waited_with, 0))
            _close(context, task)
            if reason is not None:
                ending.terminate(context, execution, TIMED_OUT, reason, task)
                return False
            status = task.status
        if status in UNSUCCESSFUL_TASK:
            if retry.may_retry(task):
                if (spent := timeouts.total_is_used_up(task, now_ms)) is not None:
                    ending.fail(context, execution, task, spent)
                    return False
                attempts.append(task)
                continue
            if task.node.optional:
                unsaved.append(Saved(task, status, task.reason, task.ended_ms))
                task.status = COMPLETED_WITH_ERRORS
            elif not task.node.permissive:
                ending.fail(context, execution, task)
                return False
        elif task.type == "TERMINATE":
            terminator = task
        task.executed = True
        executed.append(task)
        if task.node.next is not None and not switches.has_children(task):
            following.append((task.node.next, task.iteration))
    if terminator is not None:
        terminator.executed = False  # what it cancels does not see its output any more
        ending.end_by_task(context, execution, terminator)
        terminator.executed = execution.status != COMPLETED
        return False
    try:
        again = schedule(context, execution, following, [new_attempt(context, task) for task in attempts])
    except InvalidInput as error:
        if isinstance(error, Broken) and not execution.tasks:
            raise
        ending.terminate(context, execution, FAILED, str(error), None)
        return False
    if executed or attempts:
        _forget_executed(execution)
    if not execution.live:
        return finish(context, execution, executed, unsaved)
    changed, joining = _run_system_tasks(context, execution)
    return changed or again or (joining and _evaluate_joins(context, execution))


def _evaluate_joins(context: Context, execution: ExecutionState) -> bool:
    """End the JOINs that can end: workers of the server's own do that, a paused execution's too.

    They come when the evaluation is over; what ends the execution in it they do not see any more.
    """
    paused = execution.status == PAUSED
    joining = [task for task in execution.live if task.type == "JOIN" and task.is_open]
    ended = [join for join in joining if joins.evaluate(join) or (paused and joins.evaluate_early(join))]
    for join in ended:
        join.ended_ms = context.now_ms
    return bool(ended)


def _close(context: Context, task: TaskState) -> None:
    """Note the end of a task that timed out."""
    task.ended_ms = context.now_ms
    context.effects.unqueued.append(task)


def _forget_executed(execution: ExecutionState) -> None:
    execution.live = [
        task for task in execution.live if not task.executed and not task.retried and task.status != SKIPPED
    ]


def _run_system_tasks(context: Context, execution: ExecutionState) -> tuple[bool, bool]:
    """Run what finishes inside an evaluation; tell whether anything changed, and whether a JOIN is open."""
    changed = joining = False
    for task in list(execution.live):
        if task.status not in OPEN_TASK:
            continue
        runner = RUNNERS.get(task.type)
        if runner is not None:
            if runner(task, context):
                task.ended_ms = context.now_ms
                changed = True
        elif task.type == "DO_WHILE":
            changed = _advance_loop(context, execution, task) or changed
        elif task.type == "JOIN":
            joining = True
    return changed, joining


def _advance_loop(context: Context, execution: ExecutionState, loop: TaskState) -> bool:
    first = loops.advance(loop, context)
    if loop.status not in OPEN_TASK:
        loop.ended_ms = context.now_ms
        return True
    if first is None:
        return False
    batch = TaskGroup(context, execution, loop.iteration)
    try:
        batch.map(first)
    except InvalidInput as error:
        loop.status, loop.reason, loop.ended_ms = FAILED, str(error), context.now_ms
        return True
    insert(context, execution, batch)
    return True
