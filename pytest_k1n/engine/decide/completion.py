"""When nothing is left to do: an execution completes, fails for what was only permitted to fail, or waits for ever."""

from __future__ import annotations

from pytest_k1n.engine.decide import ending, switches
from pytest_k1n.engine.decide.context import Context
from pytest_k1n.engine.decide.mapping import TaskGroup
from pytest_k1n.engine.decide.scheduling import insert_one
from pytest_k1n.engine.definition import Node
from pytest_k1n.engine.problems import InvalidInput
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import FAILED, SKIPPED, UNSUCCESSFUL_TASK


class Saved:
    """What of a task an evaluation may change, as it was before."""

    __slots__ = ("ended_ms", "reason", "status", "task")

    def __init__(self, task: TaskState, status: str, reason: str | None, ended_ms: int) -> None:
        self.task = task
        self.status, self.reason, self.ended_ms = status, reason, ended_ms

    def restore(self) -> None:
        self.task.status, self.task.reason, self.task.ended_ms = self.status, self.reason, self.ended_ms


def finish(context: Context, execution: ExecutionState, executed: list[TaskState], unsaved: list[Saved]) -> bool:
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
    failed = [task for task in latest.values() if task.status in UNSUCCESSFUL_TASK and task.is_permissive]
    if failed:
        reason = ". ".join(
            f"Task {task.task_id} failed with status: {task.status} and reason: '{task.reason or 'null'}'"
            for task in failed
        )
        for saved in reversed(unsaved):
            saved.restore()
        for saved in unsaved:
            if saved.task.is_open:
                execution.live.add(saved.task)
        ending.terminate(context, execution, FAILED, reason, None)
    else:
        ending.complete(context, execution)
        for saved in reversed(unsaved):
            saved.restore()
    for task in executed:
        task.executed = False
    if executed and executed[-1].type == "EVENT":
        _forget_switches_before(execution, executed[-1])
    return False


def _forget_switches_before(execution: ExecutionState, event: TaskState) -> None:
    """Have the switches whose case began with an EVENT not be executed either: the server publishes at once.

    It looks at them and at the EVENT in one evaluation, the one that ends the execution.
    """
    for task in reversed(execution.tasks[: execution.tasks.index(event)]):
        if not switches.has_children(task):
            return
        task.executed = False


def _begin_again(context: Context, execution: ExecutionState) -> bool:
    """Schedule what the first task leads to and does not exist: what the server does where nothing is left to evaluate.

    That is how a switch that was rerun takes its case again; anything else stays as it is.
    """
    first = next(node for node in execution.definition.tasks if not _is_skipped(execution, node))
    batch = TaskGroup(context, execution, 0)
    try:
        batch.map(first)
    except InvalidInput as error:
        ending.terminate(context, execution, FAILED, str(error), None)
        return False
    missing = [task for task in batch.tasks if task.ref not in execution.latest]
    for task in missing:
        insert_one(context, execution, task)
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
