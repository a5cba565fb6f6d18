"""pytest-k1n: acceptance tests for workflows on Conductor, judged from the server's own records.

Everything that a test is given, raises or annotates with is importable from here. The names are imported on first use
(PEP 562), so that pytest starts as fast with the plugin as without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_k1n.client.api import Conductor
    from pytest_k1n.client.errors import (
        BadRequest,
        ConductorError,
        Conflict,
        Denied,
        NotConductor,
        NotFound,
        ServerFailure,
        ServerUnreachable,
        StartedTwice,
    )
    from pytest_k1n.core.concurrency.races import Interleavings
    from pytest_k1n.core.expectations import (
        Expectation,
        Expected,
        answered_by,
        attempts,
        barrier,
        barriers_hold,
        compensated_by,
        completed,
        concurrency,
        concurrent,
        critical_task,
        early_findings,
        failed,
        finishes_before,
        follows_definition,
        in_order,
        independent,
        invoked_once,
        isolated_from,
        judge_all,
        max_queue_wait,
        never,
        no_errors_in_logs,
        not_scheduled,
        not_slower_than,
        on_critical_path,
        on_estimate,
        output,
        overlaps_with,
        phase_within,
        planned,
        ran,
        retried,
        spans_batch,
        start_together,
        starts_at_once,
        starts_within,
        task_input,
        task_output,
        task_within,
        terminated,
        timed_out,
        took_branch,
        waited,
        within,
    )
    from pytest_k1n.core.expectations.expectation import Judge, expectation
    from pytest_k1n.core.findings import Finding, Findings, Verdict
    from pytest_k1n.core.model import Execution, TaskRecord, TaskStatus, WorkflowDefinition, WorkflowStatus
    from pytest_k1n.core.record.observation import Invocation, Observation, TimeModel
    from pytest_k1n.core.tally import Tally
    from pytest_k1n.core.timing.spans import Span, Window
    from pytest_k1n.core.timing.timeline import Timeline
    from pytest_k1n.core.units import duration_ms
    from pytest_k1n.fixtures.benchmark import WorkflowBenchmark
    from pytest_k1n.fixtures.conductor import ConductorFixture
    from pytest_k1n.fixtures.execution import ObservedExecution
    from pytest_k1n.fixtures.live import LiveExecution
    from pytest_k1n.fixtures.quality import BatchQuality, QualityGate, QualityGateWarning
    from pytest_k1n.fixtures.server import ConductorServer
    from pytest_k1n.plan.library import DefinitionError, DefinitionNotFound
    from pytest_k1n.run.outcomes import ExpectationFailed, UnknownVerdict
    from pytest_k1n.workers.handler import Outcome, Step, TaskContext, TaskFailed

    __version__: str

__all__ = [
    "BadRequest",
    "BatchQuality",
    "Conductor",
    "ConductorError",
    "ConductorFixture",
    "ConductorServer",
    "Conflict",
    "DefinitionError",
    "DefinitionNotFound",
    "Denied",
    "Execution",
    "Expectation",
    "ExpectationFailed",
    "Expected",
    "Finding",
    "Findings",
    "Interleavings",
    "Invocation",
    "Judge",
    "LiveExecution",
    "NotConductor",
    "NotFound",
    "Observation",
    "ObservedExecution",
    "Outcome",
    "QualityGate",
    "QualityGateWarning",
    "ServerFailure",
    "ServerUnreachable",
    "Span",
    "StartedTwice",
    "Step",
    "Tally",
    "TaskContext",
    "TaskFailed",
    "TaskRecord",
    "TaskStatus",
    "TimeModel",
    "Timeline",
    "UnknownVerdict",
    "Verdict",
    "Window",
    "WorkflowBenchmark",
    "WorkflowDefinition",
    "WorkflowStatus",
    "__version__",
    "answered_by",
    "attempts",
    "barrier",
    "barriers_hold",
    "compensated_by",
    "completed",
    "concurrency",
    "concurrent",
    "critical_task",
    "duration_ms",
    "early_findings",
    "expectation",
    "failed",
    "finishes_before",
    "follows_definition",
    "in_order",
    "independent",
    "invoked_once",
    "isolated_from",
    "judge_all",
    "max_queue_wait",
    "never",
    "no_errors_in_logs",
    "not_scheduled",
    "not_slower_than",
    "on_critical_path",
    "on_estimate",
    "output",
    "overlaps_with",
    "phase_within",
    "planned",
    "ran",
    "retried",
    "spans_batch",
    "start_together",
    "starts_at_once",
    "starts_within",
    "task_input",
    "task_output",
    "task_within",
    "terminated",
    "timed_out",
    "took_branch",
    "waited",
    "within",
]

_HOMES = {
    "client.api": ("Conductor",),
    "client.errors": (
        "BadRequest",
        "ConductorError",
        "Conflict",
        "Denied",
        "NotConductor",
        "NotFound",
        "ServerFailure",
        "ServerUnreachable",
        "StartedTwice",
    ),
    "core.expectations.expectation": ("Judge", "expectation"),
    "core.findings": ("Finding", "Findings", "Verdict"),
    "core.model": ("Execution", "TaskRecord", "TaskStatus", "WorkflowDefinition", "WorkflowStatus"),
    "core.record.observation": ("Invocation", "Observation", "TimeModel"),
    "core.tally": ("Tally",),
    "core.timing.spans": ("Span", "Window"),
    "core.timing.timeline": ("Timeline",),
    "core.units": ("duration_ms",),
    "fixtures.benchmark": ("WorkflowBenchmark",),
    "fixtures.conductor": ("ConductorFixture",),
    "fixtures.execution": ("ObservedExecution",),
    "fixtures.live": ("LiveExecution",),
    "servers.interleaving": ("Interleavings",),
    "fixtures.quality": ("BatchQuality", "QualityGate", "QualityGateWarning"),
    "fixtures.server": ("ConductorServer",),
    "plan.library": ("DefinitionError", "DefinitionNotFound"),
    "run.outcomes": ("ExpectationFailed", "UnknownVerdict"),
    "workers.handler": ("Outcome", "Step", "TaskContext", "TaskFailed"),
}
"""Module -> the names it gives; what is not listed is an expectation."""


def __getattr__(name: str) -> object:
    import importlib

    if name == "__version__":
        from importlib.metadata import version

        return version("pytest-k1n")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = next((module for module, names in _HOMES.items() if name in names), "core.expectations")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
