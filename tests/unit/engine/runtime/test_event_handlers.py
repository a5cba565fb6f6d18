"""Event handlers on the internal sink; what is expected was measured on 3.32.1 (docs/reference/conductor.md)."""

import json
from types import SimpleNamespace

import pytest

from pytest_k1n.engine.rest.router import Routes
from pytest_k1n.engine.runtime.events import expanded, filled

EVENT = "conductor:w:ev"


class Desk:
    """Registers handlers through the REST interface, publishes by running a workflow, and looks at what came of it."""

    def __init__(self, bench, make):
        self.bench, self.make = bench, make
        self.routes = Routes(bench.engine)
        self.count = 0
        bench.register(make.workflow(make.simple("a"), name="other"))

    def ask(self, method, path, body=None, **query):
        raw = None if body is None else json.dumps(body).encode()
        reply = self.routes.handle(method, f"/api{path}", {key: [value] for key, value in query.items()}, raw)
        return SimpleNamespace(status=reply.status, payload=reply.payload)

    def handler(self, *actions, **fields):
        self.count += 1
        handler = {"name": f"h{self.count}", "event": EVENT, "active": True, "actions": list(actions), **fields}
        assert self.ask("POST", "/event", handler).status == 200
        return handler

    def publish(self, value=7, **fields):
        inputs = {"v": value, "list": [1, 2], "js": '{"q": 1}'}
        event = self.make.of_type("EVENT", "ev", sink="conductor", inputParameters=inputs, **fields)
        execution = self.bench.start(self.make.workflow(event, self.make.of_type("WAIT", "wait")))
        self.bench.engine.drain()
        return execution

    def started(self):
        return [each for each in self.bench.engine.executions.values() if each.definition.name == "other"]

    def starts(self):
        return [each.correlation_id for each in self.started()]


@pytest.fixture
def desk(bench, make):
    return Desk(bench, make)


def start(correlation_id, **fields):
    request = {"name": "other", "correlationId": correlation_id, **fields}
    return {"action": "start_workflow", "start_workflow": request}


def end(action="complete_task", **fields):
    return {"action": action, action: {"workflowId": "${workflowInstanceId}", "taskRefName": "wait", **fields}}


def test_it_starts_an_execution_on_what_the_event_carries(desk):
    desk.handler(
        start(
            "c-${v}", input={"a": {"b": "${v}"}, "s": "x${v}y", "none": "${nope}", "first": "${list[0]}", "d": "${$.v}"}
        )
    )
    execution = desk.publish()
    (started,) = desk.started()
    assert started.input.pop("conductor.event.messageId") == execution.state.latest["ev"].task_id
    assert started.input == {
        "a": {"b": 7}, "s": "x7y", "none": None, "first": 1, "d": 7, "conductor.event.name": EVENT,
    }  # fmt: skip
    assert started.correlation_id == "c-7"
    assert desk.ask("GET", f"/workflow/{started.workflow_id}").payload["event"] == EVENT
    found = desk.ask("GET", "/workflow/search", query="workflowType = other", freeText="*").payload["results"]
    assert [each["event"] for each in found] == [EVENT]


def test_a_version_that_is_null_is_the_latest_as_one_that_is_left_out(desk):
    desk.handler(start("null", version=None), start("none"))
    desk.publish()
    assert desk.starts() == ["null", "none"]


@pytest.mark.parametrize(("action", "status"), [("complete_task", "COMPLETED"), ("fail_task", "FAILED")])
def test_it_ends_a_task_that_waits_with_what_it_was_told_in_the_output(desk, action, status):
    desk.handler(end(action, output={"got": "${v}"}))
    execution = desk.publish()
    task = execution.state.latest["wait"]
    assert (execution.state.status, task.status, task.reason) == (status, status, None)
    del task.output["conductor.event.messageId"]
    assert task.output == {
        "got": 7, "workflowId": execution.state.workflow_id, "taskRefName": "wait", "taskId": None,
        "reasonForIncompletion": None, "conductor.event.name": EVENT,
    }  # fmt: skip


def test_it_ends_a_task_by_its_id(desk):
    first = desk.publish()
    desk.handler({"action": "complete_task", "complete_task": {"taskId": first.state.latest["wait"].task_id}})
    desk.publish()
    assert first.state.status == "COMPLETED"


def test_it_completes_the_event_itself_where_that_waits_for_somebody(desk):
    desk.handler(end(taskRefName="ev"))
    execution = desk.publish(asyncComplete=True)
    assert execution.state.latest["ev"].status == "COMPLETED"
    assert execution.state.latest["wait"].status == "IN_PROGRESS"


