"""Registered definitions: documents by name and version, and the compiled snapshots executions start from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_k1n.core.java_text import java_text
from pytest_k1n.engine.definition import Definition, Node, TaskDef, walk
from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.registry.constraints import check_workflow
from pytest_k1n.engine.registry.refusals import walk as documents
from pytest_k1n.engine.registry.wiredefaults import task_definition_document, workflow_document
from pytest_k1n.engine.values import JsonObject

_NO_REF: Final = (
    'Cannot invoke "String.equals(Object)" because the return value of '
    '"com.netflix.conductor.common.metadata.workflow.WorkflowTask.getTaskReferenceName()" is null'
)


class MissingChild(LookupError):
    """A sub-workflow without a version whose definition is not registered; says so in the server's words."""


class Catalogue:
    """All metadata of an engine; a snapshot is compiled once and dropped when any metadata changes."""

    def __init__(self, *, unknown_limits: tuple[str, ...] = ()) -> None:
        self._unknown_limits = dict.fromkeys(unknown_limits, 0)
        self.task_documents: dict[str, JsonObject] = {}
        self.workflow_documents: dict[str, dict[int, JsonObject]] = {}
        self._task_definitions: dict[str, TaskDef] = {}
        self._snapshots: dict[tuple[str, int], Definition] = {}
        self._inline: dict[int, tuple[JsonObject, Definition]] = {}

    def put_task(self, given: JsonObject, now_ms: int, *, is_update: bool = False) -> None:
        """Register or replace a task definition; registering one again makes it a new one."""
        known = self.task_documents.get(str(given.get("name"))) if is_update else None
        document = task_definition_document({**given, "createTime": None, "updateTime": None, "updatedBy": None})
        document["createTime"] = known["createTime"] if known else now_ms
        document["updateTime"] = now_ms if known else 0
        document["createdBy"] = ""
        if known:
            document["updatedBy"] = ""
        self.task_documents[document["name"]] = document
        self._task_definitions[document["name"]] = TaskDef({**document, **self._unknown_limits})
        self._forget()

    def input_template(self, name: str) -> JsonObject:
        """Return the input template of a task definition; empty if there is none of that name."""
        definition = self._task_definitions.get(name)
        return definition.input_template if definition is not None else {}

    def checked(self, given: JsonObject, path: str) -> JsonObject:
        """Normalise a workflow definition that came with a request. Raises Illegal, Invalid; `path` names it there."""
        shapes.refuse_nulls(given)
        document = workflow_document(given)
        check_workflow(document, path, self.input_template)
        return document

    def drop_task(self, name: str) -> bool:
        """Remove a task definition; tell whether there was one."""
        self._task_definitions.pop(name, None)
        self._forget()
        return self.task_documents.pop(name, None) is not None

    def put_workflow(self, given: JsonObject, now_ms: int, *, is_update: bool) -> JsonObject:
        """Register or replace a workflow definition; return it as stored."""
        return self.put_checked(workflow_document(given), now_ms, is_update=is_update)

    def put_checked(self, document: JsonObject, now_ms: int, *, is_update: bool) -> JsonObject:
        """Register or replace what `checked` has returned."""
        if not is_update:  # an update leaves the stamp that came with it
            document["createTime"] = now_ms
        document["updateTime"] = now_ms if is_update else document.get("updateTime") or 0
        self.workflow_documents.setdefault(document["name"], {})[document["version"]] = document
        self._forget()
        return document

    def drop_workflow(self, name: str, version: int) -> bool:
        """Remove one version of a workflow definition; tell whether there was one."""
        versions = self.workflow_documents.get(name, {})
        dropped = versions.pop(version, None) is not None
        if not versions:
            self.workflow_documents.pop(name, None)
        self._forget()
        return dropped

    def workflow_document(self, name: str, version: int | None) -> JsonObject | None:
        """Find a definition; the latest version if none is given."""
        versions = self.workflow_documents.get(name)
        if not versions:
            return None
        return versions.get(max(0, *versions) if version is None else version)

    def task_definition(self, name: str) -> TaskDef | None:
        return self._task_definitions.get(name)

    def workflow(self, name: str, version: int | None) -> Definition | None:
        """Return the snapshot to start from, or None. Raises MissingChild."""
        document = self.workflow_document(name, version)
        if document is None:
            return None
        key = (name, document["version"])
        snapshot = self._snapshots.get(key)
        if snapshot is None:
            snapshot = self._snapshots[key] = self._compiled(document)
            try:
                self._check_children(snapshot.tasks)
            except MissingChild:
                del self._snapshots[key]
                raise
        return snapshot

    def inline(self, given: JsonObject) -> Definition:
        """Compile a definition that came with a request, once for the same object. Raises MissingChild."""
        known = self._inline.get(id(given))
        if known is not None and known[0] is given:
            return known[1]
        if (complaint := shapes.null_task(given)) is not None:
            raise MissingChild(complaint)
        document = workflow_document(given)
        without = [task for task in document["tasks"] if not task.get("taskReferenceName")]
        for task in without:  # the execution breaks when it comes to it
            task["taskReferenceName"], task["name"] = "", task.get("name") or ""
        snapshot = self._compiled(document, but=without)
        self._check_children(snapshot.tasks)
        self._inline[id(given)] = (given, snapshot)
        return snapshot

    def _latest_version(self, name: str) -> int | None:
        return max(self.workflow_documents.get(name, ()), default=None)

    def _compiled(self, document: JsonObject, *, but: Sequence[JsonObject] = ()) -> Definition:
        """Compile a definition. Raises MissingChild for a nameless task, which only a loop can have come with."""
        for task in documents(document["tasks"]):
            if task in but:
                continue
            if not task.get("taskReferenceName"):
                raise MissingChild(_NO_REF)
            if not task.get("name"):
                raise MissingChild("TaskDef name cannot be null")
        return Definition(document, self.task_definition, self._latest_version)

    def _check_children(self, tasks: list[Node]) -> None:
        """Demand, as the server does at start, that a sub-workflow without a version is registered."""
        for node in walk(tasks):
            if node.type != "SUB_WORKFLOW":
                continue
            parameter = node.document.get("subWorkflowParam") or {}
            inline = parameter.get("workflowDefinition")  # an expression counts for none
            if parameter.get("version") is None and (not inline or isinstance(inline, str)):
                name = parameter.get("name")
                if not name or self.workflow_document(str(name), None) is None:
                    raise MissingChild(
                        f"The Task {java_text(name)} defined as a sub-workflow has no workflow definition available "
                    )

    def _forget(self) -> None:
        self._snapshots.clear()
        self._inline.clear()
