"""Sub-workflows: which version, and whether they start one another without end."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping

from pytest_k1n.lint.check import Hit, Level, Path
from pytest_k1n.lint.subject import WorkflowSubject
from pytest_k1n.lint.suggest import suggestion
from pytest_k1n.lint.tree import mapping, text

_LIKE_ENOUGH = 0.85
_DIGITS = re.compile(r"\d+")


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
        known = {_version(other) for other in workflow.library.of_name(name)}
        if task.type == "SUB_WORKFLOW" and isinstance(version, int) and version > 0 and known and version not in known:
            there = ", ".join(map(str, sorted(known)))
            yield Hit(
                (*task.path, "subWorkflowParam", "version"), f"starts {name} version {version}; here is {there}",
                ref=task.ref,
            )  # fmt: skip


def unknown_child(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find names of workflows that are not among the files, though one that is called nearly so is.

    Not by their digits alone: of `order_v1` and `order_v2` one may well be elsewhere.
    """
    known = workflow.library.names
    for path, name, ref in _named(workflow):
        if not name or "${" in name or name in known:
            continue
        meant = suggestion(name, (each for each in known if each != workflow.name), _LIKE_ENOUGH)
        if meant and _DIGITS.sub("", meant) != f"did you mean {_DIGITS.sub('', name)}?":
            yield Hit(path, f"starts {name}, which is not here", meant, ref=ref)


def _named(workflow: WorkflowSubject) -> Iterator[tuple[Path, str, str]]:
    """Yield where a definition names a workflow, the name, and the task that does."""
    for task in workflow.tasks:
        if task.type == "SUB_WORKFLOW" and not mapping(task.fields, "subWorkflowParam").get("workflowDefinition"):
            name = text(mapping(task.fields, "subWorkflowParam"), "name")
            yield (*task.path, "subWorkflowParam", "name"), name, task.ref
        if task.type == "START_WORKFLOW":
            name = text(mapping(dict(task.inputs), "startWorkflow"), "name")
            yield (*task.path, "inputParameters", "startWorkflow", "name"), name, task.ref
    yield (*workflow.path, "failureWorkflow"), text(workflow.fields, "failureWorkflow"), ""


def no_child(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find sub-workflow tasks that say neither a name nor a definition."""
    for task in workflow.tasks:
        child = mapping(task.fields, "subWorkflowParam")
        is_given = isinstance(task.fields.get("subWorkflowParam"), Mapping)
        if (
            task.type == "SUB_WORKFLOW"
            and is_given
            and child.get("name") in (None, "")
            and not child.get("workflowDefinition")
        ):
            yield Hit((*task.path, "subWorkflowParam"), "names no workflow", ref=task.ref)


def recursion(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find workflows that start themselves, directly or through others, or because they fail."""
    if not workflow.name or workflow.is_inline:
        return
    if text(workflow.fields, "failureWorkflow") == workflow.name:
        said = "starts itself whenever it fails: without end, as long as the reason lasts"
        yield Hit((*workflow.path, "failureWorkflow"), said, "name a workflow that cleans up", Level.WARNING)
    if not workflow.children:
        return
    endless = _ways_to(workflow, only_certain=True)
    possible = _ways_to(workflow, only_certain=False)
    for child in workflow.children:
        path = (*child.task.path, "subWorkflowParam")
        if child.is_certain and child.name in endless:
            yield Hit(path, f"starts itself without end: {_chain(workflow, child.name, endless)}", ref=child.task.ref)
        elif child.name in possible:
            said = f"may start itself: {_chain(workflow, child.name, possible)}"
            yield Hit(path, said, "", Level.WARNING, child.task.ref)


def _ways_to(workflow: WorkflowSubject, *, only_certain: bool) -> dict[str, str]:
    """Map each workflow from which this one is reached to the next one on the way; itself to nothing."""
    following = {workflow.name: ""}
    waiting = deque([workflow.name])
    while waiting:
        here = waiting.popleft()
        for caller, is_certain in workflow.library.callers.get(here, ()):
            if caller not in following and (is_certain or not only_certain):
                following[caller] = here
                waiting.append(caller)
    return following


def _chain(workflow: WorkflowSubject, name: str, following: Mapping[str, str]) -> str:
    names = [workflow.name]
    while name:
        names.append(name)
        name = following[name]
    return " -> ".join(names if len(names) <= 8 else [*names[:4], "…", *names[-3:]])


def _version(workflow: WorkflowSubject) -> int:
    version = workflow.fields.get("version")
    return version if isinstance(version, int) else 1
