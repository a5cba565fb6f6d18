"""The example that `k1n init` writes where it is told no workflow."""

from __future__ import annotations

from typing import Any

from pytest_k1n.commands.material import Material, Recorded, task_of
from pytest_k1n.core.units import MINUTE_MS

_MINUTES = {"reserve": 2, "charge": 3, "receipt": 1, "pack": 6, "ship": 5}
_LIMIT_S = 1800
"""After how long a task of it is given up; the whole after twice that."""


def example() -> Material:
    """Return the workflow "order": a chain beside a fork's other branch, and a task that waits for both."""
    chain, beside = [_simple("charge"), _simple("receipt")], [_simple("pack")]
    document = {
        "name": "order",
        "version": 1,
        "description": "An example: pay and pack side by side, ship when both are done",
        "schemaVersion": 2,
        "ownerEmail": "k1n@example.com",
        "timeoutPolicy": "TIME_OUT_WF",
        "timeoutSeconds": 2 * _LIMIT_S,
        "inputParameters": ["order_id"],
        "tasks": [
            _simple("reserve"),
            {"name": "split", "taskReferenceName": "split", "type": "FORK_JOIN", "forkTasks": [chain, beside]},
            {"name": "both", "taskReferenceName": "both", "type": "JOIN", "joinOn": ["pack", "receipt"]},
            _simple("ship"),
        ],
        "outputParameters": {"parcel": "${pack.output.artifact}"},
    }
    return Material(
        workflows=(document,),
        tasks=tuple(task_of(name) | {"timeoutSeconds": _LIMIT_S} for name in _MINUTES),
        estimates_ms={ref: minutes * MINUTE_MS for ref, minutes in _MINUTES.items()},
        recorded=Recorded(),
        source="the example that comes with pytest-k1n",
        input={"order_id": "A-1"},
        is_example=True,
    )


def _simple(name: str) -> dict[str, Any]:
    inputs = {"order_id": "${workflow.input.order_id}"}
    return {"name": name, "taskReferenceName": name, "type": "SIMPLE", "inputParameters": inputs}
