"""Values of other kinds than are asked for, and searches: the words are Conductor 3.32.1's, read off its answers."""

import json

import pytest

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.registry import coercions
from pytest_k1n.engine.rest.router import Routes
from pytest_k1n.engine.runtime.clock import ManualClock

BOUNDS = "(-2147483648 - 2147483647)"


@pytest.fixture
def ask():
    routes = Routes(Engine(clock=ManualClock()))

    def send(method, path, body=None, queried=None, **query):
        raw = None if body is None else json.dumps(body).encode()
        named = {name: [str(value)] for name, value in (query | (queried or {})).items()}
        reply = routes.handle(method, path, named, raw)
        return reply.status, reply.payload

    return send


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("retryCount", "x", 'Cannot deserialize value of type `int` from String "x": not a valid `int` value'),
        ("retryCount", 2**31, f"Numeric value (2147483648) out of range of int {BOUNDS}"),
        (
            "retryCount",
            True,
            "Cannot deserialize value of type `int` from Boolean value (token `JsonToken.VALUE_TRUE`)",
        ),
        (
            "timeoutSeconds",
            "1.5",
            'Cannot deserialize value of type `long` from String "1.5": not a valid `long` value',
        ),
        (
            "concurrentExecLimit",
            "99999999999",
            'Cannot deserialize value of type `java.lang.Integer` from String "99999999999": Overflow: numeric value '
            "(99999999999) out of range of `java.lang.Integer` (-2147483648 -2147483647)",
        ),
        (
            "retryLogic",
            3,
            "Cannot deserialize value of type `com.netflix.conductor.common.metadata.tasks.TaskDef$RetryLogic` from "
            "number 3: index value outside legal index range [0..2]",
        ),
        (
            "enforceSchema",
            "1",
            'Cannot deserialize value of type `boolean` from String "1": only "true"/"True"/"TRUE" or '
            '"false"/"False"/"FALSE" recognized',
        ),
        (
            "inputKeys",
            "x",
            "Cannot construct instance of `java.util.ArrayList` (although at least one Creator exists): no "
            "String-argument constructor/factory method to deserialize from String value ('x')",
        ),
        (
            "inputTemplate",
            "",
            'Cannot coerce empty String ("") to element of `java.util.LinkedHashMap` (but could if coercion was '
            "enabled using `CoercionConfig`)",
        ),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_in_the_servers_words(ask, field, value, message):
    status, problem = ask("POST", "/metadata/taskdefs", [{"name": "t", field: value}])
    assert (status, problem["message"]) == (500, f"JSON parse error: {message}")


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("retryCount", "", 0),
        ("retryCount", 1.9, 1),
        ("retryCount", " 7 ", 7),
        ("concurrentExecLimit", " ", None),
        ("timeoutPolicy", 0, "RETRY"),
        ("timeoutPolicy", "2", "ALERT_ONLY"),
        ("timeoutPolicy", " RETRY ", "RETRY"),
        ("enforceSchema", "TRUE", True),
        ("enforceSchema", "", False),
        ("description", 1.5, "1.5"),
        ("inputKeys", [None, 1, True], [None, "1", "true"]),
        ("inputSchema", {"name": "s"}, {"createTime": 0, "updateTime": 0, "version": 1, "name": "s"}),
    ],
)
def test_a_value_that_can_be_read_is_stored_as_what_java_makes_of_it(ask, field, value, stored):
    assert ask("POST", "/metadata/taskdefs", [{"name": "t", field: value}])[0] == 200
    assert ask("GET", "/metadata/taskdefs/t")[1].get(field) == stored


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("x", "no String-argument constructor/factory method to deserialize from String value ('x')"),
        (5, "no int/Int-argument constructor/factory method to deserialize from Number value (5)"),
        (1.5, "no double/Double-argument constructor/factory method to deserialize from Number value (1.5)"),
        (True, "no boolean/Boolean-argument constructor/factory method to deserialize from boolean value (true)"),
    ],
)
def test_a_body_that_is_no_object_is_refused_as_one_that_nothing_can_be_made_of(value, what):
    assert coercions.no_object("java.Thing", value).message == (
        f"JSON parse error: Cannot construct instance of `java.Thing` (although at least one Creator exists): {what}"
    )


@pytest.mark.parametrize(
    ("method", "path", "query", "answer"),
    [
        ("GET", "/workflow/none/tasks", {"start": "99999999999"}, (404, "No such workflow found by id: none")),
        (
            "GET",
            "/workflow/search",
            {"size": 2**31},
            (
                500,
                "Method parameter 'size': Failed to convert value of type 'java.lang.String' to required type 'int'; "
                'For input string: "2147483648"',
            ),
        ),
        ("GET", "/admin/task/t", {"start": -1}, (500, "fromIndex = -1")),
        ("GET", "/admin/task/t", {"count": -1}, (400, "fromIndex(0) > toIndex(-1)")),
        (
            "GET",
            "/tasks/externalstoragelocation",
            {"path": "p"},
            (500, "Required request parameter 'operation' for method parameter type String is not present"),
        ),
        (
            "GET",
            "/workflow/external-storage-location",
            {"path": "p", "operation": "READ", "payloadType": "x"},
            (400, "Invalid input - Operation: READ, PayloadType: x"),
        ),
        ("POST", "/queue/update/w/t/COMPLETED", {}, (500, "Required request body is missing")),
    ],
)
def test_a_parameter_that_is_missing_or_out_of_bounds_is_refused(ask, method, path, query, answer):
    status, problem = ask(method, path, queried=query)
    assert (status, problem["message"]) == answer


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("workflowType=w", 3),
        ("(workflowType='w')", 3),
        ("AND workflowType=w", 3),
        ("workflowType=w AND nonsense=1", 3),
        ("workflowType=w AND correlationId=c*", 3),
        ("workflowType=w AND correlationId=C*", 3),
        ("workflowType=w AND correlationId=c_*", 3),
        ("workflowType=w AND correlationId=C1", 0),
        ("workflowType=w AND correlationId IN (c0,c1)", 2),
        ("workflowType=w AND correlationId IN (c0, c1)", 1),
        ("workflowType=w AND correlationId>c0", 2),
        ("workflowType=w AND startTime>0", 3),
        ("workflowType=w  AND  status=RUNNING", 0),
        ("workflowType=", 0),
        ("workflowType!=w", 400),
        ("workflowType in (w)", 400),
        ("workflowType=w AND startTime>x", 500),
        ("workflowType=w AND taskType=x", 500),
    ],
)
def test_a_search_understands_what_the_servers_sql_does(ask, query, found):
    task = {"name": "t", "taskReferenceName": "t", "type": "SIMPLE"}
    for number in range(3):
        definition = {"name": "w", "version": 1, "tasks": [task]}
        body = {
            "name": "w",
            "workflowDef": definition,
            "correlationId": f"c{number}",
            "input": {"word": f"Zebra{number}"},
        }
        assert ask("POST", "/workflow", body)[0] == 200

    status, answer = ask("GET", "/workflow/search", query=query)
    assert found == (answer["totalHits"] if status == 200 else status)


