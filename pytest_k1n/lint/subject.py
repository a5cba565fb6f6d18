"""A definition as the checks see it: its tasks, and what follows from them, worked out once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from pytest_k1n.core.model import TaskKey
from pytest_k1n.core.order.graph import Graph
from pytest_k1n.core.order.unroll import happens_before
from pytest_k1n.core.wire import wire
from pytest_k1n.engine.dialect import CURRENT
from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.registry.constraints import misreadings
from pytest_k1n.engine.registry.taskconstraints import demands
from pytest_k1n.engine.registry.wiredefaults import task_definition_document, workflow_document
from pytest_k1n.lint.check import Fields, Hit, Path
from pytest_k1n.lint.misfits import is_of_order, sound, wrong_fields
from pytest_k1n.lint.reads import Read, reads
from pytest_k1n.lint.tree import TaskList, TaskNode, fill, mapping, text, texts

_INPUT = re.compile(r"""workflow\.input(?:\.([A-Za-z_][\w-]*)|\[\s*(['"])(.*?)\2\s*\])?""")


class Child(NamedTuple):
    """A workflow that another one starts, and waits for."""

    task: TaskNode
    name: str
    is_certain: bool
    """Whether no case, no empty loop and no TERMINATE can lead past the task."""


class WorkflowLibrary:
    """All definitions that are judged together, workflows by name: complete before any of them is judged."""

    def __init__(self, conductor: str = CURRENT.conductor) -> None:
        self.conductor = conductor
        """The release that is to run them."""
        self._by_name: dict[str, list[WorkflowSubject]] = {}
        self._places: dict[str, list[tuple[Subject, str]]] = {}

    def add(self, subject: Subject, file: str = "") -> None:
        if isinstance(subject, WorkflowSubject):
            self._by_name.setdefault(subject.name, []).append(subject)
        self._places.setdefault(subject.identity, []).append((subject, file))

    @property
    def names(self) -> Collection[str]:
        """The names of all workflows."""
        return self._by_name.keys()

    def twins(self, subject: Subject) -> Iterator[tuple[Subject, str]]:
        """Yield the other definitions that a server would take for the same one, each with its file."""
        return (each for each in self._places.get(subject.identity, ()) if each[0] is not subject)

    def of_name(self, name: str) -> list[WorkflowSubject]:
        """Return all versions of a workflow."""
        return self._by_name.get(name, [])

    @cached_property
    def names_by_type(self) -> Mapping[str, Collection[str]]:
        """For each type the names of its tasks, in any of the workflows."""
        found: dict[str, set[str]] = {}
        for versions in self._by_name.values():
            for workflow in versions:
                for task in workflow.tasks:
                    found.setdefault(task.type, set()).add(text(task.fields, "name"))
        return found

    @cached_property
    def callers(self) -> Mapping[str, list[tuple[str, bool]]]:
        """For each workflow the names of those that start it, and whether they always do."""
        found: dict[str, dict[tuple[str, bool], None]] = {}
        for name, versions in self._by_name.items():
            for workflow in versions:
                for child in workflow.children:
                    found.setdefault(child.name, {})[name, child.is_certain] = None
        return {name: list(callers) for name, callers in found.items()}


class WorkflowSubject:
    """A workflow definition; an inline one of a sub-workflow task is one of its own, with a scope of its own."""

    def __init__(self, fields: Fields, path: Path = (), library: WorkflowLibrary | None = None) -> None:
        self.fields = fields
        self.path = path
        self.library = WorkflowLibrary() if library is None else library
        self.is_inline = path[-2:] == ("subWorkflowParam", "workflowDefinition")
        self.top = TaskList(owner=None, slot="tasks", path=(*path, "tasks"))
        fill(self.top, fields.get("tasks"))

    @property
    def name(self) -> str:
        return text(self.fields, "name")

    @property
    def title(self) -> str:
        return f"workflow {self.name or '(without a name)'}"

    @property
    def identity(self) -> str:
        """What a server knows it by."""
        version = self.fields.get("version")
        return f"{self.title} version {version if isinstance(version, int) else 1}"

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

        Anywhere: scripts, sinks and inline children may read in ways that our grammar does not foresee.
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
    def _by_path(self) -> Mapping[Path, TaskNode]:
        return {task.path: task for task in self.tasks}

    def task_at(self, path: Path) -> TaskNode | None:
        """Return the innermost task around a place."""
        while len(path) > len(self.path):
            if (task := self._by_path.get(path)) is not None:
                return task
            path = path[:-1]
        return None

    @cached_property
    def has_dynamic_fork(self) -> bool:
        """Whether tasks join at run time whose names the definition does not say."""
        return any(task.type == "FORK_JOIN_DYNAMIC" for task in self.tasks)

    @cached_property
    def wrong(self) -> list[Hit]:
        """The values that the server cannot read."""
        return list(wrong_fields(self.fields, shapes.WORKFLOW, self.path))

    @cached_property
    def misfits(self) -> Collection[Path]:
        """Where the values are that the server cannot read, those of inline definitions included."""
        return [hit.path for hit in self.wrong] + [
            path for child in self.inline() if child.path[:-2] in self._by_path for path in child.misfits
        ]

    @cached_property
    def normal(self) -> dict[str, Any] | None:
        """The definition as the server reads it, defaults filled in; what it cannot read is `Unread`."""
        return sound(self.fields, shapes.WORKFLOW, workflow_document, self.path, lambda: self.misfits)

    @cached_property
    def demands(self) -> list[tuple[TaskNode, str, str]]:
        """What the server demands of each task by itself: the task, the field at fault, the server's words."""
        return [
            (task, field, message)
            for task in self.tasks
            if (normal := self.normal_task(task)) is not None
            for field, message in demands(normal)
        ]

    @cached_property
    def misreadings(self) -> list[tuple[TaskNode, Path, str, bool]]:
        """What the server's rule says of each expression: the task, where, its words, and whether it looks there.

        It looks at the tasks that are in no other, and at none of a definition that a sub-workflow task carries.
        """
        return [
            (task, (*task.path, "inputParameters", *path), message, task.siblings is self.top and not self.is_inline)
            for task in self.tasks
            if (normal := self.normal_task(task)) is not None
            for path, message in misreadings(normal, normal["inputParameters"], self.by_ref.keys())
        ]

    @cached_property
    def children(self) -> list[Child]:
        """The workflows that its tasks start and wait for, those of inline definitions included."""
        found: list[Child] = []
        may_have_ended = False
        for task in self.tasks:
            may_have_ended = may_have_ended or task.type == "TERMINATE"
            if task.type != "SUB_WORKFLOW":
                continue
            is_certain = not may_have_ended and not any(
                owner.type in ("SWITCH", "DECISION") or owner.fields.get("items") is not None for owner in task.owners
            )
            child = mapping(task.fields, "subWorkflowParam")
            inline = child.get("workflowDefinition")
            if isinstance(inline, Mapping):
                inner = WorkflowSubject(inline, task.path, self.library).children
                found += [Child(task, each.name, is_certain and each.is_certain) for each in inner]
            elif (name := text(child, "name")) and "${" not in name:
                found.append(Child(task, name, is_certain))
        return found

    def normal_task(self, task: TaskNode) -> dict[str, Any] | None:
        """Return one task as the server reads it; None if it cannot."""
        if any(self.task_at(path) is task for path in self.misfits):
            return None
        found: Any = self.normal
        for part in task.path[len(self.path) :]:
            if found is None:
                return None
            found = found[part]
        return found  # type: ignore[no-any-return]

    @cached_property
    def graph(self) -> Graph | None:
        """What runs before what; None if the definition is too broken to tell."""
        if self.normal is None or any(map(is_of_order, self.misfits)):
            return None
        try:
            return happens_before(wire.workflow_definition(self.normal))
        except wire.WireError:
            return None

    @cached_property
    def _keys(self) -> Mapping[str, list[TaskKey]]:
        found: dict[str, list[TaskKey]] = {}
        for key in self.graph.nodes if self.graph else ():
            found.setdefault(key[0], []).append(key)
        return found

    def keys(self, ref: str) -> list[TaskKey]:
        """Return the keys of a reference name in the graph."""
        return self._keys.get(ref, [])

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

    def __init__(self, fields: Fields, path: Path = (), library: WorkflowLibrary | None = None) -> None:
        self.fields = fields
        self.path = path
        self.library = WorkflowLibrary() if library is None else library

    @property
    def name(self) -> str:
        return text(self.fields, "name")

    @property
    def title(self) -> str:
        return f"task {self.name or '(without a name)'}"

    @property
    def identity(self) -> str:
        """What a server knows it by."""
        return self.title

    @cached_property
    def wrong(self) -> list[Hit]:
        """The values that the server cannot read."""
        return list(wrong_fields(self.fields, shapes.TASK_DEFINITION, self.path))

    @cached_property
    def normal(self) -> dict[str, Any] | None:
        """The definition as the server reads it, defaults filled in; what it cannot read is `Unread`."""
        shape, read = shapes.TASK_DEFINITION, task_definition_document
        return sound(self.fields, shape, read, self.path, lambda: [hit.path for hit in self.wrong])


Subject = WorkflowSubject | TaskSubject
