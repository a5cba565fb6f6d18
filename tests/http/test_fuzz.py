"""Anything a client can send: an answer in Conductor's form, never a traceback, and the engine goes on as before."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pytest_k1n.core.http import HttpRequest
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.registry.shapes import RERUN, RESULT, START, TASK_DEFINITION, WORKFLOW, WORKFLOW_TASK
from pytest_k1n.engine.rest.table import ROUTES
from pytest_k1n.engine.rest.transport import InProcessTransport

MANY = settings(
    max_examples=int(os.environ.get("K1N_FUZZ", "150")),
    deadline=None,
    phases=[Phase.explicit, Phase.generate] if os.environ.get("K1N_FUZZ") else tuple(Phase),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
FEW = settings(MANY, max_examples=40)

STATUSES = {200, 202, 204, 400, 404, 405, 409, 500}
ERROR_KEYS = {"status", "message", "instance", "retryable", "validationErrors"}

METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "X"])
WORDS = st.sampled_from(
    ["fuzz", "a", "WORKFLOW", "TASK", "COMPLETED", "IN_PROGRESS", "FAILED", "1", "0", "-1", "x" * 300, "..", "%", "",
     " ", "é", "{}", "workflowType = fuzz", "status IN (RUNNING,)", "startTime > x", "a = b AND", "true",
     "99999999999999999999", "${workflow.input.a}", "${a.output}", "${b.output.x[0]}", "${", "5s", "$.a == 1"]
)  # fmt: skip
TEXTS = WORDS | st.text(max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.integers(-3, 100) | st.floats() | TEXTS
JSONS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)
QUERY_NAMES = tuple(
    """workerid count timeout domain version start size sort query freeText status taskType includeTasks includeClosed
    reason priority correlationId archiveWorkflow useLatestDefinitions resumeSubworkflowTasks overwrite waitForSeconds
    waitUntilTaskRef returnStrategy requestId""".split()  # noqa: SIM905 (a list would be twenty lines)
)
QUERIES = st.dictionaries(st.sampled_from(QUERY_NAMES), TEXTS, max_size=3)


def documents(shape, depth=2):
    """Documents with the field names of a shape; now and then a value is of another kind."""
    seldom = st.integers(0, 39)
    fields = {
        name: seldom.flatmap(lambda n, kind=kind: JSONS if n == 0 else values(kind, depth - 1))
        for name, kind in shape.fields.items()
    }
    return st.fixed_dictionaries({}, optional=fields)


def values(kind, depth):
    if isinstance(kind, str):
        maps = st.dictionaries(TEXTS, JSONS, max_size=3)
        texts = st.lists(TEXTS, max_size=3)
        kinds = {"int": st.integers(-2, 99), "bool": st.booleans(), "text": TEXTS, "texts": texts, "map": maps}
        return kinds.get(kind, JSONS)
    if kind[0] == "enum":
        return st.sampled_from(kind[2:])
    inner = documents(kind[1], depth) if depth > 0 else st.just({})
    return {
        "object": inner,
        "list": st.lists(inner, max_size=2),
        "lists": st.lists(st.lists(inner, max_size=2), max_size=2),
    }.get(kind[0], st.dictionaries(TEXTS, st.lists(inner, max_size=2), max_size=2))


TYPES = st.sampled_from(
    ["SIMPLE", "FORK_JOIN", "JOIN", "SWITCH", "DO_WHILE", "SUB_WORKFLOW", "FORK_JOIN_DYNAMIC", "DYNAMIC", "TERMINATE",
     "SET_VARIABLE", "WAIT", "HUMAN", "EVENT", "START_WORKFLOW", "EXCLUSIVE_JOIN", "DECISION", "NOOP"]
)  # fmt: skip
TASKS = st.builds(
    lambda fields, type_, ref: {**fields, "type": type_, "taskReferenceName": ref, "name": ref},
    documents(WORKFLOW_TASK), TYPES, st.sampled_from("abcd"),
)  # fmt: skip
DEFINITIONS = st.builds(
    lambda fields, tasks: {**fields, "name": "fuzzed", "tasks": tasks},
    documents(WORKFLOW, 0),
    st.lists(TASKS, min_size=1, max_size=3, unique_by=lambda task: task["taskReferenceName"]),
)
STARTS = st.builds(
    lambda fields, definition: {**fields, "name": "fuzzed", "workflowDef": definition}, documents(START, 0), DEFINITIONS
)
RESULTS = st.builds(
    lambda fields: {**fields, "taskId": "TASK", "workflowInstanceId": "WORKFLOW", "status": "IN_PROGRESS"},
    documents(RESULT),
)
BODIES = (
    st.none()
    | JSONS
    | st.one_of(*(documents(shape) for shape in (START, WORKFLOW, TASK_DEFINITION, RESULT, RERUN)))
    | STARTS
    | RESULTS
    | st.lists(st.one_of(documents(TASK_DEFINITION), DEFINITIONS), max_size=2)
)
RAW = st.one_of(
    st.binary(max_size=20),
    BODIES.map(lambda body: b"" if body is None else json.dumps(body).encode("utf-8", "surrogatepass")),
    st.sampled_from([b"{", b'{"a":NaN}', b'"\\ud800"', b"\xff\xfe", b"[" * 5000, b'{"name":"a"} rest', b"1" * 5000]),
)


@st.composite
def paths(draw):
    """A known route with any names in it, or anything."""
    if draw(st.integers(0, 9)) == 0:
        return "/" + draw(st.text(max_size=12))
    route = draw(st.sampled_from(ROUTES))
    parts = [quote(draw(TEXTS), safe="") if part.startswith("{") else part for part in route.path.split("/")]
    return draw(st.sampled_from(["", "/api"])) + "/".join(parts)


@st.composite
def fitting(draw):
    """A route with its own method: what gets past the table."""
    route = draw(st.sampled_from(ROUTES))
    parts = [quote(draw(TEXTS), safe="") if part.startswith("{") else part for part in route.path.split("/")]
    return route.method, "/".join(parts)


REQUESTS = fitting() | st.tuples(METHODS, paths())


def judged(status, body, content_type):
    """Tell whether an answer has a form that Conductor's answers have."""
    assert status in STATUSES
    if status == 400 and content_type.startswith("text/html"):
        assert body.startswith(b"<!doctype html>")  # Tomcat's, of a path that Conductor never sees
    elif status >= 400:
        document = json.loads(body)
        assert document.keys() <= ERROR_KEYS
        assert document["status"] == status
        assert isinstance(document["message"], str)
        assert document["retryable"] is False
        assert ("instance" in document) != ("validationErrors" in document)
        assert "Traceback" not in document["message"]
        assert "object at 0x" not in document["message"]
    elif body and "json" in content_type:
        json.loads(body, parse_constant=pytest.fail)


