"""Whether one execution's ids or data turn up in another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pytest_k1n.core.model import Execution, WorkflowDefinition
from pytest_k1n.core.paths import leaves

MIN_LENGTH = 8
"""Shorter texts, and numbers, turn up anywhere and prove nothing."""


class Taint(NamedTuple):
    """A value of one execution that was found in another."""

    subject: str
    """The ref, or the workflow, in which it was found."""
    path: str
    """Where in it: `inputData.pattern`."""
    value: str
    source: str
    """What it is in the execution that it comes from: `workflow id`, `output of task_6`."""


class Traces(NamedTuple):
    """What identifies an execution, and what its tasks produced."""

    ids: Mapping[str, str]
    """Recognised anywhere, also inside longer texts."""
    data: Mapping[str, frozenset[str]]
    """value -> the task definitions that put it out; recognised as a whole value."""


def traces(execution: Execution) -> Traces:
    """Collect what another execution must not contain."""
    ids = {execution.workflow_id: "workflow id"}
    if execution.correlation_id:
        ids[execution.correlation_id] = "correlation id"
    data: dict[str, set[str]] = {}
    for record in execution.tasks:
        ids[record.task_id] = f"task id of {record.ref}"
        for _, value in leaves(_own(record.output)):
            if isinstance(value, str) and len(value) >= MIN_LENGTH:
                data.setdefault(value, set()).add(record.def_name)
    for _, value in leaves(execution.variables):
        if isinstance(value, str) and len(value) >= MIN_LENGTH:
            data.setdefault(value, {"variables"})
    return Traces(ids, {value: frozenset(names) for value, names in data.items()})


def taints(execution: Execution, of: Execution, definition: WorkflowDefinition | None = None) -> Iterator[Taint]:
    """Find what `execution` contains of the other one.

    A value counts that the other's tasks produced and that this one cannot have by itself: not from its own input,
    its definition, or a task of the same definition (deterministic handlers repeat themselves). An id always counts,
    unless it was handed in as input, as a parent does with its child.
    """
    foreign, own = traces(of), traces(execution)
    given = {value for _, value in leaves(execution.input) if isinstance(value, str)}
    if definition is not None:
        given |= {value for _, value in leaves(definition.raw) if isinstance(value, str)}
    ids = {
        text: what
        for text, what in foreign.ids.items()
        if text not in own.ids and text not in given and len(text) >= MIN_LENGTH
    }
    data = {value: names for value, names in foreign.data.items() if value not in given}
    if execution.correlation_id and execution.correlation_id == of.correlation_id:
        yield Taint(execution.name, "correlationId", execution.correlation_id, "correlation id")
    for subject, path, value, made_by in _values(execution):
        what = next((what for text, what in ids.items() if text in value), None)
        if what is None and value in data:
            makers = own.data.get(value, frozenset()) if made_by is None else frozenset({made_by})
            if not makers & data[value]:
                what = f"data of {', '.join(sorted(data[value]))}"
        if what is not None:
            yield Taint(subject, path, value, what)


def _values(execution: Execution) -> Iterator[tuple[str, str, str, str | None]]:
    """Yield (subject, path, text, task definition that put it out or None) of all data of an execution."""
    for record in execution.tasks:
        for name, document, made_by in (
            ("inputData", record.input, None),
            ("outputData", _own(record.output), record.def_name if record.is_worker_task else None),
        ):
            for path, value in leaves(document):
                if isinstance(value, str):
                    yield record.ref, f"{name}.{path}", value, made_by
    for name, document in (("output", execution.output), ("variables", execution.variables)):
        for path, value in leaves(document):
            if isinstance(value, str):
                yield execution.name, f"{name}.{path}", value, None


def _own(output: Mapping[str, object]) -> Mapping[str, object]:
    """Leave out what our worker notes there for itself."""
    return {key: value for key, value in output.items() if key != "_k1n"}
