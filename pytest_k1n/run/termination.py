"""SIGTERM and SIGHUP end a run as Ctrl-C does: what it has started is ended, what it knows is written."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType

import pytest

_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What ends a job of a CI system, and what a terminal that is closed sends."""
_ONE_WISH_S = 1.0
"""A second signal within this time is the same wish: `timeout` and others send to the process and to its group."""


def end_on_sigterm() -> None:
    """Have the first SIGTERM or SIGHUP interrupt pytest, where nothing else has a handler for it; a later one kills.

    By their default action pytest would die at once, and executions would stay behind, running, on a team's server.
    """
    for number in _ENDING if threading.current_thread() is threading.main_thread() else ():
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def forget_sigterm() -> None:
    """Give SIGTERM and SIGHUP their default action back."""
    for number in _ENDING if threading.current_thread() is threading.main_thread() else ():
        if signal.getsignal(number) is _interrupt or isinstance(signal.getsignal(number), _Insisting):
            signal.signal(number, signal.SIG_DFL)


def heed_interrupts() -> None:
    """Have a node of xdist take SIGINT, by which execnet ends a node that is still in a test.

    Shells have background jobs ignore it, and nodes inherit that: theirs would be killed instead, and what their tests
    had started would go on on a team's server.
    """
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class _Insisting:
    """Takes a second signal: at once it is the first one again, later it kills."""

    def __init__(self) -> None:
        self._since_s = time.monotonic()

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if time.monotonic() - self._since_s > _ONE_WISH_S:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    insisting = _Insisting()
    for each in _ENDING:
        if signal.getsignal(each) is _interrupt:
            signal.signal(each, insisting)
    pytest.exit(f"terminated by {signal.Signals(number).name}", returncode=pytest.ExitCode.INTERRUPTED)
