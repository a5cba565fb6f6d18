"""Tasks by their ids, across executions: kept up only once a caller asks, since most ids are never asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import Final

from pytest_k1n.engine.state import ExecutionState, TaskState

_SPARE: Final = 100
"""How many dropped tasks of an execution are kept before they are looked for."""


class TaskIndex:
    """Finds a task by its id at the cost of what was scheduled since the last question, not of all there is."""

    __slots__ = ("_by_id", "_changed", "_executions", "_ids", "_indexed")

    def __init__(self, executions: Mapping[str, ExecutionState]) -> None:
        self._executions = executions
        self._by_id: dict[str, TaskState] = {}
        self._ids: dict[str, list[str]] = {}
        """By execution: what `_by_id` has of it, also tasks that a restart or a rerun has dropped since."""
        self._changed: dict[str, ExecutionState] = {}
        self._indexed: dict[str, int] = {}
        """By execution: how many tasks it had ever made when it was last looked through."""

    def note(self, execution: ExecutionState) -> None:
        """Take note that an execution may have new tasks."""
        self._changed[execution.workflow_id] = execution

    def add(self, task: TaskState) -> None:
        """Take in a task that is sure to be asked for: it was handed to a client."""
        self._take_in(task.execution, (task,))

    def forget(self, execution: ExecutionState) -> None:
        """Let go of an execution that is removed, and of all tasks that it ever had."""
        self._changed.pop(execution.workflow_id, None)
        self._indexed.pop(execution.workflow_id, None)
        for task_id in self._ids.pop(execution.workflow_id, ()):
            self._by_id.pop(task_id, None)

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
            self._take_in(execution, _made_since(execution, self._indexed.get(workflow_id, 0)))
            self._indexed[workflow_id] = execution.next_id
        self._changed.clear()

    def _take_in(self, execution: ExecutionState, tasks: Iterable[TaskState]) -> None:
        ids = self._ids.setdefault(execution.workflow_id, [])
        for task in tasks:
            if task.task_id not in self._by_id:
                ids.append(task.task_id)
            self._by_id[task.task_id] = task
        if len(ids) > 2 * len(execution.tasks) + _SPARE:  # restarted again and again
            dropped = {each for each in ids if not execution.has(self._by_id[each])}
            self._ids[execution.workflow_id] = [each for each in ids if each not in dropped]
            for each in dropped:
                del self._by_id[each]


def _made_since(execution: ExecutionState, number: int) -> Iterator[TaskState]:
    """Yield the tasks with higher numbers: the last ones, and what an operator has skipped, which stands in front."""
    yield from takewhile(lambda task: task.number > number, reversed(execution.tasks))
    yield from takewhile(lambda task: task.seq == 0, execution.tasks)
