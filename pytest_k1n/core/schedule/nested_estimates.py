"""Estimates of sub-workflows, handed down: what each task in one takes for the whole to take what the plan says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import cast

from pytest_k1n.core.model import SYSTEM_TASK_TYPES, Json, WorkflowDefinition, WorkflowTask
from pytest_k1n.core.schedule.planned_schedule import makespan_ms, planned_schedule
from pytest_k1n.core.wire import wire

Estimates = Mapping[tuple[str, str], int]
"""(workflow, ref) -> planned work in workflow time."""
Find = Callable[[str, int | None], WorkflowDefinition | None]
"""Finds a definition by name and version; None: it is not known."""


def with_nested(estimates: Estimates, roots: Iterable[WorkflowDefinition], find: Find) -> dict[tuple[str, str], int]:
    """Add to estimates those that follow from them for the tasks of sub-workflows, at any depth.

    Of a sub-workflow's estimate, what its tasks with estimates of their own leave is for the others, the same for each.
    Where two tasks start one workflow and differ, that with the first estimate counts.
    """
    known = dict(estimates)
    left, seen = list(roots), set()
    while left:
        parent = left.pop(0)
        if parent.name in seen:
            continue
        seen.add(parent.name)
        for task in parent.walk():
            if (child := child_of(task, find)) is None:
                continue
            if (estimate_ms := known.get((parent.name, task.ref))) is not None:
                for ref, ms in _spread(child, estimate_ms, known).items():
                    known.setdefault((child.name, ref), ms)
            left.append(child)
    return known


def with_nested_takes(
    definition: WorkflowDefinition, others: Iterable[WorkflowDefinition], takes_ms: Mapping[str, int]
) -> dict[tuple[str, str], int]:
    """Return what follows from how long tasks take, by ref or name in any workflow, for those of sub-workflows."""
    documents = (definition, *others)
    known = {
        (each.name, task.ref): takes_ms[key]
        for each in documents
        for task in each.walk()
        for key in (task.name, task.ref)
        if key in takes_ms
    }

    def find(name: str, version: int | None) -> WorkflowDefinition | None:
        found = [each for each in documents[1:] if each.name == name and version in (None, each.version)]
        return max(found, key=lambda each: each.version, default=None)

    nested = with_nested(known, [definition], find)
    return {key: ms for key, ms in nested.items() if key in known or key[1] not in takes_ms}


def child_of(task: WorkflowTask, find: Find) -> WorkflowDefinition | None:
    """Find the definition that a SUB_WORKFLOW starts; None where it is not at hand, and for any other task."""
    parameter = task.raw.get("subWorkflowParam")
    if task.type != "SUB_WORKFLOW" or not isinstance(parameter, Mapping):
        return None
    inline, name, version = (parameter.get(key) for key in ("workflowDefinition", "name", "version"))
    if isinstance(inline, Mapping):
        try:
            return wire.workflow_definition(cast("Json", inline))
        except wire.WireError:
            return None
    if not isinstance(name, str) or "$" in name:
        return None
    return find(name, version if isinstance(version, int) and version > 0 else None)


def _spread(child: WorkflowDefinition, total_ms: int, known: Estimates) -> dict[str, int]:
    """Return what each task of a workflow without an estimate takes for its longest path to take the whole."""
    own = {ref: ms for (name, ref), ms in known.items() if name == child.name}
    works = [task.ref for task in child.walk() if task.type not in SYSTEM_TASK_TYPES or task.type == "SUB_WORKFLOW"]
    others = [ref for ref in works if ref not in own]
    low_ms, high_ms = 0, total_ms
    while low_ms < high_ms:  # the longest path grows with what each takes
        middle_ms = (low_ms + high_ms + 1) // 2
        planned_ms = makespan_ms(planned_schedule(child, {**own, **dict.fromkeys(others, middle_ms)}))
        low_ms, high_ms = (middle_ms, high_ms) if planned_ms <= total_ms else (low_ms, middle_ms - 1)
    return dict.fromkeys(others, low_ms)
