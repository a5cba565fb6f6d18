"""The document of a run (`schemas/run.schema.json`): the one source of every report, export and comparison.

Instants named `raw` are epoch ms of the server's clock. All other instants and durations are ms of workflow time,
counted from the start of their execution: in scaled time simulated work is stretched, in real and virtual time the two
agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from pytest_k1n.core.gates.document import QualityDocument
    from pytest_k1n.report.weather import RunWeatherDocument

SCHEMA = "k1n-run/1"

VerdictWord = Literal["pass", "warn", "fail", "unknown", "blocked"]


class RawStamps(TypedDict):
    """What the server stamped on one attempt; null where it has not."""

    scheduled_ms: int | None
    started_ms: int | None
    ended_ms: int | None


class AttemptDocument(TypedDict):
    """One attempt of a task."""

    number: int
    """From 1."""
    task_id: str
    status: str
    worker_id: str | None
    reason: str | None
    scheduled_ms: int | None
    ready_ms: int | None
    """Scheduled, plus a declared delay: from then on a worker could have had it."""
    start_ms: int | None
    end_ms: int | None
    raw: RawStamps


class TaskDocument(TypedDict):
    """One task of an execution over all its attempts; without any, the definition has it and it never ran."""

    ref: str
    """With `__N` in iteration N of a loop."""
    name: str
    type: str
    kind: Literal["worker", "system", "operator"]
    phase: int | None
    after: list[str]
    """Refs that must have ended before it: the edges of the definition."""
    reads: list[str]
    """Refs, without iterations, whose data its input refers to."""
    waited_for: str | None
    """Of those, the one that ended last."""
    estimate_ms: int | None
    planned: tuple[int, int] | None
    """When it would run if every task took its estimate and the server no time."""
    slack_ms: int
    """How much later it could have ended without moving the end."""
    drag_ms: int
    """How much shorter the whole would be if it took no time."""
    is_critical: bool
    is_simulated: bool
    attempts: list[AttemptDocument]


class SegmentDocument(TypedDict):
    """One stretch of the makespan and its owner; they cover it without gap or overlap."""

    kind: str
    ref: str | None
    attempt: int
    start_ms: int
    end_ms: int
    blame: str | None
    """For a queue wait: the task that kept the worker busy."""


class PhaseDocument(TypedDict):
    """A phase of the plan, and when it ran."""

    number: int
    name: str
    refs: list[str]
    start_ms: int | None
    end_ms: int | None
    band_ms: tuple[int, int] | None
    estimate_ms: int | None


class WatchDocument(TypedDict):
    """A task whose start the plan expects in a window."""

    ref: str
    low_ms: int
    high_ms: int
    successor: str | None
    start_ms: int | None


class CheckpointDocument(TypedDict):
    """How far it was at one instant."""

    at_ms: int
    completed: int
    running: int
    percent: float
    errors: int


class FindingDocument(TypedDict):
    """One cause, told once, with everything that noticed it."""

    code: str
    subject: str
    expected: str
    observed: str
    margin: str
    origin: str
    verdict: str
    workflow_id: str | None
    batch: str | None
    tests: list[str]
    gates: list[str]


class WorkflowDocument(TypedDict):
    """What was executed, and how it ended."""

    name: str
    version: int
    workflow_id: str
    correlation_id: str | None
    status: str
    reason: str | None


class ExecutionDocument(TypedDict):
    """One execution with its plan, its attempts and the owners of its time."""

    title: str
    workflow: WorkflowDocument
    batch: str | None
    template: str | None
    role: Literal["main", "repeat", "alone", "own"]
    """What it was for: the batch's own, one of a series, a reference with nothing beside it, or a test's own."""
    verdict: VerdictWord
    released: str | None
    """Why it was given up before it ended."""
    is_simulated: bool
    raw_started_ms: int
    raw_ended_ms: int | None
    makespan_ms: int
    """Workflow time; of an open execution as far as it got."""
    is_open: bool
    band_ms: tuple[int, int] | None
    estimate_ms: int | None
    tolerance: float
    work_ms: int
    """All work added up: what one worker would need, usually written T1."""
    span_ms: int
    """The longest path of work: no number of workers beats it (Tinf)."""
    expected_speedup: float | None
    tasks: list[TaskDocument]
    segments: list[SegmentDocument]
    phases: list[PhaseDocument]
    watch: list[WatchDocument]
    checkpoints: list[CheckpointDocument]
    gates: QualityDocument | None
    raised: NotRequired[str]
    """The first line of what a test of it has raised; absent where none has."""


class BatchDocument(TypedDict):
    """A batch of the plan in this run."""

    name: str
    title: str
    verdict: VerdictWord
    reason: str
    """Why it was blocked, or what let it run all the same."""
    timeline_ms: tuple[int, int, int] | None
    """Planned start, completion and buffer since the start of the plan."""
    quality: QualityDocument | None
    templates: list[TemplateDocument]


class TemplateDocument(TypedDict):
    """What the plan says of a workflow, whether or not it ran."""

    id: str
    title: str
    workflow: str
    verdict: VerdictWord
    band_ms: tuple[int, int] | None
    estimate_ms: int | None
    results: str | None
    """The name of its results file, where one was written."""


class TestDocument(TypedDict):
    """One test that had to do with Conductor."""

    node_id: str
    outcome: str
    batch: str | None
    message: NotRequired[str]
    """The first line of what it raised; absent where it raised nothing."""


class SeriesDocument(TypedDict):
    """One series of a workflow beside its baseline, in raw ms of the server's clock."""

    ref: str
    """Empty for the makespan."""
    segment: Literal["exec", "queue", "makespan"]
    state: Literal["pass", "suspect", "regression", "unknown"]
    base_ms: float | None
    """The median of the accepted executions."""
    new_ms: float | None
    executions: int
    """New executions: more than one where a suspicion was run again."""
    effect: float | None
    """0.3 is 30 % slower."""
    chance: float | None
    """Probability of so much by chance, corrected for the number of series; null where the comparison is exact."""
    detectable: float | None
    """The least effect that so few executions could show; 0 where the comparison is exact."""
    is_improvement: bool
    note: str


