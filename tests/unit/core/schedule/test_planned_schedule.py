"""When a plan has each task start and end before anything has run."""

import pytest

from pytest_k1n.core.plan import Batch, Plan, Template
from pytest_k1n.core.schedule.planned_schedule import makespan_ms, planned_schedule
from pytest_k1n.core.standins.answers import PlannedAnswer
from pytest_k1n.core.wire import wire

DAY_MS = 86_400_000
MINUTE_MS = 60_000


def flow(*tasks):
    return wire.workflow_definition({"name": "wf", "version": 1, "tasks": list(tasks)})


def simple(ref):
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE"}


def wait(ref="cool", **inputs):
    return {"name": ref, "taskReferenceName": ref, "type": "WAIT", "inputParameters": inputs}


def test_a_wait_takes_the_duration_that_its_definition_names():
    schedule = planned_schedule(
        flow(simple("a"), wait(duration="7 days"), simple("b")), {"a": MINUTE_MS, "b": MINUTE_MS}
    )
    assert schedule["cool"] == (MINUTE_MS, MINUTE_MS + 7 * DAY_MS)
    assert makespan_ms(schedule) == 7 * DAY_MS + 2 * MINUTE_MS


def test_what_is_known_of_a_wait_outranks_its_duration():
    assert makespan_ms(planned_schedule(flow(wait(duration="7 days")), {"cool": MINUTE_MS})) == MINUTE_MS


def test_nothing_is_made_up_for_a_wait_that_does_not_tell():
    for inputs in ({}, {"duration": "${workflow.input.d}"}, {"until": "2030-01-01"}, {"duration": 7}):
        assert makespan_ms(planned_schedule(flow(wait(**inputs)), {})) == 0


def test_the_makespan_of_a_template_has_its_pauses_and_the_time_until_people_answer():
    template = Template(
        id="1", slug="x", workflow="wf", batch=1, estimates_ms={"a": MINUTE_MS},
        answers={"ask": PlannedAnswer(after_ms=DAY_MS)},
    )  # fmt: skip
    human = {"name": "ask", "taskReferenceName": "ask", "type": "HUMAN"}
    planned = template.planned_on(flow(simple("a"), human, wait(duration="7 days")))
    assert planned.total_estimate_ms == 8 * DAY_MS + MINUTE_MS


def planned(*tasks, **estimates_ms):
    template = Template(id="1", slug="x", workflow="wf", batch=1, estimates_ms=estimates_ms or {"a": MINUTE_MS})
    return template.planned_on(flow(simple("a"), *tasks))


def task(ref, kind, **more):
    return {"name": ref, "taskReferenceName": ref, "type": kind, **more}


LOOP = task("loop", "DO_WHILE", loopCondition="$.n < 3", loopOver=[simple("b")])
FORK = task("fork", "FORK_JOIN_DYNAMIC", dynamicForkTasksParam="t", dynamicForkTasksInputParamName="i")
CHILD = task("child", "SUB_WORKFLOW", subWorkflowParam={"name": "other"})
OPEN = [LOOP, FORK, CHILD, task("ask", "HUMAN"), wait("ask"), simple("c"), task("any", "DYNAMIC")]


@pytest.mark.parametrize("open_task", OPEN)
def test_no_makespan_is_computed_where_the_definition_cannot_tell_it(open_task):
    template = planned(open_task)
    assert template.total_estimate_ms is None
    assert f"{open_task['taskReferenceName']} ({open_task['type']})" in template.total_untold
    assert 'estimate = "20m"' in template.total_untold


@pytest.mark.parametrize("open_task", OPEN)
def test_an_estimate_of_such_a_task_tells_it(open_task):
    template = planned(open_task, a=MINUTE_MS, b=0, **{open_task["taskReferenceName"]: DAY_MS})
    assert (template.total_estimate_ms, template.total_untold) == (MINUTE_MS + DAY_MS, "")
    assert template.total_origin == "makespan of wf computed from the estimates of its tasks in the plan"


def of_a_child(child, **estimates_ms):
    parent = Template(id="1", slug="x", workflow="wf", batch=1, estimates_ms={"a": MINUTE_MS})
    other = Template(id="2", slug="y", workflow="other", batch=1, estimates_ms=estimates_ms)
    plan = Plan(batches=(Batch(number=1, templates=(parent, other)),))
    return plan.planned(parent, flow(simple("a"), CHILD), lambda name, _version: child if name == "other" else None)


def test_a_child_takes_what_its_own_tasks_take():
    child = wire.workflow_definition({"name": "other", "tasks": [simple("x"), wait(duration="1 days"), simple("y")]})
    template = of_a_child(child, x=MINUTE_MS, y=MINUTE_MS)
    assert template.total_estimate_ms == DAY_MS + 3 * MINUTE_MS
    assert template.planned_on(flow(simple("a"), CHILD)) == template


@pytest.mark.parametrize("tasks", [[simple("x"), simple("y")], [simple("x"), LOOP], [CHILD]])
def test_a_child_whose_tasks_tell_nothing_leaves_the_makespan_open(tasks):
    child = wire.workflow_definition({"name": "other", "tasks": tasks})
    assert of_a_child(child, x=MINUTE_MS, b=MINUTE_MS).total_estimate_ms is None


def test_nor_does_a_child_that_is_not_at_hand():
    assert "child (SUB_WORKFLOW)" in of_a_child(None).total_untold
