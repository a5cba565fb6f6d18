"""How long made-up work may take, so that it does not fail by a time limit. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

from pytest_k1n.core.definition.inlining import tasks_in
from pytest_k1n.core.standins.simulation import DEFAULT_ESTIMATE_MS
from pytest_k1n.core.units import SECOND_MS

Document = Mapping[str, Any]


def fitting_ms(
    definitions: Iterable[Document], task_definitions: Iterable[Document], told: Container[object]
) -> dict[str, int]:
    """Return by ref how long the work takes that has not a minute: half of its time limit, or of the workflow's.

    Of a workflow's limit each of its tasks has a share. `told` holds the refs and task names whose time is known.
    """
    limits = {str(each.get("name")): each.get("timeoutSeconds") for each in task_definitions}
    found: dict[str, int] = {}
    for definition in definitions:
        tasks = list(tasks_in(definition.get("tasks")))
        whole = definition.get("timeoutSeconds") if definition.get("timeoutPolicy") == "TIME_OUT_WF" else None
        for task in tasks:
            if task["taskReferenceName"] in told or task.get("name") in told:
                continue
            own = task.get("taskDefinition")
            limit = own.get("timeoutSeconds") if isinstance(own, Mapping) else limits.get(str(task.get("name")))
            shares = [(limit, 2), (whole, 2 * len(tasks))]
            known = [max(1, each * SECOND_MS // parts) for each, parts in shares if isinstance(each, int) and each > 0]
            if known and min(known) < DEFAULT_ESTIMATE_MS:
                found[str(task["taskReferenceName"])] = min(known)
    return found
