"""A handler that blocks is interrupted when its time is up: virtual time stands still while it works."""

from __future__ import annotations

import contextvars
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

T = TypeVar("T")
_AGAIN_S = 0.1
"""After so long a handler that has swallowed the interruption is interrupted again."""


class Overdue(BaseException):
    """Raised inside a handler whose time is up; no Exception, because retry loops of handlers catch those."""


def bounded(call: Callable[[], T], left_s: float) -> T:
    """Call something that may take at most so many seconds of real time. Raises Overdue.

    In the main thread by an alarm: handlers may hold what belongs to the test's thread, as connections of sqlite3 do.
    Elsewhere on a thread of its own, which is left behind.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return on_a_thread(call, left_s, Overdue())
    others_s, interval_s = signal.getitimer(signal.ITIMER_REAL)
    if 0 < others_s < left_s:  # the alarm of pytest-timeout or its like comes first
        return call()
    began_s, is_at_work = time.monotonic(), True

    def ring(_signal: int, _frame: FrameType | None) -> None:
        if is_at_work:
            raise Overdue

    previous = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, max(left_s, 0.001), _AGAIN_S)
        try:
            return call()
        finally:
            is_at_work = False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        if others_s:
            signal.setitimer(signal.ITIMER_REAL, max(0.001, others_s - (time.monotonic() - began_s)), interval_s)


def on_a_thread(call: Callable[[], T], left_s: float, overdue: BaseException) -> T:
    """Return what a call returns or raise what it raises; raise `overdue` if it takes longer, and leave its thread.

    It has the context of the caller's thread.
    """
    returned: list[T] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            returned.append(call())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True)
    thread.start()
    thread.join(max(left_s, 0))
    if raised:
        raise raised[0]
    if not returned:
        raise overdue
    return returned[0]
