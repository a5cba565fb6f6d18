"""The engine over real HTTP: what a table of routes alone cannot show."""

import http.client
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

HOUR_MS = 3_600_000


def simple(name, ref=None):
    return {"name": name, "taskReferenceName": ref or name, "type": "SIMPLE"}


def test_a_parked_poll_gets_a_task_the_moment_there_is_one(shared, until):
    shared.define("parked", simple("parked_a"))
    with ThreadPoolExecutor(1) as pool:
        polls = pool.submit(shared.client.poll_batch, "parked_a", worker_id="w", timeout_ms=5000, count=3)
        until(lambda: shared.ask("GET", "/api/tasks/queue/polldata", taskType="parked_a")[1])
        workflow_id = shared.client.start("parked")
        tasks = polls.result(4)  # well before its own time is up: it was woken
    assert [task["workflowInstanceId"] for task in tasks] == [workflow_id]


def test_an_empty_poll_waits_as_long_as_it_asked_for(shared):
    began = time.monotonic()
    assert shared.client.poll_batch("nothing", worker_id="w", timeout_ms=150) == []
    assert time.monotonic() - began >= 0.15
    assert shared.ask("GET", "/api/tasks/poll/nothing", workerid="w")[0] == 204


def test_a_task_is_not_lost_to_a_poll_whose_client_has_left(shared, until):
    shared.define("left", simple("left_a"))
    with socket.create_connection(("127.0.0.1", shared.port)) as leaving:
        leaving.sendall(b"GET /api/tasks/poll/batch/left_a?workerid=w&timeout=5000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: shared.ask("GET", "/api/tasks/queue/polldata", taskType="left_a")[1])
    shared.client.start("left")
    assert len(shared.client.poll_batch("left_a", worker_id="other", timeout_ms=2000)) == 1


def test_declared_work_is_answered_when_it_has_ended_in_virtual_time(shared):
    shared.define("declared", simple("declared_a"), simple("declared_b"))
    workflow_id = shared.client.start("declared")
    for type_ in ("declared_a", "declared_b"):
        task = shared.client.poll(type_, worker_id="w")
        result = {"taskId": task["taskId"], "workflowInstanceId": workflow_id, "status": "COMPLETED"}
        assert shared.ask("POST", "/api/tasks", result, {"X-K1N-Virtual-Ms": str(HOUR_MS)}) == (200, task["taskId"])
    execution = shared.client.execution(workflow_id)
    took = [task["endTime"] - task["startTime"] for task in execution["tasks"]]
    assert (execution["status"], took) == ("COMPLETED", [HOUR_MS, HOUR_MS])


def test_a_duration_may_be_declared_in_the_output(shared, until):
    shared.define("output", simple("output_a"))
    workflow_id = shared.client.start("output")
    task = shared.client.poll("output_a", worker_id="w")
    output = {"_k1n": {"virtual_ms": HOUR_MS}, "n": 1}
    result = {"taskId": task["taskId"], "workflowInstanceId": workflow_id, "status": "COMPLETED", "outputData": output}
    assert shared.ask("POST", "/api/tasks/update-v2", result)[0] == 204  # not terminal yet: there is no next task
    until(lambda: shared.client.status(workflow_id) != "RUNNING")
    (record,) = shared.client.execution(workflow_id)["tasks"]
    assert (record["endTime"] - record["startTime"], record["outputData"]) == (HOUR_MS, {"n": 1})


@pytest.mark.parametrize("value", ["soon", "-1", "1.5", "9" * 30, str(10**15)])
def test_a_declaration_that_is_no_duration_is_refused(shared, value):
    shared.define("refused", simple("refused_a"))
    workflow_id = shared.client.start("refused")
    task = shared.client.poll("refused_a", worker_id="w")
    result = {"taskId": task["taskId"], "workflowInstanceId": workflow_id, "status": "COMPLETED"}
    status, problem = shared.ask("POST", "/api/tasks", result, {"X-K1N-Virtual-Ms": value})
    assert (status, "X-K1N-Virtual-Ms" in problem["message"]) == (400, True)
    shared.client.update({**result, "status": "FAILED_WITH_TERMINAL_ERROR"})


def test_a_real_clock_ends_declared_work_in_its_own_time(serve, until):
    with serve("--clock", "scaled", "--rate", "60000") as served:
        served.define("w", simple("a"))
        workflow_id = served.client.start("w")
        task = served.client.poll("a", worker_id="w")
        result = {"taskId": task["taskId"], "workflowInstanceId": workflow_id, "status": "COMPLETED"}
        assert served.ask("POST", "/api/tasks", result, {"X-K1N-Virtual-Ms": "30000"})[0] in (200, 202)
        until(lambda: served.client.status(workflow_id) != "RUNNING")
        (record,) = served.client.execution(workflow_id)["tasks"]
        assert record["endTime"] - record["startTime"] >= 30_000


def test_the_clock_is_shown_moved_and_held(serve):
    with serve("--clock", "manual") as served:
        wait = {"name": "wait", "taskReferenceName": "wait", "type": "WAIT", "inputParameters": {"duration": "2h"}}
        served.define("w", wait)
        workflow_id = served.client.start("w")
        _, before = served.ask("GET", "/_k1n/clock")
        assert (before["clock"], before["next"], before["holders"]) == ("manual", before["now"] + 2 * HOUR_MS, [])

        status, after = served.ask("POST", "/_k1n/clock", {"advance": "1h"})
        assert (status, after["now"]) == (200, before["now"] + HOUR_MS)
        assert served.client.status(workflow_id) == "RUNNING"
        assert served.ask("POST", "/_k1n/clock", {"until": before["next"]})[0] == 200
        assert served.client.status(workflow_id) == "COMPLETED"

        _, held = served.ask("POST", "/_k1n/clock", {"hold": "me", "for": "10s"})
        assert [(holder["kind"], holder["what"], holder["runs"]) for holder in held["holders"]] == [
            ("name", "me", False)
        ]
        assert served.ask("POST", "/_k1n/clock", {"release": "me"})[1]["holders"] == []


@pytest.mark.parametrize(
    ("order", "status", "says"),
    [
        ({}, 400, 'write one of {"advance": "2h"}'),
        ({"advance": "2h", "until": 5}, 400, "write one of"),
        ({"advance": 1, "for": "1s"}, 400, "write one of"),
        ({"advance": "soon"}, 400, "'soon' is not a duration"),
        ({"advance": -5}, 400, "-5 is no duration"),
        ({"advance": True}, 400, "True is no duration"),
        ({"advance": "9" * 400 + "h"}, 400, "advance: "),
        ({"until": 5}, 400, "is no instant from now"),
        ({"hold": ""}, 400, "'' is no name"),
        ({"hold": "x", "for": []}, 400, "[] is no duration"),
        ({"release": "nobody"}, 404, "no client holds the clock by the name nobody"),
        ([], 500, "JSON parse error"),
    ],
)
def test_an_order_to_the_clock_that_makes_no_sense_is_refused(shared, order, status, says):
    answer = shared.ask("POST", "/_k1n/clock", order)
    assert answer[0] == status
    assert says in answer[1]["message"]
    assert answer[1].keys() == {"status", "message", "instance", "retryable"}


def test_a_clock_that_moves_by_itself_cannot_be_moved(serve):
    with serve("--clock", "real") as served:
        status, problem = served.ask("POST", "/_k1n/clock", {"advance": "1s"})
        assert (status, "--clock virtual" in problem["message"]) == (409, True)
        assert served.ask("GET", "/_k1n/clock")[1]["rate"] == 1.0
    assert served.process.returncode is not None


def test_other_methods_and_paths_beside_the_clock_are_refused(shared):
    assert shared.ask("DELETE", "/_k1n/clock")[0] == 405
    assert shared.ask("GET", "/_k1n/nothing")[0] == 404


@contextmanager
def slow_server(entered, go_on):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            entered.set()
            go_on.wait(10)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        go_on.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def call(uri):
    request = {"http_request": {"uri": uri, "method": "GET", "readTimeOut": 5000}}
    return {"name": "call", "taskReferenceName": "call", "type": "HTTP", "inputParameters": request}


def test_an_outgoing_call_blocks_nobody(shared, until):
    entered, go_on = threading.Event(), threading.Event()
    with slow_server(entered, go_on) as uri:
        shared.define("calls", call(uri))
        workflow_id = shared.client.start("calls")
        assert entered.wait(5)
        assert shared.client.status(workflow_id) == "RUNNING"  # it answers while the call is under way
        go_on.set()
        until(lambda: shared.client.status(workflow_id) != "RUNNING")
    assert shared.client.status(workflow_id) == "COMPLETED"


def test_a_http_task_may_call_the_engine_that_runs_it(shared, until):
    shared.define("itself", call(f"{shared.url}/api/version"))
    workflow_id = shared.client.start("itself")
    until(lambda: shared.client.status(workflow_id) != "RUNNING")
    (record,) = shared.client.execution(workflow_id)["tasks"]
    assert record["outputData"]["response"]["body"] == "3.32.1-k1n-embedded"


def test_a_name_that_is_encoded_in_a_path_is_read_and_one_with_a_slash_refused_as_by_tomcat(shared):
    shared.client.register_tasks([{"name": name, "ownerEmail": "x"} for name in ("a b", "a/b")])
    assert shared.ask("GET", "/api/metadata/taskdefs/a%20b")[1]["name"] == "a b"
    status, page = shared.ask("GET", "/api/metadata/taskdefs/a%2Fb")
    assert (status, page[:15]) == (400, "<!doctype html>")


def test_a_head_request_has_the_headers_of_a_get_and_no_body(shared):
    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=10)
    connection.request("HEAD", "/health")
    answer = connection.getresponse()
    assert (answer.status, int(answer.headers["Content-Length"]) > 0, answer.read()) == (200, True, b"")
    connection.close()


