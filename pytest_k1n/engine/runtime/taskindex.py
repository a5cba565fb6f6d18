"""Tasks by their ids, across executions: kept up only once a caller asks, since most ids are never asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile

from pytest_k1n.engine.state import ExecutionState, TaskState


class TaskIndex:
    """Finds a task by its id at the cost of what was scheduled since the last question, not of all there is."""

    __slots__ = ("_by_id", "_changed", "_executions", "_indexed")

    def __init__(self, executions: Mapping[str, ExecutionState]) -> None:
        self._executions = executions
        self._by_id: dict[str, TaskState] = {}
        self._changed: dict[str, ExecutionState] = {}
        self._indexed: dict[str, int] = {}
        """By execution: how many tasks it had ever made when it was last looked through."""

    def note(self, execution: ExecutionState) -> None:
        """Take note that an execution may have new tasks."""
        self._changed[execution.workflow_id] = execution

    def add(self, task: TaskState) -> None:
        """Take in a task that is sure to be asked for: it was handed to a client."""
        self._by_id[task.task_id] = task

    def forget(self, execution: ExecutionState) -> None:
        """Let go of an execution that is removed, and of its tasks."""
        self._changed.pop(execution.workflow_id, None)
        if self._indexed.pop(execution.workflow_id, None) is not None or self._by_id:
            for task in execution.tasks:
                self._by_id.pop(task.task_id, None)

    def find(self, task_id: str) -> TaskState | None:
        """Return the task with this id; None if there is none, or no more."""
        if task_id not in self._by_id:
            self._catch_up()
        task = self._by_id.get(task_id)
        if task is None or self._executions.get(task.execution.workflow_id) is not task.execution:
            return None
        return task if task.execution.has(task) else None

    def _catch_up(self) -> None:
        for workflow_id, execution in self._changed.items():
            made_before = self._indexed.get(workflow_id, 0)
            self._by_id.update((task.task_id, task) for task in _made_since(execution, made_before))
            self._indexed[workflow_id] = execution.next_id
        self._changed.clear()


def _made_since(execution: ExecutionState, number: int) -> Iterator[TaskState]:
    """Yield the tasks with higher numbers: the last ones, and what an operator has skipped, which stands in front."""
    yield from takewhile(lambda task: task.number > number, reversed(execution.tasks))
    yield from takewhile(lambda task: task.seq == 0, execution.tasks)
