"""Parents and children in their corners; read off recordings of Conductor 3.32.1 (fixtures/conformance)."""

import pytest

from pytest_k1n.engine.documents import task_document
from pytest_k1n.engine.operate import operations, reruns
from pytest_k1n.engine.runtime.taskresults import TaskResult


@pytest.fixture
def child(bench, make):
    """A registered child, and the task of a parent that runs it."""
    bench.register(make.workflow(make.simple("d"), name="child"))
    return make.of_type("SUB_WORKFLOW", "sub", subWorkflowParam={"name": "child"})


def started(bench, execution):
    return bench.engine.execution(execution.task("sub").sub_id)


def test_a_child_without_input_gets_all_its_task_was_given(bench, make, child):
    execution = bench.start(make.workflow(child))

    assert started(bench, execution).input == execution.task("sub").input == {
        "subWorkflowName": "child", "subWorkflowVersion": 1, "subWorkflowTaskToDomain": None,
        "subWorkflowDefinition": None, "workflowInput": {}, "idempotencyKey": None, "idempotencyStrategy": None,
        "priority": None,
    }  # fmt: skip


def test_a_child_that_was_defined_inline_is_marked_in_its_own_input(bench, make):
    inline = make.workflow(make.simple("d"), name="inline")
    sub = make.of_type("SUB_WORKFLOW", "sub", subWorkflowParam={"workflowDefinition": inline}, inputParameters={"p": 1})
    execution = bench.start(make.workflow(sub))

    assert started(bench, execution).input == {"p": 1, "_systemMetadata": {"dynamic": True}}
    assert execution.task("sub").input["workflowInput"] == {"p": 1}


def test_a_retried_sub_workflow_waits_out_the_delay_of_its_policy(bench, make, child):
    execution = bench.start(make.workflow({**child, "retryCount": 1}))
    bench.engine.update(started(bench, execution).tasks[0], TaskResult(status="FAILED"))
    retry = execution.task("sub")
    assert (retry.attempt, retry.status, retry.callback_s) == (1, "SCHEDULED", 60)

    execution.advance(59_999)
    assert retry.status == "SCHEDULED"
    execution.advance(1)
    assert (retry.status, retry.callback_s) == ("IN_PROGRESS", 0)


def test_a_parent_ended_without_a_reason_tells_its_child_its_status(bench, make, child):
    execution = bench.start(make.workflow(child))
    execution.terminate()

    assert started(bench, execution).reason == "Parent workflow has been terminated with status TERMINATED"


def test_resuming_a_child_leaves_no_mark_in_the_parents_task(bench, make, child):
    execution = bench.start(make.workflow(child))
    bench.engine.update(started(bench, execution).tasks[0], TaskResult(status="FAILED"))
    operations.retry(bench.engine, execution.state, resume_children=True)

    assert task_document(execution.task("sub"))["subworkflowChanged"] is False


def test_retrying_a_completed_execution_with_its_children_does_nothing(bench, make):
    execution = bench.start(make.workflow(make.simple("a")))
    execution.complete("a")
    operations.retry(bench.engine, execution.state, resume_children=True)

    assert execution.state.status == "COMPLETED"


def test_a_rerun_from_a_completed_sub_workflow_ends_at_once_without_another_child(bench, make, child):
    execution = bench.run(make.workflow(child, make.simple("a")))
    before = execution.task("sub").sub_id
    reruns.rerun(bench.engine, execution.state, task_id=execution.task("sub").task_id)

    assert (execution.state.status, execution.task("sub").sub_id) == ("COMPLETED", before)
    assert len(bench.engine.executions) == 2


def test_a_rerun_within_a_child_schedules_its_parents_task_anew_without_a_start(bench, make, child):
    execution = bench.run(make.workflow(child, make.simple("a")))
    task, inner = execution.task("sub"), started(bench, execution)
    assert task.started_ms
    bench.engine.advance(1000)
    now_ms = bench.engine.now_ms
    reruns.rerun(bench.engine, execution.state, task_id=inner.tasks[0].task_id)

    assert (task.scheduled_ms, task.started_ms, task.poll_count) == (now_ms, 0, 0)


def test_a_rerun_also_reopens_what_failed_before_but_not_earlier_attempts_of_its_own_task(bench, make):
    bench.define("r", "s", retryCount=1, retryDelaySeconds=0)
    execution = bench.start(make.workflow(make.simple("r"), make.simple("s")))
    for ref in ("r", "s"):
        execution.fail(ref)
        execution.complete(ref)
    reruns.rerun(bench.engine, execution.state, task_id=execution.task("s").task_id)

    assert make.statuses(execution) == {"r": ["SCHEDULED", "COMPLETED"], "s": ["FAILED", "SCHEDULED"]}


def test_a_child_has_the_last_word_where_a_client_ended_its_task_before(bench, make):
    bench.register(make.workflow(make.simple("a"), name="inner"))
    sub = make.of_type("SUB_WORKFLOW", "sub", subWorkflowParam={"name": "inner", "version": 1})
    execution = bench.start(make.workflow(sub, make.simple("b")))
    task = execution.task("sub")
    bench.engine.update(task, TaskResult(status="FAILED", output={"by": "client"}, sub_id=task.sub_id))
    assert (task.status, execution.state.status) == ("FAILED", "FAILED")

    child = bench.engine.execution(task.output.get("subWorkflowId") or task.sub_id)
    bench.engine.update(child.latest["a"], TaskResult(status="COMPLETED", output={"v": 1}))
    assert (task.status, execution.state.status) == ("COMPLETED", "FAILED")
    assert task.output == {"by": "client", "subWorkflowId": child.workflow_id, "v": 1}


def test_a_priority_beyond_the_highest_fails_the_task(bench, make, child):
    child["subWorkflowParam"]["priority"] = 100
    execution = bench.start(make.workflow(child))

    assert execution.task("sub").reason == "priority MUST be between 0 and 99 (inclusive)"
    assert execution.state.status == "FAILED"


@pytest.mark.parametrize("given", [{}, {"sub_id": "another"}])
def test_a_child_that_an_update_of_its_task_does_not_name_is_not_heard_any_more(bench, make, given):
    bench.register(make.workflow(make.simple("x"), name="child"))
    task = make.of_type("SUB_WORKFLOW", "sub", subWorkflowParam={"name": "child", "version": 1})
    execution = bench.start(make.workflow(task))
    child = bench.engine.execution(execution.task("sub").sub_id)
    bench.engine.report(execution.task("sub"), TaskResult(status="IN_PROGRESS", output={"p": 1}, **given))
    bench.engine.report(child.tasks[0], TaskResult(output={"q": 2}))

    assert (child.status, execution.state.status) == ("COMPLETED", "RUNNING")
    assert (execution.task("sub").status, execution.task("sub").output) == ("IN_PROGRESS", {"p": 1})


def test_a_child_that_an_update_has_forgotten_ends_with_its_parent(bench, make):
    bench.register(make.workflow(make.simple("x"), name="child"))
    task = make.of_type("SUB_WORKFLOW", "sub", subWorkflowParam={"name": "child", "version": 1})
    execution = bench.start(make.workflow(task))
    child = bench.engine.execution(execution.task("sub").sub_id)
    bench.engine.report(execution.task("sub"), TaskResult(status="IN_PROGRESS"))
    execution.terminate("enough")

    assert child.status == "TERMINATED"
