"""How long an execution may take before it is given up, in raw time. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_k1n.core.model import TaskDefinition, WorkflowDefinition
from pytest_k1n.core.plan import Template
from pytest_k1n.core.units import MINUTE_MS

RAW_ALLOWANCE_MS = 30_000
"""What a run may lose to the server and the machine before it counts as stuck."""
UNPLANNED_MS = 30 * MINUTE_MS
"""How long an execution without band or `within` may take."""


def deadline_ms(
    template: Template | None,
    definition: WorkflowDefinition | None,
    task_definitions: Mapping[str, TaskDefinition],
    *,
    speed: float,
    within_ms: int | None = None,
) -> int:
    """Return how long, in raw ms, an execution may run before it is given up.

    Band x 1.5 / speed, a raw allowance, and the longest that one task may take to fail for good by the time-outs and
    retry delays that the definition declares: a hang has to outlast its time-out in raw seconds.
    """
    if within_ms is not None:
        planned = within_ms
    elif template is not None and template.band_ms is not None:
        planned = round(template.band_ms[1] * 1.5 / speed)
    else:
        planned = round(UNPLANNED_MS / speed)
    return planned + RAW_ALLOWANCE_MS + _declared_ms(definition, task_definitions)


def _declared_ms(definition: WorkflowDefinition | None, task_definitions: Mapping[str, TaskDefinition]) -> int:
    if definition is None:
        return 0
    declared = 0
    for task in definition.walk():
        rules = task.task_definition or task_definitions.get(task.name)
        if rules is None:
            continue
        retries = rules.retry_count if task.retry_count is None else task.retry_count
        attempt_s = max(min(rules.response_timeout_s, 600), rules.timeout_s)
        declared = max(declared, 1000 * (attempt_s * (retries + 1) + rules.retry_delay_s * retries))
    return declared
