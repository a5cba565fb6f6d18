"""What does the work: a handler is any callable that takes a TaskContext and returns what came of it.

The worker and the embedded engine call handlers through `invoke`, so that both understand the same results.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from pytest_k1n.core.model import Json
from pytest_k1n.core.simulation import JITTER

Status = Literal["COMPLETED", "FAILED", "FAILED_WITH_TERMINAL_ERROR"]

_REASON_LIMIT = 500


class Stopped(Exception):
    """The task is no longer wanted, or its worker stops: raised by `context.sleep`; nothing is to be reported."""


class TaskFailed(Exception):
    """Raise it in a handler to fail the task with a reason, `terminal=True` to rule out a retry."""

    def __init__(self, reason: str, *, terminal: bool = False) -> None:
        super().__init__(reason)
        self.terminal = terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One timed part of a task's work."""

    name: str
    ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one invocation of a handler."""

    status: Status = "COMPLETED"
    output: Mapping[str, Json] = field(default_factory=dict)
    reason: str | None = None
    logs: tuple[str, ...] = ()
    """Lines beside those that went through `context.log`."""
    work_ms: int | None = None
    """The work as the handler measured it; None: take the time of the call."""
    simulated: bool = False
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskContext:
    """What a handler is told about its task."""

    workflow_id: str
    workflow_name: str
    correlation_id: str | None = None
    """Its execution's; sub-workflows inherit it. Simulated work takes its jitter from it."""
    ref: str
    iteration: int
    task_id: str
    task_type: str
    attempt: int
    """0 for the first."""
    input: Mapping[str, Json]
    estimate_ms: int | None
    """Planned duration, in workflow time."""
    speed: float
    """By how much simulated work is to be shortened; real work ignores it."""
    seed: int
    jitter: float = JITTER
    """Seeded variation of simulated work, as a fraction of the estimate."""
    output_schema: Mapping[str, Json] | None = None
    log: Callable[[str], None] = field(repr=False)
    sleep: Callable[[float], None] = field(repr=False)
    """Sleep that many ms of the worker's time; raises Stopped as soon as the task is no longer wanted."""
    on_stop: Callable[[Callable[[], None]], None] = field(default=lambda _: None, repr=False)
    """Register what interrupts the work when the task is no longer wanted."""


Handler = Callable[[TaskContext], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedHandler:
    """A handler with the name that results show: `simulated`, `script:FILE`, `python:MODULE:CALLABLE`."""

    name: str
    call: Handler


def invoke(handler: Handler, context: TaskContext) -> Outcome:
    """Call a handler and make an Outcome of whatever it returns or raises; only Stopped passes through.

    None is success without output, a mapping is the output, any other value becomes `{"result": value}`.
    """
    try:
        result = handler(context)
    except Stopped:
        raise
    except TaskFailed as failure:
        status: Status = "FAILED_WITH_TERMINAL_ERROR" if failure.terminal else "FAILED"
        return Outcome(status=status, reason=str(failure)[:_REASON_LIMIT])
    except Exception as error:
        lines = "".join(traceback.format_exception(error)).splitlines()
        reason = f"{type(error).__name__}: {error}"[:_REASON_LIMIT]
        return Outcome(status="FAILED", reason=reason, logs=tuple(f"ERROR {line}" for line in lines[-12:]))
    if not isinstance(result, Outcome):
        output = {} if result is None else result if isinstance(result, Mapping) else {"result": result}
        result = Outcome(output=cast("Mapping[str, Json]", output))  # whether it is JSON comes out below
    try:
        json.dumps(dict(result.output))
    except (TypeError, ValueError) as error:
        return Outcome(status="FAILED", reason=f"the handler's output is not JSON: {error}"[:_REASON_LIMIT])
    return result
