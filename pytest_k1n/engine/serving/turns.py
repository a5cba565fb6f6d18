"""Turns at a served engine: one piece of its work at a time, which may pause while the event loop goes on.

The engine is written straight on: an evaluation that needs a script's value waits for it in the middle of a call.
Served, such a call runs on a stack of its own (a greenlet); where it would wait it pauses, the loop answers other
requests, and the call goes on when what it waited for is there. Who wants a turn meanwhile waits in line, so that the
engine sees one caller at a time, in order, as ever; what only reads it needs no turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from greenlet import getcurrent, greenlet

from pytest_k1n.engine.language.sandbox import wait

T = TypeVar("T")
GRACE_S: Final = 0.002
"""How long a script is waited for in place: nearly every one is done by then."""
BREATH_S: Final = 0.02
"""How long the engine may work without a pause."""


class Stopping(BaseException):
    """The engine is being stopped: whatever is under way ends here."""


class _Pause:
    __slots__ = ("awaited",)

    def __init__(self, awaited: Callable[[], Awaitable[Any]]) -> None:
        self.awaited = awaited


class _End:
    """Made once a request, hence no dataclass: one that is frozen costs four times as much."""

    __slots__ = ("error", "result")

    def __init__(self, result: Any = None, error: BaseException | None = None) -> None:
        self.result = result
        self.error = error


class Turns:
    """Gives turns; belongs to the event loop that is running when it is made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._line: deque[asyncio.Future[None]] = deque()
        self._readers: set[greenlet] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._home = getcurrent()
        self._strand = greenlet(self._work)
        self._strand.switch()
        self._since = 0.0
        self.is_taken = False
        """Whether a call has a turn: after a call has returned, only if it paused."""

    async def run(self, work: Callable[[], T]) -> T:
        """Do a piece of work in a turn and return what it returns. Raises what it raises, or Stopping."""
        if self.is_taken:
            await self._come()
        self.is_taken = True
        state = self._begin(work)
        if isinstance(state, _Pause):
            state = await self._finish(state)
        else:
            self._pass_on()
        if state.error is not None:
            raise state.error
        result: T = state.result
        return result

    async def read(self, work: Callable[[], T]) -> T:
        """Do a piece of work that only reads, for long perhaps: without a turn, beside the call that has one."""
        reader = greenlet(lambda: _outcome(work))
        self._readers.add(reader)
        self._since = self._loop.time()
        try:
            state = reader.switch()
            while isinstance(state, _Pause):
                await state.awaited()
                self._since = self._loop.time()
                state = reader.switch()
        finally:
            self._readers.discard(reader)
        if state.error is not None:
            raise state.error
        result: T = state.result
        return result

    def call(self, work: Callable[[], object]) -> None:
        """Have a piece of work done in a turn: before this returns, if no other call has one and it does not pause."""
        if not self.is_taken:
            self.is_taken = True
            state = self._begin(work)
            if isinstance(state, _End):
                self._pass_on()
                if state.error is not None:
                    raise state.error
                return
            rest: Awaitable[object] = self._finish(state)
        else:
            rest = self.run(work)
        task = self._loop.create_task(_quietly(rest))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def readable(self, descriptor: int, timeout_s: float) -> bool:
        """Wait until a descriptor can be read, for so long at most; pause meanwhile."""
        if wait(descriptor, min(GRACE_S, timeout_s)):
            return True
        if getcurrent() is not self._strand:
            return wait(descriptor, timeout_s)
        found: bool = self._pause(lambda: self._until_readable(descriptor, timeout_s))
        return found

    def breathe(self) -> None:
        """Pause for others' sake, if the work has gone on for long."""
        if self._loop.time() - self._since > BREATH_S and self._may_pause():
            self._pause(lambda: asyncio.sleep(0))

    def _may_pause(self) -> bool:
        current = getcurrent()
        return current is self._strand or current in self._readers

    def close(self) -> None:
        """End what is under way."""
        if not self._closed.done():
            self._closed.set_result(None)

    def _work(self) -> None:
        state = _End()
        while True:
            state = _outcome(self._home.switch(state))

    def _begin(self, work: Callable[[], object]) -> _Pause | _End:
        self._since = self._loop.time()
        state: _Pause | _End = self._strand.switch(work)
        return state

    def _pause(self, awaited: Callable[[], Awaitable[Any]]) -> Any:
        value = self._home.switch(_Pause(awaited))
        self._since = self._loop.time()
        return value

    async def _finish(self, state: _Pause | _End) -> _End:
        """Go on until the end of a piece of work that has begun."""
        try:
            while isinstance(state, _Pause):
                awaited = asyncio.ensure_future(state.awaited())
                try:
                    await asyncio.wait((awaited, self._closed), return_when=asyncio.FIRST_COMPLETED)
                except BaseException as error:
                    awaited.cancel()
                    state = self._strand.throw(error)
                    continue
                if self._closed.done():
                    awaited.cancel()
                    state = self._strand.throw(Stopping())
                else:
                    state = self._strand.switch(awaited.result())
        finally:
            self._pass_on()
        return state

    async def _until_readable(self, descriptor: int, timeout_s: float) -> bool:
        found = self._loop.create_future()

        def note() -> None:
            if not found.done():
                found.set_result(None)

        self._loop.add_reader(descriptor, note)
        try:
            done, _ = await asyncio.wait((found,), timeout=timeout_s)
            return bool(done)
        finally:
            self._loop.remove_reader(descriptor)

    async def _come(self) -> None:
        """Wait in line for a turn."""
        place = self._loop.create_future()
        self._line.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._pass_on()  # it was this one's turn already
            raise

    def _pass_on(self) -> None:
        while self._line:
            place = self._line.popleft()
            if not place.done():
                place.set_result(None)
                return
        self.is_taken = False


def _outcome(work: Callable[[], object]) -> _End:
    try:
        return _End(work())
    except BaseException as error:
        return _End(error=error)


async def _quietly(rest: Awaitable[object]) -> None:
    try:
        state = await rest
    except Stopping:
        return
    if isinstance(state, _End) and state.error is not None and not isinstance(state.error, Stopping):
        raise state.error