class Target:
    """An engine with an execution and a task in hand, so that requests have something to hit."""

    def __init__(self, transport):
        self.transport = transport
        task = {"name": "a", "taskReferenceName": "a", "type": "SIMPLE"}
        document = {
            "name": "fuzz",
            "version": 1,
            "ownerEmail": "x",
            "tasks": [task, {**task, "taskReferenceName": "b"}],
        }
        self.send("PUT", "/api/metadata/workflow", json.dumps([document]).encode())
        self.workflow_id = self.send("POST", "/api/workflow/fuzz", b"{}").body.decode()
        found = json.loads(self.send("GET", f"/api/workflow/{self.workflow_id}").body)
        self.task_id = found["tasks"][0]["taskId"]

    def send(self, method, path, body=None, query=None):
        return self.transport.send(HttpRequest(method, path, params=query, body=body, timeout_s=20))

    def aim(self, text):
        """Put real ids where a request has their placeholders."""
        if isinstance(text, bytes):
            return text.replace(b"WORKFLOW", self.workflow_id.encode()).replace(b"TASK", self.task_id.encode())
        return text.replace("WORKFLOW", self.workflow_id).replace("TASK", self.task_id)

    def goes_on(self):
        """Run an execution of two tasks from its start to its end."""
        definition = {"name": "check", "version": 1, "ownerEmail": "x", "tasks": [
            {"name": "check", "taskReferenceName": ref, "type": "SIMPLE", "taskDefinition": {"name": "check"}}
            for ref in "ab"]}  # fmt: skip
        request = {"name": "check", "workflowDef": definition, "taskToDomain": {"*": "check"}}
        workflow_id = self.send("POST", "/api/workflow", json.dumps(request).encode()).body.decode()
        for _ in "ab":
            (task,) = json.loads(self.send("GET", "/api/tasks/poll/batch/check?domain=check&workerid=w&timeout=0").body)
            result = {"taskId": task["taskId"], "workflowInstanceId": workflow_id, "status": "COMPLETED"}
            assert self.send("POST", "/api/tasks", json.dumps(result).encode()).status == 200
        assert json.loads(self.send("GET", f"/api/workflow/{workflow_id}").body)["status"] == "COMPLETED"


@MANY
@given(requests=st.lists(st.tuples(REQUESTS, QUERIES, RAW | st.none()), min_size=1, max_size=6))
def test_any_requests_are_answered_in_conductors_form_and_the_engine_goes_on(requests):
    target = Target(InProcessTransport(Engine()))
    for (method, path), query, body in requests:
        answer = target.send(method, target.aim(path), None if body is None else target.aim(body), query)
        judged(answer.status, answer.body, answer.content_type)
    target.goes_on()
    target.transport.engine.advance(3_600_000)


