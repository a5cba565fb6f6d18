"""How long tasks may work of which nothing was recorded: a guess that keeps their time limits. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_k1n.core.model import WorkflowDefinition
from pytest_k1n.core.schedule.planned_schedule import makespan_ms, planned_schedule
from pytest_k1n.core.standins.simulation import DEFAULT_ESTIMATE_MS
from pytest_k1n.core.units import SECOND_MS


def guesses(
    definition: WorkflowDefinition, tasks: Iterable[Mapping[str, Any]], refs: Iterable[str], known: Mapping[str, int]
) -> dict[str, int]:
    """Guess how long tasks work: a minute each, or half of the time that they, or all of them together, are allowed."""
    limits = {str(each.get("name")): int(each.get("timeoutSeconds") or 0) * SECOND_MS for each in tasks}
    limited = {
        task.ref: task.task_definition.timeout_s * SECOND_MS if task.task_definition else limits.get(task.name, 0)
        for task in definition.walk()
    }
    guessed = {ref: min(DEFAULT_ESTIMATE_MS, limited.get(ref, 0) // 2 or DEFAULT_ESTIMATE_MS) for ref in refs}
    allowed_ms = definition.timeout_s * SECOND_MS // 2
    planned_ms = makespan_ms(planned_schedule(definition, {**known, **guessed}))
    if not allowed_ms or planned_ms <= allowed_ms:
        return guessed
    return {ref: max(1, ms * allowed_ms // planned_ms) for ref, ms in guessed.items()}
