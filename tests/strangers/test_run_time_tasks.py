"""Tasks that come to exist while the execution runs: served by their handlers, wherever they come from."""

import pytest

from pytest_k1n import completed, failed


@pytest.fixture
def calls():
    return []


@pytest.fixture
def planned(make):
    """plan -> a branch for each of what it returns -> JOIN."""
    return make.workflow(
        make.simple("plan"), *make.fork_over("${plan.output.tasks}", "${plan.output.inputs}"), name="planned"
    )


def plan(task):
    branch = {"name": "ship", "type": "SIMPLE"}
    return {
        "tasks": [{**branch, "taskReferenceName": "s1"}, {**branch, "taskReferenceName": "s2"}],
        "inputs": {"s1": {"parcel": 1}, "s2": {"parcel": 2}},
    }


def test_a_handler_serves_the_branches_of_a_dynamic_fork_by_their_task_name(conductor, planned, calls):
    execution = conductor.run(planned, handlers={"plan": plan, "ship": lambda parcel: calls.append(parcel)})
    execution.expect(completed())
    assert sorted(calls) == [1, 2]


def test_a_ref_that_only_the_running_execution_knows_comes_before_the_name(conductor, planned, calls):
    handlers = {"plan": plan, "ship": lambda task: {"by": "name"}, "s2": lambda task: {"by": "ref"}}
    execution = conductor.run(planned, handlers=handlers)
    assert [execution.task(ref).output["by"] for ref in ("s1", "s2")] == ["name", "ref"]


def test_branches_without_a_handler_are_simulated_and_say_so(conductor, planned):
    execution = conductor.run(planned, handlers={"plan": plan})
    assert execution.task("s1").output["_k1n"]["simulated"] is True


def test_a_dynamic_task_is_served_by_the_name_it_resolves_to(conductor, make):
    dynamic = {
        "name": "any",
        "taskReferenceName": "any",
        "type": "DYNAMIC",
        "dynamicTaskNameParam": "what",
        "inputParameters": {"what": "${workflow.input.what}"},
    }
    execution = conductor.run(make.workflow(dynamic), input={"what": "ship"}, handlers={"ship": lambda task: {"ok": 1}})
    assert execution.task("any").output["ok"] == 1


def test_every_iteration_of_a_loop_is_served_and_one_may_have_a_handler_of_its_own(conductor, make):
    loop = {
        "name": "loop",
        "taskReferenceName": "loop",
        "type": "DO_WHILE",
        "loopCondition": "$.loop['iteration'] < 3",
        "loopOver": [make.simple("step")],
    }
    handlers = {"step": lambda task: {"round": task.iteration}, "step__2": lambda task: {"round": "second"}}
    execution = conductor.run(make.workflow(loop), handlers=handlers)
    assert [execution.task("step", iteration=n).output["round"] for n in (1, 2, 3)] == [1, "second", 3]


def test_tasks_of_an_inline_sub_workflow_are_served(conductor, make, calls):
    child = make.workflow(make.simple("inner"), name="child")
    parent = make.workflow(make.sub("s", "child", version=1, workflowDefinition=child))
    conductor.run(parent, handlers={"inner": lambda task: calls.append("inner")}).expect(completed())
    assert calls == ["inner"]


def test_children_come_along_over_two_levels(conductor, make, calls):
    child = make.workflow(make.simple("inner", value="${workflow.input.value}"), name="k1n_child")
    middle = make.workflow({**make.sub("deep", "k1n_child"), "inputParameters": {"value": 7}}, name="k1n_middle")
    parent = make.workflow(make.sub("m", "k1n_middle", version=1))
    conductor.run(parent, handlers={"inner": lambda value: calls.append(value)},
                  children=[child, middle]).expect(completed())  # fmt: skip
    assert calls == [7]


def test_a_child_that_only_the_running_execution_names_comes_along(conductor, make, calls):
    child = make.workflow(make.simple("inner"), name="k1n_late_child")
    branch = {**make.sub("s1", "k1n_late_child", version=1)}
    parent = make.workflow(make.simple("plan"), *make.fork_over("${plan.output.tasks}", {}))
    handlers = {"plan": lambda task: {"tasks": [branch]}, "inner": lambda task: calls.append("inner")}
    conductor.run(parent, handlers=handlers, children=[child]).expect(completed())
    assert calls == ["inner"]


