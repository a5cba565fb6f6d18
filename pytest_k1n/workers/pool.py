"""Daemon threads that run handlers: grown on demand, reused, never in the way of the process's end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class Pool:
    """A handler that never returns must not keep its worker alive, hence no ThreadPoolExecutor."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._idle = 0
        self._size = 0
        self._lock = threading.Lock()

    def submit(self, job: Callable[[], None]) -> None:
        """Run a job, which must not raise, on the next free thread."""
        with self._lock:
            grow = self._idle == 0
            if grow:
                self._size += 1
                number = self._size
            else:
                self._idle -= 1
        self._jobs.put(job)
        if grow:
            threading.Thread(target=self._run, name=f"{self._name}-{number}", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._jobs.get()()
            with self._lock:
                self._idle += 1
