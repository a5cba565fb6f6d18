"""What the server refuses at registration, asked of the embedded engine's own rules: there is no second opinion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.registry.constraints import check_task_definition
from pytest_k1n.lint.check import Hit, Level
from pytest_k1n.lint.subject import TaskSubject, WorkflowSubject
from pytest_k1n.lint.tree import TaskNode, mapping
from pytest_k1n.validation.schema import compile_schema

_WORKS_UNSEEN = ("decisionCases should have", "terminate task cannot be optional", "forkTasks should have")
"""What the server refuses and would run: in loops and in inline definitions it does not look (measured on 3.32.1)."""


def wrong_type(subject: WorkflowSubject | TaskSubject) -> Iterator[Hit]:
    """Find values that the server's JSON reader cannot take where they stand."""
    yield from subject.wrong
    if isinstance(subject, WorkflowSubject) and not subject.is_inline:
        if "tasks" in subject.fields and subject.fields["tasks"] is None:
            yield Hit((*subject.path, "tasks"), "must not be null")
        for task in subject.tasks:
            for field in shapes.unbearable_nulls(task.fields, in_loop=task.loop is not None):
                yield Hit((*task.path, field), "must not be null: leave it out", ref=task.ref)


def no_tasks(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find definitions without a task."""
    if not workflow.top.tasks and not workflow.fields.get("tasks"):
        level = Level.WARNING if workflow.is_inline else None
        yield Hit((*workflow.path, "tasks"), "the workflow has no tasks", level=level)


def no_name(subject: WorkflowSubject | TaskSubject) -> Iterator[Hit]:
    """Find definitions and tasks without a name."""
    if subject.fields.get("name") in (None, "") and not (isinstance(subject, WorkflowSubject) and subject.is_inline):
        yield Hit(subject.path, "the definition has no name")
    if isinstance(subject, WorkflowSubject):
        for task, field, message in subject.demands:
            if field in ("name", "taskReferenceName"):
                yield Hit(
                    task.path, message.replace("WorkflowTask ", "").replace(" name cannot", " cannot"), ref=task.ref
                )


def schema_version(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find definitions of a schema that the server no longer has."""
    normal = workflow.normal
    if normal is not None and normal["schemaVersion"] != 2 and not workflow.is_inline:
        yield Hit((*workflow.path, "schemaVersion"), f"is {normal['schemaVersion']}: only 2 is supported")


def duplicate_ref(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find reference names that more than one task has."""
    count = Counter(task.ref for task in workflow.tasks if task.ref)
    seen: set[str] = set()
    for task in workflow.tasks:
        if count[task.ref] > 1 and task.ref in seen:
            first = workflow.by_ref[task.ref]
            is_same = first.type == task.type and first.name == task.name
            kind = "" if is_same else f" ({first.type} and {task.type})"
            level = Level.WARNING if workflow.is_inline else None  # it runs, and does one of them only
            said = f"{count[task.ref]} tasks are called {task.ref}{kind}"
            yield Hit((*task.path, "taskReferenceName"), said, level=level, ref=task.ref)
        seen.add(task.ref)


def of_code(code: str) -> Callable[[WorkflowSubject], Iterator[Hit]]:
    """Make the check for one kind of what the server demands of a task by itself."""

    def find(workflow: WorkflowSubject) -> Iterator[Hit]:
        for task, field, message in workflow.demands:
            if field not in ("name", "taskReferenceName") and _code(message) == code:
                yield _hit(workflow, task, field, message)

    return find


def _hit(workflow: WorkflowSubject, task: TaskNode, field: str, message: str) -> Hit:
    is_unseen = workflow.is_inline or task.loop is not None
    if is_unseen and message.startswith(_WORKS_UNSEEN):
        return Hit((*task.path, field) if field else task.path, _worded(message), "", Level.INFO, task.ref)
    return Hit((*task.path, field) if field else task.path, _worded(message), ref=task.ref)


def _code(message: str) -> str:
    """Sort what the server says into our codes."""
    if "field is required" in message:
        return "missing-field"
    if "should have atleast one" in message:
        return "no-cases"
    if message.startswith("terminate task"):
        return "bad-terminate"
    if message.startswith(("Both 'duration'", "Either date", "Unable to parse date")):
        return "bad-wait"
    return "script-syntax" if message.startswith("Expression is not well") else "refused"


def _worded(message: str) -> str:
    """Say in our words what the server says, without the task's name, which stands beside it."""
    if "field is required" in message:
        return f"{message.partition(' field is required')[0]} is missing"
    if message.startswith("decisionCases"):
        return "has no decisionCases"
    if message.startswith("forkTasks"):
        return "has no forkTasks"
    if message.startswith("terminate task must"):
        return "terminationStatus must be COMPLETED, FAILED or TERMINATED"
    if message.startswith("terminate task cannot"):
        return "a TERMINATE cannot be optional"
    if message.startswith("Both"):
        return "has both duration and until: the server takes one of them"
    if message.startswith("Either date"):
        return "its duration cannot be read: write it as in 1 days 2 hours 3 minutes 4 seconds"
    if message.startswith("Unable to parse"):
        return "its until cannot be read: write it as in 2030-01-31 12:00 UTC"
    return message.partition(" for taskType")[0]


def bad_schema(subject: WorkflowSubject | TaskSubject) -> Iterator[Hit]:
    """Find JSON Schemas that are none."""
    for key in ("inputSchema", "outputSchema"):
        envelope = mapping(subject.fields, key)
        data = envelope.get("data")
        if isinstance(data, dict) and envelope.get("type", "JSON") == "JSON":
            try:
                compile_schema(data, fast=False)
            except ValueError as error:
                yield Hit((*subject.path, key, "data"), f"is not a valid JSON Schema: {error}")


def bad_task_definition(definition: TaskSubject) -> Iterator[Hit]:
    """Find numbers in a task definition that the server refuses."""
    normal = definition.normal
    if normal is None:
        return
    for violation in check_task_definition(normal, "$"):
        field = violation["path"].removeprefix("$").lstrip(".")
        if field == "name":
            continue
        message = violation["message"].replace(f"TaskDef: {definition.name} ", "").replace("TaskDef ", "")
        if not field:
            field = "responseTimeoutSeconds" if message.startswith("response") else "timeoutSeconds"
        yield Hit((*definition.path, field), message)


def bad_inline_task_definition(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find the same in task definitions that tasks carry, where the server does not look; only what they say."""
    for task in workflow.tasks:
        carried = mapping(task.fields, "taskDefinition")
        for hit in bad_task_definition(TaskSubject(carried, (*task.path, "taskDefinition"))) if carried else ():
            if hit.path[-1] in carried:
                yield hit._replace(ref=task.ref)
