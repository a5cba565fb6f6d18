"""What a user's type checker sees of the public names; checked by mypy and pyright in `make lint`, never run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_type

from pytest_k1n import (
    BatchQuality,
    Conductor,
    ConductorFixture,
    ConductorServer,
    Execution,
    Expectation,
    Findings,
    Judge,
    LiveExecution,
    Observation,
    ObservedExecution,
    Outcome,
    QualityGate,
    Tally,
    TaskContext,
    TaskRecord,
    Timeline,
    Verdict,
    Window,
    WorkflowBenchmark,
    __version__,
    completed,
    expectation,
    in_order,
    within,
)


def test_one_execution(workflow_execution: ObservedExecution) -> None:
    assert_type(workflow_execution.execution, Execution)
    assert_type(workflow_execution.observation, Observation)
    assert_type(workflow_execution.timeline, Timeline)
    assert_type(workflow_execution.task("pay"), TaskRecord)
    assert_type(workflow_execution.timeline.window(["pay"]), Window | None)
    assert_type(workflow_execution.judge(completed()), Findings)
    assert_type(workflow_execution.judge(within("1m", "1h")).verdict, Verdict)
    assert_type(in_order("pay", "ship"), Expectation)


def test_a_batch(batch_execution: Mapping[str, ObservedExecution]) -> None:
    assert_type(batch_execution["order"], ObservedExecution)


def work(context: TaskContext) -> Outcome:
    assert_type(context.ref, str)
    assert_type(context.attempt, int)
    return Outcome(output={"paid": True}, work_ms=20)


def test_an_execution_of_my_own(conductor: ConductorFixture) -> None:
    assert_type(conductor.url, str | None)
    assert_type(conductor.run("order", handlers={"pay": work}), LiveExecution)
    replies = {"ask": [{"status": 503}, {"body": {"price": 3}}], "tell": {"status": 204}}
    assert_type(conductor.run("order", http=replies, event_handlers=["paid.json", {"name": "paid"}]), LiveExecution)
    live = conductor.start({"name": "order", "tasks": []}, input={"n": 1})
    assert_type(live, LiveExecution)
    live.complete("pay", {"paid": True})
    live.expect(completed(), lambda execution: Findings(passed=len(execution.tasks)))


def test_a_server(conductor_proc: ConductorServer) -> None:
    assert_type(conductor_proc.url, str)
    assert_type(conductor_proc.client(), Conductor)


def test_gates(quality_gate: QualityGate, batch_quality: BatchQuality, workflow_benchmark: WorkflowBenchmark) -> None:
    assert_type(batch_quality.rate, float | None)
    quality_gate.check()
    workflow_benchmark()


@expectation
def quick(ref: str, *, at_most_ms: int = 10) -> Judge:
    def judge(observation: Observation) -> Findings:
        tally = Tally()
        if not observation.keys(ref):
            tally.fail("acme-missing", ref, expected=f"at most {at_most_ms}ms", observed="nothing")
        return tally.findings()

    return judge


assert_type(quick("pay", at_most_ms=20), Expectation)
assert_type(__version__, str)