@pytest.mark.parametrize(
    ("text", "hits"), [("zebra", 2), ("ZEBRA0", 1), ("z_bra1", 1), ("zeb*ra1", 1), ("%", 2), ("lion", 0)]
)
def test_free_text_is_looked_for_in_what_is_shown_with_the_signs_of_like(ask, text, hits):
    task = {"name": "n", "taskReferenceName": "n", "type": "NOOP"}
    for number in range(2):
        body = {"name": "w", "workflowDef": {"name": "w", "tasks": [task]}, "input": {"word": f"Zebra{number}"}}
        assert ask("POST", "/workflow", body)[0] == 200
    for _ in range(2):
        assert ask("GET", "/workflow/search", freeText=text)[1]["totalHits"] == hits


def test_what_was_archived_is_still_found_but_not_read(ask):
    task = {"name": "n", "taskReferenceName": "n", "type": "NOOP"}
    ids = [ask("POST", "/workflow", {"name": "w", "workflowDef": {"name": "w", "tasks": [task]}})[1] for _ in range(2)]
    ask("DELETE", f"/workflow/{ids[0]}/remove")
    ask("DELETE", f"/workflow/{ids[1]}/remove", archiveWorkflow="false")

    assert [ask("GET", f"/workflow/{each}")[0] for each in ids] == [404, 404]
    assert [found["workflowId"] for found in ask("GET", "/workflow/search")[1]["results"]] == [ids[0]]
    assert ask("GET", "/workflow/search-v2")[1]["totalHits"] == 0


def test_a_worker_gets_the_secrets_that_its_input_names_and_nobody_else_does(ask, monkeypatch):
    monkeypatch.setenv("CONDUCTOR_SECRET_key", "hush")
    inputs = {"key": "${workflow.secrets.key}", "none": "${workflow.secrets.none}"}
    task = {"name": "t", "taskReferenceName": "t", "type": "SIMPLE", "inputParameters": inputs}
    ask("POST", "/workflow", {"name": "w", "workflowDef": {"name": "w", "tasks": [task]}})

    polled = ask("GET", "/tasks/poll/t")[1]
    assert polled["inputData"] == {"key": "hush", "none": None}
    assert ask("GET", f"/tasks/{polled['taskId']}")[1]["inputData"] == inputs


def test_a_payload_above_the_servers_limit_is_refused_at_start_and_fails_a_task(ask):
    task = {"name": "t", "taskReferenceName": "t", "type": "SIMPLE"}
    definition = {"name": "w", "tasks": [task]}
    large = {"x": "x" * (10 * 1024 * 1024)}
    status, problem = ask("POST", "/workflow", {"name": "w", "workflowDef": definition, "input": large})
    assert (status, problem["message"].endswith("greater than the permissible limit: 10485760 bytes")) == (500, True)

    workflow_id = ask("POST", "/workflow", {"name": "w", "workflowDef": definition})[1]
    polled = ask("GET", "/tasks/poll/t")[1]
    result = {"taskId": polled["taskId"], "workflowInstanceId": workflow_id, "status": "COMPLETED", "outputData": large}
    assert ask("POST", "/tasks", result)[0] == 200
    record = ask("GET", f"/tasks/{polled['taskId']}")[1]
    assert (record["status"], record["outputData"]) == ("FAILED_WITH_TERMINAL_ERROR", {})
    assert "The payload size: 10485768 of task" in record["reasonForIncompletion"]


@pytest.mark.parametrize(
    ("path", "sort", "column"),
    [
        ("/tasks/search", "workflowId:ASC", "workflow_id"),
        ("/tasks/search-v2", "correlationId:desc", "correlation_id"),
        ("/workflow/search", "taskType:ASC", "task_type"),
        ("/workflow/search", "zz:ASC", None),
        ("/tasks/search", "workflowId:up", None),
    ],
)
def test_a_search_sorted_by_what_only_other_records_have_is_refused(ask, path, sort, column):
    status, payload = ask("GET", path, sort=sort)

    assert status == (200 if column is None else 500)
    assert column is None or payload["message"].endswith(f"(no such column: {column})")


def test_whether_a_definition_is_overwritten_is_a_boolean(ask):
    status, payload = ask("POST", "/metadata/workflow", {}, overwrite="x")

    assert (status, payload["message"][:28]) == (500, "Method parameter 'overwrite'")
