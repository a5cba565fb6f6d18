"""An observation: one execution with everything that is known about it, ready to be judged.

Raw stamps (the server's clock) decide order, overlap, spread and waits; the timeline, rebuilt in workflow time, decides
estimates, bands and windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import cast

from pytest_k1n.core.definition.difference import Difference, differences
from pytest_k1n.core.model import (
    OPERATOR_TASK_TYPES,
    Execution,
    TaskDefinition,
    TaskKey,
    TaskRecord,
    WorkflowDefinition,
)
from pytest_k1n.core.order.unroll import Graph, happens_before
from pytest_k1n.core.plan import Template
from pytest_k1n.core.record.reasons import plain_reason
from pytest_k1n.core.schedule.critical import CriticalPath, critical_path
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.timeline import Timeline, rebuild
from pytest_k1n.core.timing.weather import Weather, kept_waiting
from pytest_k1n.core.wire.wire import split_iteration

LogLine = tuple[int, str]
"""(created_ms, text) as the server keeps a task's log."""


class TimeModel(StrEnum):
    """How workflow time relates to the server's clock: alike, work shortened by a speed, or an engine's own clock."""

    REAL = "real"
    SCALED = "scaled"
    VIRTUAL = "virtual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One entry of the worker's ledger: a handler was called for an attempt. Worker clock, not the server's."""

    task_id: str
    ref: str
    attempt: int = 0
    begin_ms: int
    end_ms: int | None = None
    status: str | None = None
    slept_ms: int = 0
    """How much of it was declared work, shortened by the speed: `task.sleep`."""
    poll: Interval | None = None
    """From when to when the poll that brought the task was with the server."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Observation:
    """One execution as far as it got, with its graph, its timeline and the evidence around it. Build by `observe`."""

    execution: Execution
    definition: WorkflowDefinition
    """What it is judged by: not necessarily what the server ran."""
    graph: Graph
    timeline: Timeline
    template: Template | None = None
    time_model: TimeModel = TimeModel.REAL
    speed: float = 1.0
    logs: Mapping[str, tuple[LogLine, ...]] | None = None
    """task_id -> lines; `None`: they were not fetched."""
    invocations: tuple[Invocation, ...] | None = None
    """The worker's ledger; `None`: the worker is not ours."""
    released: str | None = None
    """Why the run waits no longer for a non-terminal execution: what has not happened by now will not."""
    slots: int | None = None
    """Tasks that one worker runs at once per task type; `None`: unknown."""
    now_ms: int | None = None
    """The server's clock when it was asked; `None`: only the records' stamps tell."""
    documents: Mapping[str, tuple[str, ...]] | None = None
    """Further documents already validated by their schema, such as the results file: name -> errors."""
    task_definitions: Mapping[str, TaskDefinition] = field(default_factory=dict)
    """By name, for tasks whose definition the server did not embed."""
    children: Mapping[str, Execution] = field(default_factory=dict)
    """Executions of its sub-workflows, as far as somebody has looked at them, by their ids."""
    weather: Weather | None = None
    """What the machine and the server did meanwhile; `None`: it was not measured."""
    derived: dict[str, object] = field(default_factory=dict, init=False, repr=False)
    """What has been worked out of it for a document, by name: results are written three times in a run."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will come, so that what is missing is missing for good."""
        return self.execution.is_terminal or self.released is not None

    @property
    def state(self) -> str:
        """How the execution stands, in words for findings."""
        execution = self.execution
        if self.released and not execution.is_terminal:
            return f"still {execution.status} when waiting ended: {self.released}"
        return f"{execution.status}: {plain_reason(execution.reason)}" if execution.reason else str(execution.status)

    @property
    def records(self) -> Mapping[TaskKey, Sequence[TaskRecord]]:
        """All attempts of every task, first to last."""
        return self.execution.records

    @property
    def finals(self) -> Mapping[TaskKey, TaskRecord]:
        """The last attempt of every task."""
        return self.execution.finals

    @cached_property
    def path(self) -> CriticalPath:
        """The critical path in workflow time; of an open execution up to its latest stamp."""
        return critical_path(self.timeline, self.graph)

    @cached_property
    def refs(self) -> frozenset[str]:
        """Every reference name that the definition or the execution knows."""
        return frozenset(
            {task.ref for task in self.definition.walk()}
            | {ref for ref, _ in self.graph.nodes}
            | set(self.execution.columns.ref)
        )

    @cached_property
    def worker_keys(self) -> tuple[TaskKey, ...]:
        """Tasks on record that a worker ran or should run, in scheduling order."""
        columns = self.execution.columns
        return tuple([key for key, place in columns.last.items() if columns.is_work[place]])

    @cached_property
    def acting_keys(self) -> tuple[TaskKey, ...]:
        """Tasks on record that do something, in scheduling order: a worker's, sub-workflows, waits, calls."""
        return tuple(key for key, record in self.finals.items() if record.type not in OPERATOR_TASK_TYPES)

    def keys(self, ref: str) -> tuple[TaskKey, ...]:
        """Return the tasks on record of `work` (all iterations) or `work__2` (that one), in order of iteration."""
        if ref in self.refs:
            columns = self.execution.columns
            return tuple(sorted({columns.keys[place] for place in columns.of_ref.get(ref, ())}))
        key = split_iteration(ref)
        return (key,) if key in self.records else ()

    def task_definition(self, key: TaskKey) -> TaskDefinition | None:
        """Find the task definition that was in force for a task; `None` if it is unknown."""
        record = self.finals.get(key)
        for task in (record.workflow_task if record else None, self.graph.nodes.get(key)):
            if task is not None and task.task_definition is not None:
                return task.task_definition
        return self.task_definitions.get(record.def_name) if record else None

    def estimate_ms(self, ref: str) -> int | None:
        """Return the planned work of a ref."""
        return self.template.estimates_ms.get(ref) if self.template else None

    def is_simulated(self, key: TaskKey) -> bool:
        """Whether the work of a task was simulated: its duration would prove itself.

        That of a sub-workflow counts as simulated where any is, or where nothing else tells.
        """
        record = self.finals.get(key)
        if record is not None and record.type == "SUB_WORKFLOW":
            return self.any_simulated or not self.worker_keys
        return record is not None and record_is_simulated(record)

    @cached_property
    def any_simulated(self) -> bool:
        """Whether some work of the execution was simulated, and so its makespan."""
        columns = self.execution.columns
        noted = [
            key
            for key, place in columns.last.items()
            if "_k1n" in columns.output[place] and (columns.is_work[place] or columns.type[place] == "HTTP")
        ]
        return any(map(self.is_simulated, noted))

    def raw(self, key: TaskKey) -> Interval | None:
        """Return start and end (server clock) of a task's last attempt; `None` if it has not run to its end."""
        columns = self.execution.columns
        place = columns.last.get(key)
        if place is None or not columns.started_ms[place] or not columns.ended_ms[place]:
            return None
        return Interval(columns.started_ms[place], columns.ended_ms[place])

    @cached_property
    def other_definition(self) -> tuple[Difference, ...]:
        """Where the definition that the server ran says something else than the one this is judged by."""
        ran = self.execution.definition
        if ran is None or ran is self.definition or not (ran.raw and self.definition.raw):
            return ()
        known = ran.derived.get("compared")  # with what it was compared last: all its executions are judged by the same
        if isinstance(known, tuple) and known[0] is self.definition:
            return cast("tuple[Difference, ...]", known[1])
        found = differences(self.definition.raw, ran.raw)
        ran.derived["compared"] = (self.definition, found)
        return found

    @property
    def as_run(self) -> Observation:
        """The same execution beside the definition that the server ran; this one where the two say the same."""
        return self._as_run or self

    @cached_property
    def _as_run(self) -> Observation | None:  # never itself: an object that refers to itself is not freed at once
        ran = self.execution.definition
        if ran is None or not self.other_definition:
            return None
        return replace(self, definition=ran, graph=happens_before(ran, self.execution))

    @cached_property
    def elapsed_ms(self) -> int:
        """How much workflow time has passed for certain: the makespan once it has ended.

        Work in progress counts at a pace of 1, since only its end will tell whether it is simulated.
        """
        stamps = [self.now_ms or 0, self.execution.started_ms]
        for record in self.execution.tasks:
            stamps.extend(stamp or 0 for stamp in (record.scheduled_ms, record.started_ms, record.ended_ms))
        return self.timeline.now_ms(max(stamps), pace=1)


