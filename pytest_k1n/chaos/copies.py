"""Copies of definitions for a server that others use: names of their own, leases of seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

from pytest_k1n.core.definition.inlining import tasks_in
from pytest_k1n.core.model import Json


def copied(
    definition: Mapping[str, Json], tasks: Sequence[Mapping[str, Json]], *, uid: str, lease_s: int
) -> tuple[dict[str, Json], list[dict[str, Json]]]:
    """Copy a definition and its task definitions under names that nothing else has, with short leases.

    Raises ValueError for task types that start something else or ask for anything beyond a worker.
    """
    document = cast("dict[str, Json]", json.loads(json.dumps(definition)))
    used: dict[str, None] = {}
    for task in tasks_in(document.get("tasks")):
        if task.get("type", "SIMPLE") == "SIMPLE":
            used[str(task["name"])] = None
            task["name"] = f"{task['name']}_{uid}"
        elif task["type"] in (
            "SUB_WORKFLOW",
            "START_WORKFLOW",
            "DYNAMIC",
            "FORK_JOIN_DYNAMIC",
            "HTTP",
            "EVENT",
            "HUMAN",
        ):
            raise ValueError(
                f"{document['name']}: {task['taskReferenceName']} is a {task['type']}: not served on a server"
            )
    document |= {"name": f"CHAOS_{uid}_{document['name']}", "version": 1}
    document.pop("inputSchema", None)
    known = {str(each["name"]): each for each in tasks}
    made = [_task(known.get(name, {}), f"{name}_{uid}", lease_s) for name in used]
    return document, made


def _task(known: Mapping[str, Json], name: str, lease_s: int) -> dict[str, Json]:
    kept = {key: value for key, value in known.items() if not key.endswith("Schema") and key != "inputTemplate"}
    delay = known.get("retryDelaySeconds", 60)
    return {
        "ownerEmail": "k1n@example.com",
        "retryLogic": "FIXED",
        "retryCount": 3,  # what Conductor takes for a task whose definition does not say it
        **kept,
        "name": name,
        "retryDelaySeconds": min(1, delay if isinstance(delay, int) else 1),
        "responseTimeoutSeconds": lease_s,
        "timeoutSeconds": 0,
    }
