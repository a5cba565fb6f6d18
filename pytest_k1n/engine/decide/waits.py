"""WAIT: until when, in whole seconds, as the server's queues keep them; and what waits for an answer instead."""

from __future__ import annotations

from pytest_k1n.core.definition.waitinput import duration_s, instant_ms
from pytest_k1n.core.standins.answers import ASKED_TYPES
from pytest_k1n.engine.decide.context import Broken
from pytest_k1n.engine.problems import Invalid
from pytest_k1n.engine.state import MAX_S, TaskState
from pytest_k1n.engine.status import FAILED_WITH_TERMINAL_ERROR, OPEN_TASK


def prepare(task: TaskState, now_ms: int) -> None:
    """Set when a WAIT ends: after its duration, at its date, or never by itself."""
    duration, until = task.input.get("duration"), task.input.get("until")
    task.callback_s = MAX_S
    if duration and until:
        task.status = FAILED_WITH_TERMINAL_ERROR
        task.reason = "Both 'duration' and 'until' specified. Please provide only one input"
        return
    if duration:
        try:
            seconds = duration_s(str(duration))
        except ValueError as error:
            raise Broken(str(error), problem=Invalid) from None
        task.callback_s, task.due_ms = seconds, now_ms + seconds * 1000
    elif until:
        try:
            task.due_ms = max(instant_ms(str(until)), now_ms)
        except ValueError:
            task.status, task.ended_ms = FAILED_WITH_TERMINAL_ERROR, now_ms
            task.reason = f"Invalid/Unsupported Wait Until format.  Provided: {until}"
            return
        task.callback_s = (task.due_ms - now_ms) // 1000


def waits_for_answer(task: TaskState) -> bool:
    """Tell whether nothing but an answer from outside ends it: it is open, and has no time of its own."""
    return task.type in ASKED_TYPES and task.status in OPEN_TASK and not task.due_ms
