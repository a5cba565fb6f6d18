"""A worker in a thread of this process, for commands and tests that serve tasks beside what they do themselves."""

from __future__ import annotations

import threading
from typing import Final

from pytest_k1n.workers.worker import Worker

_END_WITHIN_S: Final = 10.0


class WorkerThread:
    """Runs a worker from now on, until closed."""

    def __init__(self, worker: Worker, *, name: str) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=worker.run, args=(self._stop,), name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Have the worker stop, and wait for its thread, ten seconds at most."""
        self._stop.set()
        self._thread.join(_END_WITHIN_S)
