"""When the time of an execution is up: one event on the agenda for each, moved as its timeouts move."""

from __future__ import annotations

from typing import Final

from pytest_k1n.engine.decide import timeouts
from pytest_k1n.engine.runtime.agenda import DEADLINE, Agenda
from pytest_k1n.engine.runtime.ports import Evaluator
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import TERMINAL_WORKFLOW

Timer = tuple[ExecutionState, int]
MOST_VOID: Final = 1_000


class Deadlines:
    """Has each execution evaluated at the earliest instant at which one of its timeouts may strike."""

    def __init__(self, engine: Evaluator, agenda: Agenda) -> None:
        self._engine = engine
        self._agenda = agenda
        self._void = 0

    def forget(self, execution: ExecutionState) -> None:
        """Let go of an execution that has ended or is removed; most deadlines are asked for an hour ahead, and void."""
        if execution.timer_ms:
            execution.timer_ms = 0
            self._void += 1
        if self._void > MOST_VOID and self._void > len(self._agenda) // 2:
            self._agenda.sift(lambda priority, timer: priority != DEADLINE or timer[0].timer_ms == timer[1])
            self._void = 0

    def note_task(self, task: TaskState) -> None:
        """Take note that the time of an open task may be up earlier than before."""
        if timeouts.await_due(task, self._engine.now_ms):
            self.note(task.execution)

    def note(self, execution: ExecutionState) -> None:
        """Take note that an execution may have an earlier deadline than before."""
        due_ms = timeouts.next_due_ms(execution)
        if due_ms != timeouts.NEVER and (execution.timer_ms == 0 or due_ms < execution.timer_ms):
            execution.timer_ms = due_ms
            self._agenda.at(due_ms, DEADLINE, self._strike, (execution, due_ms))

    def stands(self, timer: Timer, instant_ms: int) -> bool:
        """Tell whether a deadline still stands; one that moved is asked for anew, without time having passed."""
        execution, due_ms = timer
        if execution.timer_ms != due_ms:
            return False
        execution.timer_ms = 0
        if execution.status in TERMINAL_WORKFLOW:
            return False
        if self._engine.executions.get(execution.workflow_id) is not execution:
            return False
        if timeouts.next_due_ms(execution) > instant_ms:
            self.note(execution)
            return False
        return True

    def keep(self, timer: Timer) -> None:
        """Take back that a deadline was asked for: it still lies ahead."""
        execution, due_ms = timer
        execution.timer_ms = due_ms

    def next(self) -> ExecutionState | None:
        """Return the execution whose time is up at the next event; None if that event is something else."""
        following = self._agenda.first()
        if following is None or following[1] != DEADLINE:
            return None
        instant_ms, (execution, due_ms) = following[0], following[2]
        is_current = execution.timer_ms == due_ms and execution.status not in TERMINAL_WORKFLOW
        return execution if is_current and timeouts.next_due_ms(execution) <= instant_ms else None

    def _strike(self, timer: Timer) -> None:
        self._engine.decide(timer[0], ())