def test_a_defect_of_the_engine_is_answered_as_an_error_and_logged(serve, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(
        "import pytest_k1n.engine.rest.search as search\n"
        "def broken(*_):\n    raise LookupError('no such luck')\n"
        "search.executions = broken\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with serve() as served:
        status, problem = served.ask("GET", "/api/workflow/search")
        message = "the embedded engine failed: LookupError: no such luck"
        assert (status, problem["message"]) == (500, message)
        assert served.client.version()
        code, said = served.end()
    assert (code, "LookupError: no such luck" in said) == (0, True)
    assert json.dumps(problem)


def test_an_execution_is_awaited_until_it_ends(shared):
    variable = {"name": "set", "taskReferenceName": "set", "type": "SET_VARIABLE", "inputParameters": {"x": 1}}
    shared.define("awaited", variable, outputParameters={"y": 2})
    status, found = shared.ask("POST", "/api/workflow/execute/awaited/1", {"input": {"a": 1}}, requestId="r")
    assert status == 200
    assert (found["responseType"], found["requestId"], found["signalTimeout"]) == ("TARGET_WORKFLOW", "r", False)
    assert (found["targetWorkflowStatus"], found["input"], found["output"]) == ("COMPLETED", {"a": 1}, {"y": 2})
    assert (found["workflowId"], found["variables"]) == (found["targetWorkflowId"], {"x": 1})


def test_an_execution_is_awaited_until_a_task_of_it_ends(shared):
    shared.define("until_ref", simple("until_a"), simple("until_b"))
    with ThreadPoolExecutor(1) as pool:
        path, body = "/api/workflow/execute/until_ref/0", {"name": "until_ref"}
        waiting = pool.submit(shared.ask, "POST", path, body, waitUntilTaskRef="until_a,x", waitForSeconds=8)
        (task,) = shared.client.poll_batch("until_a", worker_id="w", timeout_ms=5000)
        assert not waiting.done()
        shared.client.update({name: task[name] for name in ("taskId", "workflowInstanceId")} | {"status": "COMPLETED"})
        status, found = waiting.result(10)
    assert (status, found["targetWorkflowStatus"], found["signalTimeout"]) == (200, "RUNNING", False)


def test_an_execution_that_does_not_end_in_time_is_answered_as_it_stands(shared):
    shared.define("in_time", simple("in_time_a"))
    status, found = shared.ask("POST", "/api/workflow/execute/in_time/1", {}, waitForSeconds=-1)
    assert (status, found["targetWorkflowStatus"], found["signalTimeout"]) == (200, "RUNNING", True)


def test_a_sub_workflow_that_waits_for_a_signal_is_shown_if_asked_for(shared):
    wait = {"name": "wait", "taskReferenceName": "wait", "type": "WAIT"}
    shared.define("blocking_child", wait)
    sub = {"name": "sub", "taskReferenceName": "sub", "type": "SUB_WORKFLOW",
           "subWorkflowParam": {"name": "blocking_child", "version": 1}}  # fmt: skip
    shared.define("blocking", sub)
    path = "/api/workflow/execute/blocking/1"
    found = shared.ask("POST", path, {}, returnStrategy="BLOCKING_WORKFLOW")[1]
    assert [task["taskType"] for task in found["tasks"]] == ["WAIT"]
    assert (found["workflowId"] != found["targetWorkflowId"], found["targetWorkflowStatus"]) == (True, "RUNNING")
    assert [task["taskType"] for task in shared.ask("POST", path, {})[1]["tasks"]] == ["SUB_WORKFLOW"]


@pytest.mark.parametrize(
    ("path", "query", "status", "says"),
    [
        ("nobody/1", {}, 404, "No such workflow defined. name=nobody, version=1"),
        ("nobody/x", {}, 500, "Method parameter 'version'"),
        ("nobody/1", {"returnStrategy": "X"}, 500, "Method parameter 'returnStrategy'"),
        ("nobody", {}, 404, "No static resource api/workflow/execute/nobody."),
    ],
)
def test_what_cannot_be_awaited_is_refused(shared, path, query, status, says):
    answered, problem = shared.ask("POST", f"/api/workflow/execute/{path}", {}, **query)
    assert (answered, says in problem["message"]) == (status, True), problem


def test_task_records_and_executions_are_found_by_tasks(shared):
    shared.define("found_by", simple("found_a"))
    workflow_id = shared.client.start("found_by")
    query = "taskType = found_a AND status = IN_PROGRESS"
    assert shared.ask("GET", "/api/tasks/search-v2", query=query)[1]["results"] == [], "nobody has polled it yet"
    shared.ask("GET", "/api/tasks/poll/found_a")
    (record,) = shared.ask("GET", "/api/tasks/search-v2", query=query)[1]["results"]
    assert record["workflowInstanceId"] == workflow_id
    for path in ("search-by-tasks", "search-by-tasks-v2"):
        found = shared.ask("GET", f"/api/workflow/{path}", query=query)[1]
        assert (found["totalHits"], found["results"][0]["workflowId"]) == (1, workflow_id)


def test_an_event_handler_hears_what_an_event_task_publishes(shared):
    assert shared.ask("GET", "/api/event") == (200, [])
    event = {"name": "ev", "taskReferenceName": "ev", "type": "EVENT", "sink": "conductor"}
    shared.define("heard", event, {"name": "wait", "taskReferenceName": "wait", "type": "WAIT"})
    end = {"workflowId": "${workflowInstanceId}", "taskRefName": "wait"}
    handler = {"name": "ear", "event": "conductor:heard:ev", "active": True}
    handler["actions"] = [{"action": "complete_task", "complete_task": end}]
    assert shared.ask("POST", "/api/event", handler)[0] == 200
    workflow_id = shared.client.start("heard")
    assert shared.client.execution(workflow_id)["status"] == "COMPLETED"
    assert shared.ask("DELETE", "/api/event/ear")[0] == 200
    assert shared.ask("DELETE", "/api/event/ear")[1]["message"] == "EventHandler with name ear not found!"
