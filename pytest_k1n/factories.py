"""Fixtures: two lines each around something that works without pytest; the heavy parts are imported on use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_k1n.benchmarking import WorkflowBenchmark
    from pytest_k1n.observed import ObservedExecution
    from pytest_k1n.quality import BatchQuality, QualityGate
    from pytest_k1n.using import ConductorFixture, ConductorServer


@pytest.fixture(scope="session")
def conductor_proc(request: pytest.FixtureRequest) -> ConductorServer:
    """Return the server that this run started (or found) and owns until its end. Session-scoped."""
    from pytest_k1n.collecting import run_of
    from pytest_k1n.using import running_server

    return running_server(run_of(request.config))


@pytest.fixture(scope="session")
def conductor_noproc(request: pytest.FixtureRequest) -> ConductorServer:
    """Return a server that somebody else runs: fails where this run started one of its own. Session-scoped."""
    from pytest_k1n.collecting import run_of
    from pytest_k1n.using import foreign_server

    return foreign_server(run_of(request.config))


@pytest.fixture
def conductor(request: pytest.FixtureRequest) -> Iterator[ConductorFixture]:
    """Run workflows of your own: `conductor.run(...)`, `conductor.start(...)`; ends what the test leaves running."""
    from pytest_k1n.collecting import run_of
    from pytest_k1n.using import using_conductor

    with using_conductor(run_of(request.config), request.node) as fixture:
        yield fixture


@pytest.fixture
def workflow_execution(request: pytest.FixtureRequest) -> ObservedExecution:
    """Observe the execution that the `workflow` mark names; it was launched with its whole batch."""
    from pytest_k1n.attaching import attached
    from pytest_k1n.collecting import run_of

    return attached(run_of(request.config), request.node)


@pytest.fixture
def workflow_phase(request: pytest.FixtureRequest) -> ObservedExecution:
    """Observe the execution as soon as the phase that the mark names has ended."""
    from pytest_k1n.attaching import attached
    from pytest_k1n.collecting import run_of

    return attached(run_of(request.config), request.node)


@pytest.fixture
def workflow_executions(request: pytest.FixtureRequest) -> tuple[ObservedExecution, ...]:
    """Observe all executions of the mark (`at_once`, `in_a_row`), in the order of their start."""
    from pytest_k1n.attaching import attached_all
    from pytest_k1n.collecting import run_of

    return attached_all(run_of(request.config), request.node)


@pytest.fixture
def batch_execution(request: pytest.FixtureRequest) -> Mapping[str, ObservedExecution]:
    """Observe all executions of the batch, by workflow name."""
    from pytest_k1n.attaching import attached_batch
    from pytest_k1n.collecting import run_of

    return attached_batch(run_of(request.config), request.node)


@pytest.fixture
def executions_alone(request: pytest.FixtureRequest) -> Mapping[str, ObservedExecution]:
    """Observe executions of the batch's workflows that ran after it, each with nothing beside it, by workflow name."""
    from pytest_k1n.attaching import attached_batch
    from pytest_k1n.collecting import run_of

    return attached_batch(run_of(request.config), request.node, alone=True)


@pytest.fixture
def quality_gate(request: pytest.FixtureRequest) -> QualityGate:
    """Show the verdict of one quality-gate category on the batch; parametrised by batch and category."""
    from pytest_k1n.collecting import run_of
    from pytest_k1n.quality import quality_gate_of

    return quality_gate_of(run_of(request.config), request.node, request.param)


@pytest.fixture
def batch_quality(request: pytest.FixtureRequest) -> BatchQuality:
    """Show the pass rate over all quality-gate checks of the batch; parametrised by batch."""
    from pytest_k1n.collecting import run_of
    from pytest_k1n.quality import batch_quality_of

    return batch_quality_of(run_of(request.config), request.node, request.param)


@pytest.fixture
def workflow_benchmark(request: pytest.FixtureRequest) -> WorkflowBenchmark:
    """Record durations of workflows with pytest-benchmark, in workflow time; skips where it is missing or off."""
    from pytest_k1n.benchmarking import workflow_benchmark_of
    from pytest_k1n.collecting import run_of

    return workflow_benchmark_of(run_of(request.config), request)
