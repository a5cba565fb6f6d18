"""How an engine's time passes: event by event, and only when it is asked to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_k1n.engine.runtime.agenda import DEADLINE, WAKE, Agenda
from pytest_k1n.engine.runtime.clock import Clock
from pytest_k1n.engine.runtime.collecting import OnlyYoung
from pytest_k1n.engine.runtime.deadlines import Deadlines
from pytest_k1n.engine.runtime.guards import Guards, Stuck
from pytest_k1n.engine.runtime.outside import waits_outside
from pytest_k1n.engine.state import ExecutionState
from pytest_k1n.engine.status import TERMINAL_WORKFLOW


class PassingTime:
    """The part of the engine that takes what is on the agenda when its instant has come."""

    clock: Clock
    now_ms: int
    guards: Guards
    executions: dict[str, ExecutionState]
    _agenda: Agenda
    _deadlines: Deadlines

    def tick(self) -> int:
        """Read the clock: all that one request or one event does happens at the instant read here."""
        self.now_ms = self.clock.now_ms()
        return self.now_ms

    def settle(self) -> None:
        """Do everything that follows at this instant."""
        self._agenda.settle()

    def run_until(self, is_reached: Callable[[], bool], *, horizon_ms: int | None = None) -> bool:
        """Let time pass, event by event, until something holds; tell whether it came to hold.

        False when nothing more can happen, or the next event lies after `horizon_ms` (an instant). Raises Stuck when
        the clock jumps on and on without anything changing.
        """
        agenda = self._agenda
        with OnlyYoung():
            agenda.settle()
            while not is_reached():
                instant_ms = agenda.next_ms()
                if instant_ms is None or (horizon_ms is not None and instant_ms > horizon_ms):
                    return False
                self.step()
        return True

    def step(self) -> None:
        """Jump to the next event and do it. Raises Stuck."""
        instant_ms, priority, action, subject = self._agenda.pop()
        if priority == DEADLINE and not self._deadlines.stands(subject, instant_ms):
            return
        now_ms = self.now_ms
        if instant_ms > now_ms:
            if self.clock.jumps:
                try:
                    self.guards.jump(instant_ms - now_ms, self.diagnosis)
                except Stuck:
                    self._put_back(instant_ms, priority, action, subject)
                    raise
            self.clock.move_to(instant_ms)
        self.now_ms = max(now_ms, instant_ms) if self.clock.jumps else max(self.clock.now_ms(), instant_ms)
        action(subject)
        self._agenda.settle()

    def _put_back(self, instant_ms: int, priority: int, action: Callable[[Any], None], subject: Any) -> None:
        """Keep an event that did not come about: a clock that is moved on later must still find it."""
        if priority == DEADLINE:
            self._deadlines.keep(subject)
        self._agenda.at(instant_ms, priority, action, subject)

    def advance(self, duration_ms: int) -> None:
        """Let a duration pass, with everything that happens in it."""
        if duration_ms < 0:
            raise ValueError(f"time cannot go back by {-duration_ms} ms")
        self.advance_to(self.now_ms + duration_ms)

    def advance_to(self, instant_ms: int) -> None:
        """Let time pass up to an instant, with everything that happens before and at it."""
        self._agenda.settle()
        while (following := self._agenda.next_ms()) is not None and following <= instant_ms:
            self.step()
        if instant_ms > self.clock.now_ms():
            self.clock.move_to(instant_ms)
        self.tick()

    def drain(self) -> None:
        """Let time pass until nothing more can happen by itself."""
        self.run_until(lambda: False)

    def next_event_ms(self) -> int | None:
        """Return when something will happen by itself, or None."""
        return self._agenda.next_ms()

    def call_at(self, instant_ms: int, action: Callable[[], None]) -> None:
        """Have a caller act at an instant to come; it counts before a time limit of the same instant."""
        self._agenda.at(max(instant_ms, self.now_ms), WAKE, lambda _: action(), None)

    def needs_outside(self) -> bool:
        """Tell whether the next event is a timeout of an execution that only a caller could save from it."""
        execution = self._deadlines.next()
        return execution is not None and waits_outside(execution, self.executions, self.now_ms) is not None

    def next_deadline(self) -> ExecutionState | None:
        """Return the execution whose time is up at the next event; None if that event is something else."""
        return self._deadlines.next()

    def diagnosis(self) -> str:
        """Say what every open execution waits for."""
        lines = []
        for execution in self.executions.values():
            if execution.status in TERMINAL_WORKFLOW:
                continue
            waiting = ", ".join(f"{task.ref} {task.status}" for task in execution.live) or "nothing"
            lines.append(f"{execution.definition.name} {execution.workflow_id} {execution.status}: {waiting}")
        return "; ".join(lines) or "no open execution"
