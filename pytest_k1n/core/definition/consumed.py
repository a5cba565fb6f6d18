"""What the `${…}` of a piece of a definition read: outputs of tasks, and variables. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_k1n.core.definition.references import expressions

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
    for each in expressions(parts):
        if each.source != "workflow":
            outputs.add(each.source)
        elif named := _VARIABLE.match(each.path):
            variables.add(named[1] or named[3])
        elif not each.path.startswith(_CONSTANT):
            has_all = True
    return Consumed(frozenset(outputs), frozenset(variables), has_all)
