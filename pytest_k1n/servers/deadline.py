"""The real time that an engine may take: what is still at work when it is over ends with a TimeoutError."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final

from pytest_k1n.core.units import format_ms
from pytest_k1n.engine.language import sandbox
from pytest_k1n.engine.state import ExecutionState
from pytest_k1n.servers.embedded import EmbeddedEngine
from pytest_k1n.servers.unended import what_goes_on

_LOOK_EVERY: Final = 64
"""Events between two looks at the real clock, which is a tenth of what an event costs."""


class Deadline:
    """Ends what an engine does once its real time is over, wherever that is: at an event, in a handler, a round of a
    loop, a script.

    A context manager: what it hangs into the engine is there only within. Not reentrant.
    """

    def __init__(self, embedded: EmbeddedEngine, within_ms: int) -> None:
        self._embedded = embedded
        self._within_ms = within_ms
        self._at_s = time.monotonic() + within_ms / 1000
        self._events = 0
        self._release: Callable[[], None] = lambda: None

    def __enter__(self) -> Deadline:
        worker, engine = self._embedded.worker, self._embedded.engine
        before = worker.on_work, worker.on_late, engine.guards.breathe, engine.scripts.readable

        def release() -> None:
            worker.on_work, worker.on_late, engine.guards.breathe, engine.scripts.readable = before

        worker.on_work, worker.on_late = self.look, self.give_up
        engine.guards.breathe, engine.scripts.readable = self.check, self._readable
        self._release = release
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._release()

    def look(self) -> None:
        """Check now and then: this is called at every event."""
        self._events += 1
        if self._events % _LOOK_EVERY == 0:
            self.check()

    def check(self) -> None:
        """Raise TimeoutError if the time is over."""
        if time.monotonic() > self._at_s:
            self.give_up()

    def give_up(self) -> None:
        """Raise the TimeoutError."""
        raise overdue(list(self._embedded.engine.executions.values()), self._embedded.engine.now_ms, self._within_ms)

    def _readable(self, descriptor: int, timeout_s: float) -> bool:
        """Wait for a script, no longer than the time lasts."""
        left_s = max(0.0, self._at_s - time.monotonic())
        is_there = sandbox.wait(descriptor, min(timeout_s, left_s))
        if not is_there and left_s < timeout_s:
            self.give_up()
        return is_there


def overdue(executions: Sequence[ExecutionState], now_ms: int, within_ms: int) -> TimeoutError:
    """Make the error that so much real time is over; it names what goes on and on in the first execution or others."""
    first = executions[0]
    return TimeoutError(
        f"{first.definition.name} has not ended within {within_ms / 1000:g}s of real time, after "
        f"{format_ms(now_ms - first.created_ms)} of virtual time: {what_goes_on(executions)}"
    )
