"""What of an execution and its children a task's end has changed, and which tasks could end next."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_k1n.core.model import SYSTEM_TASK_TYPES, Json
from pytest_k1n.core.standins.answers import ASKED_TYPES, Answers
from pytest_k1n.engine.decide.waits import waits_for_answer
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import CANCELED, COMPLETED, OPEN_TASK, TERMINAL_WORKFLOW
from pytest_k1n.servers.alone import WITHIN_MS, EngineExecution
from pytest_k1n.servers.handlerworker import HandlerWorker


class Ends:
    """What of an execution and its children changed with the last end of a task."""

    def __init__(
        self,
        execution: EngineExecution,
        *,
        expected: Mapping[str, Mapping[str, Json]] | None = None,
        answers: Answers | None = None,
    ) -> None:
        """`expected` has by ref what readers expect in the output of a task that is simulated."""
        self._execution = execution
        self._expected, self._answers = expected or {}, answers or {}
        self._variables: dict[str, dict[str, Json]] = {}
        self._open_before: set[str] = set()
        self._paths: dict[str, str] = {execution.workflow_id: ""}
        self.changed: list[tuple[ExecutionState, str]] = []
        """Variables that have another value now."""
        self.completed: list[ExecutionState] = []
        self.ended_by: dict[str, str] = {}
        """Place of a ref -> the event by which it ended."""
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
                found |= {self.name(task): task for task in state.live if is_in_hand(task)}
        return found

    def end(self, task: TaskState, worker: HandlerWorker, *, times: int = 1) -> None:
        """Do the work of a task, report it so many times, and let what follows of itself happen."""
        status, output, reason = self._result(task, worker)
        self._worked[id(task)] = self._worked.get(id(task), 0) + 1
        for _ in range(times):
            self._execution.work(task, status, output, reason)
        self._settle()
        self._compare()

    def _result(self, task: TaskState, worker: HandlerWorker) -> tuple[str, Mapping[str, Json], str | None]:
        if is_answered(task) and (answer := self._answers.get(task.plain_ref) or self._answers.get(task.name)):
            return answer.status, answer.output, None
        is_simulated = not worker.wants(task)
        with worker.within(WITHIN_MS):
            result = worker.work(task)
        made_up = self._expected.get(task.plain_ref, {}) if is_simulated else {}
        return result.status, {**made_up, **result.output}, result.reason

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
        self.changed, self.completed = [], []
        for state in self._execution.executions():
            self._compare_variables(state)
            if state.status not in TERMINAL_WORKFLOW:
                self._open_before.add(state.workflow_id)
            elif state.workflow_id in self._open_before:
                self._open_before.discard(state.workflow_id)
                self.completed.append(state)
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

    def _compare_variables(self, state: ExecutionState) -> None:
        before, now = self._variables.get(state.workflow_id, {}), dict(state.variables)
        self.changed += [(state, key) for key, value in now.items() if key not in before or before[key] != value]
        self._variables[state.workflow_id] = now

    def place(self, state: ExecutionState, name: str) -> str:
        """Return a ref, or the name of a variable, with the execution it is of."""
        return f"{self.path(state)}{name}"

    def name(self, task: TaskState) -> str:
        """Return what the next end of a task is called."""
        again = f"@{worked + 1}" if (worked := self._worked.get(id(task), 0)) else ""
        attempt = f"#{task.attempt + 1}" if task.attempt else ""
        return f"{self.path(task.execution)}{task.ref}{attempt}{again}"

    def path(self, state: ExecutionState) -> str:
        """Return the refs that lead to an execution from the first one."""
        if (known := self._paths.get(state.workflow_id)) is None:
            known = self._paths[state.workflow_id] = self._found(state)
        return known

    def _found(self, state: ExecutionState) -> str:
        executions = self._execution.executions()
        for other in executions:
            for task in other.tasks:
                if state.workflow_id in (task.sub_id, task.output.get("workflowId")):
                    return f"{self.path(other)}{task.ref}/"
        alike = [each.workflow_id for each in executions if each.definition.name == state.definition.name]
        number = alike.index(state.workflow_id)
        return f"{state.definition.name}{f' {number + 1}' if number else ''}/"


def is_answered(task: TaskState) -> bool:
    """Tell whether it is ended by an answer from outside, not by a worker."""
    return task.type in ASKED_TYPES


def is_in_hand(task: TaskState) -> bool:
    """Tell whether a task could end next: a worker has it, or an answer is waited for."""
    return (task.status in OPEN_TASK and task.type not in SYSTEM_TASK_TYPES) or waits_for_answer(task)