def test_what_start_workflow_has_started_is_served_to_its_end(conductor, make, calls):
    started = make.workflow(make.simple("later"), name="k1n_started")
    start = {
        "name": "go",
        "taskReferenceName": "go",
        "type": "START_WORKFLOW",
        "inputParameters": {"startWorkflow": {"name": "k1n_started", "version": 1, "input": {"x": 1}}},
    }
    execution = conductor.run(
        make.workflow(start), handlers={"later": lambda task: calls.append("later")}, children=[started]
    )
    execution.expect(completed())
    assert calls == ["later"]
    assert execution.child("k1n_started").status == "COMPLETED"


def test_a_failure_workflow_compensates(conductor, make, calls):
    refund = make.workflow(make.simple("refund", why="${workflow.input.reason}"), name="k1n_refund")
    order = make.workflow(make.simple("charge"), name="order", failureWorkflow="k1n_refund")

    def charge(task):
        raise ValueError("declined")

    execution = conductor.run(
        order, handlers={"charge": charge, "refund": lambda why: calls.append(why)}, children=[refund]
    )
    execution.expect(failed(reason="declined"))
    assert len(calls) == 1
    assert "declined" in calls[0]


def test_a_child_of_the_execution_can_be_judged_itself(conductor, make):
    child = make.workflow(make.simple("inner"), name="child")
    execution = conductor.run(make.workflow(make.sub("s", "child", version=1, workflowDefinition=child)))
    execution.child("s").expect(completed())
    with pytest.raises(LookupError, match=r"no execution of 'nothing'.*child"):
        execution.child("nothing")


def test_a_started_execution_serves_late_tasks_with_a_handler_and_leaves_the_others_to_the_test(conductor, planned):
    execution = conductor.start(planned, handlers={"plan": plan, "s1": lambda task: {"by": "handler"}})
    execution.complete("s2", {"by": "test"})
    execution.wait()
    assert [execution.task(ref).output["by"] for ref in ("s1", "s2")] == ["handler", "test"]


def dynamic(make, kind, **inputs):
    task = {"name": "choose", "taskReferenceName": "y", "type": "DYNAMIC", "dynamicTaskNameParam": "which"}
    return make.workflow({**task, "inputParameters": {"which": kind, **inputs}}, make.simple("last"))


def test_a_dynamic_task_that_names_a_sub_workflow_is_one(conductor, make, calls):
    parent = dynamic(make, "SUB_WORKFLOW", subWorkflowName="child_of_dynamic", subWorkflowVersion=1)
    child = make.workflow(make.simple("inner"), name="child_of_dynamic")
    execution = conductor.run(parent, handlers={"inner": lambda: calls.append("inner")}, children=[child])
    execution.expect(completed())
    assert calls == ["inner"]


def test_a_dynamic_task_that_names_an_event_fails_for_want_of_a_sink(conductor, make):
    assert conductor.run(dynamic(make, "EVENT")).task("y").reason.endswith('because "sinkValue" is null')


@pytest.mark.parametrize("kind", ["FORK_JOIN", "JOIN", "SUB_WORKFLOW"])
def test_a_dynamic_task_that_names_what_needs_more_waits_for_ever_and_says_so(conductor, make, kind):
    with pytest.raises(TimeoutError, match="y"):
        conductor.run(dynamic(make, kind), within="5s")


@pytest.mark.virtual  # a server answers the start with 500, in these words
def test_a_dynamic_task_that_names_a_loop_fails_in_the_servers_words(conductor, make):
    execution = conductor.run(dynamic(make, "DO_WHILE"))
    assert execution.task("y").reason == "Index 0 out of bounds for length 0"


@pytest.mark.virtual  # a real server takes the neighbour
def test_a_neighbour_that_the_engine_refuses_stops_no_dynamic_fork_that_might_have_started_it(conductor, make, planned):
    kafka = {"name": "tell", "taskReferenceName": "tell", "type": "KAFKA_PUBLISH",
             "inputParameters": {"kafka_request": {"topic": "t", "bootStrapServers": "b", "value": "v"}}}  # fmt: skip
    neighbour = make.workflow(kafka, name="neighbour")
    conductor.run(planned, handlers={"plan": plan}, children=[neighbour]).expect(completed())
    with pytest.raises(Exception, match="it publishes to Kafka"):
        conductor.run(make.workflow(make.sub("s", "neighbour")), children=[neighbour])
