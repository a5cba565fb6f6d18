"""Outputs that a worker says lie elsewhere, and what else 3.32.1 keeps of a result word for word."""

import json

import pytest

from pytest_k1n.engine.dialect import dialect_of
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.rest.router import Routes

UNREADABLE = "Unable to download payload from external storage path: /there.json"


@pytest.fixture
def routes(bench, make):
    bench.register(make.workflow(*make.fork([make.simple("a")], [make.simple("b")]), make.simple("c"), name="forked"))
    bench.register(make.workflow(make.simple("a"), make.simple("b"), make.simple("c"), name="chain"))
    return Routes(bench.engine)


def ask(routes, method, path, body=None, **query):
    raw = None if body is None else json.dumps(body).encode()
    reply = routes.handle(method, f"/api{path}", {name: [str(value)] for name, value in query.items()}, raw)
    return reply.status, reply.payload


def in_hand(routes, name):
    _, workflow_id = ask(routes, "POST", f"/workflow/{name}", {})
    _, task = ask(routes, "GET", "/tasks/poll/a")
    return workflow_id, {"workflowInstanceId": workflow_id, "taskId": task["taskId"]}


@pytest.mark.parametrize(("status", "saved"), [("COMPLETED", "COMPLETED"), ("IN_PROGRESS", "SCHEDULED")])
def test_an_output_that_lies_elsewhere_is_saved_and_nothing_goes_on(routes, status, saved):
    workflow_id, result = in_hand(routes, "forked")
    elsewhere = {**result, "status": status, "outputData": {"v": 1}, "externalOutputPayloadStoragePath": "/there.json"}
    answer, problem = ask(routes, "POST", "/tasks", elsewhere)
    assert (answer, problem["message"], problem["retryable"]) == (500, UNREADABLE, False)

    _, task = ask(routes, "GET", f"/tasks/{result['taskId']}")
    shown = (task["status"], task["outputData"], task["externalOutputPayloadStoragePath"])
    assert shown == (saved, {}, "/there.json")
    for method, path, body in (
        ("PUT", f"/workflow/decide/{workflow_id}", None),
        ("DELETE", f"/workflow/{workflow_id}", None),
        ("POST", f"/workflow/{workflow_id}/retry", None),
        ("POST", f"/workflow/{workflow_id}/restart", None),
        ("POST", f"/workflow/{workflow_id}/rerun", {}),
        ("PUT", f"/workflow/{workflow_id}/skiptask/c", None),
        ("POST", f"/workflow/{workflow_id}/resetcallbacks", None),
        ("DELETE", f"/workflow/{workflow_id}/terminate-remove", None),
        ("POST", f"/tasks/{workflow_id}/b/COMPLETED", {}),
        ("POST", "/tasks", {**result, "status": "COMPLETED"}),
        ("POST", "/tasks", {**result, "status": "IN_PROGRESS", "extendLease": True}),
    ):
        answer, problem = ask(routes, method, path, body)
        assert (path, answer, problem["message"]) == (path, 500, UNREADABLE)
    _, bulk = ask(routes, "POST", "/workflow/bulk/terminate", [workflow_id])
    assert bulk == {"bulkErrorResults": {workflow_id: UNREADABLE}, "bulkSuccessfulResults": []}
    _, execution = ask(routes, "GET", f"/workflow/{workflow_id}")
    assert (execution["status"], len(execution["tasks"])) == ("RUNNING", 4)
    assert ask(routes, "PUT", f"/workflow/{workflow_id}/pause")[0] == 200
    assert ask(routes, "DELETE", f"/workflow/{workflow_id}/remove", archiveWorkflow="false")[0] == 200


def test_an_execution_that_nobody_can_read_disturbs_no_other(routes, bench, make):
    stuck, result = in_hand(routes, "forked")
    ask(routes, "POST", "/tasks", {**result, "status": "COMPLETED", "externalOutputPayloadStoragePath": "/there.json"})
    assert bench.run(make.workflow(make.simple("d"), name="other")).state.status == "COMPLETED"
    assert ask(routes, "GET", f"/workflow/{stuck}")[1]["status"] == "RUNNING"


def test_a_path_that_is_empty_is_none(routes):
    workflow_id, result = in_hand(routes, "chain")
    status, _ = ask(routes, "POST", "/tasks", {**result, "status": "COMPLETED", "externalOutputPayloadStoragePath": ""})
    assert (status, ask(routes, "GET", f"/workflow/{workflow_id}")[1]["tasks"][0]["status"]) == (200, "COMPLETED")


def test_of_a_reason_500_characters_are_kept(routes):
    workflow_id, result = in_hand(routes, "chain")
    failed = {**result, "status": "FAILED_WITH_TERMINAL_ERROR", "reasonForIncompletion": "y" * 700}
    ask(routes, "POST", "/tasks", failed)
    assert ask(routes, "GET", f"/workflow/{workflow_id}")[1]["tasks"][0]["reasonForIncompletion"] == "y" * 500


