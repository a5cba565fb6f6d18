"""What a record and its definition tell of a failure beyond the finding: inputs that are null, tasks not reached."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from pytest_k1n.core.model import Execution, TaskRecord, WorkflowDefinition
from pytest_k1n.core.observation import record_is_simulated
from pytest_k1n.core.reasons import plain_reason
from pytest_k1n.core.references import Reference, references
from pytest_k1n.core.simulation import RESERVED
from pytest_k1n.core.unroll import label

_PLAIN: Final = re.compile(r"\$\{(?:workflow\.input|(?P<ref>[^.\[${}\s]+)\.output)\.(?P<name>[^.\[${}\s]+)\}")
_ENDED_BADLY: Final = frozenset({"FAILED", "FAILED_WITH_TERMINAL_ERROR", "TIMED_OUT", "COMPLETED_WITH_ERRORS"})
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
            yield Cause("failed", _failed(records))
            if records[-1].is_worker_task and not record_is_simulated(records[-1]):
                yield Cause("given", _given(records[-1]))
    if definition is None:
        return
    ran = {task.ref: task for task in execution.tasks}
    for reference in references(definition):
        if _matters(reference, execution, ran, values) and (text := _null(reference, execution, ran)) is not None:
            yield Cause("null", text)
    if execution.is_terminal and execution.status != "COMPLETED":
        missed = [
            task.ref for task in definition.tasks if task.ref not in ran and task.type not in ("JOIN", "TERMINATE")
        ]
        if missed:
            yield Cause("unreached", ", ".join(missed))


def _failed(attempts: Sequence[TaskRecord]) -> str:
    last = attempts[-1]
    after = f", the last of {len(attempts)} attempts" if len(attempts) > 1 else ""
    why = plain_reason(last.reason or "it gave no reason")
    on = "; it is optional, so the execution went on" if last.status == "COMPLETED_WITH_ERRORS" else ""
    return f"{label(last.key)} {last.status}{after}: {why}{on}"


def _given(record: TaskRecord) -> str:
    names = [f"{name} (null)" if value is None else name for name, value in record.input.items() if name != RESERVED]
    return f"{label(record.key)} had {', '.join(names) if names else 'no input'}"


def _matters(
    reference: Reference, execution: Execution, ran: Mapping[str, TaskRecord], values: Collection[str]
) -> bool:
    """Tell whether a null that an expression makes may explain anything: to simulated work it is as good as a value."""
    if (reference.consumer or execution.name) in values:
        return True
    found = _PLAIN.fullmatch(reference.expression)
    record = ran.get(reference.consumer or (found["ref"] if found and found["ref"] else ""))
    return record is None or not record_is_simulated(record)


def _null(reference: Reference, execution: Execution, ran: Mapping[str, TaskRecord]) -> str | None:
    """Say that an input of a task that ran, or an output of the execution, is null, and what there was to read."""
    found = _PLAIN.fullmatch(reference.expression)
    if found is None or not reference.is_whole:
        return None
    record = ran.get(reference.consumer) if reference.consumer is not None else None
    if reference.consumer is None:
        read, name = execution.output if execution.is_terminal else {}, f"output {reference.where}"
    else:
        read, name = record.input if record else {}, f"{reference.consumer}.{reference.where}"
    if read.get(reference.where, "") is not None:
        return None
    source = found["ref"]
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
    return f"{name} is null: {reference.expression}, and {whose} {has}"


def _ended_after(source: TaskRecord, reader: TaskRecord) -> bool:
    """Whether a task had no output yet when another one's input was made."""
    if reader.scheduled_ms is None or source.iteration > 1:  # what a loop's first round left may have been read
        return False
    return source.ended_ms is None or source.ended_ms > reader.scheduled_ms
