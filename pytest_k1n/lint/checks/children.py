"""Sub-workflows: which version, and whether they start one another without end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_k1n.lint.check import Hit, Level
from pytest_k1n.lint.subject import WorkflowSubject
from pytest_k1n.lint.tree import TaskNode, mapping, text

_MOST_VISITED = 2000


def version_not_pinned(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find sub-workflows of which the newest version runs."""
    for task in workflow.tasks:
        child = mapping(task.fields, "subWorkflowParam")
        if task.type != "SUB_WORKFLOW" or not text(child, "name") or child.get("workflowDefinition"):
            continue
        if not child.get("version"):
            yield Hit((*task.path, "subWorkflowParam"), f"starts the newest {child['name']}: no version", ref=task.ref)


def unknown_version(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find pinned versions that are not among the files, though others of the same workflow are."""
    for task in workflow.tasks:
        child = mapping(task.fields, "subWorkflowParam")
        name, version = text(child, "name"), child.get("version")
        known = {_version(other) for other in workflow.library.get(name, ())}
        if task.type == "SUB_WORKFLOW" and isinstance(version, int) and version > 0 and known and version not in known:
            there = ", ".join(map(str, sorted(known)))
            yield Hit(
                (*task.path, "subWorkflowParam", "version"), f"starts {name} version {version}; here is {there}",
                ref=task.ref,
            )  # fmt: skip


def no_child(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find sub-workflow tasks that say neither a name nor a definition."""
    for task in workflow.tasks:
        child = mapping(task.fields, "subWorkflowParam")
        is_given = isinstance(task.fields.get("subWorkflowParam"), Mapping)
        if task.type == "SUB_WORKFLOW" and is_given and not child.get("name") and not child.get("workflowDefinition"):
            yield Hit((*task.path, "subWorkflowParam"), "names no workflow", ref=task.ref)


def recursion(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find workflows that start themselves, directly or through others."""
    if not workflow.name or workflow.is_inline:
        return
    for task, name, is_certain in _starts(workflow):
        way = _way_back(workflow, name, is_certain)
        if way is None:
            continue
        through, is_endless = way
        path = (*task.path, "subWorkflowParam")
        chain = " -> ".join([workflow.name, *through])
        if is_endless:
            yield Hit(path, f"starts itself without end: {chain}", ref=task.ref)
        else:
            yield Hit(path, f"may start itself: {chain}", "", Level.WARNING, task.ref)


def _way_back(workflow: WorkflowSubject, name: str, is_certain: bool) -> tuple[list[str], bool] | None:
    """Find the way from a child back to the workflow: the names on it, and whether no case leads past it."""
    waiting: list[tuple[str, list[str], bool]] = [(name, [name], is_certain)]
    seen: set[tuple[str, bool]] = set()
    found: tuple[list[str], bool] | None = None
    while waiting and len(seen) < _MOST_VISITED:
        here, way, certain = waiting.pop(0)
        if here == workflow.name:
            if certain:
                return way, True
            found = found or (way, False)
            continue
        if (here, certain) in seen:
            continue
        seen.add((here, certain))
        for other in workflow.library.get(here, ()):
            for _, child, is_sure in _starts(other):
                waiting.append((child, [*way, child], certain and is_sure))
    return found


def _starts(workflow: WorkflowSubject) -> Iterator[tuple[TaskNode, str, bool]]:
    """Yield the workflows that a workflow starts and waits for, and whether it does so in any case."""
    for task in workflow.tasks:
        child = mapping(task.fields, "subWorkflowParam")
        name = text(child, "name")
        if task.type != "SUB_WORKFLOW":
            continue
        inline = child.get("workflowDefinition")
        is_certain = not any(owner.type in ("SWITCH", "DECISION") for owner in task.owners())
        is_certain = is_certain and not _may_end_before(workflow, task)
        if isinstance(inline, Mapping):
            for _, inner, is_sure in _starts(WorkflowSubject(inline, task.path, workflow.library)):
                yield task, inner, is_certain and is_sure
        elif name and "${" not in name:
            yield task, name, is_certain


def _may_end_before(workflow: WorkflowSubject, task: TaskNode) -> bool:
    """Whether a TERMINATE may end the execution before the task."""
    for each in workflow.tasks:
        if each is task:
            return False
        if each.type == "TERMINATE":
            return True
    return False


def _version(workflow: WorkflowSubject) -> int:
    version = workflow.fields.get("version")
    return version if isinstance(version, int) else 1
