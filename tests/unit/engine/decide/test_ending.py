"""What an ended execution keeps; read off recordings of Conductor 3.32.1 (fixtures/conformance)."""

import pytest

from pytest_k1n.engine.documents import task_document


def broken(make, n=1, **fields):
    return [make.result(status="FAILED", reason="broken", **fields)] * n


def test_a_failure_that_was_retried_is_named_though_the_execution_completes(bench, make):
    bench.define("r", retryCount=1)
    execution = bench.run(make.workflow(make.simple("r", "ref")), tape={"ref": broken(make)})

    state = execution.state
    assert (state.status, state.failed_refs, state.failed_names) == ("COMPLETED", ("ref",), ("r",))


def test_a_restart_keeps_the_names_of_what_failed_before(bench, make):
    execution = bench.start(make.workflow(make.simple("a")))
    execution.fail("a")
    execution.restart()
    assert execution.state.failed_refs == ("a",)

    execution.complete("a")
    assert (execution.state.status, execution.state.failed_refs) == ("COMPLETED", ("a",))


def test_a_forgiven_failure_of_the_last_task_stays_a_failure_in_its_record(bench, make):
    tape = {"a": broken(make), "b": broken(make)}
    execution = bench.run(make.workflow(*(make.simple(ref, optional=True) for ref in "ab")), tape=tape)

    assert make.statuses(execution) == {"a": "COMPLETED_WITH_ERRORS", "b": "FAILED"}
    assert (execution.state.status, execution.state.failed_refs) == ("COMPLETED", ())


def test_a_forgiven_timeout_of_the_last_task_leaves_its_record_open(bench, make):
    bench.define("r", responseTimeoutSeconds=1)
    execution = bench.run(make.workflow(make.simple("r", optional=True)), tape={"r": [make.result(work_ms=None)]})

    task = execution.task("r")
    assert (task.status, task.reason, task.ended_ms, task.executed) == ("IN_PROGRESS", None, 0, False)
    assert execution.state.status == "COMPLETED"


def test_a_permitted_timeout_of_the_last_task_cancels_its_record(bench, make):
    bench.define("r", responseTimeoutSeconds=1)
    execution = bench.run(make.workflow(make.simple("r", permissive=True)), tape={"r": [make.result(work_ms=None)]})

    task = execution.task("r")
    assert (task.status, task.reason) == ("CANCELED", None)
    assert execution.state.reason == (
        f"Task {task.task_id} failed with status: TIMED_OUT and reason: "
        f"'responseTimeout: 1 exceeded for the taskId: {task.task_id} with Task Definition: r'"
    )


def test_the_last_task_is_not_executed_where_a_permitted_failure_ends_the_execution(bench, make):
    execution = bench.run(make.workflow(make.simple("a", permissive=True), make.simple("b")), tape={"a": broken(make)})

    assert execution.state.status == "FAILED"
    assert [task.executed for task in execution.state.tasks] == [True, False]


@pytest.mark.parametrize("status", ["FAILED", "TERMINATED"])
def test_a_failure_workflow_is_told_which_terminate_task_it_was(bench, make, status):
    bench.register(make.workflow(make.simple("b"), name="cleanup"))
    end = make.of_type("TERMINATE", "end", inputParameters={"terminationStatus": status})
    execution = bench.start(make.workflow(end, failureWorkflow="cleanup"))

    cleanup = bench.engine.execution(execution.state.output["conductor.failure_workflow"])
    assert cleanup.input["failureTaskId"] == execution.task("end").task_id


@pytest.mark.parametrize(
    ("name", "starts"),
    [("$workflow.input.handler", True), ("${workflow.input.handler}", False), ("$handler", False)],
)
def test_a_failure_workflow_from_the_input_is_written_without_braces(bench, make, name, starts):
    bench.register(make.workflow(make.simple("b"), name="cleanup"))
    execution = bench.start(make.workflow(make.simple("a"), failureWorkflow=name), {"handler": "cleanup"})
    execution.fail("a")

    assert ("conductor.failure_workflow" in execution.state.output) is starts
    assert len(bench.engine.executions) == 1 + starts


