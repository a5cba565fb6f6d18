"""Where data went: each expression of a definition against what its reader was really given.

Only what the records prove is traced: outputs and inputs of tasks, and the execution's input.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pytest_k1n.core.definition.references import Reference, references
from pytest_k1n.core.java_text import java_text
from pytest_k1n.core.model import Execution, Json, TaskRecord, TaskStatus, WorkflowStatus, WorkflowTask
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.record.paths import MISSING, equal, lookup
from pytest_k1n.core.words import split_iteration

_WHOLE = re.compile(r"\$\{([^${}]+)\}")
_SIMPLE_PATH = re.compile(r"[\w\-]+(?:\.[\w\-]+|\[\d+\]|\[(['\"])[^'\"]+\1\])*")

_GIVEN_AS_WRITTEN = frozenset(
    {"DO_WHILE", "EVENT", "HTTP", "HUMAN", "INLINE", "JSON_JQ_TRANSFORM", "LAMBDA", "SET_VARIABLE",
     "START_WORKFLOW", "SWITCH", "TERMINATE", "WAIT"}
)  # fmt: skip
"""Of the engine's own tasks those whose record has their input where the definition has its parameters."""

_OF_EXECUTION: Mapping[str, Callable[[Execution], object]] = {
    "workflow.workflowId": lambda execution: execution.workflow_id,
    "workflow.workflowType": lambda execution: execution.name,
    "workflow.correlationId": lambda execution: execution.correlation_id,
}
_OF_OUTPUT = ("workflow.variables.",)
"""What changes while an execution runs, and is on record as it was in the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """One expression, the value its reader should have been given, and the one it was given."""

    subject: str
    where: str
    expression: str
    expected: object = None
    observed: object = None
    untraced: str = ""
    """Why the records do not tell what it should have been; else empty."""


def traced(observation: Observation) -> Iterator[Traced]:
    """Trace every reference to a task's data, or to the execution's input, in tasks and in the output."""
    execution = observation.execution
    # Behind a TERMINATE the output is the TERMINATE's.
    is_its_own = "TERMINATE" not in execution.columns.types
    is_complete = is_its_own and execution.status is WorkflowStatus.COMPLETED
    for reference in references(observation.definition):
        if not _is_data(reference):
            continue
        if reference.consumer is None:
            if is_complete:
                template = lookup(observation.definition.output_parameters, reference.where)
                given = lookup(execution.output, reference.where)
                yield _trace(observation, reference, execution.name, template, given, None)
            continue
        for key in observation.keys(reference.consumer):
            record = observation.finals[key]
            task = observation.graph.nodes.get(key)
            if task is not None and (inputs := _given(record, task)) is not None:
                template = lookup(task.inputs, reference.where)
                given = lookup(inputs, reference.where)
                if record.type == "DECISION" and given is MISSING:
                    continue
                yield _trace(observation, reference, label(key), template, given, record)
    if not is_its_own:
        yield from _terminated(observation)
    yield from _become(observation)
    if execution.is_stored_elsewhere:
        return
    promised = observation.definition.output_parameters
    for name in sorted(execution.output.keys() - promised.keys()) if is_complete and promised else ():
        yield Traced(subject=execution.name, where=name, expression="outputParameters", observed=execution.output[name])
    yield from _altered(observation)
    if is_its_own and execution.is_terminal:
        yield from _constants(promised, execution.output, of=execution.name)


def _given(record: TaskRecord, task: WorkflowTask) -> Mapping[str, Json] | None:
    """Return what a record has of the inputs of its definition; None where it does not have them.

    A SUB_WORKFLOW has them one level down; a DECISION has nothing but the text that its case is; what was skipped by
    hand has none.
    """
    if record.status is TaskStatus.SKIPPED:
        return None
    if record.is_worker_task or record.type in _GIVEN_AS_WRITTEN:
        return record.input
    if record.type == "SUB_WORKFLOW":
        inputs = record.input.get("workflowInput")
        return inputs if isinstance(inputs, Mapping) else None
    name = task.raw.get("caseValueParam") if record.type == "DECISION" else None
    return {name: record.input.get("case")} if isinstance(name, str) else None


def _altered(observation: Observation) -> Iterator[Traced]:
    """Trace the inputs that the definition gives without an expression, and only those that are not so on record.

    So were 9,000 of 9,000 of 3.32.1, nulls left out, which an input template fills in. An input template and a person
    who runs a task again add others, of which nothing is said.
    """
    for key, task in observation.graph.nodes.items():
        if not task.inputs or key not in observation.finals:
            continue
        for record in observation.records[key]:
            inputs = _given(record, task) if record.type != "DECISION" else None
            if inputs is not None:
                yield from _constants(task.inputs, inputs, of=label(key))


def _constants(template: object, given: object, *, of: str, where: str = "") -> Iterator[Traced]:
    """Trace what a template gives without an expression, where something else was given."""
    if isinstance(template, Mapping):
        for name, inner in template.items():
            if "$" not in name:
                found = given.get(name, MISSING) if isinstance(given, Mapping) else MISSING
                yield from _constants(inner, found, of=of, where=f"{where}.{name}" if where else name)
    elif isinstance(template, list):
        for index, inner in enumerate(template):
            found = given[index] if isinstance(given, list) and index < len(given) else MISSING
            yield from _constants(inner, found, of=of, where=f"{where}[{index}]")
    elif template is not None and not (isinstance(template, str) and "$" in template) and not equal(template, given):
        yield Traced(subject=of, where=where, expression=str(template), expected=template, observed=given)


def _become(observation: Observation) -> Iterator[Traced]:
    """Compare what a DYNAMIC has become with the name that it was given."""
    for key, task in observation.graph.nodes.items():
        if task.type != "DYNAMIC":  # a record is made when it is asked for: not of a hundred thousand others
            continue
        record, parameter = observation.finals.get(key), str(task.raw.get("dynamicTaskNameParam"))
        if record is not None and record.status is not TaskStatus.SKIPPED:
            name = record.input.get(parameter)
            if isinstance(name, str) and name:
                yield Traced(
                    subject=label(key), where="its type", expression=parameter, expected=name, observed=record.def_name
                )


def _terminated(observation: Observation) -> Iterator[Traced]:
    """Compare the output that a TERMINATE has given its execution with the one that this has."""
    ends = [
        key
        for key, each in observation.finals.items()
        if each.type == "TERMINATE" and each.status is TaskStatus.COMPLETED
    ]
    inputs = observation.finals[ends[0]].input if len(ends) == 1 else {}
    given, status = inputs.get("workflowOutput"), inputs.get("terminationStatus")
    if isinstance(status, str) and observation.execution.is_terminal:
        expression = f"terminationStatus of {label(ends[0])}"
        yield Traced(
            subject=observation.execution.name, where="its status", expression=expression, expected=status,
            observed=str(observation.execution.status),
        )  # fmt: skip
    if not isinstance(given, Mapping) or observation.execution.is_stored_elsewhere:
        return
    for name, value in given.items():
        observed = observation.execution.output.get(name)
        expression = f"workflowOutput of {label(ends[0])}"
        yield Traced(
            subject=observation.execution.name, where=name, expression=expression, expected=value, observed=observed
        )


def _is_data(reference: Reference) -> bool:
    body = reference.expression[2:-1].strip()
    if reference.is_of_task:
        return body.partition(".")[2].partition(".")[0].partition("[")[0] in ("output", "input")
    of_output = _OF_OUTPUT if reference.consumer is None else ()
    return body.startswith(("workflow.input", *of_output)) or body in _OF_EXECUTION


def _trace(
    observation: Observation,
    reference: Reference,
    subject: str,
    template: object,
    given: object,
    reader: TaskRecord | None,
) -> Traced:
    """Resolve the whole text that the expression stands in: embedded ones are concatenated."""

    def unknown(why: str) -> Traced:
        return Traced(subject=subject, where=reference.where, expression=reference.expression, untraced=why)

    if observation.execution.is_stored_elsewhere:
        return unknown("the record has no more than the address of what was too big for it")
    if not isinstance(template, str):
        return unknown("the definition has no text there")
    if "$" in _WHOLE.sub("", template):
        return unknown(f"{template} holds an expression within another, or an escaped one")
    values: list[object] = []
    for match in _WHOLE.finditer(template):
        value, why = _resolved(observation, match[1].strip(), reader)
        if why:
            return unknown(why)
        values.append(value)
    whole = _WHOLE.fullmatch(template)
    expected = values[0] if whole else _concatenated(template, values)
    if reader is not None and reader.type == "DECISION":
        expected = java_text(expected)
    observed = None if given is MISSING else given
    if expected is None and observed is not None:
        return unknown("the expression has no value, an input template may have filled it in")
    return Traced(
        subject=subject,
        where=reference.where,
        expression=reference.expression,
        expected=expected,
        observed=observed,
    )


def _resolved(observation: Observation, body: str, reader: TaskRecord | None) -> tuple[object, str]:
    """Return (value, ""), or (None, why it cannot be told)."""
    if not _SIMPLE_PATH.fullmatch(body):
        return None, f"${{{body}}} is more than a path"
    root, _, path = body.partition(".")
    if root == "workflow":
        kind, _, rest = path.partition(".")
        if body in _OF_EXECUTION:
            return _OF_EXECUTION[body](observation.execution), ""
        if kind != "input" and not (kind == "variables" and reader is None):
            return None, f"${{{body}}} is not in the records"
        return _value(observation.execution.input if kind == "input" else observation.execution.variables, rest)
    if split_iteration(root)[1]:
        return None, f"{root} names one iteration, the server knows tasks by their plain names"
    source = _source(observation, root, reader)
    if source is None:
        return None, ""  # it never ran: the server resolves to null
    kind, _, rest = path.partition(".")
    if kind not in ("output", "input"):
        return None, f"${{{body}}} is not in the records"
    if kind == "output" and _was_changing(source, reader):
        return None, f"{root} had not ended when ${{{body}}} was read, as in a loop"
    return _value(source.output if kind == "output" else source.input, rest)


def _value(document: Mapping[str, Json], path: str) -> tuple[object, str]:
    value = lookup(document, path)
    return (None if value is MISSING else value), ""


def _source(observation: Observation, ref: str, reader: TaskRecord | None) -> TaskRecord | None:
    """Find whose data a reader was given: the ref's latest record of all that were scheduled before the reader."""
    execution = observation.execution
    places = execution.columns.of_ref.get(ref, ())
    before = len(places) if reader is None else bisect_left(places, reader.seq, key=execution.columns.seq.__getitem__)
    return execution.tasks[places[before - 1]] if before else None


def _was_changing(source: TaskRecord, reader: TaskRecord | None) -> bool:
    """Whether a task's output was still to change when it was read: a loop's is added to with every iteration.

    The end of a loop that went on after a retry is the one from before it.
    """
    if reader is None or reader.scheduled_ms is None:
        return False
    if source.type == "DO_WHILE" and reader.iteration:
        return True
    return source.ended_ms is None or source.ended_ms > reader.scheduled_ms


def _concatenated(template: str, values: list[object]) -> str:
    texts = iter(values)
    return _WHOLE.sub(lambda _: java_text(next(texts)), template)
