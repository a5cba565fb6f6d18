"""FORK_JOIN_DYNAMIC in its corners; read off recordings of Conductor 3.32.1 (fixtures/conformance)."""

import pytest


def dynamic(make, ref="dyn", join="join", **inputs):
    return [
        make.of_type(
            "FORK_JOIN_DYNAMIC", ref, dynamicForkTasksParam="tasks", dynamicForkTasksInputParamName="inputs",
            inputParameters=inputs,
        ),
        make.of_type("JOIN", join),
    ]  # fmt: skip


def test_inputs_that_are_no_list_are_not_read(bench, make):
    execution = bench.start(make.workflow(*dynamic(make, forkTaskName="a", forkTaskInputs={"x": 1})))

    assert execution.state.reason == (
        "Input 'tasks' is invalid. Cannot deserialize a list of Workflow Tasks from 'null'"
    )


def test_a_workflow_can_be_forked_over_a_list_of_inputs(bench, make):
    bench.register(make.workflow(make.simple("d"), name="child"))
    execution = bench.run(make.workflow(*dynamic(make, forkTaskWorkflow="child", forkTaskInputs=[{"x": 1}])))

    branch = execution.task("_dyn_0")
    assert (branch.type, branch.def_name, branch.status) == ("SUB_WORKFLOW", "child", "COMPLETED")
    assert bench.engine.execution(branch.sub_id).input == {"x": 1, "__index": 0}


def test_branches_of_a_later_dynamic_fork_are_named_after_it(bench, make):
    given = {"forkTaskName": "a", "forkTaskInputs": [1]}
    loop = make.loop(dynamic(make, **given), items=[1, 2])
    execution = bench.run(make.workflow(loop, *dynamic(make, "later", "later_join", **given)))

    assert [task.ref for task in execution.state.tasks if task.type == "a"] == [
        "_a_0__1", "_dyn_a_0__2", "_later_a_0",
    ]  # fmt: skip


def test_a_forked_task_without_a_definition_shows_a_response_timeout_that_it_does_not_have(bench, make):
    execution = bench.start(make.workflow(*dynamic(make, tasks=[make.simple("nobody")], inputs={})))
    task = execution.task("nobody")
    bench.engine.take(task)
    execution.advance(4_000_000)

    assert (task.response_timeout_s, task.status) == (3600, "IN_PROGRESS")


def test_a_forked_task_brings_its_own_definition(bench, make):
    own = make.simple("nobody", taskDefinition={"name": "nobody", "responseTimeoutSeconds": 9})
    execution = bench.start(make.workflow(*dynamic(make, tasks=[own], inputs={})))

    assert execution.task("nobody").response_timeout_s == 9


@pytest.mark.parametrize("registered", ["own", "real"])
def test_a_dynamic_task_that_is_forked_needs_a_registered_definition(bench, make, registered):
    """Of its own name or of the one that its input says; else Conductor 3.32.1 fails the execution."""
    one = make.of_type("DYNAMIC", "dy", name="own", dynamicTaskNameParam="n", inputParameters={"n": "real"})
    definition = make.workflow(*dynamic(make, tasks=[one], inputs={}))

    assert bench.start(definition).state.reason == (
        "Invalid task specified.  Cannot find task by name real in the task definitions"
    )
    bench.engine.catalogue.put_task({"name": registered, "responseTimeoutSeconds": 30}, 0)
    task = bench.start(definition).task("dy")
    assert (task.type, task.status, task.response_timeout_s) == ("real", "SCHEDULED", 30)


def test_nothing_follows_the_first_task_inside_a_forked_one(bench, make):
    switch = make.switch({"x": [make.simple("a"), make.simple("b")]}, on="x")
    loop = make.of_type("DO_WHILE", "loop", loopOver=[make.simple("c"), make.simple("d")], loopCondition="false")
    execution = bench.run(make.workflow(*dynamic(make, tasks=[switch, loop], inputs={})))

    assert make.statuses(execution) == {
        "dyn": "COMPLETED", "switch": "COMPLETED", "a": "COMPLETED", "loop": "IN_PROGRESS", "join": "IN_PROGRESS",
        "c__1": "COMPLETED",
    }  # fmt: skip