@pytest.mark.parametrize(
    ("condition", "evaluator", "acts"),
    [
        ("$.v > 3", None, True), ("$.v > 300", None, False), ("", None, True), ("0.5", None, True), ("0", None, False),
        ("-1", None, False), ("'true'", None, False), ("$.v == 7", "javascript", True), ("false", "javascript", False),
        ("v", "value-param", True), ("sink", "value-param", False), ("$.v == 7", "no-such-type", True),
    ],
)  # fmt: skip
def test_its_condition_decides(desk, condition, evaluator, acts):
    pytest.importorskip("quickjs")
    desk.handler(start("done"), condition=condition, **({"evaluatorType": evaluator} if evaluator else {}))
    desk.publish()
    assert desk.starts() == (["done"] if acts else [])


def test_a_condition_that_cannot_be_read_silences_the_handlers_behind_it(desk):
    pytest.importorskip("quickjs")
    desk.handler(start("first"))
    desk.handler(start("bad"), condition="$.v >>> ((")
    desk.handler(start("second"))
    desk.publish()
    assert desk.starts() == ["first"]


def test_an_action_that_fails_does_not_keep_the_next_from_being_tried(desk):
    desk.handler(
        end(workflowId="nope"), end(taskRefName="zz"), start("wrong", version=9), {"action": "start_workflow"},
        start("last"),
    )  # fmt: skip
    desk.publish()
    assert desk.starts() == ["last"]


def test_only_active_handlers_of_the_event_act(desk):
    desk.handler(start("inactive"), active=False)
    desk.handler(start("other event"), event="conductor:w:other")
    desk.publish()
    assert desk.starts() == []


@pytest.mark.parametrize("action", ["terminate_workflow", "update_workflow_variables"])
def test_what_the_server_takes_and_does_not_do_is_not_done(desk, action):
    desk.handler({"action": action, action: {"workflowId": "${workflowInstanceId}", "variables": {"k": 1}}})
    execution = desk.publish()
    assert (execution.state.status, execution.state.variables) == ("RUNNING", {})


def test_json_in_texts_is_expanded_where_the_action_says_so(desk):
    wanted = {"q": "${js.q}", "js": "${js}"}
    desk.handler({**start("expanded", input=wanted), "expandInlineJSON": True}, start("plain", input=wanted))
    desk.publish()
    found = {each.correlation_id: (each.input["q"], each.input["js"]) for each in desk.started()}
    assert found == {"expanded": (1, {"q": 1}), "plain": (None, '{"q": 1}')}


def test_handlers_are_kept_listed_replaced_and_removed(desk):
    handler = desk.handler(start("one"))
    (action,) = handler["actions"]
    stored = {**action, "expandInlineJSON": False, "start_workflow": {**action["start_workflow"], "input": {}}}
    assert desk.ask("GET", "/event").payload == [{**handler, "actions": [stored]}]
    assert desk.ask("PUT", "/event", {**handler, "active": False}).status == 200
    assert desk.ask("GET", f"/event/{EVENT}").payload == []
    assert [each["name"] for each in desk.ask("GET", f"/event/{EVENT}", activeOnly="false").payload] == ["h1"]
    assert desk.ask("DELETE", "/event/h1").status == 200
    assert desk.ask("GET", "/event").payload == []


def test_what_cannot_be_a_handler_is_refused_in_the_servers_words(desk):
    handler = desk.handler(start("one"))
    assert desk.ask("POST", "/event", handler).payload["message"] == "EventHandler with name h1 already exists!"
    missing = desk.ask("POST", "/event", {})
    assert (missing.status, [each["message"] for each in missing.payload["validationErrors"]]) == (
        400,
        ["Missing event location", "No actions specified. Please specify at-least one action",
         "Missing event handler name"],
    )  # fmt: skip
    unknown = {"name": "x", "event": EVENT, "actions": [start("x")]}
    for method, path, body in (("PUT", "/event", unknown), ("DELETE", "/event/x", None)):
        reply = desk.ask(method, path, body)
        assert (reply.status, reply.payload["message"]) == (500, "EventHandler with name x not found!")
    assert "not one of the values accepted" in desk.ask(
        "POST", "/event", {**unknown, "actions": [{"action": "nope"}]}
    ).payload["message"]  # fmt: skip


def test_templates_are_filled_from_any_payload():
    payload = {"a": {"b": [1, {"c": 2}]}, "t": "x"}
    template = {"whole": "${a}", "deep": ["${a.b[1].c}", "${$.t}-${t}"], "kept": 3, "bad": "${a[}", "$${t}": "$${t}"}
    assert filled(template, payload) == {
        "whole": payload["a"], "deep": [2, "x-x"], "kept": 3, "bad": None, "$${t}": "${t}",
    }  # fmt: skip


def test_expanding_leaves_alone_what_is_no_json():
    value = {"a": '[1, "{\\"b\\": 2}"]', "c": "{no", "d": "7", "e": ["{}"]}
    assert expanded(value) == {"a": [1, {"b": 2}], "c": "{no", "d": "7", "e": [{}]}