class ComparisonDocument(TypedDict):
    """A workflow's executions in this run beside its baseline."""

    title: str
    workflow: str
    state: Literal["pass", "suspect", "regression", "unknown"]
    is_exact: bool
    """Virtual time: compared to the ms, without statistics."""
    accepted: int
    """Executions in the baseline."""
    note: str
    stale: str
    unknown: int
    """Series that could not be judged."""
    series: list[SeriesDocument]
    """The worst first; of very large workflows only those that moved most."""


class BaselineDocument(TypedDict):
    """What the history of runs adds."""

    history: NotRequired[str]
    compared: NotRequired[list[ComparisonDocument]]
    trend: dict[str, list[list[Any]]]
    """Workflow -> [run, makespan in raw ms], oldest first."""


class RunDocument(TypedDict):
    """Everything that is known of a run. The last three are filled by what measures them."""

    schema: str
    run: RunHead
    verdict: VerdictWord
    server: dict[str, Any]
    time: TimeDocument
    plan: str | None
    batches: list[BatchDocument]
    executions: list[ExecutionDocument]
    findings: list[FindingDocument]
    tests: list[TestDocument]
    weather: NotRequired[RunWeatherDocument]
    """When machine and server stood still; absent where nothing measured it."""
    baseline: NotRequired[BaselineDocument]
    coverage: NotRequired[dict[str, Any]]


class RunHead(TypedDict):
    """Which run this was."""

    uid: str
    made_by: str
    started_at: str
    ended_at: str
    seed: int
    exit_code: int | None


class TimeDocument(TypedDict):
    """The time model and, in scaled time, how many times faster than real the simulated work went."""

    model: str
    speed: float
