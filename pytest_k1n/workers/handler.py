"""What does the work: a handler is any callable that takes a TaskContext and returns what came of it.

The worker and the embedded engine call handlers through `invoke`, so that both understand the same results.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, get_args

from pytest_k1n.core.model import Json
from pytest_k1n.core.standins.jitter import JITTER
from pytest_k1n.workers.raising import REASON_LIMIT, is_non_retryable, log_of, passes_through, reason_of

Status = Literal["COMPLETED", "FAILED", "FAILED_WITH_TERMINAL_ERROR", "IN_PROGRESS"]

_MAX_DEPTH = 990
"""Conductor's parser takes documents nested 1,000 deep; an update is a few levels around its output."""


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
    callback_s: int = 0
    """With IN_PROGRESS: after how long the task comes back to its queue."""
    error: BaseException | None = field(default=None, repr=False, compare=False)
    """What the handler raised."""


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
    task_name: str = ""
    """The name in its definition; other than the type where the type is no SIMPLE one."""
    attempt: int
    """0 for the first."""
    input: Mapping[str, Json]
    estimate_ms: int | None
    """Planned duration, in workflow time."""
    speed: float
    """By how much simulated work and `sleep` are shortened; what really takes time ignores it."""
    seed: int
    jitter: float = JITTER
    """Seeded variation of simulated work, as a fraction of the estimate."""
    output_schema: Mapping[str, Json] | None = None
    log: Callable[[str], None] = field(repr=False)
    sleep: Callable[[float], None] = field(repr=False)
    """Let that many ms of workflow time pass, by the run's time model: in virtual time no process waits, in scaled time
    they are divided by the speed, in real time they pass. Raises Stopped as soon as the task is no longer wanted."""
    on_stop: Callable[[Callable[[], None]], None] = field(default=lambda _: None, repr=False)
    """Register what interrupts the work when the task is no longer wanted."""


Handler = Callable[[TaskContext], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedHandler:
    """A handler with the name that results show: `simulated`, `script:FILE`, `python:MODULE:CALLABLE`."""

    name: str
    call: Handler
    example: Mapping[str, Json] | None = None
    """The output of simulated work that was given for it."""


def invoke(handler: Handler, context: TaskContext) -> Outcome:
    """Call a handler and make an Outcome of whatever it returns or raises.

    What passes through is Stopped, what interrupts it from outside (Ctrl-C, the end of its time), and what pytest
    raises on the thread of the test, such as `pytest.fail` or the alarm of pytest-timeout. An awaitable is awaited.
    The output is a copy that shares nothing with what the handler keeps; one that Conductor would not take (no JSON,
    NaN, nested too deep) fails the task.
    """
    try:
        result = handler(context)
        if inspect.isawaitable(result):
            result = _awaited(result)
    except Stopped:
        raise
    except TaskFailed as failure:
        return Outcome(status=_failed(failure.terminal), reason=str(failure)[:REASON_LIMIT])
    except BaseException as error:  # a handler that calls sys.exit() ends its task, not its worker
        if passes_through(error):
            raise
        return Outcome(
            status=_failed(is_non_retryable(error)), reason=reason_of(error), logs=tuple(log_of(error)), error=error
        )
    outcome = _outcome(result)
    try:
        output = _as_json(outcome.output)
    except (TypeError, ValueError, RecursionError) as error:
        reason = f"the handler's output is not JSON that Conductor takes: {error}"
        return Outcome(status="FAILED", reason=reason[:REASON_LIMIT])
    return replace(outcome, output=output)


def _as_json(output: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return a copy of an output as it comes out of JSON. Raises TypeError, ValueError, RecursionError."""
    if not output:
        return {}
    text = json.dumps(dict(output), allow_nan=False)
    if text.count("{") + text.count("[") > _MAX_DEPTH and _depth(output) > _MAX_DEPTH:
        raise ValueError(f"it is nested more than {_MAX_DEPTH} levels deep")
    return cast("Mapping[str, Json]", json.loads(text))


def _outcome(result: object) -> Outcome:
    """Read what a handler returned: None, an Outcome, a mapping, a dataclass, conductor-python's results, a value."""
    if isinstance(result, Outcome):
        return result
    if result is None:
        return Outcome()
    if isinstance(result, Mapping):
        return Outcome(output=result)
    if hasattr(result, "output_data") and hasattr(result, "status"):
        return _from_task_result(result)
    if hasattr(result, "callback_after_seconds") and hasattr(result, "output"):
        seconds = max(0, int(result.callback_after_seconds))
        return Outcome(status="IN_PROGRESS", output=result.output or {}, callback_s=seconds)
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        return Outcome(output=dataclasses.asdict(result))
    return Outcome(output={"result": cast("Json", result)})


def _from_task_result(result: Any) -> Outcome:
    """Read an object with the fields of conductor-python's TaskResult."""
    status = str(getattr(result.status, "value", result.status) or "COMPLETED").rpartition(".")[2]
    known = status if status in get_args(Status) else "FAILED"
    given = result.output_data
    output = _outcome(given).output if not isinstance(given, Mapping) else given
    lines = tuple(str(getattr(line, "log", line)) for line in getattr(result, "logs", None) or ())
    reason = getattr(result, "reason_for_incompletion", None)
    if known != status:
        reason = f"the handler returned the status {status}, which no worker may report"
    return Outcome(
        status=cast("Status", known),
        output=output,
        reason=str(reason)[:REASON_LIMIT] if reason else None,
        logs=lines,
        callback_s=int(getattr(result, "callback_after_seconds", None) or 0),
    )


def _failed(terminal: bool) -> Status:
    return "FAILED_WITH_TERMINAL_ERROR" if terminal else "FAILED"


def _awaited(result: Awaitable[object]) -> object:
    """Run an awaitable to its end; where this thread has a running loop, on a thread with a loop of its own."""
    import asyncio  # 50 ms, which only teams with coroutines need

    async def wait() -> object:
        return await result

    if asyncio._get_running_loop() is None:  # the public one raises, which tracebacks would show
        return asyncio.run(wait())
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(wait())).result()


def _depth(value: object) -> int:
    """Measure how deep a JSON value is nested, without recursion."""
    deepest, left = 0, [(value, 1)]
    while left:
        inner, depth = left.pop()
        deepest = max(deepest, depth)
        if isinstance(inner, Mapping):
            left += [(each, depth + 1) for each in inner.values()]
        elif isinstance(inner, list | tuple):
            left += [(each, depth + 1) for each in inner]
    return deepest
