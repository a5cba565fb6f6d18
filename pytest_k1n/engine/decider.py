"""The decider: given an execution and the time, what is scheduled, retried, timed out, ended (conductor.md 7.1).

`decide` changes the execution it is given and leaves all else as effects. It is deliberately independent of
`core.graph`: each is the oracle of the other.
"""

from __future__ import annotations

from pytest_k1n.engine import ending, joins, loops, retry, switches, timeouts
from pytest_k1n.engine.context import Context, InvalidInput
from pytest_k1n.engine.definition import Node
from pytest_k1n.engine.mapping import MAPPERS, Batch
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import (
    COMPLETED,
    COMPLETED_WITH_ERRORS,
    FAILED,
    OPEN_TASK,
    PAUSED,
    SCHEDULED,
    SKIPPED,
    TERMINAL_WORKFLOW,
    TIMED_OUT,
    UNSUCCESSFUL_TASK,
)
from pytest_k1n.engine.systemtasks import RUNNERS, UNQUEUED

_SYSTEM_QUEUED = frozenset({"SUB_WORKFLOW", "HTTP", "EVENT", "START_WORKFLOW"})
_FROM_WORKER = frozenset({"SIMPLE", "DYNAMIC"})


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
    unsaved: list[_Saved] = []
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
            unsaved.append(_Saved(task, status, waited_with, 0))
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
                unsaved.append(_Saved(task, status, task.reason, task.ended_ms))
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
        again = _schedule(context, execution, following, [new_attempt(context, task) for task in attempts])
    except InvalidInput as error:
        ending.terminate(context, execution, FAILED, str(error), None)
        return False
    if executed or attempts:
        _forget_executed(execution)
    if not execution.live:
        return _finish(context, execution, executed, unsaved)
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


def _schedule(
    context: Context, execution: ExecutionState, following: list[tuple[Node, int]], attempts: list[TaskState]
) -> bool:
    """Add new attempts and the tasks that follow; tell whether one of them has ended already. Raises InvalidInput."""
    again = False
    for task in attempts:
        _insert(context, execution, task)
    for node, iteration in following:
        target: Node | None = node
        suffix = iteration if node.loop is not None else 0
        while target is not None and (known := execution.latest.get(_ref(target, suffix))) is not None:
            target = target.next if known.status == SKIPPED else None
        if target is not None:
            batch = Batch(context, execution, suffix)
            batch.map(target)
            again = _insert_batch(context, execution, batch) or again
    return again


def _ref(node: Node, iteration: int) -> str:
    return f"{node.ref}__{iteration}" if iteration else node.ref


def _insert_batch(context: Context, execution: ExecutionState, batch: Batch) -> bool:
    """Add a batch; of tasks with the same ref the last one takes the place of the first, as in the server's map."""
    tasks = batch.tasks
    if len(tasks) > 1:
        tasks = list({task.ref: task for task in tasks if not _is_known(execution, task)}.values())
    ended = False
    for task in tasks:
        _insert(context, execution, task)
        ended = ended or task.status not in OPEN_TASK
    return ended


def _is_known(execution: ExecutionState, task: TaskState) -> bool:
    known = execution.latest.get(task.ref)
    return known is not None and known.status != SCHEDULED


def _insert(context: Context, execution: ExecutionState, task: TaskState) -> None:
    execution.add(task)
    if task.type not in UNQUEUED and task.status in OPEN_TASK:
        if task.node.type in _FROM_WORKER or task.node.type not in MAPPERS:
            task.domain = execution.domains.get(task.type) or execution.domains.get("*") if execution.domains else None
        context.effects.queued.append(task)


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
    batch = Batch(context, execution, loop.iteration)
    try:
        batch.map(first)
    except InvalidInput as error:
        loop.status, loop.reason, loop.ended_ms = FAILED, str(error), context.now_ms
        return True
    _insert_batch(context, execution, batch)
    return True


def new_attempt(context: Context, task: TaskState, *, at_once: bool = False) -> TaskState:
    """Make the next attempt of a failed task, delayed by its policy unless an operator asked for it."""
    execution = task.execution
    fresh = TaskState(execution, task.node, task.type, task.ref, task.iteration)
    fresh.name, fresh.def_name, fresh.task_def = task.name, task.def_name, task.task_def
    fresh.scheduled_ms = context.now_ms
    fresh.attempt = task.attempt + 1
    fresh.retried_id = task.task_id
    fresh.response_timeout_s = task.response_timeout_s
    fresh.input = {**task.input, **task.node.resolve_input(execution, fresh)}
    task.retried = True
    if not at_once:
        fresh.reason = task.reason
        definition = task.task_def
        if definition is not None:
            delay = retry.delay_s(definition, task.attempt, context.seed, task.task_id)
            fresh.start_delay_s = fresh.callback_s = delay
    return fresh


class _Saved:
    """What of a task an evaluation may change, as it was before."""

    __slots__ = ("ended_ms", "reason", "status", "task")

    def __init__(self, task: TaskState, status: str, reason: str | None, ended_ms: int) -> None:
        self.task = task
        self.status, self.reason, self.ended_ms = status, reason, ended_ms

    def restore(self) -> None:
        self.task.status, self.task.reason, self.task.ended_ms = self.status, self.reason, self.ended_ms


def _finish(context: Context, execution: ExecutionState, executed: list[TaskState], unsaved: list[_Saved]) -> bool:
    """Complete an execution with nothing left to do, or fail it for what was only permitted to fail.

    The server does not save what the evaluation that ends an execution changed in its tasks: neither that they were
    executed, nor that they timed out or were forgiven.
    """
    latest = execution.latest
    if any(task.is_open for task in execution.tasks):  # an earlier attempt that a rerun has opened again
        return False
    if not all(node.ref in latest for node in execution.definition.tasks):
        return _begin_again(context, execution)
    if _waits_behind_skipped(execution):
        return False
    failed = [task for task in latest.values() if task.status in UNSUCCESSFUL_TASK and task.node.permissive]
    if failed:
        reason = ". ".join(
            f"Task {task.task_id} failed with status: {task.status} and reason: '{task.reason or 'null'}'"
            for task in failed
        )
        for saved in reversed(unsaved):
            saved.restore()
        execution.live += [saved.task for saved in unsaved if saved.task.is_open]
        ending.terminate(context, execution, FAILED, reason, None)
    else:
        ending.complete(context, execution)
        for saved in reversed(unsaved):
            saved.restore()
    for task in executed:
        task.executed = False
    return False


def _begin_again(context: Context, execution: ExecutionState) -> bool:
    """Schedule what the first task leads to and does not exist: what the server does where nothing is left to evaluate.

    That is how a switch that was rerun takes its case again; anything else stays as it is.
    """
    first = next(node for node in execution.definition.tasks if not _is_skipped(execution, node))
    batch = Batch(context, execution, 0)
    try:
        batch.map(first)
    except InvalidInput as error:
        ending.terminate(context, execution, FAILED, str(error), None)
        return False
    missing = [task for task in batch.tasks if task.ref not in execution.latest]
    for task in missing:
        _insert(context, execution, task)
    return bool(missing)


def _is_skipped(execution: ExecutionState, node: Node) -> bool:
    known = execution.latest.get(node.ref)
    return known is not None and known.status == SKIPPED


def _waits_behind_skipped(execution: ExecutionState) -> bool:
    """Tell whether a skipped task's successor was never scheduled: nothing will, and the execution goes on for ever."""
    return any(
        task.status == SKIPPED and task.node.next is not None and task.node.next.ref not in execution.latest
        for task in execution.tasks
    )
