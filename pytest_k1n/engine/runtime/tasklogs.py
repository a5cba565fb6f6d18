"""The logs of tasks, also of those that are not there any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytest_k1n.engine.runtime import taskresults
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.values import JsonObject

MOST_STRAYS = 1_000


class TaskLogs:
    """Writes and reads the log of a task by its id."""

    def __init__(self, find: Callable[[str], TaskState | None], archived: Iterable[ExecutionState]) -> None:
        self._find = find
        self._archived = archived
        self._strays: dict[str, tuple[JsonObject, ...]] = {}
        """Task id -> lines that a client has written for a task that is not there (any more): they are kept."""

    def write(self, task_id: str, line: str, now_ms: int) -> None:
        """Append one line; as on the server also where no such task is known, to the latest such."""
        task = self._find(task_id)
        if task is not None:
            taskresults.log(task, line, now_ms)
            return
        strays = self._strays
        strays[task_id] = (*self._written(task_id), taskresults.log_line(task_id, line, now_ms))
        if len(strays) > MOST_STRAYS:
            del strays[next(iter(strays))]

    def adopt(self, other: TaskLogs) -> None:
        """Take over what another engine keeps for tasks that are not there."""
        self._strays.update(other._strays)

    def of(self, task_id: str) -> tuple[JsonObject, ...]:
        """Return the log of a task in the order of its instants, also of one whose execution was archived."""
        return tuple(sorted(self._written(task_id), key=lambda line: int(line["createdTime"])))

    def _written(self, task_id: str) -> tuple[JsonObject, ...]:
        if (task := self._find(task_id)) is not None:
            return task.logs
        if task_id in self._strays:
            return self._strays[task_id]
        archived = (task for execution in self._archived for task in execution.tasks if task.logs)
        return next((task.logs for task in archived if task.task_id == task_id), ())