def record_is_simulated(record: TaskRecord) -> bool:
    """Whether the worker marked this attempt's work as simulated."""
    report = record.output.get("_k1n")
    return isinstance(report, Mapping) and report.get("simulated") is True


def observe(
    execution: Execution,
    *,
    template: Template | None = None,
    definition: WorkflowDefinition | None = None,
    time_model: str = TimeModel.REAL,
    speed: float = 1.0,
    logs: Mapping[str, tuple[LogLine, ...]] | None = None,
    invocations: tuple[Invocation, ...] | None = None,
    released: str | None = None,
    slots: int | None = None,
    now_ms: int | None = None,
    documents: Mapping[str, tuple[str, ...]] | None = None,
    task_definitions: Mapping[str, TaskDefinition] | None = None,
    weather: Weather | None = None,
    slept_ms: Mapping[str, int] | None = None,
    start_request: Interval | None = None,
) -> Observation:
    """Put an execution, what is expected of it and the evidence about it together.

    `slept_ms` (by task id) is how long people were let wait, where the speed has shortened that. `start_request` is
    from when to when the request that started it was with the server, epoch ms.
    `definition` is the requirement; left out, the execution's own snapshot serves. Raises ValueError if there is
    neither, or for an unknown time model or a speed that is not positive.
    """
    requirement = definition or execution.definition
    if requirement is None:
        raise ValueError(
            f"execution {execution.workflow_id} carries no workflow definition: pass the one to judge it by"
        )
    if not speed > 0:
        raise ValueError(f"speed must be positive, not {speed}")
    model = TimeModel(time_model)
    graph = happens_before(requirement, execution)
    return Observation(
        execution=execution,
        definition=requirement,
        graph=graph,
        timeline=rebuild(
            execution,
            graph,
            speed=speed if model is TimeModel.SCALED else 1,
            slept_ms={
                **{each.task_id: each.slept_ms for each in invocations or () if each.slept_ms},
                **(slept_ms or {}),
            },
        ),
        template=template.planned_on(requirement, task_definitions or {}) if template else None,
        time_model=model,
        speed=speed,
        logs=logs,
        invocations=invocations,
        released=released,
        slots=slots,
        now_ms=now_ms,
        documents=documents,
        task_definitions=task_definitions or {},
        weather=weather.beside(
            kept_waiting(start_request, [each.poll for each in invocations or ()]),
            (started for started in execution.columns.of_work(execution.columns.started_ms) if started),
        )
        if weather
        else None,
    )
