"""Moving a served engine's clock: to the next event when time is virtual and nothing holds it, else with the wall."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.runtime.clock import ElasticClock, ScaledClock
from pytest_k1n.engine.runtime.guards import Stuck
from pytest_k1n.engine.serving.quiescence import Hold, Holder, Quiescence

SETTLE_MS = 10
"""How long nothing must have happened before time jumps: a client that acts may not be done acting."""
LOOK_MS = 50
"""How often holders are looked at that end by the mere passing of real time."""
_STEPS = 200
"""Events in a row before requests get their turn."""
_BRIEF = (Hold.QUEUE, Hold.PROMISE, Hold.REQUEST)
"""Holders that a move on request waits for: workers get what comes up on the way."""


class Timer(Protocol):
    """What `call_later` returns."""

    def cancel(self) -> None: ...


CallLater = Callable[[float, Callable[[], Any]], Timer]


class Pacer:
    """Does what is due, and decides when more becomes due; `moved` is called whenever something was done."""

    def __init__(
        self,
        engine: Engine,
        quiescence: Quiescence,
        *,
        call_later: CallLater,
        wall_ms: Callable[[], int],
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._quiescence = quiescence
        self._call_later = call_later
        self._wall_ms = wall_ms
        self._moved = moved
        self._timer: Timer | None = None
        self._armed_ms = 0
        self._asked_ms: int | None = None
        self.stuck: str | None = None
        """Why time does not move any more by itself, though nothing holds it."""

    @property
    def is_moving(self) -> bool:
        """Whether a move on request is under way."""
        return self._asked_ms is not None

    def holders(self) -> list[Holder]:
        """Return what holds the clock: nothing does where it runs with the wall."""
        return [] if isinstance(self._engine.clock, ScaledClock) else self._quiescence.holders()

    def catch_up(self) -> None:
        """Do what is due by now: before a request is answered, that has already happened."""
        engine = self._engine
        engine.tick()
        done = False
        while (following := engine.next_event_ms()) is not None and following <= engine.clock.now_ms():
            engine.step()
            done = True
        if done:
            self._moved()

    def move_to(self, instant_ms: int) -> None:
        """Let time pass up to an instant, also while workers work."""
        self._asked_ms = instant_ms
        self.stuck = None
        self._arm(0)

    def changed(self) -> None:
        """Take note that something happened: another event may be the next one now, time may run or stand."""
        clock = self._engine.clock
        if isinstance(clock, ElasticClock):
            self._pace(clock, self._quiescence.is_work_on)
            self._arm(SETTLE_MS)
        elif isinstance(clock, ScaledClock):
            self._wait_for_next(clock)
        elif self.is_moving:
            self._arm(SETTLE_MS)

    def look(self) -> None:
        """Go as far as time may."""
        self._timer = None
        self.catch_up()
        clock = self._engine.clock
        if isinstance(clock, ScaledClock):
            self._wait_for_next(clock)
        elif isinstance(clock, ElasticClock) or self.is_moving:
            self._jump()

    def close(self) -> None:
        """Move no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _jump(self) -> None:
        """Jump from event to event until something holds the clock."""
        engine = self._engine
        for _ in range(_STEPS):
            if self._is_held():
                return
            following = engine.next_event_ms()
            if self._asked_ms is not None and (following is None or following > self._asked_ms):
                self._arrive(self._asked_ms)
                return
            if following is None or (self.stuck and not self.is_moving):
                return
            try:
                engine.step()
            except Stuck as stuck:
                self.stuck = str(stuck)
                self._asked_ms = None
                self._moved()
                return
            self._moved()
        self._arm(0)

    def _is_held(self) -> bool:
        """Tell whether time must not jump now; then the pacer looks again when that may have changed."""
        for instant_ms in self._quiescence.broken_promises():
            self._engine.advance_to(max(instant_ms, self._engine.now_ms))
        holders = self._quiescence.holders()
        if self.is_moving:
            holders = [holder for holder in holders if holder.hold in _BRIEF]
        runs = any(holder.runs for holder in holders)
        clock = self._engine.clock
        if isinstance(clock, ElasticClock):
            self._pace(clock, runs)
        if holders:
            following = self._engine.next_event_ms() if runs else None
            due_ms = LOOK_MS if following is None else max(0, following - clock.now_ms())
            self._arm(min(LOOK_MS, due_ms))
            return True
        quiet_ms = self._wall_ms() - self._quiescence.quiet_since_ms
        if quiet_ms < SETTLE_MS and not self.is_moving:
            self._arm(SETTLE_MS - quiet_ms)
            return True
        return False

    def _arrive(self, instant_ms: int) -> None:
        self._engine.clock.move_to(max(instant_ms, self._engine.clock.now_ms()))
        self._engine.tick()
        self._asked_ms = None
        self._moved()
        self._arm(SETTLE_MS)

    @staticmethod
    def _pace(clock: ElasticClock, runs: bool) -> None:
        if runs:
            clock.run()
        else:
            clock.stand()

    def _wait_for_next(self, clock: ScaledClock) -> None:
        following = self._engine.next_event_ms()
        if following is not None:
            self._arm(clock.wall_s_until(following) * 1000)

    def _arm(self, in_ms: float) -> None:
        """See to it that `look` is called by then."""
        at_ms = self._wall_ms() + in_ms
        if self._timer is not None:
            if self._armed_ms <= at_ms:
                return
            self._timer.cancel()
        self._armed_ms = int(at_ms)
        self._timer = self._call_later(in_ms / 1000, self.look)
