"""Handlers of events as documents."""

from pytest_k1n.core.definition.eventhandlers import kept_to, own_name, registered_s, startable_with_events
from pytest_k1n.engine.language.scripts import Scripts, is_true

START = {"action": "start_workflow", "start_workflow": {"name": "after"}}
HANDLER = {"name": "h", "event": "conductor:order:told", "active": True, "actions": [START]}


def _named(name, *tasks):
    return {"name": name, "tasks": list(tasks)}


def test_what_a_handler_starts_may_be_started_and_what_that_starts_too():
    sub = {"name": "s", "taskReferenceName": "s", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "deep"}}
    known = [_named("after", sub), _named("deep"), _named("other")]
    assert [each["name"] for each in startable_with_events(_named("order"), known, [HANDLER])] == ["after", "deep"]
    assert startable_with_events(_named("order"), known, []) == []
    late = {**HANDLER, "actions": [{"action": "start_workflow", "start_workflow": {"name": "${which}"}}]}
    assert startable_with_events(_named("order"), known, [late]) == known
    assert startable_with_events(_named("order"), known, [late], is_certain=True) == []


def _acts(handler, payload):
    return is_true(Scripts().javascript(handler["condition"], payload))


def test_a_handler_acts_on_the_events_of_one_execution_and_of_what_is_in_its_domain():
    kept = kept_to(HANDLER, name="h-1", correlation_id="c-1", domains={"*": "d-1"})
    assert kept["name"] == "h-1"
    assert kept["actions"][0]["start_workflow"] == {
        "name": "after", "correlationId": "c-1", "taskToDomain": {"*": "d-1"},
    }  # fmt: skip
    assert _acts(kept, {"correlationId": "c-1", "taskToDomain": {}})
    assert _acts(kept, {"correlationId": None, "taskToDomain": {"*": "d-1"}})
    assert not _acts(kept, {"correlationId": "c-2", "taskToDomain": {"*": "d-2"}})
    assert HANDLER["name"] == "h"
    assert "taskToDomain" not in START["start_workflow"]


def test_its_own_condition_still_has_to_hold():
    for given in ({"condition": "$.total > 3"}, {"condition": "big", "evaluatorType": "value-param"}):
        kept = kept_to({**HANDLER, **given}, name="h-1", correlation_id="c-1", domains={})
        assert _acts(kept, {"correlationId": "c-1", "total": 4, "big": True})
        assert not _acts(kept, {"correlationId": "c-1", "total": 2, "big": False})
        assert not _acts(kept, {"correlationId": "c-2", "total": 4, "big": True})
        assert "taskToDomain" not in kept["actions"][0]["start_workflow"]


def test_what_it_says_of_what_it_starts_stands():
    own = {"name": "after", "correlationId": "${order}", "taskToDomain": {"note": "theirs"}}
    handler = {**HANDLER, "actions": [{**START, "start_workflow": own}]}
    kept = kept_to(handler, name="h-1", correlation_id="c-1", domains={"pay": "d-1", "send": "d-1"})
    assert kept["actions"][0]["start_workflow"] == own
    assert _acts(kept, {"correlationId": "7", "taskToDomain": {"pay": "d-1", "send": "d-1"}})
    assert not _acts(kept, {"correlationId": "7", "taskToDomain": {"*": "d-1"}})


def test_a_handler_has_a_name_by_which_a_server_can_be_asked_to_remove_it():
    assert own_name("paid/1;a%2F", start="0a1b2c3d-1-1", number=1, at_s=2.0) == "paid_1_a_2F-k1n-0a1b2c3d-1-1-1.2"


def test_a_name_tells_since_when_it_has_been_there_if_a_test_has_brought_it():
    assert registered_s(own_name("paid", start="0a1b2c3d-4711-1", number=2, at_s=1_795_945_830.4)) == 1_795_945_830
    assert registered_s("paid") is None
    assert registered_s("paid-k1n-2.1795945830") is None
