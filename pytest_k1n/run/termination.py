"""SIGTERM ends a run as Ctrl-C does: what it has started is ended, what it knows is written."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import pytest


def end_on_sigterm() -> None:
    """Have the first SIGTERM interrupt pytest, where nothing else has a handler for it; a second one kills.

    CI systems end a job by SIGTERM. By its default action pytest would die at once, and executions would stay behind,
    running, on a team's server.
    """
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _interrupt)


def forget_sigterm() -> None:
    """Give SIGTERM its default action back."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is _interrupt:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def heed_interrupts() -> None:
    """Have a node of xdist take SIGINT, by which execnet ends a node that is still in a test.

    Shells have background jobs ignore it, and nodes inherit that: theirs would be killed instead, and what their tests
    had started would go on on a team's server.
    """
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    forget_sigterm()
    pytest.exit("terminated by SIGTERM", returncode=pytest.ExitCode.INTERRUPTED)
