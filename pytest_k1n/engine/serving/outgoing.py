"""Outgoing calls of HTTP tasks: on threads of their own, so that one may call this very engine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

MOST_THREADS = 32

_Job = tuple[Callable[[], Any], Callable[[Any], None]]


class Outgoing:
    """Daemon threads, grown on demand: a call that never returns must not keep the process from ending."""

    def __init__(self, back: Callable[[Callable[[], None]], object]) -> None:
        """`back` runs something on the engine's thread, as `loop.call_soon_threadsafe` does."""
        self._back = back
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._threads = 0
        self._open = 0

    def submit(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Do the work on some thread, then hand its result to `done` on the engine's; call it from there only."""
        self._open += 1
        self._jobs.put((work, done))
        if self._open > self._threads < MOST_THREADS:
            self._threads += 1
            threading.Thread(target=self._run, name=f"k1n-outgoing-{self._threads}", daemon=True).start()

    def _run(self) -> None:
        while True:
            work, done = self._jobs.get()
            result = work()
            self._back(lambda result=result, done=done: self._end(result, done))  # type: ignore[misc]

    def _end(self, result: Any, done: Callable[[Any], None]) -> None:
        self._open -= 1
        done(result)
