"""The `${…}` expressions of a definition: which task reads what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pytest_k1n.core.model import Json, WorkflowDefinition

_OPENING = re.compile(r"(?<!\$)\$\{\s*([^.\[${}\s]+)")
_CONTEXTS = frozenset({"workflow", "CPEWF_TASK_ID"})


class Expression(NamedTuple):
    """One expression in a piece of a definition."""

    source: str
    text: str
    where: str
    is_whole: bool
    """Whether the string is this expression and nothing else."""

    @property
    def path(self) -> str:
        """What is read of the source, up to an expression nested in it: `.output.pattern`."""
        return self.text.partition(self.source)[2].partition("${")[0].rstrip("}")


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
    found: list[tuple[str | None, Expression]] = [
        (task.ref, each) for task in definition.walk() for each in expressions(dict(task.inputs))
    ]
    found += [(None, each) for each in expressions(dict(definition.output_parameters))]
    return tuple(
        Reference(consumer=consumer, source=each.source, expression=each.text, where=each.where, is_whole=each.is_whole)
        for consumer, each in found
    )


def expressions(value: Json, where: str = "") -> Iterator[Expression]:
    """Yield every expression in a value, in reading order, those nested in another one included."""
    if isinstance(value, str):
        for match in _OPENING.finditer(value):
            expression = _balanced(value[match.start() :])
            yield Expression(match[1], expression, where, expression == value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from expressions(inner, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from expressions(inner, f"{where}[{index}]")


def _balanced(text: str) -> str:
    """Cut an expression off where its braces close; all of the text if they never do."""
    depth = 0
    for index, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0 and character == "}":
            return text[: index + 1]
    return text
