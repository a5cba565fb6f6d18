"""`concurrentExecLimit`: how many tasks of a definition may be in hand at once."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import IN_PROGRESS, TERMINAL_WORKFLOW


class ConcurrencyLimits:
    """The tasks in progress of each definition that has a limit; of the others nothing is kept."""

    __slots__ = ("_executions", "_tasks")

    def __init__(self, executions: Mapping[str, ExecutionState]) -> None:
        self._executions = executions
        self._tasks: dict[str, set[TaskState]] = {}

    def note(self, task: TaskState) -> None:
        """Take note that a task is in progress."""
        tasks = self._tasks.get(task.def_name)
        if tasks is not None:
            tasks.add(task)

    def is_at_limit(self, task: TaskState) -> bool:
        """Tell whether a task must wait; executions are looked through at the first question about its definition."""
        definition = task.task_def
        if definition is None or definition.concurrent_limit <= 0:
            return False
        name = task.def_name
        tasks = self._tasks.get(name)
        if tasks is None:
            executions = self._executions.values()
            tasks = {other for execution in executions for other in execution.live if other.def_name == name}
        tasks = self._tasks[name] = {other for other in tasks if _is_in_progress(other)}
        return len(tasks) >= definition.concurrent_limit


def _is_in_progress(task: TaskState) -> bool:
    execution = task.execution
    return task.status == IN_PROGRESS and execution.status not in TERMINAL_WORKFLOW and execution.has(task)
