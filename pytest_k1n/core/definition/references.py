"""The `${…}` expressions of a definition: which task reads what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pytest_k1n.core.model import Json, WorkflowDefinition

_OPENING = re.compile(r"(?<!\$)\$\{\s*([^.\[${}\s]+)")
_CONTEXTS = frozenset({"workflow", "CPEWF_TASK_ID"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One expression in the inputs of a task, or in the output parameters of the workflow."""

    consumer: str | None
    """The ref of the task that reads; None for the workflow's output parameters."""
    source: str
    """What is read: the ref of a task, or `workflow`."""
    expression: str
    """As written: `${task_6.output.pattern}`."""
    where: str
    """The input it stands in: `payload.items[0]`."""
    is_whole: bool = True
    """Whether the input is this expression and nothing else."""

    @property
    def is_of_task(self) -> bool:
        return self.source not in _CONTEXTS


def references(definition: WorkflowDefinition) -> tuple[Reference, ...]:
    """Return every expression of a definition in reading order, those nested in another one included."""
    found = [
        Reference(consumer=task.ref, source=source, expression=expression, where=where, is_whole=is_whole)
        for task in definition.walk()
        for source, expression, where, is_whole in _in(dict(task.inputs), "")
    ]
    found.extend(
        Reference(consumer=None, source=source, expression=expression, where=where, is_whole=is_whole)
        for source, expression, where, is_whole in _in(dict(definition.output_parameters), "")
    )
    return tuple(found)


def _in(value: Json, where: str) -> Iterator[tuple[str, str, str, bool]]:
    if isinstance(value, str):
        for match in _OPENING.finditer(value):
            expression = _balanced(value[match.start() :])
            yield match[1], expression, where, expression == value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _in(inner, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _in(inner, f"{where}[{index}]")


def _balanced(text: str) -> str:
    """Cut an expression off where its braces close; all of the text if they never do."""
    depth = 0
    for index, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0 and character == "}":
            return text[: index + 1]
    return text
