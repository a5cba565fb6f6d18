"""A definition as the checks see it: its tasks, and what follows from them, worked out once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from pytest_k1n.core import wire
from pytest_k1n.core.graph import Graph
from pytest_k1n.core.unroll import happens_before
from pytest_k1n.engine.problems import Problem
from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.registry.wiredefaults import task_definition_document, workflow_document
from pytest_k1n.lint.check import Fields, Path
from pytest_k1n.lint.reads import Read, reads
from pytest_k1n.lint.tree import TaskList, TaskNode, fill, mapping, text, texts

_INPUT = re.compile(r"""workflow\.input(?:\.([A-Za-z_][\w-]*)|\[\s*(['"])(.*?)\2\s*\])?""")

WorkflowLibrary = dict[str, list["WorkflowSubject"]]
"""All workflow definitions that are linted together, by name."""


class WorkflowSubject:
    """A workflow definition; an inline one of a sub-workflow task is one of its own, with a scope of its own."""

    def __init__(self, fields: Fields, path: Path = (), library: WorkflowLibrary | None = None) -> None:
        self.fields = fields
        self.path = path
        self.library = {} if library is None else library
        self.is_inline = path[-2:] == ("subWorkflowParam", "workflowDefinition")
        self.top = TaskList(owner=None, slot="tasks", path=(*path, "tasks"))
        fill(self.top, fields.get("tasks"))

    @property
    def name(self) -> str:
        return text(self.fields, "name")

    @property
    def title(self) -> str:
        return f"workflow {self.name or '(without a name)'}"

    @cached_property
    def tasks(self) -> list[TaskNode]:
        """Every task, nested ones included, in reading order."""
        return [each for task in self.top.tasks for each in (task, *task.walk())]

    @cached_property
    def lists(self) -> list[TaskList]:
        return [self.top, *(each for task in self.tasks for each in task.inner)]

    @cached_property
    def by_ref(self) -> Mapping[str, TaskNode]:
        """The first task of every reference name."""
        return {task.ref: task for task in reversed(self.tasks) if task.ref}

    @cached_property
    def reads(self) -> list[Read]:
        """Every expression, in reading order."""
        return list(reads(self.tasks, self.fields, self.path))

    @cached_property
    def inputs_read(self) -> tuple[set[str], bool]:
        """The names of the inputs that are read anywhere in the text, and whether the input is read as a whole.

        Anywhere: scripts, sinks and inline children may read in ways that no grammar of ours foresees.
        """
        names: set[str] = set()
        reads_all = False
        for _, each in texts(dict(self.fields), ()):
            for match in _INPUT.finditer(each):
                name = match[1] or match[3]
                names.add(name or "")
                reads_all = reads_all or not name
        return names, reads_all

    @cached_property
    def has_dynamic_fork(self) -> bool:
        """Whether tasks join at run time whose names the definition does not say."""
        return any(task.type == "FORK_JOIN_DYNAMIC" for task in self.tasks)

    @cached_property
    def normal(self) -> dict[str, Any] | None:
        """The definition as the server reads it, defaults filled in; None if it cannot."""
        try:
            return workflow_document(shapes.read(self.fields, shapes.WORKFLOW))
        except Problem:
            return None

    def normal_task(self, task: TaskNode) -> dict[str, Any] | None:
        """One task as the server reads it."""
        found: Any = self.normal
        for part in task.path[len(self.path) :]:
            if found is None:
                return None
            found = found[part]
        return found  # type: ignore[no-any-return]

    @cached_property
    def graph(self) -> Graph | None:
        """What runs before what; None if the definition is too broken to tell."""
        if self.normal is None:
            return None
        try:
            return happens_before(wire.workflow_definition(self.normal))
        except wire.WireError:
            return None

    def inline(self) -> Iterator[WorkflowSubject]:
        """Yield the definitions that sub-workflow tasks carry, and those in them."""
        for task in self.tasks:
            definition = mapping(task.fields, "subWorkflowParam").get("workflowDefinition")
            if isinstance(definition, Mapping):
                child = WorkflowSubject(
                    definition, (*task.path, "subWorkflowParam", "workflowDefinition"), self.library
                )
                yield child
                yield from child.inline()


class TaskSubject:
    """A task definition."""

    def __init__(self, fields: Fields, path: Path = ()) -> None:
        self.fields = fields
        self.path = path

    @property
    def name(self) -> str:
        return text(self.fields, "name")

    @property
    def title(self) -> str:
        return f"task {self.name or '(without a name)'}"

    @cached_property
    def normal(self) -> dict[str, Any] | None:
        """The definition as the server reads it, defaults filled in; None if it cannot."""
        try:
            return task_definition_document(shapes.read(self.fields, shapes.TASK_DEFINITION))
        except Problem:
            return None
