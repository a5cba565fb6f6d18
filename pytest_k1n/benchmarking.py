"""pytest-benchmark in workflow time: its timer is a clock that moves by what executions took (SPEC PL9).

So autosave, compare and its table are about the workflow, not about how long Python looked at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from pytest_k1n.core.expectations import completed
from pytest_k1n.core.units import SECOND_MS, minutes
from pytest_k1n.report.results import path_json, tasks_json

if TYPE_CHECKING:
    from pytest_k1n.core.observation import Observation
    from pytest_k1n.observed import ObservedExecution
    from pytest_k1n.run import Run


class WorkflowClock:
    """A timer for pytest-benchmark, in seconds of workflow time."""

    __name__ = "workflow_time"  # what pytest-benchmark writes down as the timer

    def __init__(self) -> None:
        self._now_ms = 0

    def __call__(self) -> float:
        return self._now_ms / SECOND_MS

    def advance(self, ms: int) -> None:
        """Let time pass."""
        self._now_ms += ms


CLOCK = pytest.StashKey[WorkflowClock]()


class WorkflowBenchmark:
    """Records how long executions took with pytest-benchmark, once per test."""

    def __init__(self, benchmark: Any, clock: WorkflowClock, circumstances: Mapping[str, object]) -> None:
        self._benchmark = benchmark
        self._clock = clock
        self._circumstances = circumstances

    def __call__(self, *executions: ObservedExecution) -> None:
        """Record executions of one workflow: a round each, in seconds of workflow time; more figures in `extra_info`.

        Raises ExpectationFailed for one that has not completed: its duration compares with nothing. Raises ValueError
        for none at all, or for executions of several workflows.
        """
        __tracebackhide__ = True
        names = {execution.execution.name for execution in executions}
        if len(names) != 1:
            raise ValueError(
                f"a benchmark is of executions of one workflow, not of {', '.join(sorted(names)) or 'none'}"
            )
        for execution in executions:
            execution.expect(completed())
        observed = [execution.observation for execution in executions]
        self._benchmark.extra_info.update(self._circumstances, **_shared(observed[0]))
        self._benchmark.extra_info["executions"] = [_figures(each) for each in observed]
        lengths = iter([each.timeline.end_ms or 0 for each in observed])
        self._benchmark.pedantic(
            self._clock.advance, setup=lambda: ((next(lengths),), {}), rounds=len(observed), iterations=1
        )


def prepare(item: pytest.Item) -> None:
    """Have pytest-benchmark measure a test by the workflow's clock, whatever else its own mark says."""
    own = item.get_closest_marker("benchmark")
    clock = item.stash[CLOCK] = WorkflowClock()
    wanted = {"group": "workflow time", **(own.kwargs if own else {}), "timer": clock}
    item.add_marker(pytest.mark.benchmark(**wanted), append=False)
    names: list[str] = getattr(item, "fixturenames", [])
    if "benchmark" not in names:
        names.insert(0, "benchmark")  # what --benchmark-only and --benchmark-skip look for


def workflow_benchmark_of(run: Run, request: pytest.FixtureRequest) -> WorkflowBenchmark:
    """Return what a benchmark test records with; skips the test, with the reason, where nothing would be recorded."""
    if not run.has_benchmark:
        pytest.skip("pytest-benchmark is not there: pip install 'pytest-k1n[benchmark]'")
    if run.is_parallel:  # said before pytest-benchmark can: 5.1 measures on nodes, and loses what it has measured
        pytest.skip("pytest-benchmark is off under xdist: add -n0")
    benchmark = request.getfixturevalue("benchmark")
    if benchmark.disabled:
        pytest.skip("pytest-benchmark is off")
    return WorkflowBenchmark(benchmark, request.node.stash[CLOCK], {"seed": run.settings.seed, "server": _server(run)})


def _server(run: Run) -> dict[str, object]:
    server = run.folder.state().server or {}
    return {name: server.get(name) for name in ("kind", "version")}


def _shared(observation: Observation) -> dict[str, object]:
    template = observation.template
    estimate, band = (template.total_estimate_ms, template.band_ms) if template else (None, None)
    return {
        "workflow": observation.execution.name,
        "version": observation.execution.version,
        "time": {"model": str(observation.time_model), "speed": observation.speed},
        "simulated": observation.any_simulated,
        "estimate_min": None if estimate is None else minutes(estimate),
        "band_min": None if band is None else [minutes(bound) for bound in band],
    }


def _figures(observation: Observation) -> dict[str, object]:
    execution = observation.execution
    return {
        "workflow_id": execution.workflow_id,
        "makespan_ms": (execution.ended_ms or 0) - execution.started_ms,  # of the server's clock
        "makespan_min": minutes(observation.timeline.end_ms or 0),
        "tasks": tasks_json(observation),
        "critical_path": path_json(observation),
    }
