"""What a record and its definition tell of a failure beyond the finding: inputs that are null, tasks not reached."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from pytest_k1n.core.definition.references import Reference, references
from pytest_k1n.core.model import Execution, TaskRecord, WorkflowDefinition
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.record.observation import record_is_simulated
from pytest_k1n.core.record.reasons import plain_reason
from pytest_k1n.core.standins.simulation import RESERVED
from pytest_k1n.core.text import shortened
from pytest_k1n.core.words import BRINGING_TASK_TYPES

_PLAIN: Final = re.compile(r"\$\{(?:workflow\.input|(?P<ref>[^.\[${}\s]+)\.output)\.(?P<name>[^.\[${}\s]+)\}")
_REASONS: Final = ("reason", "message", "error", "comment")
"""Names under which an output may say why."""
_MOST_OUTPUT: Final = 200
"""Characters of an output in the place of a reason."""
_ENDED_BADLY: Final = frozenset({"FAILED", "FAILED_WITH_TERMINAL_ERROR", "TIMED_OUT", "COMPLETED_WITH_ERRORS"})
_LEFT_OPEN: Final = frozenset({"CANCELED", "SCHEDULED", "IN_PROGRESS"})
"""How the attempt looks that a JOIN did not wait for."""
ABOUT_VALUES: Final = frozenset({"wrong-value", "wrong-answer", "wrong-branch", "schema-violation"})
"""Codes of findings that a null may explain."""


class Cause(NamedTuple):
    """One thing that may explain a failure."""

    kind: str
    """One word: `failed`, `given`, `null`, `unreached`."""
    text: str


def causes(
    execution: Execution, definition: WorkflowDefinition | None, *, values: Collection[str] = ()
) -> Iterator[Cause]:
    """Yield what may explain why an execution did not do what was expected, the surest first.

    Tasks that failed for good, each once with its number of attempts and, of real work, the names of what it was given,
    not the values, which are nobody's who reads a log; inputs that an expression made null although it
    reads one plain key, with the keys that there are; what the execution never came to. Of simulated work, which does
    with null as with anything, only the inputs of `values`, of which a value was not as expected: refs, or its name.
    """
    for records in execution.records.values():
        if records[-1].status in _ENDED_BADLY:
            yield Cause("failed", _failed(records) + _overtaken(records[-1], execution, definition))
            if records[-1].is_worker_task and not record_is_simulated(records[-1]):
                yield Cause("given", _given(records[-1]))
    if definition is None:
        return
    ran = {task.ref: task for task in execution.tasks}
    has_failed = execution.is_terminal and execution.status != "COMPLETED"
    late = never_brought(execution, definition) if has_failed else ()
    for reference in references(definition):
        is_late = reference.consumer in late
        if not is_late and not _matters(reference, execution, ran, values):
            continue
        if (text := _null(reference, execution, ran, is_unmapped=is_late)) is not None:
            yield Cause("null", text)
    if has_failed:
        missed = [
            task.ref for task in definition.tasks if task.ref not in ran and task.type not in ("JOIN", "TERMINATE")
        ]
        if missed:
            yield Cause("unreached", ", ".join(missed))


def _failed(attempts: Sequence[TaskRecord]) -> str:
    last = attempts[-1]
    after = f", the last of {len(attempts)} attempts" if len(attempts) > 1 else ""
    why = plain_reason(last.reason or _without_reason(last))
    on = "; it is optional, so the execution went on" if last.status == "COMPLETED_WITH_ERRORS" else ""
    return f"{label(last.key)} {last.status}{after}: {why}{on}"


def _overtaken(join: TaskRecord, execution: Execution, definition: WorkflowDefinition | None) -> str:
    """Say of a JOIN that failed by an attempt which was about to be retried that this is a race of the server."""
    if join.type != "JOIN" or definition is None:
        return ""
    waits_for = {ref for task in definition.walk() if task.ref == join.ref for ref in task.join_on}
    for (ref, _), attempts in execution.records.items():
        if ref in waits_for and len(attempts) > 1 and attempts[-1].status in _LEFT_OPEN:
            return f"; {ref} was about to be retried: the server's JOIN saw the attempt before, a race of Conductor"
    return ""


def _given(record: TaskRecord) -> str:
    names = [f"{name} (null)" if value is None else name for name, value in record.input.items() if name != RESERVED]
    return f"{label(record.key)} had {', '.join(names) if names else 'no input'}"


def _without_reason(record: TaskRecord) -> str:
    """Say what the output tells of a task without a reason: the API by which people answer takes none with a status.

    Of the output the text under a name that says it is a reason, else the names alone.
    """
    said = {key: value for key, value in record.output.items() if key != RESERVED}
    told = next((key for key in _REASONS if isinstance(said.get(key), str) and said[key]), None)
    if told is not None:
        return f"it gave no reason; its output has {told}: {shortened(str(said[told]), most=_MOST_OUTPUT)}"
    return f"it gave no reason; its output has {', '.join(said)}" if said else "it gave no reason"


def _matters(
    reference: Reference, execution: Execution, ran: Mapping[str, TaskRecord], values: Collection[str]
) -> bool:
    """Tell whether a null that an expression makes may explain anything: to simulated work it is as good as a value."""
    if (reference.consumer or execution.name) in values:
        return True
    found = _PLAIN.fullmatch(reference.expression)
    record = ran.get(reference.consumer or (found["ref"] if found and found["ref"] else ""))
    return record is None or not record_is_simulated(record)


def never_brought(execution: Execution, definition: WorkflowDefinition) -> list[str]:
    """Return the refs of tasks that would have brought others along, but never came to be."""
    ran = {task.ref for task in execution.tasks}
    return [task.ref for task in definition.walk() if task.type in BRINGING_TASK_TYPES and task.ref not in ran]


def _null(
    reference: Reference, execution: Execution, ran: Mapping[str, TaskRecord], *, is_unmapped: bool = False
) -> str | None:
    """Say that an input of a task that ran, or an output of the execution, is null, and what there was to read.

    Of a task that the server could not make (`is_unmapped`) only what a task before it should have put out is told.
    """
    found = _PLAIN.fullmatch(reference.expression)
    if found is None or not reference.is_whole:
        return None
    record = ran.get(reference.consumer) if reference.consumer is not None else None
    if reference.consumer is None:
        read, name = execution.output if execution.is_terminal else {}, f"output {reference.where}"
    else:
        read, name = record.input if record else {}, f"{reference.consumer}.{reference.where}"
    if not is_unmapped and read.get(reference.where, "") is not None:
        return None
    source = found["ref"]
    if is_unmapped and (source not in ran or not ran[source].status.is_terminal):
        return None
    if source is None:
        whose, offered = "the workflow's input", execution.input
    elif source in ran:
        whose, offered = f"the output of {source}", ran[source].output
    else:
        return f"{name} is null: {reference.expression}, and {source} never ran"
    if record is not None and source is not None and _ended_after(ran[source], record):
        return f"{name} is null: {reference.expression}, and {source} ended only after {reference.consumer} had it"
    if found["name"] in offered:
        return None  # null was given
    keys = [key for key in offered if not key.startswith("_k1n")]
    has = f"has {', '.join(keys)}" if keys else "is empty"
    made_up = is_unmapped and source is not None and record_is_simulated(ran[source])
    hint = f"; its work was simulated: give {source} a handler, or an example of its output" if made_up else ""
    return f"{name} is null: {reference.expression}, and {whose} {has}{hint}"


def _ended_after(source: TaskRecord, reader: TaskRecord) -> bool:
    """Whether a task had no output yet when another one's input was made."""
    if reader.scheduled_ms is None or source.iteration > 1:  # what a loop's first round left may have been read
        return False
    return source.ended_ms is None or source.ended_ms > reader.scheduled_ms