def test_a_callback_in_the_past_is_kept_and_due_at_once(routes):
    _, result = in_hand(routes, "chain")
    ask(routes, "POST", "/tasks", {**result, "status": "IN_PROGRESS", "callbackAfterSeconds": -1})
    assert ask(routes, "GET", f"/tasks/{result['taskId']}")[1]["callbackAfterSeconds"] == -1
    assert ask(routes, "GET", "/tasks/poll/a")[1]["taskId"] == result["taskId"]


def test_a_retry_behind_a_skipped_task_fails_and_leaves_the_execution_ended(routes):
    workflow_id, result = in_hand(routes, "chain")
    ask(routes, "PUT", f"/workflow/{workflow_id}/skiptask/b")
    ask(routes, "POST", "/tasks", {**result, "status": "FAILED_WITH_TERMINAL_ERROR", "reasonForIncompletion": "no"})
    skipped = ask(routes, "GET", f"/workflow/{workflow_id}")[1]["tasks"][0]
    status, problem = ask(routes, "POST", f"/workflow/{workflow_id}/retry")
    assert (status, problem["retryable"]) == (500, True)
    assert problem["message"] == f"Error updating task: {skipped['taskId']} in workflow: {workflow_id}"
    _, execution = ask(routes, "GET", f"/workflow/{workflow_id}")
    assert (execution["status"], execution["lastRetriedTime"] > 0, len(execution["tasks"])) == ("FAILED", True, 2)
    assert ask(routes, "POST", f"/workflow/{workflow_id}/restart")[0] == 204


def test_a_count_below_zero_takes_all_there_is(routes):
    for _ in range(3):
        ask(routes, "POST", "/workflow/chain", {})
    assert len(ask(routes, "GET", "/tasks/poll/batch/a", count=-1)[1]) == 3
    assert ask(routes, "GET", "/tasks/poll/batch/a", count=-1, timeout=0) == (200, [])


def test_an_empty_domain_is_one_beside_none(routes):
    ask(routes, "POST", "/workflow/chain", {})
    assert ask(routes, "GET", "/tasks/poll/a", domain="", workerid="w2")[0] == 204
    assert ask(routes, "GET", "/tasks/poll/a", workerid="w1")[0] == 200
    _, data = ask(routes, "GET", "/tasks/queue/polldata", taskType="a")
    assert [(poll.get("domain"), poll["workerId"]) for poll in data] == [("", "w2"), (None, "w1")]


@pytest.mark.parametrize("path", ["/workflow/a%2Fb", "/tasks/a%5cb", "/event/a%00", "/workflow/a%zz", "/workflow/a%"])
def test_a_path_that_tomcat_cannot_read_is_a_page_of_its_own(routes, path):
    reply = routes.handle("GET", f"/api{path}", {}, None)
    assert (reply.status, reply.content_type) == (400, "text/html;charset=utf-8")
    assert reply.body().startswith(b"<!doctype html>")


def test_parameters_of_a_path_are_nobody_s(routes):
    assert ask(routes, "GET", "/workflow/x;v=1")[1]["message"] == "No such workflow found by id: x"


@pytest.mark.parametrize(
    ("path", "body", "before", "shown"),
    [
        ("/workflow/w", {}, "NOOP", None),
        ("/workflow/w", {}, "JOIN", {}),
        ("/workflow", {"name": "w", "taskToDomain": None}, "NOOP", None),
        ("/workflow", {"name": "w"}, "NOOP", {}),
        ("/workflow", {"name": "w", "taskToDomain": {"a": "d"}}, "NOOP", {"a": "d"}),
    ],
)
def test_an_event_shows_no_domains_where_its_start_gave_none(path, body, before, shown):
    """As 3.32.1 did: its start's own evaluation sees the null that the request left, a later one an empty map."""
    routes = Routes(Engine())
    tasks = [
        {"name": "n", "taskReferenceName": "n", "type": before},
        {"name": "e", "taskReferenceName": "e", "type": "EVENT", "sink": "conductor"},
    ]
    ask(routes, "POST", "/metadata/workflow", {"name": "w", "version": 1, "tasks": tasks})
    _, workflow_id = ask(routes, "POST", path, body)
    _, document = ask(routes, "GET", f"/workflow/{workflow_id}")
    assert document["tasks"][-1]["outputData"]["taskToDomain"] == shown
    assert document["taskToDomain"] == (shown or {})


def test_an_engine_as_3_15_0_says_nothing_of_tasks_that_are_not_there_and_retries_behind_skipped_ones(make):
    routes = Routes(Engine(dialect=dialect_of("3.15.0")))
    assert (ask(routes, "GET", "/tasks/none"), ask(routes, "GET", "/tasks/none/log")) == ((204, None), (200, []))
    tasks = [make.simple("a"), make.simple("b")]
    _, workflow_id = ask(
        routes, "POST", "/workflow", {"name": "w", "workflowDef": make.workflow(*tasks), "taskToDomain": {}}
    )
    ask(routes, "PUT", f"/workflow/{workflow_id}/skiptask/b")
    ask(routes, "DELETE", f"/workflow/{workflow_id}", reason="first")
    ask(routes, "DELETE", f"/workflow/{workflow_id}", reason="second")
    assert ask(routes, "GET", f"/workflow/{workflow_id}")[1]["reasonForIncompletion"] == "second"
    assert ask(routes, "POST", f"/workflow/{workflow_id}/retry") == (204, None)
