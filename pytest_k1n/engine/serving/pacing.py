"""Moving a served engine's clock: to the next event when time is virtual and nothing holds it, else with the wall."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.runtime.clock import ElasticClock, ScaledClock
from pytest_k1n.engine.runtime.guards import Stuck
from pytest_k1n.engine.serving.moves import Arrival, ClockMove
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
        stands: bool = False,
    ) -> None:
        """`stands`: time passes only while a move is under way."""
        self._engine = engine
        self._quiescence = quiescence
        self._call_later = call_later
        self._wall_ms = wall_ms
        self._moved = moved
        self._timer: Timer | None = None
        self._armed_ms = 0
        self._stands = stands
        self._move: ClockMove | None = None
        self.arrival: Arrival | None = None
        """How the last move has ended."""
        self.stuck: str | None = None
        """Why time does not move by itself to the next event, though nothing holds it."""
        self._refused_ms = 0
        """That event's instant: to one that comes before it, time does move."""

    @property
    def is_moving(self) -> bool:
        """Whether a move on request is under way."""
        return self._move is not None

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

    def move(self, move: ClockMove) -> None:
        """Let time pass; a move that was under way ends where it is."""
        self._move = move
        self.stuck = None
        self._arm(0)

    def give_up(self, move: ClockMove) -> None:
        """End a move whose client waits for it no longer."""
        if self._move is move:
            self._end(Arrival.IDLE)

    def changed(self) -> None:
        """Take note that something happened: another event may be the next one now, time may run or stand."""
        clock = self._engine.clock
        if isinstance(clock, ScaledClock):
            self._wait_for_next(clock)
            return
        if isinstance(clock, ElasticClock):
            self._pace(clock, runs=not self._rests and self._is_work_on())
        if self.is_moving or (isinstance(clock, ElasticClock) and not self._stands):
            self._arm(0 if self._move and self._move.goes_by_itself else SETTLE_MS)

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

    @property
    def _rests(self) -> bool:
        """Whether the clock stands whatever happens."""
        return self._stands and self._move is None

    def _jump(self) -> None:
        """Jump from event to event until something holds the clock."""
        engine = self._engine
        for _ in range(_STEPS):
            if self._rests or self._has_arrived() or self._is_held():
                return
            move, following = self._move, engine.next_event_ms()
            if move and move.until_ms is not None and (following is None or following > move.until_ms):
                self._arrive(move.until_ms)
                return
            if following is None or (self.stuck and not move and following >= self._refused_ms):
                if move:
                    self._end(Arrival.IDLE)
                return
            self.stuck = None
            try:
                engine.step()
            except Stuck as stuck:
                self.stuck, self._refused_ms = str(stuck), following
                self._end(Arrival.STUCK)
                return
            self._moved()
        self._arm(0)

    def _has_arrived(self) -> bool:
        """End a move that goes by itself where what it waits for has come, or somebody has to look who is not there."""
        move = self._move
        if move is None or move.is_reached is None:
            return False
        if move.is_reached():
            self._end(Arrival.REACHED)
            return True
        fresh = (key for key, task in self._engine.deliverable() if task.task_id not in move.seen)
        if any(not self._quiescence.is_served(key) for key in fresh):
            self._end(Arrival.TASK)
            return True
        return False

    def _end(self, arrival: Arrival) -> None:
        self._move, self.arrival = None, arrival
        clock = self._engine.clock
        if self._stands and isinstance(clock, ElasticClock):
            clock.stand()
        self._moved()

    def _holders(self) -> list[Holder]:
        """Return what holds the clock, as far as the move under way waits for it."""
        holders, move = self._quiescence.holders(), self._move
        if move is None:
            return holders
        if not move.goes_by_itself:
            return [holder for holder in holders if holder.hold in _BRIEF]
        return [
            holder
            for holder in holders
            if holder.hold is not Hold.WORK or not any(task_id in holder.what for task_id in move.aside)
        ]

    def _is_work_on(self) -> bool:
        if self._move and self._move.goes_by_itself:
            return any(holder.runs for holder in self._holders() if holder.hold is not Hold.PERSON)
        return self._quiescence.is_work_on

    def _is_held(self) -> bool:
        """Tell whether time must not jump now; then the pacer looks again when that may have changed."""
        for instant_ms in self._quiescence.broken_promises():
            self._engine.advance_to(max(instant_ms, self._engine.now_ms))
        holders = self._holders()
        move = self._move
        if move and move.goes_by_itself and holders and all(each.hold is Hold.PERSON for each in holders):
            self._stop_before_limit(move)
            return True
        runs = any(holder.runs for holder in holders)
        clock = self._engine.clock
        if isinstance(clock, ElasticClock):
            self._pace(clock, runs=runs)
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

    def _stop_before_limit(self, move: ClockMove) -> None:
        """End a move where a time limit comes next; the instant that was asked for may come before it."""
        following = self._engine.next_event_ms()
        if move.until_ms is not None and (following is None or following > move.until_ms):
            self._arrive(move.until_ms)
        else:
            self._end(Arrival.LIMIT)

    def _arrive(self, instant_ms: int) -> None:
        self._engine.clock.move_to(max(instant_ms, self._engine.clock.now_ms()))
        self._engine.tick()
        self._end(Arrival.INSTANT)
        self._arm(SETTLE_MS)

    @staticmethod
    def _pace(clock: ElasticClock, *, runs: bool) -> None:
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