@MANY
@given(start=STARTS, minutes=st.integers(0, 100))
def test_any_definition_is_refused_or_run(start, minutes):
    transport = InProcessTransport(Engine())
    answer = transport.send(
        HttpRequest("POST", "/api/workflow", body=json.dumps(start).encode("utf-8", "surrogatepass"))
    )
    judged(answer.status, answer.body, answer.content_type)
    transport.engine.advance(minutes * 60_000)
    if answer.status == 200:
        found = transport.send(HttpRequest("GET", f"/api/workflow/{answer.body.decode()}"))
        judged(found.status, found.body, found.content_type)


# -- over a real socket -----------------------------------------------------------------------------------------------


@FEW
@given(requests=st.lists(st.tuples(fitting(), QUERIES, RAW | st.none()), min_size=1, max_size=4))
def test_any_requests_over_http_are_answered_in_conductors_form(shared, requests):
    for (method, path), query, body in requests:
        quick = {name: value for name, value in query.items() if name not in ("timeout", "waitForSeconds")}
        answer = shared.transport.send(
            HttpRequest(method, path, params={**quick, "timeout": 0}, body=body, timeout_s=20)
        )
        judged(answer.status, answer.body, answer.content_type)
    assert shared.client.version()


HEADERS = st.dictionaries(
    st.text("abcXYZ-09", min_size=1, max_size=12),
    st.text(st.characters(min_codepoint=32, max_codepoint=255)),
    max_size=3,
)


@FEW
@given(headers=HEADERS, virtual=st.none() | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=25))
def test_odd_headers_are_borne(shared, headers, virtual):
    lines = {**headers, **({} if virtual is None else {"X-K1N-Virtual-Ms": virtual})}
    given = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if name.lower() not in FRAMING)
    body = b'{"taskId":"x","workflowInstanceId":"y","status":"COMPLETED"}'
    head = f"POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{TYPED}"
    head += f"Content-Length: {len(body)}\r\n{given}\r\n"
    answer = exchange(shared.port, head.encode("latin-1") + body)
    assert answer[:12] in (b"HTTP/1.1 404", b"HTTP/1.1 400")
    assert shared.client.version()


TYPED = "Content-Type: application/json\r\n"
FRAMING = ("content-type", "host", "connection", "content-length", "transfer-encoding", "upgrade", "expect")


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /health HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/workflow HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n no-colon\r\n\r\n",
        b"GET /api/%zz/%00/\xff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ],
)
def test_bad_http_does_no_harm(shared, sent):
    answer = exchange(shared.port, sent)
    assert answer == b"" or answer[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 400", b"HTTP/1.1 404", b"HTTP/1.1 431")
    assert b"Traceback" not in answer
    assert shared.client.version()


def test_a_connection_that_breaks_off_in_a_body_leaves_nothing_behind(shared, until):
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", shared.port), timeout=10) as broken:
            broken.sendall(b"POST /api/workflow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
    assert shared.client.version()
    until(lambda: shared.ask("GET", "/_k1n/clock")[1]["holders"] == [])  # the last end may still be on its way


def test_a_half_closed_connection_still_gets_its_answer(shared):
    with socket.create_connection(("127.0.0.1", shared.port), timeout=10) as half:
        half.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        half.shutdown(socket.SHUT_WR)
        answer = half.makefile("rb").read()
    assert answer == b"" or b'"healthy":true' in answer
    assert shared.client.version()


def test_requests_in_one_write_are_answered_in_order(shared):
    one = b"GET /api/tasks/%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
    answer = exchange(shared.port, one % (b"first", b"") + one % (b"second", b"Connection: close\r\n"))
    assert answer.index(b"taskId: first") < answer.index(b"taskId: second")


def test_a_body_of_megabytes_is_taken(shared):
    shared.define("big", {"name": "big", "taskReferenceName": "big", "type": "SIMPLE"})
    workflow_id = shared.client.start("big", input={"text": "x" * 5_000_000})
    assert len(shared.client.execution(workflow_id)["input"]["text"]) == 5_000_000
    shared.client.terminate(workflow_id)


def exchange(port, sent):
    """Send bytes on a connection of their own; return what comes until the other side closes, or 300 ms of silence."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(sent)
        connection.settimeout(0.3)
        with suppress(TimeoutError, ConnectionResetError):
            while data := connection.recv(65_536):
                received += data
                connection.settimeout(10 if b"Connection: close" in sent else 0.3)
    return received
