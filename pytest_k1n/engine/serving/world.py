"""One engine with what serves it: its clock's pacer, the requests that wait for it, its routes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.rest.router import Routes
from pytest_k1n.engine.runtime.clock import monotonic_ms
from pytest_k1n.engine.serving.clock_control import Control
from pytest_k1n.engine.serving.outgoing import Outgoing
from pytest_k1n.engine.serving.pacing import Pacer
from pytest_k1n.engine.serving.parking import Parking
from pytest_k1n.engine.serving.quiescence import Quiescence
from pytest_k1n.engine.serving.turns import Turns

ABANDONED_S: Final = 60.0
"""A world beside the common one that no request has named for so long is closed once all in it has ended."""


class World:
    """Executions, queues and a clock of their own; make it inside the event loop that will serve it."""

    def __init__(
        self,
        engine: Engine,
        turns: Turns,
        outgoing: Outgoing,
        *,
        stands: bool = False,
        declarers: set[str] | None = None,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        """`stands`: time passes only when asked to; `ready` is called when something has come or changed."""
        self._loop = loop = asyncio.get_running_loop()
        self.engine = engine
        self._asked_s = loop.time()
        self._turns = turns
        self._outgoing = outgoing
        self._ready = ready
        self.quiescence = Quiescence(engine, wall_ms=monotonic_ms, declarers=declarers)
        self.pacer = Pacer(
            engine,
            self.quiescence,
            call_later=lambda delay_s, work: loop.call_later(delay_s, turns.call, work),
            wall_ms=monotonic_ms,
            moved=self._moved,
            stands=stands,
        )
        self.parking = Parking(refresh=self.pacer.catch_up, turn=turns.run)
        self.routes = Routes(engine)
        self.control = Control(engine, self.pacer, self.quiescence)
        engine.dispatcher.on_ready = self.parking.wake
        engine.on_poll = self.quiescence.polled
        if not stands:  # there, as in process, work takes what is declared
            engine.worked_ms = self.quiescence.worked_ms
        engine.system_runs.offload = self._offload
        engine.scripts.readable = turns.readable
        engine.guards.breathe = turns.breathe

    def asked(self) -> None:
        """Take note that a client has named it."""
        self._asked_s = self._loop.time()

    @property
    def is_abandoned(self) -> bool:
        """Whether no client has named it for long."""
        return self._loop.time() - self._asked_s > ABANDONED_S

    def changed(self, *, acted: bool) -> None:
        """Take note of a request that has been answered; `acted`: it may have changed something."""
        if acted:
            self.quiescence.acted()
        self.pacer.changed()
        self._moved()

    def close(self) -> None:
        """Answer all parked requests and stop the clock."""
        self.pacer.close()
        self.parking.close()

    def _moved(self) -> None:
        self.parking.changed()
        self._ready()

    def _offload(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        number = self.quiescence.call_begins()

        def end(result: Any) -> None:
            self.quiescence.call_ends(number)
            self.pacer.catch_up()
            done(result)
            self.changed(acted=True)

        self._outgoing.submit(work, lambda result: self._turns.call(lambda: end(result)))
