"""When a plan has each task start and end before anything has run."""

from pytest_k1n.core.plan import Template
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
