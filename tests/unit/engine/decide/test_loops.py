"""DO_WHILE in its corners; read off recordings of Conductor 3.32.1 (fixtures/conformance)."""

import json

import pytest

from pytest_k1n.engine.operate import reruns
from pytest_k1n.engine.rest.router import Routes
from pytest_k1n.engine.runtime.queues import QueueKey


def test_an_empty_condition_goes_on_while_items_are_left(bench, make):
    loop = make.of_type("DO_WHILE", "loop", loopOver=[make.simple("a")], loopCondition="", items=[1, 2])
    execution = bench.run(make.workflow(loop))

    assert list(make.statuses(execution)) == ["loop", "a__1", "a__2"]


def test_an_empty_condition_without_items_ends_after_one_iteration(bench, make):
    loop = make.of_type("DO_WHILE", "loop", loopOver=[make.simple("a")], loopCondition=" ")
    execution = bench.run(make.workflow(loop))

    assert list(make.statuses(execution)) == ["loop", "a__1"]


@pytest.mark.parametrize(("condition", "status"), [({"loopCondition": ""}, 200), ({}, 400)])
def test_only_a_missing_condition_is_refused(bench, make, condition, status):
    loop = make.of_type("DO_WHILE", "loop", loopOver=[make.simple("a")], items="${workflow.input.x}", **condition)
    body = json.dumps([make.workflow(loop)]).encode()

    assert Routes(bench.engine).handle("PUT", "/metadata/workflow", {}, body).status == status


def test_a_loop_shows_its_join_and_not_what_was_forked_dynamically(bench, make):
    fork = make.of_type(
        "FORK_JOIN_DYNAMIC", "dyn", dynamicForkTasksParam="tasks", dynamicForkTasksInputParamName="inputs",
        inputParameters={"tasks": [make.simple("a")], "inputs": {}},
    )  # fmt: skip
    loop = make.loop([fork, make.of_type("JOIN", "join"), make.simple("b")], items=[1])
    execution = bench.run(make.workflow(loop))

    assert execution.task("loop").output["1"] == {
        "dyn": {}, "join": {"a__1": {"of": "a__1"}}, "b": {"of": "b__1"},
    }  # fmt: skip


def test_a_loop_that_its_own_terminate_task_ends_shows_the_iteration(bench, make):
    end = make.of_type("TERMINATE", "end", inputParameters={"terminationStatus": "FAILED", "workflowOutput": {"o": 1}})
    execution = bench.run(make.workflow(make.loop([make.simple("a"), end], items=[1, 2])))

    assert execution.task("loop").status == "CANCELED"
    assert execution.task("loop").output["1"] == {"a": {"of": "a__1"}, "end": {}}


def test_a_loop_that_a_terminate_task_in_a_branch_ends_shows_open_tasks_too(bench, make):
    end = make.of_type("TERMINATE", "end", inputParameters={"terminationStatus": "FAILED"})
    execution = bench.start(make.workflow(make.loop(make.fork([make.simple("a")], [end]), items=[1])))

    assert make.statuses(execution)["join__1"] == "CANCELED"
    assert execution.task("loop").output["1"] == {"fork": {}, "a": {}, "end": {}, "join": {}}


def test_a_loop_and_a_human_task_that_are_rerun_have_no_start(bench, make):
    execution = bench.start(make.workflow(make.loop([make.of_type("HUMAN", "who")], items=[1])))
    execution.complete("who")
    reruns.rerun(bench.engine, execution.state, task_id=execution.task("loop").task_id)
    assert (execution.task("loop").status, execution.task("loop").started_ms) == ("SCHEDULED", 0)
    execution.terminate()
    reruns.rerun(bench.engine, execution.state, task_id=execution.task("who__1").task_id)
    assert (execution.task("who__1").status, execution.task("who__1").started_ms) == ("IN_PROGRESS", 0)


@pytest.mark.parametrize(
    ("ref", "kept", "then"),
    [
        ("a__1", ["loop", "i__1", "a__1", "i__1"], ["b__1", "i__2", "a__2"]),
        ("b__2", ["loop", "i__1", "a__1", "b__1", "i__2", "a__2", "b__2", "i__1", "i__2"], ["i__3", "a__3"]),
    ],
)
def test_a_rerun_from_a_former_iteration_begins_with_the_first_over_what_is_left(bench, make, ref, kept, then):
    inline = make.of_type("INLINE", "i", inputParameters={"evaluatorType": "value-param", "expression": "i"})
    execution = bench.start(make.workflow(make.loop([inline, make.simple("a"), make.simple("b")], items=[1, 2, 3])))
    for iteration in (1, 2):
        execution.complete(f"a__{iteration}")
        execution.complete(f"b__{iteration}")
    execution.terminate()
    reruns.rerun(bench.engine, execution.state, task_id=execution.task(ref).task_id)

    assert [task.ref for task in execution.state.tasks] == kept
    for each in ("a__1", "b__1", "b__2"):
        if each in kept[-3:] + then[:1] and execution.task(each).status == "SCHEDULED":
            execution.complete(each)
    assert [task.ref for task in execution.state.tasks] == kept + then


def test_a_rerun_of_a_later_iteration_goes_over_the_numbers_of_what_is_there(bench, make):
    fork = make.fork([make.simple("a")], [make.simple("b")])
    execution = bench.start(make.workflow(make.loop(fork, items=[1, 2, 3])))
    for iteration in (1, 2):
        execution.complete(f"a__{iteration}")
        execution.complete(f"b__{iteration}")
    execution.terminate()
    reruns.rerun(bench.engine, execution.state, task_id=execution.task("b__2").task_id)

    assert [(task.ref, task.seq) for task in execution.state.tasks][7:] == [
        ("b__2", 8), ("fork__1", 9), ("fork__2", 13), ("join__2", 16),
    ]  # fmt: skip


def test_the_first_task_of_an_iteration_sees_what_keep_last_n_drops_then(bench, make):
    a, b = (make.simple(ref, inputParameters={"a": "${a.output.of}", "b": "${b.output.of}"}) for ref in "ab")
    loop = make.of_type(
        "DO_WHILE", "loop", loopOver=[a, b], loopCondition="$.loop['iteration'] < 2", inputParameters={"keepLastN": 1}
    )  # fmt: skip
    execution = bench.run(make.workflow(loop))

    assert list(make.statuses(execution)) == ["loop", "a__2", "b__2"]
    assert execution.task("a__2").input == {"a": "a__1", "b": "b__1"}
    assert execution.task("b__2").input == {"a": "a__2", "b": None}


def test_a_time_limit_holds_in_a_loop_that_has_dropped_tasks(bench, make):
    bench.define("a", responseTimeoutSeconds=5, timeoutPolicy="TIME_OUT_WF")
    loop = make.of_type(
        "DO_WHILE", "loop", loopOver=[make.simple("a")], loopCondition="true", inputParameters={"keepLastN": 1}
    )
    execution = bench.start(make.workflow(loop))
    execution.complete("a__1")
    bench.engine.poll(QueueKey("a", None), "w")
    execution.advance(6000)

    assert execution.state.status == "TIMED_OUT"
