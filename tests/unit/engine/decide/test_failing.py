"""Retries, timeouts, and how executions end; reasons are the server's words (Conductor 3.32.1)."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.engine.decide.retry import delay_s
from pytest_k1n.engine.definition import TaskDef
from pytest_k1n.engine.registry.wiredefaults import task_definition_document


def failing(make, n, **fields):
    return [make.result(status="FAILED", reason=f"boom{k}", work_ms=100, **fields) for k in range(1, n + 1)]


@pytest.mark.parametrize(
    ("policy", "delays"),
    [
        ({"retryLogic": "FIXED", "retryDelaySeconds": 2}, [2, 2, 2]),
        ({"retryLogic": "LINEAR_BACKOFF", "retryDelaySeconds": 1, "backoffScaleFactor": 3}, [3, 6, 9]),
        ({"retryLogic": "EXPONENTIAL_BACKOFF", "retryDelaySeconds": 1, "backoffScaleFactor": 5}, [1, 2, 4]),
        ({"retryLogic": "EXPONENTIAL_BACKOFF", "retryDelaySeconds": 3, "maxRetryDelaySeconds": 4}, [3, 4, 4]),
    ],
)
def test_a_failed_task_comes_back_after_its_policys_delay(bench, make, policy, delays):
    bench.define("r", retryCount=3, **policy)
    execution = bench.run(make.workflow(make.simple("r")), tape={"r": failing(make, 3)})

    attempts = execution.state.tasks
    gaps = [later.started_ms - earlier.ended_ms for earlier, later in pairwise(attempts)]
    assert gaps == [delay * 1000 for delay in delays]
    assert [task.start_delay_s for task in attempts] == [0, *delays]
    assert execution.state.status == "COMPLETED"


@given(attempt=st.integers(0, 40), base=st.integers(0, 10**6), jitter=st.integers(0, 5000), seed=st.integers(0, 99))
def test_a_delay_never_overflows_and_jitter_never_shortens_it(attempt, base, jitter, seed):
    document = {"name": "r", "retryLogic": "EXPONENTIAL_BACKOFF", "retryDelaySeconds": base}
    plain = delay_s(TaskDef(task_definition_document(document)), attempt, seed, "x")
    shaken = delay_s(TaskDef(task_definition_document({**document, "backoffJitterMs": jitter})), attempt, seed, "x")

    assert 0 <= plain <= 2**31 - 1
    assert plain <= shaken <= plain + jitter // 1000 + 1


def test_a_new_attempt_carries_the_reason_over_and_evaluates_its_input_anew(bench, make):
    bench.define("r", retryCount=1)
    execution = bench.run(make.workflow(make.simple("r")), tape={"r": failing(make, 2)})

    first, second = execution.state.tasks
    assert (first.status, first.retried, second.retried_id, second.attempt) == ("FAILED", True, first.task_id, 1)
    assert execution.state.reason == f"Task {second.task_id} failed with status: FAILED and reason: 'boom2'"
    assert (execution.state.status, execution.state.failed_refs) == ("FAILED", ("r",))


def test_the_workflow_tasks_retry_count_overrides_the_definitions(bench, make):
    bench.define("r", retryCount=5)
    execution = bench.run(make.workflow(make.simple("r", retryCount=0)), tape={"r": failing(make, 1)})

    assert make.statuses(execution) == {"r": "FAILED"}


@pytest.mark.parametrize("status", ["FAILED_WITH_TERMINAL_ERROR", "CANCELED"])
def test_what_is_not_retriable_is_not_retried(bench, make, status):
    bench.define("r", retryCount=5)
    execution = bench.run(make.workflow(make.simple("r")), tape={"r": [make.result(status=status)]})

    assert make.statuses(execution) == {"r": status}
    assert execution.state.status == ("TERMINATED" if status == "CANCELED" else "FAILED")


def test_permissive_failures_end_the_execution_only_when_all_is_done(bench, make):
    tape = {ref: [make.result(status="FAILED", reason=ref)] for ref in "ab"}
    tasks = [make.simple(ref, permissive=True) for ref in "ab"]
    execution = bench.run(make.workflow(*tasks), tape=tape)

    assert execution.state.reason == ". ".join(
        f"Task {execution.task(ref).task_id} failed with status: FAILED and reason: '{ref}'" for ref in "ab"
    )


def test_a_response_timeout_is_noticed_at_its_due_time_and_retried(bench, make):
    bench.define("r", retryCount=1, retryDelaySeconds=0, responseTimeoutSeconds=7)
    execution = bench.run(make.workflow(make.simple("r")), tape={"r": [make.result(work_ms=None)]})

    first, second = execution.state.tasks
    assert (first.status, first.ended_ms - first.started_ms) == ("TIMED_OUT", 7000)
    assert first.reason == f"responseTimeout: 7 exceeded for the taskId: {first.task_id} with Task Definition: r"
    assert second.status == "COMPLETED"


def test_a_worker_that_heartbeats_outlasts_the_response_timeout_and_one_that_does_not_is_too_late(bench, make):
    bench.define("r", responseTimeoutSeconds=10)
    assert bench.run(make.workflow(make.simple("r")), work_ms=900_000).state.status == "COMPLETED"

    silent = [make.result(work_ms=900_000, heartbeats=False)]
    late = bench.run(make.workflow(make.simple("r")), tape={"r": silent})
    assert (late.state.status, late.state.tasks[0].status) == ("TIMED_OUT", "TIMED_OUT")
    assert late.state.ended_ms - late.state.created_ms == 10_000


def test_work_that_ends_at_its_deadline_is_in_time(bench, make):
    bench.define("r", responseTimeoutSeconds=10)
    on_time = [make.result(work_ms=10_000, heartbeats=False)]

    assert bench.run(make.workflow(make.simple("r")), tape={"r": on_time}).state.status == "COMPLETED"


@pytest.mark.parametrize(
    ("policy", "task_status", "workflow_status"),
    [
        ("TIME_OUT_WF", "TIMED_OUT", "TIMED_OUT"),
        ("RETRY", "TIMED_OUT", "TIMED_OUT"),
        ("ALERT_ONLY", "COMPLETED", "COMPLETED"),
    ],
)
def test_a_task_timeout_does_what_its_policy_says(bench, make, policy, task_status, workflow_status):
    bench.define("r", timeoutSeconds=5, responseTimeoutSeconds=5, timeoutPolicy=policy)
    execution = bench.run(make.workflow(make.simple("r")), work_ms=60_000)

    assert (execution.task("r").status, execution.state.status) == (task_status, workflow_status)
    if policy == "TIME_OUT_WF":
        assert execution.state.reason == (
            "Task timed out after 5 seconds. Timeout configured as 5 seconds. Timeout policy configured to TIME_OUT_WF"
        )


def test_a_poll_timeout_strikes_what_nobody_takes(bench, make):
    bench.define("r", pollTimeoutSeconds=3, timeoutPolicy="RETRY", retryCount=1, retryDelaySeconds=0)
    execution = bench.start(make.workflow(make.simple("r")))
    bench.engine.drain()

    assert make.statuses(execution) == {"r": ["TIMED_OUT", "TIMED_OUT"]}
    assert execution.state.ended_ms - execution.state.created_ms == 6000
    assert execution.state.tasks[0].reason == (
        "Task poll timed out after 3 seconds. Poll timeout configured as 3 seconds. Timeout policy configured to RETRY"
    )


def test_a_total_timeout_counts_all_attempts_and_the_delays_between(bench, make):
    bench.define(
        "r", retryCount=9, retryDelaySeconds=1, timeoutSeconds=2, responseTimeoutSeconds=2, totalTimeoutSeconds=5,
        timeoutPolicy="RETRY",
    )  # fmt: skip
    hang = [make.result(work_ms=None)] * 9
    execution = bench.run(make.workflow(make.simple("r")), tape={"r": hang})

    assert execution.state.status == "TIMED_OUT"
    assert execution.state.ended_ms - execution.state.created_ms == 5000
    assert "exceeded total timeout of 5 seconds (elapsed 5 seconds" in execution.state.reason


def test_a_workflow_timeout_ends_it_and_starts_its_failure_workflow(bench, make):
    bench.register(make.workflow(make.simple("b", inputParameters={"all": "${workflow.input}"}), name="cleanup"))
    definition = make.workflow(
        make.simple("a"), timeoutSeconds=4, timeoutPolicy="TIME_OUT_WF", failureWorkflow="cleanup"
    )
    execution = bench.start(definition, {"z": 1})
    execution.wait()

    state = execution.state
    assert (state.status, state.ended_ms - state.created_ms) == ("TIMED_OUT", 4000)
    cleanup = bench.engine.execution(state.output["conductor.failure_workflow"])
    assert {key: cleanup.input[key] for key in ("z", "workflowId", "reason", "failureStatus")} == {
        "z": 1, "workflowId": state.workflow_id, "reason": state.reason, "failureStatus": "TIMED_OUT",
    }  # fmt: skip
    assert cleanup.input["failedWorkflow"]["status"] == "TIMED_OUT"


def test_what_a_failure_workflow_schedules_first_finds_nothing_in_the_failed_one(bench, make):
    """Seen on 3.32.1: the first task gets null, the whole object is there, and the task after it reads it."""
    failed = "workflow.input.failedWorkflow"
    reads = {
        "status": f"${{{failed}.status}}", "deep": f"${{{failed}['status']}}", "text": f"is ${{{failed}.status}}",
        "whole": f"${{{failed}}}",
    }  # fmt: skip
    bench.register(make.workflow(make.simple("b", inputParameters=reads), name="cleanup"))
    execution = bench.start(make.workflow(make.simple("a"), failureWorkflow="cleanup"))
    execution.fail("a", terminal=True)
    cleanup = bench.engine.execution(execution.state.output["conductor.failure_workflow"])
    first = cleanup.tasks[0].input
    assert (first["status"], first["deep"], first["text"]) == (None, None, "is null")
    assert dict(first["whole"])["status"] == "FAILED"
    assert first["whole"].get("status") == "FAILED"  # by now


def test_a_workflow_timeout_that_only_alerts_changes_nothing(bench, make):
    execution = bench.start(make.workflow(make.simple("a"), timeoutSeconds=1))
    execution.advance(3_600_000)

    assert execution.state.status == "RUNNING"


def test_a_failure_workflow_that_is_not_registered_is_noted_in_the_output(bench, make):
    execution = bench.run(
        make.workflow(make.simple("a"), failureWorkflow="nope"), tape={"a": [make.result(status="FAILED")]}
    )

    assert execution.state.output == {
        "conductor.failure_workflow": (
            "Error workflow nope failed to start.  reason: No such workflow defined. name=nope, version=null"
        )
    }


def test_a_start_delay_holds_a_task_back(bench, make):
    execution = bench.run(make.workflow(make.simple("a", startDelay=2)))

    task = execution.task("a")
    assert (task.started_ms - task.scheduled_ms, task.start_delay_s) == (2000, 2)


def test_a_failure_workflow_does_not_start_when_an_operator_ends_the_execution(bench, make):
    bench.register(make.workflow(make.simple("b"), name="cleanup"))
    execution = bench.start(make.workflow(make.simple("a"), failureWorkflow="cleanup"))
    execution.terminate("enough")

    assert "conductor.failure_workflow" not in execution.state.output
    assert len(bench.engine.executions) == 1
