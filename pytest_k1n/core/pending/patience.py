"""How long an execution may take before it is given up, in raw time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pytest_k1n.core.definition.shape import JOINS
from pytest_k1n.core.model import Execution, TaskDefinition, TaskRecord, WorkflowDefinition
from pytest_k1n.core.pending.overdue import wait_limits
from pytest_k1n.core.plan import Template
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.weather import merged
from pytest_k1n.core.units import MINUTE_MS

RAW_ALLOWANCE_MS = 30_000
"""What a run may lose to the server and the machine before it counts as stuck."""
REPAIR_MS = 75_000
"""How long an engine may take to notice its turn: JOINs whose message Conductor had lost came after 54 s."""
LONGEST_REQUEST_MS = MINUTE_MS
"""How much of one open HTTP task is granted: longer than the time-outs of most."""
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


def granted_ms(family: Iterable[Execution], epoch_ms: int) -> int:
    """Return for how long, in raw ms, an execution has waited for what no speed shortens and no plan tells.

    That is its WAITs with a date or duration, its HTTP requests and the delays of its attempts, up to now, and those of
    its sub-workflows.
    """
    spans = (span for execution in family for record in execution.tasks for span in _unshortened(record, epoch_ms))
    return sum(each.duration_ms for each in merged(Interval(begin, min(end, epoch_ms)) for begin, end in spans))


def _unshortened(record: TaskRecord, epoch_ms: int) -> Iterator[tuple[int, int]]:
    begin_ms, scheduled_ms = record.started_ms or record.scheduled_ms, record.scheduled_ms
    if scheduled_ms and record.start_delay_ms:
        yield scheduled_ms, scheduled_ms + record.start_delay_ms
    if begin_ms is None:
        return
    if record.type == "HTTP":
        yield begin_ms, record.ended_ms or begin_ms + LONGEST_REQUEST_MS
    for limit in wait_limits(record):
        yield begin_ms, min(record.ended_ms or epoch_ms, limit.due_ms)


def is_engines_turn(family: Sequence[Execution], epoch_ms: int) -> bool:
    """Whether nothing but the engine is to move an execution on, and it may still be about to repair itself."""
    records = [record for execution in family for record in execution.tasks]
    last_ms = max((record.ended_ms or 0 for record in records), default=0)
    return epoch_ms < last_ms + REPAIR_MS and all(
        record.type in JOINS or record.type == "DO_WHILE" or (record.type == "SUB_WORKFLOW" and record.sub_workflow_id)
        for record in records
        if not record.status.is_terminal
    )
