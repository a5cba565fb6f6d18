"""What is said of an execution while nothing happens, and how often."""

from pytest_k1n.coordination.pulse import Pulse, standing
from pytest_k1n.core.plan import Template
from pytest_k1n.core.record.observation import observe


def lines_of(total_ms):
    pulse, said = Pulse(), []
    for now in range(1_000, total_ms, 1_000):
        if pulse.is_due(now):
            pulse.spoke(now)
            said.append(now)
    return said


def test_the_first_line_comes_after_half_a_minute_and_a_two_hour_run_fills_no_more_than_a_screen():
    assert lines_of(29_000) == []
    assert lines_of(390_000)[0] == 31_000
    assert 10 <= len(lines_of(390_000)) <= 13
    assert len(lines_of(130 * 60_000)) <= 60


def test_nothing_is_said_soon_after_something_else_was():
    pulse = Pulse()
    pulse.is_due(1)
    pulse.spoke(25_000)
    assert not pulse.is_due(40_000)
    assert pulse.is_due(55_000)


def test_it_says_what_runs_for_how_long_and_what_is_left(define, execution, task):
    template = Template(id="1", slug="x", workflow="wf", batch=1, estimates_ms={"a": 60_000, "b": 240_000, "c": 0})
    run = execution(task("a", 0, 60_000), task("b", 60_000), task("c", None, None, scheduled=60_000), end=None)
    seen = observe(run, definition=define.workflow("a", "b", "c"), template=template)
    assert standing(seen, raw_ms=120_000, speed=1) == (
        "1 of 3 tasks done; b runs for 1.0 min of about 4.0 min; c waits for a worker; about 3.0 min to go"
    )


def test_it_names_the_people_and_signals_that_are_waited_for(define, execution, task):
    run = execution(
        task("a", 0, 60_000), task("approve", 60_000, type="HUMAN"), task("go", 90_000, type="WAIT"), end=None
    )
    seen = observe(run, definition=define.workflow("a"))
    assert standing(seen, raw_ms=120_000, speed=1) == (
        "1 of 1 tasks done; approve (HUMAN) waits for 1.0 min; go (WAIT) waits for 30.00 s"
    )


def test_a_pause_of_the_definition_is_not_shortened_by_the_speed(define, execution, task):
    definition = define.workflow("a", define.task("cool", type="WAIT", inputs={"duration": "1 hour"}))
    template = Template(id="1", slug="x", workflow="wf", batch=1, estimates_ms={"a": 600_000}).planned_on(definition)
    seen = observe(execution(task("a", 0), end=None), definition=definition, template=template)
    assert standing(seen, raw_ms=500, speed=600).endswith("about 60.0 min to go")
