"""What operators do to executions; answers as of Conductor 3.32.1."""

import pytest

from pytest_k1n.engine.operate import operations, reruns
from pytest_k1n.engine.problems import Illegal, Transient, Unknown, WrongState
from pytest_k1n.engine.runtime.queues import QueueKey
from pytest_k1n.engine.runtime.taskresults import TaskResult


@pytest.fixture
def chain(make):
    return make.workflow(*map(make.simple, "abc"))


def test_a_paused_execution_schedules_nothing_until_it_is_resumed(bench, make, chain):
    execution = bench.start(chain)
    execution.pause()
    execution.complete("a")
    assert (execution.state.status, make.statuses(execution)) == ("PAUSED", {"a": "COMPLETED"})

    execution.resume()
    assert make.statuses(execution) == {"a": "COMPLETED", "b": "SCHEDULED"}


def test_a_skipped_task_is_passed_over(bench, make, chain):
    execution = bench.start(chain)
    execution.skip("b")
    execution.complete("a")

    assert make.statuses(execution) == {"b": "SKIPPED", "a": "COMPLETED", "c": "SCHEDULED"}
    assert execution.task("b").seq == 0
    with pytest.raises(Illegal, match="already been processed"):
        execution.skip("a")
    with pytest.raises(Illegal, match="does not exist in the WorkflowDefinition w"):
        execution.skip("nope")


def test_terminating_cancels_what_is_open(bench, make, chain):
    execution = bench.start(chain)
    execution.terminate("enough")

    assert (execution.state.status, execution.state.reason) == ("TERMINATED", "enough")
    assert make.statuses(execution) == {"a": "CANCELED"}
    execution.terminate("again")
    assert execution.state.reason == "enough"


def test_a_retry_begins_at_what_failed_and_clears_the_reason(bench, make, chain):
    execution = bench.start(chain)
    execution.complete("a")
    execution.fail("b", "bad")
    execution.retry()

    assert make.statuses(execution) == {"a": "COMPLETED", "b": ["FAILED", "SCHEDULED"]}
    assert (execution.state.status, execution.state.reason, execution.task("b").reason) == ("RUNNING", None, None)
    assert execution.task("b").attempt == 1


def test_a_retried_fork_gives_canceled_branches_a_new_attempt_and_reopens_the_join(bench, make):
    execution = bench.start(make.workflow(*make.fork([make.simple("a")], [make.simple("b")]), make.simple("c")))
    execution.fail("a", "x")
    execution.retry()

    assert make.statuses(execution) == {
        "fork": "COMPLETED", "a": ["FAILED", "SCHEDULED"], "b": ["CANCELED", "SCHEDULED"], "join": "IN_PROGRESS",
    }  # fmt: skip
    execution.complete("a")
    execution.complete("b")
    assert execution.task("c").status == "SCHEDULED"


def test_a_retried_loop_goes_on_where_it_failed(bench, make):
    execution = bench.start(
        make.workflow(make.loop([make.simple("a"), make.simple("b")]), make.simple("c")), {"items": [1]}
    )
    execution.complete("a__1")
    execution.fail("b__1")
    execution.retry()
    execution.complete("b__1")

    assert (execution.task("loop").status, execution.task("c").status) == ("COMPLETED", "SCHEDULED")


def test_retrying_a_child_lets_its_parent_wait_again(bench, make):
    bench.register(make.workflow(make.simple("d"), name="child"))
    sub = make.of_type("SUB_WORKFLOW", "sub", subWorkflowParam={"name": "child"})
    execution = bench.start(make.workflow(sub, make.simple("a")))
    child = bench.engine.execution(execution.task("sub").sub_id)
    bench.engine.update(child.tasks[0], TaskResult(status="FAILED"))
    assert execution.state.status == "FAILED"

    operations.retry(bench.engine, execution.state, resume_children=True)
    assert (execution.state.status, child.status) == ("RUNNING", "RUNNING")
    assert (execution.task("sub").status, execution.task("sub").sub_id) == ("IN_PROGRESS", child.workflow_id)
    bench.engine.update(child.tasks[-1], TaskResult(status="COMPLETED", output={"v": 1}))
    assert execution.task("a").status == "SCHEDULED"


def test_a_rerun_drops_what_came_later_and_keeps_the_tasks_id(bench, make, chain):
    execution = bench.run(chain)
    task = execution.task("b")
    before = task.task_id
    bench.engine.attach_to_all(make.worker(work_ms=None), slots=0)
    reruns.rerun(bench.engine, execution.state, task_id=before, task_input={"new": 1})

    assert list(make.statuses(execution)) == ["a", "b"]
    assert (task.task_id, task.input, task.output) == (before, {"new": 1}, {})
    assert execution.state.status == "RUNNING"


def test_a_restart_begins_anew_under_the_same_id(bench, make, chain):
    execution = bench.start(chain)
    execution.complete("a")
    execution.terminate()
    bench.engine.advance(5000)
    execution.restart()

    assert make.statuses(execution) == {"a": "SCHEDULED"}
    assert execution.state.created_ms == bench.engine.now_ms
    assert (execution.state.output, execution.state.reason) == ({}, None)


