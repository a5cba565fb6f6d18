"""A trap on the wire: waits for one phase of one task, strikes once, and notes that it has."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from random import Random

from pytest_k1n.chaos.faults import Injection
from pytest_k1n.chaos.proxy import Asked, Deed
from pytest_k1n.core.http import HttpResponse
from pytest_k1n.core.text import from_json

_LATENCY_S = (0.01, 0.08)
_ON_THE_WIRE = {
    "response-dropped": Deed.DROP,
    "connection-reset": Deed.RESET,
    "request-duplicated": Deed.TWICE,
    "half-open": Deed.HOLD,
}


class Trap:
    """Lets everything pass until the phase of the task comes that it waits for; then the fault happens, once."""

    def __init__(self, injection: Injection | None, strike: Callable[[], None], *, work_s: float = 0.0) -> None:
        """`strike` does to a process what the fault is; `work_s` says when a task in hand is half done."""
        self.sprung = threading.Event()
        self.is_over = False
        """Whether what goes on (latency) has to stop."""
        self._injection = injection
        self._strike = strike
        self._work_s = work_s
        self._random = Random(injection.seed if injection else 0)
        self._lock = threading.Lock()
        self._ids: set[str] = set()
        """Attempts of the task that have been delivered."""

    def asked(self, request: Asked) -> Deed:
        """Strike at a result that is on its way to the server, unless the server is to have it first."""
        self._delay()
        injection = self._injection
        if injection is None or not self._is_result(request) or injection.phase != "report":
            return Deed.PASS
        if injection.kind in ("response-dropped", "server-killed"):
            return Deed.PASS  # the server commits first: `answered` strikes
        return self._spring()

    def answered(self, request: Asked, response: HttpResponse) -> Deed:
        """Strike at a delivery, at work that has just begun, or at the answer to a result."""
        injection = self._injection
        if injection is None:
            return Deed.PASS
        if self._delivers(request, response):
            if injection.phase == "delivery":
                return self._spring()
            if injection.phase == "work" and self._claim():
                threading.Timer(self._work_s / 2, self._strike).start()
        elif injection.phase == "report" and self._is_result(request):
            return self._spring()
        return Deed.PASS

    def _spring(self) -> Deed:
        if not self._claim():
            return Deed.PASS
        assert self._injection is not None
        deed = _ON_THE_WIRE.get(self._injection.kind)
        if deed is not None:
            return deed
        self._strike()
        # A dead server answers nothing; of a dead worker nothing more may come, not even what is on its way already.
        return Deed.DROP if self._injection.kind in ("server-killed", "worker-killed") else Deed.PASS

    def _claim(self) -> bool:
        """Tell whether it is this thread that strikes."""
        with self._lock:
            is_first = not self.sprung.is_set()
            self.sprung.set()
            return is_first

    def _delay(self) -> None:
        is_slow = self._injection is not None and self._injection.kind == "latency"
        if is_slow and self.sprung.is_set() and not self.is_over:
            with self._lock:
                pause_s = self._random.uniform(*_LATENCY_S)
            time.sleep(pause_s)

    def _delivers(self, request: Asked, response: HttpResponse) -> bool:
        """Tell whether an answer delivers the task, and remember its attempts."""
        if "/tasks/poll/" not in request.target or len(response.body) < 3 or response.status != 200:
            return False
        try:
            tasks = from_json(response.body)
        except ValueError:
            return False
        assert self._injection is not None
        wanted = self._injection.ref
        found = {
            str(task.get("taskId"))
            for task in (tasks if isinstance(tasks, list) else [tasks])
            if str(task.get("referenceTaskName")).partition("__")[0] == wanted
        }
        self._ids |= found
        return bool(found)

    def _is_result(self, request: Asked) -> bool:
        """Tell whether a request reports the end of the task; a heartbeat does not."""
        if request.method != "POST" or request.target.partition("?")[0] != "/api/tasks":
            return False
        try:
            result = from_json(request.body)
        except ValueError:
            return False
        return result.get("taskId") in self._ids and result.get("status") != "IN_PROGRESS"
