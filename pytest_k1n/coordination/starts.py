"""What starts when, and how long it may take: launches to groups of starts, and their deadlines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pytest_k1n.coordination.collection import Launch
from pytest_k1n.core.model import Json, TaskDefinition, WorkflowDefinition
from pytest_k1n.core.plan import Template
from pytest_k1n.core.units import MINUTE_MS

RAW_ALLOWANCE_MS = 30_000
"""What a run may lose to the server and the machine before it counts as stuck."""
UNPLANNED_MS = 30 * MINUTE_MS
"""How long an execution without band or `within` may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One execution to be started."""

    key: str
    workflow: str
    version: int | None
    batch: int
    round: int
    alone: bool = False
    is_main: bool = True
    """Whether it is what the batch is about, not a repetition of it."""
    within_ms: int | None = None
    input: Mapping[str, Json] = field(default_factory=dict)


def groups(launches: Iterable[Launch], *, sequential: bool = False) -> tuple[tuple[Start, ...], ...]:
    """Order a batch's launches: first all main ones at one moment, then the extra ones group by group.

    Each group starts when the one before has ended. `sequential` splits the first moment up, for diagnosis.
    """
    ordered = list(launches)
    main = tuple(_start(launch, 0) for launch in ordered if launch.is_main)
    result: list[tuple[Start, ...]] = [(start,) for start in main] if sequential else [main] if main else []
    for launch in ordered:
        if not launch.is_main:
            for turn in range(launch.in_a_row):
                first = turn * launch.at_once
                result.append(tuple(_start(launch, first + copy) for copy in range(launch.at_once)))
    return tuple(result)


def again(launch: Launch, round_: int) -> Start:
    """Start one more execution of a launch, because its test is run again."""
    return _start(launch, round_)


def confirming(start: Start, turn: int) -> Start:
    """Repeat a start for its durations: under a key of its own, so that no test takes it for what it observes."""
    return replace(start, key=f"{start.key}#again", round=start.round + turn)


def _start(launch: Launch, round_: int) -> Start:
    return Start(
        key=launch.key,
        workflow=launch.workflow,
        version=launch.version,
        batch=launch.batch,
        round=round_,
        alone=launch.alone,
        is_main=launch.is_main,
        within_ms=launch.within_ms,
        input=launch.input,
    )


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
