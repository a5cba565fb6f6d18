"""What has no end ends with a reason that names it: the server would go on, and in virtual time no timeout comes up."""

import pytest

from pytest_k1n.engine.runtime.guards import Guards


@pytest.fixture
def bench(make):
    return make.bench(guards=Guards(max_at_once=50, max_in_all=120, max_nesting=8))


def register(bench, *definitions):
    for definition in definitions:
        bench.engine.catalogue.put_workflow(definition, 0, is_update=False)


def ended(bench, name):
    """Start a registered workflow, let time pass until nothing more happens, and return its execution."""
    execution = bench.engine.start(bench.engine.find(name, None), {})
    bench.engine.drain()
    return execution


def forever(make, *body, condition="true"):
    return {
        "name": "loop", "taskReferenceName": "loop", "type": "DO_WHILE", "loopCondition": condition,
        "loopOver": list(body), "inputParameters": {"limit": 3},
    }  # fmt: skip


def starting(make, name, ref="again"):
    return make.of_type("START_WORKFLOW", ref, inputParameters={"startWorkflow": {"name": name, "version": 1}})


def nested(make, name, ref="inner"):
    return make.of_type("SUB_WORKFLOW", ref, subWorkflowParam={"name": name, "version": 1})


@pytest.mark.parametrize("condition", ["true", "$.loop['iteration'] > $.limit || true", "$.nothing === undefined"])
def test_a_loop_that_never_ends_names_its_condition_and_what_it_saw_last(bench, make, condition):
    task = make.of_type("SET_VARIABLE", "note", inputParameters={"seen": 7})
    register(bench, make.workflow(forever(make, task, condition=condition), name="endless"))
    execution = ended(bench, "endless")
    assert execution.status == "FAILED"
    said = "loop loop went round 50 times at one instant: this engine takes that for endless; "
    assert f"{said}its condition {condition} still holds after {{note=" in execution.reason


def test_a_loop_that_lets_time_pass_may_go_round_more_often_but_not_for_ever(bench, make):
    wait = make.of_type("WAIT", "pause", inputParameters={"duration": "1 seconds"})
    register(bench, make.workflow(forever(make, wait), name="patient"))
    execution = ended(bench, "patient")
    assert execution.status == "FAILED"
    assert "went round 120 times: this engine" in execution.reason
    assert execution.ended_ms - execution.created_ms == 120_000 + 1_000


def test_a_loop_within_the_limit_is_left_alone(bench, make):
    register(
        bench, make.workflow(forever(make, make.of_type("NOOP", "n"), condition="$.loop['iteration'] < 50"), name="w")
    )
    assert ended(bench, "w").status == "COMPLETED"


def test_what_starts_itself_is_started_so_often_and_no_more(bench, make):
    register(bench, make.workflow(starting(make, "again"), name="again"))
    ended(bench, "again")
    *others, last = bench.engine.executions.values()
    assert {execution.status for execution in others} == {"COMPLETED"}
    assert len(others) == 50
    assert last.status == "FAILED"
    assert "executions have started executions of again 50 times at one instant" in last.reason


def test_two_that_start_each_other_are_no_better(bench, make):
    register(bench, make.workflow(starting(make, "b"), name="a"), make.workflow(starting(make, "a"), name="b"))
    ended(bench, "a")
    assert list(bench.engine.executions.values())[-1].status == "FAILED"
    assert len(bench.engine.executions) == 101


def test_one_that_starts_two_of_itself_is_no_worse(bench, make):
    fork = make.fork([starting(make, "tree", "one")], [starting(make, "tree", "two")])
    register(bench, make.workflow(*fork, name="tree"))
    ended(bench, "tree")
    assert len(bench.engine.executions) == 51


def test_one_that_starts_itself_again_and_again_over_time_ends_too(bench, make):
    wait = make.of_type("WAIT", "pause", inputParameters={"duration": "1 hours"})
    register(bench, make.workflow(wait, starting(make, "daily"), name="daily"))
    ended(bench, "daily")
    assert "started executions of daily 120 times: this engine" in list(bench.engine.executions.values())[-1].reason


def test_starts_that_come_of_different_requests_are_not_counted_together(bench, make):
    register(
        bench,
        make.workflow(make.of_type("NOOP", "n"), name="child"),
        make.workflow(nested(make, "child"), starting(make, "child"), name="parent"),
    )
    for _ in range(130):
        assert ended(bench, "parent").status == "COMPLETED"
    assert {execution.status for execution in bench.engine.executions.values()} == {"COMPLETED"}


def test_a_failure_workflow_that_names_itself_ends(bench, make):
    fails = make.of_type("TERMINATE", "t", inputParameters={"terminationStatus": "FAILED", "terminationReason": "no"})
    register(bench, make.workflow(fails, name="sorry", failureWorkflow="sorry"))
    ended(bench, "sorry")
    last = list(bench.engine.executions.values())[-1]
    assert len(bench.engine.executions) == 51
    assert "executions have started executions of sorry" in last.output["conductor.failure_workflow"]


def test_a_workflow_within_itself_fails_from_the_innermost_outwards(bench, make):
    register(bench, make.workflow(nested(make, "matryoshka"), name="matryoshka"))
    execution = ended(bench, "matryoshka")
    assert execution.status == "FAILED"
    assert "sub-workflows lie 9 deep in each other (matryoshka > matryoshka > matryoshka > ... >" in execution.reason
    assert {each.status for each in bench.engine.executions.values()} == {"FAILED"}


def test_nesting_up_to_the_default_limit_is_no_trouble_for_python(make):
    bench = make.bench()
    register(bench, make.workflow(nested(make, "deep"), name="deep"))
    execution = ended(bench, "deep")
    assert "sub-workflows lie 51 deep in each other" in execution.reason


def test_a_task_that_is_retried_without_a_pause_is_tried_so_often_and_no_more(bench, make):
    again = {
        "name": "x",
        "retryCount": 1_000_000,
        "retryDelaySeconds": 0,
        "timeoutSeconds": 0,
        "responseTimeoutSeconds": 60,
    }
    bench.engine.catalogue.put_task(again, 0)
    broken = make.of_type(
        "INLINE", "x", inputParameters={"evaluatorType": "javascript", "expression": "({get a() { throw 1 }})"}
    )
    register(bench, make.workflow(broken, name="stubborn"))
    execution = ended(bench, "stubborn")
    assert execution.status == "FAILED"
    assert "task x was tried 50 times at one instant" in execution.reason


def test_events_that_follow_each_other_for_ever_come_to_an_end(bench, make):
    publish = make.of_type("EVENT", "ring", sink="conductor:ring")
    register(bench, make.workflow(publish, name="bell"))
    handler = {
        "name": "ringer", "event": "conductor:bell:ring", "active": True,
        "actions": [{"action": "start_workflow", "start_workflow": {"name": "bell"}, "expandInlineJSON": False}],
    }  # fmt: skip
    bench.engine.event_handlers.add(handler)
    ended(bench, "bell")
    assert len(bench.engine.executions) <= 51


def test_each_start_by_somebody_outside_counts_for_nothing(bench, make):
    register(bench, make.workflow(make.of_type("NOOP", "n"), name="quick"))
    assert {ended(bench, "quick").status for _ in range(200)} == {"COMPLETED"}
