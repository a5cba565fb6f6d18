"""Handlers of events as documents."""

from pytest_k1n.core.eventhandlers import kept_to, startable_with_events
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
    kept = kept_to(HANDLER, name="h-1", correlation_id="c-1", domain="d-1")
    assert kept["name"] == "h-1"
    assert kept["actions"][0]["start_workflow"]["taskToDomain"] == {"*": "d-1"}
    assert _acts(kept, {"correlationId": "c-1", "taskToDomain": {}})
    assert _acts(kept, {"correlationId": None, "taskToDomain": {"*": "d-1"}})
    assert not _acts(kept, {"correlationId": "c-2", "taskToDomain": {"*": "d-2"}})
    assert HANDLER["name"] == "h"
    assert "taskToDomain" not in START["start_workflow"]


def test_its_own_condition_still_has_to_hold():
    for given in ({"condition": "$.total > 3"}, {"condition": "big", "evaluatorType": "value-param"}):
        kept = kept_to({**HANDLER, **given}, name="h-1", correlation_id="c-1", domain=None)
        assert _acts(kept, {"correlationId": "c-1", "total": 4, "big": True})
        assert not _acts(kept, {"correlationId": "c-1", "total": 2, "big": False})
        assert not _acts(kept, {"correlationId": "c-2", "total": 4, "big": True})
        assert "taskToDomain" not in kept["actions"][0]["start_workflow"]
