"""What of an execution and its children a task's end has changed, and which tasks could end next."""

from __future__ import annotations

from pytest_k1n.core.answers import ASKED_TYPES
from pytest_k1n.core.model import SYSTEM_TASK_TYPES
from pytest_k1n.engine.decide.waits import waits_for_answer
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import CANCELED, COMPLETED, OPEN_TASK, TERMINAL_WORKFLOW
from pytest_k1n.servers.alone import WITHIN_MS, EngineExecution
from pytest_k1n.servers.handlerworker import HandlerWorker


class Ends:
    """What of an execution and its children changed with the last end of a task."""

    def __init__(self, execution: EngineExecution) -> None:
        self._execution = execution
        self.ended_by: dict[str, str] = {}
        """Ref -> the event by which it ended."""
        self.made_by: dict[int, str] = {}
        self._statuses: dict[int, str] = {}
        self._worked: dict[int, int] = {}
        self.new: set[int] = set()
        self.touched: list[TaskState] = []
        self.ended: list[TaskState] = []
        self.is_disruptive = False
        self._settle()
        self._compare()

    def open(self) -> dict[str, TaskState]:
        """Return the tasks that could end next, by name."""
        found: dict[str, TaskState] = {}
        for state in self._execution.executions():
            if state.status not in TERMINAL_WORKFLOW:
                found |= {self._name(task): task for task in state.live if is_in_hand(task)}
        return found

    def end(self, task: TaskState, worker: HandlerWorker, *, times: int = 1) -> None:
        """Do the work of a task, report it so many times, and let what follows of itself happen."""
        with worker.within(WITHIN_MS):
            result = worker.work(task)
        self._worked[id(task)] = self._worked.get(id(task), 0) + 1
        for _ in range(times):
            self._execution.work(task, result.status, result.output, result.reason)
        self._settle()
        self._compare()

    def lose(self, task: TaskState, worker: HandlerWorker | None = None) -> bool:
        """Have the worker die that has a task in hand, with the work done if `worker` does it: its lease runs out.

        False if it has none, or one that only a caller could wait for.
        """
        if worker is not None:
            with worker.within(WITHIN_MS):
                worker.work(task)
        self._execution.take(task)
        self._execution.settle_all(WITHIN_MS, until=lambda: task.status not in OPEN_TASK)
        self._settle()
        self._compare()
        return task.status not in OPEN_TASK

    def _settle(self) -> None:
        """Let virtual time pass only where nothing else can happen: a timer is no order of ends."""
        if not self.open() and not self._execution.is_terminal:
            self._execution.settle_all(WITHIN_MS, until=lambda: bool(self.open()))

    def _compare(self) -> None:
        self.new, self.touched, self.ended, self.is_disruptive = set(), [], [], False
        for state in self._execution.executions():
            if state.status in TERMINAL_WORKFLOW and state.status != COMPLETED:
                self.is_disruptive = True
            for task in state.tasks:
                before = self._statuses.get(id(task))
                if before == task.status:
                    continue
                self._statuses[id(task)] = task.status
                self.touched.append(task)
                if before is None:
                    self.new.add(id(task))
                if task.status not in OPEN_TASK:
                    self.ended.append(task)
                self.is_disruptive |= task.status == CANCELED

    def _name(self, task: TaskState) -> str:
        again = f"@{worked + 1}" if (worked := self._worked.get(id(task), 0)) else ""
        attempt = f"#{task.attempt + 1}" if task.attempt else ""
        return f"{self._path(task.execution)}{task.ref}{attempt}{again}"

    def _path(self, state: ExecutionState) -> str:
        if state.workflow_id == self._execution.workflow_id:
            return ""
        for other in self._execution.executions():
            for task in other.tasks:
                if task.sub_id == state.workflow_id:
                    return f"{self._path(other)}{task.ref}/"
        return f"{state.definition.name}/"


def is_answered(task: TaskState) -> bool:
    """Tell whether it is ended by an answer from outside, not by a worker."""
    return task.type in ASKED_TYPES


def is_in_hand(task: TaskState) -> bool:
    """Tell whether a task could end next: a worker has it, or an answer is waited for."""
    return (task.status in OPEN_TASK and task.type not in SYSTEM_TASK_TYPES) or waits_for_answer(task)