def test_what_a_state_does_not_allow_is_refused_in_the_servers_words(bench, make, chain):
    running = bench.start(chain)
    label = f"w.1/{running.workflow_id}"
    with pytest.raises(Unknown, match=r"Workflow is still running.  status=RUNNING"):
        running.retry()
    with pytest.raises(WrongState, match=f"Workflow: {label}.RUNNING is not in terminal state, unable to restart."):
        running.restart()
    with pytest.raises(Illegal, match=r"is not PAUSED so cannot resume. Current status is RUNNING"):
        running.resume()

    for ref in "abc":
        running.complete(ref)
    with pytest.raises(WrongState, match=r"There are no retryable tasks!"):
        running.retry()
    with pytest.raises(WrongState, match=r"Cannot terminate a COMPLETED workflow."):
        running.terminate()
    with pytest.raises(WrongState, match="has ended, status cannot be updated"):
        running.pause()


def test_a_callback_holds_a_task_back_until_it_is_reset(bench, chain):
    execution = bench.start(chain)
    task = execution.task("a")
    bench.engine.take(task)
    bench.engine.update(task, TaskResult(status="IN_PROGRESS", output={"p": 1}, callback_s=60))
    assert (task.status, task.output, bench.engine.poll(QueueKey("a"), "w")) == ("SCHEDULED", {"p": 1}, None)

    operations.reset_callbacks(bench.engine, execution.state)
    assert bench.engine.poll(QueueKey("a"), "w") is task


def test_a_second_update_of_an_ended_task_changes_nothing(bench, chain):
    execution = bench.start(chain)
    execution.complete("a", {"v": 1})
    bench.engine.update(execution.task("a"), TaskResult(status="FAILED", output={"v": 2}))

    assert (execution.task("a").status, execution.task("a").output) == ("COMPLETED", {"v": 1})


def test_a_switch_that_is_rerun_takes_its_case_again_if_something_comes_after_it(bench, make):
    switch = make.switch({"x": [make.simple("a")]})
    ends, goes_on = (bench.start(make.workflow(switch, *after), {"case": "x"}) for after in ([], [make.simple("b")]))
    for execution in (ends, goes_on):
        execution.complete("a")
    goes_on.complete("b")
    for execution in (ends, goes_on):
        reruns.rerun(bench.engine, execution.state, task_id=execution.task("switch").task_id)

    assert (ends.state.status, make.statuses(ends)) == ("COMPLETED", {"switch": "COMPLETED"})
    assert make.statuses(goes_on) == {"switch": "COMPLETED", "a": "SCHEDULED"}
    goes_on.complete("a")
    assert goes_on.task("b").status == "SCHEDULED"


def with_an_attempt_opened_again(bench, make):
    """Run a chain whose first task failed once, and its last task again: the rerun opens the failed attempt, too."""
    bench.define("r", retryCount=1, retryDelaySeconds=0)
    execution = bench.start(make.workflow(make.simple("r"), make.simple("b")))
    execution.fail("r")
    execution.complete("r")
    execution.complete("b")
    reruns.rerun(bench.engine, execution.state, task_id=execution.task("b").task_id)
    return execution


def test_an_execution_waits_for_an_attempt_that_a_rerun_opened_again(bench, make):
    execution = with_an_attempt_opened_again(bench, make)
    execution.complete("b")
    assert execution.state.status == "RUNNING"

    bench.engine.update(execution.state.tasks[0], TaskResult(status="COMPLETED"))
    assert execution.state.status == "COMPLETED"


def test_an_attempt_that_a_rerun_opened_again_ends_with_its_execution(bench, make):
    execution = with_an_attempt_opened_again(bench, make)
    operations.terminate(bench.engine, execution.state, "enough")

    assert [task.status for task in execution.state.tasks] == ["CANCELED", "COMPLETED", "CANCELED"]
    assert not list(bench.engine.deliverable())


def test_a_rerun_task_keeps_the_delay_it_was_scheduled_with(bench, make):
    bench.define("r", retryCount=1, retryDelaySeconds=2)
    execution = bench.run(make.workflow(make.simple("r")), tape={"r": [make.result(status="FAILED")]})
    bench.engine.detach_all()
    reruns.rerun(bench.engine, execution.state, task_id=execution.task("r").task_id)

    assert (execution.task("r").start_delay_s, execution.task("r").callback_s) == (2, 0)


@pytest.mark.parametrize("again", [operations.retry, operations.restart, reruns.rerun])
def test_a_task_that_is_attempted_again_stays_in_its_domain(bench, make, again):
    execution = bench.start(make.workflow(make.simple("a")), domains={"*": "mine"})
    bench.engine.update(bench.engine.poll(QueueKey("a", "mine"), "w"), TaskResult(status="FAILED"))
    again(bench.engine, execution.state)

    assert bench.engine.poll(QueueKey("a"), "w") is None
    assert bench.engine.poll(QueueKey("a", "mine"), "w") is not None


def test_an_execution_remembers_the_status_it_had_before(bench, make, chain):
    execution = bench.start(chain)
    seen = [execution.state.previous_status]
    for act in (execution.pause, execution.resume, execution.terminate, execution.restart):
        act()
        seen.append(execution.state.previous_status)
    assert seen == [None, "RUNNING", "PAUSED", "RUNNING", "TERMINATED"]


def test_a_rerun_beside_a_skipped_task_is_refused_when_its_task_is_scheduled_already(bench, chain):
    execution = bench.start(chain)
    operations.skip(bench.engine, execution.state, "b")
    execution.terminate("enough")
    with pytest.raises(Transient, match="Error updating task"):
        reruns.rerun(bench.engine, execution.state, task_id=execution.task("a").task_id)

    assert (execution.state.status, execution.task("a").status) == ("RUNNING", "SCHEDULED")
