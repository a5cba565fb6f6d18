"""Requests that wait for something to happen: parked without a thread, woken at once, bounded in real time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from pytest_k1n.engine.rest.request import Reply, Waiting
from pytest_k1n.engine.rest.router import guarded
from pytest_k1n.engine.runtime.queues import QueueKey

Turn = Callable[[Callable[[], Reply | None]], Awaitable[Reply | None]]


async def at_once(work: Callable[[], Reply | None]) -> Reply | None:
    """Do a piece of work without waiting for a turn."""
    return work()


class Parking:
    """The parked requests of one event loop; a delivery wakes the one that has waited longest for its queue."""

    def __init__(self, *, refresh: Callable[[], None] = lambda: None, turn: Turn = at_once) -> None:
        """`refresh` is called before a parked request looks again, in the same `turn`: it does what has come due."""
        self._refresh = refresh
        self._turn = turn
        self._lines: dict[QueueKey, deque[asyncio.Future[bool]]] = {}
        self._others: dict[asyncio.Future[bool], Waiting] = {}
        self._is_closed = False

    def __len__(self) -> int:
        return sum(map(len, self._lines.values())) + len(self._others)

    def wake(self, key: QueueKey) -> None:
        """Have the first in the line of a queue look again."""
        line = self._lines.get(key)
        while line:
            if not (place := line.popleft()).done():
                place.set_result(True)
                return

    def changed(self) -> None:
        """Have all parked requests look again that wait for something else than a queue."""
        for place in self._others:
            if not place.done():
                place.set_result(True)

    def close(self) -> None:
        """Answer every parked request with what it would get at the end of their time, from now on too."""
        self._is_closed = True
        for place in [*self._others, *(place for line in self._lines.values() for place in line)]:
            if not place.done():
                place.set_result(False)

    async def answer(self, waiting: Waiting, gone: Callable[[], Awaitable[object]]) -> Reply | None:
        """Wait until an answer can be given or the time is up; None once `gone` returns: the client has left."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + waiting.timeout_ms / 1000
        departure = asyncio.ensure_future(gone())
        try:
            while not self._is_closed and (left_s := deadline - loop.time()) > 0:
                woken = await self._woken(waiting, departure, left_s)
                if departure.done():
                    if woken and waiting.key is not None:
                        self.wake(waiting.key)  # what came was not for the one that left
                    return None
                if woken and (reply := await self._turn(lambda: self._look(waiting))) is not None:
                    return reply
        finally:
            departure.cancel()
        return await self._turn(lambda: guarded(waiting.otherwise))

    def _look(self, waiting: Waiting) -> Reply | None:
        self._refresh()
        return guarded(waiting.attempt)

    async def _woken(self, waiting: Waiting, departure: asyncio.Future[object], within_s: float) -> bool:
        """Wait in line; tell whether there is reason to look again."""
        place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        line = self._lines.setdefault(waiting.key, deque()) if waiting.key is not None else None
        if line is None:
            self._others[place] = waiting
        else:
            line.append(place)
        try:
            await asyncio.wait((place, departure), timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            return place.done() and place.result()
        finally:
            place.cancel()
            if line is None:
                self._others.pop(place, None)
            elif waiting.key is not None:
                if place in line:
                    line.remove(place)
                if not line:
                    self._lines.pop(waiting.key, None)
