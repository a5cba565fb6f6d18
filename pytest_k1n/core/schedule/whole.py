"""How long a whole workflow takes by the estimates of its tasks, where its definition and the plan can tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from pytest_k1n.core.model import SYSTEM_TASK_TYPES, TaskDefinition, WorkflowDefinition, WorkflowTask
from pytest_k1n.core.schedule.nested_estimates import Find, child_of
from pytest_k1n.core.schedule.planned_schedule import makespan_ms, pause_ms, planned_schedule

KnownOf = Callable[[str], Mapping[str, int]]
"""Finds, by the name of a workflow, how long the plan lets its refs take."""

_OPEN = {
    "DO_WHILE": "whose rounds nothing tells beforehand",
    "FORK_JOIN_DYNAMIC": "whose branches nothing tells beforehand",
    "SUB_WORKFLOW": "whose own workflow has no estimates",
    "WAIT": "whose length its definition does not tell",
    "WAIT_FOR_WEBHOOK": "which waits for another",
    "HUMAN": "which waits for a person",
}
"""Task types whose length no definition tells, and why; one without an estimate is open whatever its worker does."""


def children_ms(
    definition: WorkflowDefinition, known_ms: Mapping[str, int], find: Find, known_of: KnownOf
) -> dict[str, int]:
    """Return how long the sub-workflows take that have no estimate, where all of their own tasks have."""
    return dict(_children(definition, known_ms, find, known_of, (definition.name,)))


def loops_within(definition: WorkflowDefinition, known_ms: Mapping[str, int], find: Find) -> dict[str, str]:
    """Return, by the ref of a sub-workflow with an estimate, the first loop at any depth of it: `pages of sync_region`.

    What its simulated tasks take is shared out for one round of it.
    """
    found = ((task.ref, _loop_within(task, find, (definition.name,))) for task in definition.walk())
    return {ref: loop for ref, loop in found if loop and ref in known_ms}


def _loop_within(task: WorkflowTask, find: Find, above: tuple[str, ...]) -> str:
    child = child_of(task, find)
    if child is None or child.name in above:
        return ""
    for each in child.walk():
        loop = f"{each.ref} of {child.name}" if each.type == "DO_WHILE" else ""
        if loop := loop or _loop_within(each, find, (*above, child.name)):
            return loop
    return ""


def untold(
    definition: WorkflowDefinition,
    known_ms: Mapping[str, int],
    task_definitions: Mapping[str, TaskDefinition] = MappingProxyType({}),
) -> str:
    """Name the first task that keeps a makespan from being computed; "" where nothing does."""
    named = Counter(task.name for task in definition.walk())
    for task in definition.walk():
        limits = task.task_definition or task_definitions.get(task.name)
        if (
            limits
            and limits.is_limited(named[task.name])
            and limits.is_limited(_at_once(definition, known_ms, task.name))
        ):
            return f"{task.ref} ({task.type}), which may have to wait: the limits of {task.name} let few run at once"
        if task.ref in known_ms or (task.type == "WAIT" and pause_ms(task)):
            continue
        if task.type in _OPEN or task.type not in SYSTEM_TASK_TYPES:
            return f"{task.ref} ({task.type}), {_OPEN.get(task.type, 'which has no estimate')}"
    return ""


def _at_once(definition: WorkflowDefinition, known_ms: Mapping[str, int], name: str) -> int:
    """Return how many tasks of a definition are in hand together at most, by the estimates."""
    laid = planned_schedule(definition, known_ms)
    spans = [laid[task.ref] for task in definition.walk() if task.name == name and task.ref in laid]
    return max((sum(start <= at < end for start, end in spans) for at, _ in spans), default=0)


def _children(
    definition: WorkflowDefinition,
    known_ms: Mapping[str, int],
    find: Find,
    known_of: KnownOf,
    above: tuple[str, ...],
) -> Iterator[tuple[str, int]]:
    for task in definition.walk():
        child = None if task.ref in known_ms else child_of(task, find)
        if child is None or child.name in above:  # one that starts itself ends nobody knows when
            continue
        own = dict(known_of(child.name))
        own |= _children(child, own, find, known_of, (*above, child.name))
        if not untold(child, own):
            yield task.ref, makespan_ms(planned_schedule(child, own))
