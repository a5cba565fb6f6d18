"""Whether every name in a plan means something: folders, workflows, refs, input keys.

A misspelt ref would silently be judged against nothing, and a misspelt workflow would fail once per test.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path

from pytest_k1n.core.model import WorkflowDefinition, WorkflowTask
from pytest_k1n.core.plan import Plan, Template
from pytest_k1n.core.standins.answers import ASKED_TYPES
from pytest_k1n.plan.library import DefinitionError, DefinitionNotFound, Library
from pytest_k1n.plan.toml import closest

BRINGS_REFS = frozenset({"DYNAMIC", "FORK_JOIN_DYNAMIC", "SUB_WORKFLOW"})
"""Task types whose execution has refs that its definition does not show."""


def unresolved(plan: Plan, library: Library, *, is_complete: bool = True) -> list[str]:
    """Name what a plan names and nothing defines, a line each, with the nearest name that exists.

    `is_complete` says that a workflow which no folder defines is defined nowhere: a server at a URL may know more.
    """
    missing = [*_missing_folders(plan)]
    if missing:
        return missing
    try:
        known = [str(each["name"]) for each in library.workflows]
        _ = library.task_definitions
    except DefinitionError as error:
        return [str(error)]
    problems = []
    for template in plan.templates:
        where = f"{plan.source}: template {template.id}"
        try:
            definition = library.workflow_definition(template.workflow, template.version)
        except DefinitionError as error:
            problems.append(f"{where}.workflow: {error}")
        except DefinitionNotFound as error:
            hint = closest(template.workflow, known)
            if plan.definitions and (is_complete or hint):
                if error.versions:
                    problems.append(f"{where}.version: {error}")
                else:
                    problems.append(f"{where}.workflow: {error}: {hint or known_here(known)}")
        else:
            problems += [f"{where}.{problem}" for problem in _unknown_refs(template, definition, library)]
            problems += [f"{where}.{problem}" for problem in _unasked(template, definition)]
            problems += [f"{where}.{problem}" for problem in _unread_input(template, library)]
    return problems


def _missing_folders(plan: Plan) -> Iterator[str]:
    for key, folders in (("definitions", plan.definitions), ("task_definitions", plan.task_definitions)):
        for folder in map(Path, folders):
            if not folder.is_dir():
                beside = [each.name for each in folder.parent.glob("*") if each.is_dir()]
                hint = closest(folder.name, beside) or "correct it in the plan file"
                what = "is a file" if folder.exists() else "there is no such folder"
                yield f"{plan.source}: {key}: {folder}: {what}: {hint}"


def _unknown_refs(template: Template, definition: WorkflowDefinition, library: Library) -> Iterator[str]:
    tasks = [*definition.walk()]
    refs, may_be = {task.ref for task in tasks}, bring_refs(tasks)
    names = {str(each["name"]) for each in library.tasks}
    inner = _inner_refs(tasks, library)
    for key, ref in _named_refs(template):
        if key == "estimates" and ref in inner and ref not in refs:  # people are asked in sub-workflows, too
            child, starter = inner[ref]
            what = f"{ref} is a task of {child}, which {starter} starts"
            yield f"{key}: {what}: name {starter}, whose tasks share its time"
        elif key == "estimates" and ref not in refs and (named := _refs_of_name(ref, tasks, names)):
            yield f"{key}: {ref} is the name of a task: an estimate is by ref: name {named}"
        elif may_be and _is_of_a_branch(ref, names):
            continue
        elif meant := unknown_ref(ref, refs, may_be=may_be):
            yield f"{key}: {definition.name} has no ref {ref!r}: {meant}"


def _refs_of_name(name: str, tasks: Sequence[WorkflowTask], names: Set[str]) -> str:
    """Return the refs of the tasks that have a name, or may come to have it; empty where others may be called so."""
    found = [task.ref for task in tasks if task.name == name]
    if not found and name in names and not any(task.type in ("FORK_JOIN_DYNAMIC", "SUB_WORKFLOW") for task in tasks):
        found = [task.ref for task in tasks if task.type == "DYNAMIC"]
    return ", ".join(found)


def _is_of_a_branch(ref: str, names: Set[str]) -> bool:
    """Whether a ref is what dynamic forks call branches: a task definition's name, with a number perhaps."""
    return any(ref[: len(name)] == name and not ref[len(name) : len(name) + 1].isalpha() for name in names)


def _inner_refs(tasks: Iterable[WorkflowTask], library: Library) -> dict[str, tuple[str, str]]:
    """Return the refs of sub-workflows, each with its workflow and the task that starts it."""
    found: dict[str, tuple[str, str]] = {}
    for task in tasks:
        parameter = task.raw.get("subWorkflowParam")
        name = parameter.get("name") if task.type == "SUB_WORKFLOW" and isinstance(parameter, Mapping) else None
        child = library.known_definition(name) if isinstance(name, str) and "$" not in name else None
        if child is not None:
            found = {inner.ref: (child.name, task.ref) for inner in child.walk()} | found
    return found


def bring_refs(tasks: Iterable[WorkflowTask]) -> bool:
    """Tell whether an execution of some tasks may have refs that their definition does not show."""
    return any(task.type in BRINGS_REFS for task in tasks)


def unknown_ref(ref: str, refs: Set[str], *, may_be: bool) -> str:
    """Say what a ref that is none of those known may have been meant for; empty for one of them.

    `may_be` says that there may be others: then only what resembles a known one is taken for a slip.
    """
    if ref in refs:
        return ""
    return closest(ref, refs) or ("" if may_be else known_here(sorted(refs)))


def _unasked(template: Template, definition: WorkflowDefinition) -> Iterator[str]:
    """Name answers to tasks that ask nobody: they would never be given."""
    types = {task.ref: task.type for task in definition.walk()}
    for ref in template.answers:
        kind = types.get(ref)
        if kind is not None and kind not in ASKED_TYPES | {"DYNAMIC"}:
            yield f"answers: {ref} of {definition.name} asks nobody: its type is {kind}, not HUMAN or WAIT"


def _named_refs(template: Template) -> Iterator[tuple[str, str]]:
    """Yield every place of a template that names a ref; a ref that is misspelt twice is told once."""
    places: dict[str, str] = {}
    for ref in template.estimates_ms:
        places.setdefault(ref, "estimates")
    for ref in template.answers:
        places.setdefault(ref, "answers")
    for phase in template.phases:
        for ref in phase.refs:
            places.setdefault(ref, f"phase[{phase.number}].refs")
    for group in template.parallel:
        for ref in group:
            places.setdefault(ref, "parallel")
    for point in template.watch:
        for ref in filter(None, (point.ref, point.successor)):
            places.setdefault(ref, "watch")
    for ref, place in places.items():
        yield place, ref


def _unread_input(template: Template, library: Library) -> Iterator[str]:
    """Name input keys that only resemble a declared one; what resembles none may be read by an expression."""
    declared = library.workflow(template.workflow, template.version).get("inputParameters")
    names = {str(name) for name in declared} if isinstance(declared, list | Mapping) else set()
    for key in template.input:
        if key not in names and (hint := closest(key, names)):
            yield f"input.{key}: {template.workflow} declares no such input: {hint}"


def known_here(names: Sequence[str]) -> str:
    """List the first names that are known, for whoever has written another."""
    return f"known here: {', '.join(names[:8])}{', …' if names[8:] else ''}" if names else "nothing is defined there"
