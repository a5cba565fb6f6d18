"""What people and other systems answer: which open HUMAN or WAIT gets what, and how long after it was asked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from pytest_k1n.core.model import Execution, Json, TaskRecord, TaskStatus
from pytest_k1n.core.units import duration_ms, format_ms

ASKED_TYPES: Final = frozenset({"HUMAN", "WAIT"})
"""Task types that end because a caller says so."""
STATUSES: Final = ("COMPLETED", "FAILED", "FAILED_WITH_TERMINAL_ERROR")
_REFUSED: Final = (TaskStatus.FAILED, TaskStatus.FAILED_WITH_TERMINAL_ERROR)
_KEYS: Final = ("after", "output", "status")


class BadAnswer(ValueError):
    """Something that is no answer; says what to write."""


class PlannedAnswer(NamedTuple):
    """What one task is answered, in workflow time."""

    after_ms: int = 0
    """How long after it was asked."""
    output: Mapping[str, Json] = {}
    status: str = "COMPLETED"


Answers = Mapping[str, PlannedAnswer]
"""Ref or task name -> what it is answered, each time it is asked."""


def read_answers(given: Mapping[str, object]) -> dict[str, PlannedAnswer]:
    """Read `{"approve": {"after": "2h", "output": {...}, "status": "COMPLETED"}}`. Raises BadAnswer, ValueError."""
    return {ref: _answer(ref, each) for ref, each in given.items()}


def _answer(ref: str, given: object) -> PlannedAnswer:
    if not isinstance(given, Mapping):
        raise BadAnswer(f'answers: {ref}: write {{"after": "2h", "output": {{...}}}}, not {given!r}')
    if unknown := [key for key in given if key not in _KEYS]:
        raise BadAnswer(f"answers: {ref}: unknown key {unknown[0]!r}; known: {', '.join(_KEYS)}")
    output: Any = given.get("output", {})
    if not isinstance(output, Mapping):
        raise BadAnswer(f"answers: {ref}.output must be a dict, not {output!r}")
    status = str(given.get("status", STATUSES[0]))
    if status not in STATUSES:
        raise BadAnswer(f"answers: {ref}.status is {status!r}: one of {', '.join(STATUSES)}")
    return PlannedAnswer(after_ms=_after_ms(ref, given.get("after", "0s")), output=dict(output), status=status)


def _after_ms(ref: str, after: Any) -> int:
    try:
        return duration_ms(after)
    except ValueError as error:
        raise BadAnswer(f"answers: {ref}.after: {error}") from None


def asked(executions: Iterable[Execution], answers: Answers) -> list[tuple[Execution, TaskRecord, PlannedAnswer]]:
    """Return the open tasks that are to be answered."""
    return [
        (execution, task, answer)
        for execution in executions
        if not execution.is_terminal
        for task in execution.tasks
        if task.type in ASKED_TYPES and not task.status.is_terminal
        if (answer := answers.get(task.ref) or answers.get(task.def_name)) is not None
    ]


def unanswered(execution: Execution, *, jumped: bool = False) -> list[str]:
    """Say of each task that was asked in vain how long; `jumped` says that a virtual clock went on to a time limit."""
    lines = []
    for task in execution.tasks:
        is_timed = task.type == "WAIT" and bool(task.input)
        is_left = task.status == "COMPLETED_WITH_ERRORS" and "imeout" in (task.reason or "")
        is_answered = task.status.is_successful and not is_left
        if task.type not in ASKED_TYPES or is_answered or is_timed or task.status in _REFUSED:
            continue
        end_ms = task.ended_ms or execution.ended_ms
        since = f" in {format_ms(end_ms - task.scheduled_ms)}" if end_ms and task.scheduled_ms else ""
        is_late = jumped and (is_left or execution.status == "TIMED_OUT")
        clock = ": virtual time went on to a time limit" if is_late else ""
        how = f'answers={{"{task.ref}": {{"after": "1h"}}}}, or signal("{task.ref}")'
        lines.append(f"{task.ref}: nobody answered it ({task.type}){since}{clock}; answer it by {how}")
    return lines
