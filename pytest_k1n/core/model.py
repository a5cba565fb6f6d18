"""Conductor's nouns as frozen values: definitions (what should happen) and executions (what did).

All instants are epoch milliseconds of the *server's* clock; 0 on the wire (never set) is `None` here.
`core.wire.wire` is the only module that knows Conductor's camelCase.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pytest_k1n.core.columns import Attempts, Columns, Finals, Records
from pytest_k1n.core.words import (
    OPERATOR_TASK_TYPES,
    SYSTEM_TASK_TYPES,
    Json,
    TaskKey,
    TaskStatus,
    WorkflowStatus,
)

__all__ = [
    "OPERATOR_TASK_TYPES",
    "SYSTEM_TASK_TYPES",
    "Execution",
    "Json",
    "TaskDefinition",
    "TaskKey",
    "TaskRecord",
    "TaskStatus",
    "WorkflowDefinition",
    "WorkflowStatus",
    "WorkflowTask",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDefinition:
    """A registered task definition: retries and timeouts. Defaults are the server's."""

    name: str
    retry_count: int = 3
    retry_logic: str = "FIXED"
    retry_delay_s: int = 60
    backoff_scale_factor: int = 1
    max_retry_delay_s: int = 0
    backoff_jitter_ms: int = 0
    timeout_s: int = 0
    timeout_policy: str = "TIME_OUT_WF"
    response_timeout_s: int = 3600
    poll_timeout_s: int = 0
    total_timeout_s: int = 0
    concurrent_exec_limit: int = 0
    rate_limit: int = 0
    """rateLimitPerFrequency."""
    input_schema: Mapping[str, Json] | None = None
    output_schema: Mapping[str, Json] | None = None

    def is_limited(self, count: int) -> bool:
        """Whether so many of its tasks may have to wait for each other, however many workers there are."""
        return 0 < self.concurrent_exec_limit < count or 0 < self.rate_limit < count


@dataclass(frozen=True, kw_only=True)
class WorkflowTask:
    """One task of a workflow definition; nested ones sit in `branches`, `cases`, `default_case`, `loop_over`."""

    ref: str
    name: str
    type: str = "SIMPLE"
    inputs: Mapping[str, Json] = field(default_factory=dict)
    optional: bool = False
    permissive: bool = False
    start_delay_s: int = 0
    retry_count: int | None = None
    join_on: tuple[str, ...] = ()
    branches: tuple[tuple[WorkflowTask, ...], ...] = ()
    cases: Mapping[str, tuple[WorkflowTask, ...]] = field(default_factory=dict)
    default_case: tuple[WorkflowTask, ...] = ()
    loop_over: tuple[WorkflowTask, ...] = ()
    task_definition: TaskDefinition | None = None
    raw: Mapping[str, Json] = field(default_factory=dict, repr=False, compare=False)
    """The wire form, for what only the server interprets (expressions, sinks, HTTP requests)."""

    @classmethod
    def plain(
        cls, *, ref: str, name: str, type: str, inputs: Mapping[str, Json], raw: Mapping[str, Json]
    ) -> WorkflowTask:
        """Make a task that has nothing else, in a third of the time: frozen fields are set by a call each."""
        task = object.__new__(cls)
        task.__dict__.update(_NOTHING_ELSE, ref=ref, name=name, type=type, inputs=inputs, raw=raw)
        return task

    def nested(self) -> Iterator[tuple[WorkflowTask, ...]]:
        """Yield the task lists directly inside this one (branches, cases, default case, loop body)."""
        yield from self.branches
        yield from self.cases.values()
        if self.default_case:
            yield self.default_case
        if self.loop_over:
            yield self.loop_over


_NOTHING_ELSE = WorkflowTask(ref="", name="").__dict__


