"""What the `${…}` of a piece of a definition read: outputs of tasks, and variables. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_EXPRESSION = re.compile(r"\$\{\s*([^.\[${}\s]+)([^${}]*)")
_VARIABLE = re.compile(r"\.variables(?:\.([^.\[\s]+)|\[\s*(['\"])(.+?)\2\s*\])")
_CONSTANT: Final = (".input", ".workflowId", ".correlationId", ".workflowType", ".version", ".createTime", ".status")
"""Parts of `workflow` that no end of a task changes while it runs."""
_NESTED: Final = frozenset(
    {"forkTasks", "decisionCases", "defaultCase", "loopOver", "subWorkflowParam", "taskDefinition"}
)


@dataclass(frozen=True, slots=True)
class Consumed:
    """What is read, by ref and by name."""

    outputs: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()
    has_all_variables: bool = False
    """Whether all variables are read at once, or in a way whose names cannot be told."""


def consumed(document: Mapping[str, Any]) -> Consumed:
    """Return what a workflow task, or a workflow's `outputParameters`, reads, without the tasks inside it."""
    parts = {key: value for key, value in document.items() if key not in _NESTED}
    outputs: set[str] = set()
    variables: set[str] = set()
    has_all = False
    for source, path in _expressions(parts):
        if source != "workflow":
            outputs.add(source)
        elif named := _VARIABLE.match(path):
            variables.add(named[1] or named[3])
        elif not path.startswith(_CONSTANT):
            has_all = True
    return Consumed(frozenset(outputs), frozenset(variables), has_all)


def _expressions(parts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for found in _EXPRESSION.finditer(json.dumps(parts, ensure_ascii=False).replace('\\"', '"')):
        yield found[1], found[2]