def test_a_response_timeout_names_the_definition_that_ran(bench, make):
    bench.define("own", "real", responseTimeoutSeconds=1)
    task = {
        "name": "own", "taskReferenceName": "t", "type": "DYNAMIC", "dynamicTaskNameParam": "n",
        "inputParameters": {"n": "real"},
    }  # fmt: skip
    execution = bench.run(make.workflow(task), tape={"t": [make.result(work_ms=None)]})

    assert execution.task("t").reason.endswith("with Task Definition: real")


def test_null_input_keys_get_the_input_template(bench, make):
    definition = make.workflow(make.simple("a"), inputTemplate={"a": 1, "b": 2})

    assert bench.start(definition, {"a": None, "b": 3, "c": None}).state.input == {"a": 1, "b": 3, "c": None}


def test_only_tasks_with_a_rate_limit_of_their_own_show_one(bench, make):
    bench.define("a", rateLimitPerFrequency=5, rateLimitFrequencyInSeconds=7)
    tasks = [
        make.simple("a"), make.of_type("MINE", "mine"), make.loop([make.simple("b")], items=[1]),
        make.of_type("NOOP", "noop"), make.of_type("WAIT", "wait", inputParameters={"duration": "1s"}),
    ]  # fmt: skip
    execution = bench.run(make.workflow(*tasks))

    shown = {task.ref: task_document(task)["rateLimitFrequencyInSeconds"] for task in execution.state.tasks}
    assert shown == {"a": 7, "mine": 1, "loop": 1, "b__1": 1, "noop": 0, "wait": 0}
    assert task_document(execution.task("a"))["rateLimitPerFrequency"] == 5


def test_a_skipped_record_has_no_workflow_type(bench, make):
    execution = bench.start(make.workflow(make.simple("a"), make.simple("b")))
    execution.skip("b")

    assert "workflowType" not in task_document(execution.task("b"))
    assert task_document(execution.task("a"))["workflowType"] == "w"


def test_skipping_the_head_of_a_case_leaves_the_execution_waiting_for_ever(bench, make):
    case = make.switch({"x": [make.simple("b"), make.simple("c")]})
    execution = bench.start(make.workflow(make.simple("a"), case), {"case": "x"})
    execution.skip("b")
    execution.complete("a")
    bench.engine.drain()

    assert execution.state.status == "RUNNING"
    assert make.statuses(execution) == {"b": "SKIPPED", "a": "COMPLETED", "switch": "COMPLETED"}


def test_a_switch_whose_script_fails_has_ended(bench, make):
    script = "throw new Error('no')"
    switch = {**make.switch({"x": [make.simple("a")]}), "evaluatorType": "javascript", "expression": script}
    execution = bench.start(make.workflow(switch))

    assert (execution.task("switch").status, execution.state.status) == ("FAILED", "FAILED")
    assert execution.task("switch").ended_ms > 0


def test_a_failure_workflow_after_a_permitted_failure_is_not_told_which_task_failed(bench, make):
    bench.register(make.workflow(make.simple("b"), name="failure"))
    execution = bench.run(
        make.workflow(make.simple("a", permissive=True), make.simple("c"), failureWorkflow="failure"),
        {"x": 1},
        tape={"a": broken(make)},
    )

    started = bench.engine.execution(execution.state.output["conductor.failure_workflow"])
    assert started.input["failureStatus"] == "FAILED"
    assert "failureTaskId" not in started.input


def terminate(make, status):
    return make.of_type("TERMINATE", "end", inputParameters={"terminationStatus": status})


def test_a_loop_shows_what_it_has_so_far_when_something_beside_it_ends_the_execution(bench, make):
    beside = [make.simple("b"), terminate(make, "FAILED")]
    execution = bench.start(make.workflow(*make.fork([make.loop([make.simple("a")])], beside)), {"items": [7]})
    execution.complete("b")

    loop = execution.task("loop")
    assert (loop.status, loop.output["1"]) == ("CANCELED", {"a": {}})


def test_a_join_that_could_join_is_too_late_when_the_same_evaluation_ends_the_execution(bench, make):
    empty = make.switch({"x": [make.simple("a")]})
    branches = make.fork([empty], [terminate(make, "FAILED")], join_on=["switch"])
    execution = bench.start(make.workflow(*branches), {"case": "y"})

    assert (execution.state.status, execution.task("join").status) == ("FAILED", "CANCELED")
