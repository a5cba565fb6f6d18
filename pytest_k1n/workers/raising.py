"""What a handler raises: as the reason and the log of its task, and what of it is not the task's but the test's."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from pytest_k1n.workers.time_limit import Overdue

REASON_LIMIT: Final = 500
_LINES: Final = 12
_MESSAGE_LINES: Final = 5
"""Lines of a message beside its frames: pytest's rewritten asserts have dozens where the environment names a CI."""
_PLUMBING: Final = (str(Path(__file__).parents[1]), str(Path(os.__file__).parent / "asyncio"))
"""Folders whose frames stand between a handler and who calls it: this package, and what runs coroutines."""
_FOR_THE_TEST: Final[list[type[BaseException]]] = []


def leave_to_the_test(*kinds: type[BaseException]) -> None:
    """Have exceptions of some kinds end the test, not the task: whoever knows pytest says which these are."""
    _FOR_THE_TEST.extend(kind for kind in kinds if kind not in _FOR_THE_TEST)


def is_for_the_test(error: BaseException) -> bool:
    """Tell whether an exception says something of the test that runs, such as `pytest.fail`."""
    return isinstance(error, tuple(_FOR_THE_TEST))


def passes_through(error: BaseException) -> bool:
    """Tell whether no outcome of a task is to be made of an exception.

    Of what is for the test only on its own thread: on another one it would end a worker, and nobody would hear of it.
    """
    is_here = threading.current_thread() is threading.main_thread()
    return isinstance(error, KeyboardInterrupt | GeneratorExit | Overdue) or (is_here and is_for_the_test(error))


def reason_of(error: BaseException) -> str:
    """Say what a handler has raised, cut to what Conductor is told."""
    try:
        text = str(error)
    except Exception as second:  # a user's own __str__ may do anything
        text = f"its str() raises {type(second).__name__}"
    notes = "; ".join(str(note) for note in getattr(error, "__notes__", ()))
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return (f"{said} ({notes})" if notes else said)[:REASON_LIMIT]


def log_of(error: BaseException) -> Sequence[str]:
    """Return the last lines of the traceback, from the first frame that is the user's; a long message gives way."""
    told = traceback.TracebackException.from_exception(error.with_traceback(own_frames(error.__traceback__)))
    message = "".join(told.format_exception_only()).splitlines()
    lines = "".join(told.format()).splitlines()
    if len(lines) > _LINES and len(message) > _MESSAGE_LINES:
        left = len(message) - (_MESSAGE_LINES - 1)
        lines[-left:] = [f"({left} more lines of the message)"]
    return [f"ERROR {line}" for line in lines[-_LINES:]]


def is_non_retryable(error: BaseException) -> bool:
    """Tell whether an exception is conductor-python's NonRetryableException, without importing it."""
    kinds = type(error).__mro__
    return any(each.__name__ == "NonRetryableException" and each.__module__.startswith("conductor.") for each in kinds)


def own_frames(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the frames that lead to the handler; whole where there are no others."""
    found = trace
    while found is not None and found.tb_frame.f_code.co_filename.startswith(_PLUMBING):
        found = found.tb_next
    return found or trace
