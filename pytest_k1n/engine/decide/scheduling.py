"""What an evaluation adds to an execution: new attempts, and the tasks that follow."""

from __future__ import annotations

from pytest_k1n.engine.decide import loops, retry
from pytest_k1n.engine.decide.context import Context
from pytest_k1n.engine.decide.domains import domain_of
from pytest_k1n.engine.decide.mapping import MAPPERS, TaskGroup
from pytest_k1n.engine.decide.systemtasks import RUNNERS, STARTED_AT_ONCE, UNQUEUED, run
from pytest_k1n.engine.definition import FROM_WORKER, Node
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import OPEN_TASK, SCHEDULED, SKIPPED


def schedule(
    context: Context, execution: ExecutionState, following: list[tuple[Node, int]], attempts: list[TaskState]
) -> bool:
    """Add new attempts and the tasks that follow; tell whether one of them has ended already. Raises InvalidInput."""
    again = False
    for task in attempts:
        if task.type in UNQUEUED:
            task.started_ms = context.now_ms
        insert_one(context, execution, task)
        again = again or task.status not in OPEN_TASK
    for node, iteration in following:
        target: Node | None = node
        suffix = iteration if node.loop is not None else 0
        while target is not None and (known := execution.latest.get(_ref(target, suffix))) is not None:
            target = target.next if known.status == SKIPPED else None
        if target is not None:
            batch = TaskGroup(context, execution, suffix)
            batch.map(target)
            again = insert(context, execution, batch) or again
    return again


def _ref(node: Node, iteration: int) -> str:
    return f"{node.ref}__{iteration}" if iteration else node.ref


def insert(context: Context, execution: ExecutionState, batch: TaskGroup) -> bool:
    """Add a batch; of tasks with the same ref the last one takes the place of the first, as in the server's map."""
    tasks = batch.tasks
    if len(tasks) > 1:
        tasks = list({task.ref: task for task in tasks if not _is_known(execution, task)}.values())
    ended = False
    for task in tasks:
        insert_one(context, execution, task)
        ended = ended or task.status not in OPEN_TASK
    return ended


def _is_known(execution: ExecutionState, task: TaskState) -> bool:
    known = execution.latest.get(task.ref)
    return known is not None and known.status != SCHEDULED


def repeat(context: Context, execution: ExecutionState, batch: TaskGroup) -> None:
    """Add a batch of an iteration that a rerun has kept in part.

    What the evaluation itself ends comes a second time: it is written when it has ended. Of the rest comes what is
    missing; what stands behind a second one has taken a number.
    """
    takes_numbers = False
    for task in batch.tasks:
        if task.ref in execution.latest and task.status in OPEN_TASK and task.type not in RUNNERS:
            execution.next_seq += takes_numbers
        else:
            insert_one(context, execution, task)
            takes_numbers = True


def insert_one(context: Context, execution: ExecutionState, task: TaskState) -> None:
    """Add one task, and have it queued if a queue is where it waits."""
    if task.node.loop is not None and task.type not in RUNNERS and task.status in OPEN_TASK and loops.is_dropped(task):
        return
    execution.add(task)
    if task.type in STARTED_AT_ONCE and task.status in OPEN_TASK:
        run(task, context)
    if task.type not in UNQUEUED and task.status in OPEN_TASK:
        if execution.domains and (task.node.type in FROM_WORKER or task.node.type not in MAPPERS):
            task.domain = domain_of(task.type, execution.domains, context.polled, context.now_ms)
        context.effects.queued.append(task)


def new_attempt(context: Context, task: TaskState, *, at_once: bool = False) -> TaskState:
    """Make the next attempt of a failed task, delayed by its policy unless an operator asked for it."""
    execution = task.execution
    fresh = TaskState(execution, task.node, task.type, task.ref, task.iteration)
    fresh.name, fresh.def_name, fresh.task_def = task.name, task.def_name, task.task_def
    fresh.domain = task.domain
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