@dataclass(frozen=True, kw_only=True)
class WorkflowDefinition:
    """A workflow definition: the requirement that executions are judged against."""

    name: str
    version: int = 1
    tasks: tuple[WorkflowTask, ...]
    output_parameters: Mapping[str, Json] = field(default_factory=dict)
    timeout_s: int = 0
    timeout_policy: str = "ALERT_ONLY"
    failure_workflow: str | None = None
    raw: Mapping[str, Json] = field(default_factory=dict, repr=False, compare=False)
    derived: dict[str, object] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What has been worked out of the definition alone, by name: it is the same for all its executions."""

    def walk(self) -> Iterator[WorkflowTask]:
        """Yield every task, nested ones included, in definition order."""
        return iter(self._all)

    @cached_property
    def _all(self) -> Sequence[WorkflowTask]:
        found: list[WorkflowTask] = []
        stack = [iter(self.tasks)]
        while stack:
            for task in stack[-1]:
                found.append(task)
                if task.branches or task.cases or task.default_case or task.loop_over:  # what holds none is not asked
                    stack.extend(iter(inner) for inner in reversed(tuple(task.nested())))
                    break
            else:
                stack.pop()
        return found

    @cached_property
    def by_ref(self) -> Mapping[str, WorkflowTask]:
        """Every task by its reference name; of several of one name the last."""
        return {task.ref: task for task in self.walk()}

    def task(self, ref: str) -> WorkflowTask | None:
        """Find a task by its reference name, nested ones included."""
        return next((task for task in self.walk() if task.ref == ref), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """One entry of an execution's `tasks`: one attempt of one (ref, iteration)."""

    ref: str
    """`taskReferenceName` without the `__N` that a DO_WHILE appends."""
    iteration: int = 0
    """0 outside loops, else from 1: as the suffix of its name says."""
    stated_iteration: int = 0
    """`iteration` on the wire: the same, but of a DO_WHILE how many rounds it has begun."""
    task_id: str
    workflow_id: str | None = None
    """workflowInstanceId: the execution that the record says it is of."""
    workflow_name: str | None = None
    """workflowType: the workflow that the record says it is of."""
    type: str
    """taskType on the wire: the task's *name* for SIMPLE, `FORK` for both forks."""
    def_name: str
    status: TaskStatus
    attempt: int = 0
    """retryCount: 0 for the first attempt."""
    retried: bool = False
    executed: bool = False
    """Whether the server has gone on from it: what follows has been scheduled, and is not again."""
    seq: int = 0
    scheduled_ms: int | None = None
    started_ms: int | None = None
    ended_ms: int | None = None
    updated_ms: int | None = None
    start_delay_ms: int = 0
    """How long after `scheduled_ms` the attempt becomes pollable (startDelayInSeconds)."""
    callback_s: int = 0
    """After how long it is to be looked at again, by its worker's word or its delay (callbackAfterSeconds)."""
    response_timeout_s: int = 0
    poll_count: int = 0
    worker_id: str | None = None
    domain: str | None = None
    sub_workflow_id: str | None = None
    reason: str | None = None
    retried_task_id: str | None = None
    """Which attempt this one follows."""
    snapshot_ref: str | None = None
    """What the snapshot of its own task calls it: `ref`, if nobody has put another record's there."""
    input: Mapping[str, Json] = field(default_factory=dict, repr=False)
    output: Mapping[str, Json] = field(default_factory=dict, repr=False)
    workflow_task: WorkflowTask | None = field(default=None, repr=False)
    """What the server snapshot says this task is; the only source for dynamically forked tasks."""

    @property
    def key(self) -> TaskKey:
        return (self.ref, self.iteration)

    @property
    def is_worker_task(self) -> bool:
        """Whether a worker polls for it (SIMPLE, DYNAMIC's result, user-defined types); system tasks do no work."""
        return self.type not in SYSTEM_TASK_TYPES


@dataclass(frozen=True, kw_only=True)
class Execution:
    """One started workflow as the server recorded it."""

    workflow_id: str
    name: str
    version: int = 1
    status: WorkflowStatus
    tasks: Sequence[TaskRecord] = ()
    """By `seq`, all attempts and iterations."""
    started_ms: int
    ended_ms: int | None = None
    created_ms: int | None = None
    updated_ms: int | None = None
    last_retried_ms: int | None = None
    """When a person has last retried or resumed it, if ever: its time-out counts from there."""
    correlation_id: str | None = None
    reason: str | None = None
    input: Mapping[str, Json] = field(default_factory=dict, repr=False)
    output: Mapping[str, Json] = field(default_factory=dict, repr=False)
    variables: Mapping[str, Json] = field(default_factory=dict, repr=False)
    task_to_domain: Mapping[str, str] = field(default_factory=dict, repr=False)
    parent_workflow_id: str | None = None
    definition: WorkflowDefinition | None = field(default=None, repr=False)
    failed_refs: tuple[str, ...] = ()
    """Tasks that the server counts as failed, once or for good: it keeps them when the execution starts anew."""
    is_stored_elsewhere: bool = False
    """Whether inputs or outputs were too big for the record, which has no more than their address then."""

    @property
    def is_terminal(self) -> bool:
        return self.status.is_terminal

    @cached_property
    def columns(self) -> Columns:
        """The same records by field: what checks of all of them read."""
        return self.tasks.columns if isinstance(self.tasks, Records) else _columns(self.tasks)

    @cached_property
    def records(self) -> Mapping[TaskKey, Sequence[TaskRecord]]:
        """All attempts of every task, first to last; the tasks in scheduling order of the first attempt."""
        return Attempts(self.columns, self.tasks)

    @cached_property
    def finals(self) -> Mapping[TaskKey, TaskRecord]:
        """The last attempt of every task, in scheduling order of the first attempt."""
        return Finals(self.columns, self.tasks)


def _columns(records: Sequence[TaskRecord]) -> Columns:
    return Columns(
        ref=[each.ref for each in records],
        iteration=[each.iteration for each in records],
        stated_iteration=[each.stated_iteration for each in records],
        task_id=[each.task_id for each in records],
        workflow_id=[each.workflow_id for each in records],
        workflow_name=[each.workflow_name for each in records],
        type=[each.type for each in records],
        def_name=[each.def_name for each in records],
        status=[each.status for each in records],
        attempt=[each.attempt for each in records],
        retried=[each.retried for each in records],
        seq=[each.seq for each in records],
        scheduled_ms=[each.scheduled_ms or 0 for each in records],
        started_ms=[each.started_ms or 0 for each in records],
        ended_ms=[each.ended_ms or 0 for each in records],
        start_delay_ms=[each.start_delay_ms for each in records],
        retried_task_id=[each.retried_task_id for each in records],
        snapshot_ref=[each.snapshot_ref for each in records],
        output=[each.output for each in records],
    )


def worker_types(definitions: Iterable[WorkflowDefinition]) -> tuple[str, ...]:
    """Name the task types of definitions that workers poll for."""
    tasks = (task for definition in definitions for task in definition.walk())
    names = (task.name if task.type == "SIMPLE" else task.type for task in tasks if task.type not in SYSTEM_TASK_TYPES)
    return tuple(dict.fromkeys(name for name in names if name != "DYNAMIC"))
