"""POST /workflow/test: mocked results run a definition as far as they go."""

import json

import pytest

from pytest_k1n.engine.rest.router import Routes


@pytest.fixture
def tried(bench, make):
    """Test a definition on mocks; gives the status and the execution, or the problem."""

    def run(*tasks, **request):
        reply = asked(bench, {"name": "w", "workflowDef": make.workflow(*tasks, ownerEmail="x"), **request})
        return reply.status, reply.payload

    return run


def asked(bench, document):
    return Routes(bench.engine).handle("POST", "/api/workflow/test", {}, json.dumps(document).encode())


def refs(execution):
    return [(task["referenceTaskName"], task["status"], task["retryCount"]) for task in execution["tasks"]]


def test_mocks_end_tasks_one_after_the_other_with_their_outputs(tried, make):
    last = make.simple("b", inputParameters={"n": "${a.output.n}"})
    mocks = {"a": [{"output": {"n": 1}, "executionTime": 60_000}], "b": [{"status": "COMPLETED", "output": {}}]}
    status, execution = tried(make.simple("a"), last, taskRefToMockOutput=mocks)
    assert (status, execution["status"]) == (200, "COMPLETED")
    assert execution["tasks"][1]["inputData"] == {"n": 1}


def test_the_second_mock_ends_the_second_attempt_without_delay(tried, make):
    task = make.simple("a", taskDefinition={"name": "a", "retryCount": 1, "retryDelaySeconds": 60})
    _, execution = tried(task, taskRefToMockOutput={"a": [{"status": "FAILED", "output": {}}, {"output": {"n": 2}}]})
    assert execution["status"] == "COMPLETED"
    assert refs(execution) == [("a", "FAILED", 0), ("a", "COMPLETED", 1)]
    assert execution["endTime"] == execution["createTime"]


def test_a_test_stops_where_there_is_no_mock_and_no_worker_goes_on_with_it(tried, bench, make):
    _, execution = tried(make.simple("a"), make.simple("b"), taskRefToMockOutput={"a": [{"output": {}}]})
    assert (execution["status"], refs(execution)[-1]) == ("RUNNING", ("b", "SCHEDULED", 0))
    bench.engine.attach(["b"], make.worker())
    bench.engine.drain()
    assert bench.engine.executions[execution["workflowId"]].status == "RUNNING"


def test_what_waits_for_a_person_and_sub_workflows_take_mocks_too(tried, make):
    child = make.workflow(make.of_type("HUMAN", "ask"), name="child", ownerEmail="x")
    sub = make.of_type(
        "SUB_WORKFLOW", "sub", subWorkflowParam={"name": "child", "version": 1, "workflowDefinition": child}
    )
    inner = {"sub": {"taskRefToMockOutput": {"ask": [{"output": {"said": "yes"}}]}}}
    _, execution = tried(
        make.of_type("WAIT", "wait"), sub, taskRefToMockOutput={"wait": [{"output": {}}]}, subWorkflowTestRequest=inner
    )
    assert execution["status"] == "COMPLETED"


def test_each_iteration_of_a_loop_has_mocks_of_its_own(tried, make):
    loop = make.loop([make.simple("a")], items="${workflow.input.items}")
    mocks = {"a__1": [{"output": {"n": 1}}], "a__2": [{"output": {"n": 2}}]}
    _, execution = tried(loop, input={"items": [1, 2]}, taskRefToMockOutput=mocks)
    outputs = [task["outputData"] for task in execution["tasks"] if task["taskType"] == "a"]
    assert (execution["status"], outputs) == ("COMPLETED", [{"n": 1}, {"n": 2}])


def test_what_reaches_beyond_the_execution_is_not_done_where_a_mock_says_what_came_of_it(make):
    calls = []
    bench = make.bench(call_http=lambda *request: calls.append(request))
    http = make.of_type("HTTP", "h", inputParameters={"uri": "http://127.0.0.1:9/", "method": "GET"})
    start = make.of_type("START_WORKFLOW", "s", inputParameters={"startWorkflow": {"name": "nobody"}})
    document = {"name": "w", "workflowDef": make.workflow(http, start, ownerEmail="x")}
    mocks = {"h": [{"output": {"response": {"statusCode": 200}}}], "s": [{"output": {}}]}
    execution = asked(bench, {**document, "taskRefToMockOutput": mocks}).payload
    assert refs(execution) == [("h", "COMPLETED", 0), ("s", "COMPLETED", 0)]
    assert calls == []


def test_where_a_test_stops_the_next_request_is_made_after_its_answer(make):
    calls = []

    def call(*request):
        calls.append(request)
        return 200, "OK", {}, b"{}"

    bench = make.bench(call_http=call)
    http = make.of_type("HTTP", "h", inputParameters={"uri": "http://127.0.0.1:9/", "method": "GET"})
    document = {"name": "w", "workflowDef": make.workflow(make.simple("a"), http, ownerEmail="x")}
    execution = asked(bench, {**document, "taskRefToMockOutput": {"a": [{"output": {}}]}}).payload
    assert refs(execution)[-1] == ("h", "SCHEDULED", 0)
    assert len(calls) == 1
    assert bench.engine.executions[execution["workflowId"]].status == "COMPLETED"


def test_an_executions_times_are_what_its_mocks_say(tried, make):
    mocks = {"a": [{"output": {}, "executionTime": 500, "queueWaitTime": 300}], "b": [{"output": {}}]}
    _, execution = tried(make.simple("a"), make.simple("b"), taskRefToMockOutput=mocks)
    first = execution["tasks"][0]
    assert (first["queueWaitTime"], first["endTime"] - first["startTime"]) == (300, 500)


def test_a_test_that_can_get_nowhere_ends(tried, make):
    child = make.workflow(make.simple("c"), name="child", ownerEmail="x")
    sub = make.of_type("SUB_WORKFLOW", "sub", subWorkflowParam={"name": "child", "workflowDefinition": child})
    _, execution = tried(sub, make.simple("b"), taskRefToMockOutput={"b": [{"output": {}}]})
    assert refs(execution) == [("sub", "IN_PROGRESS", 0)]


@pytest.mark.parametrize("mocks", [[], {"a": {}}, {"a": [1]}, {"a": [{"status": "PERHAPS"}]}, {"a": [{"output": 5}]}])
def test_mocks_of_another_shape_are_refused(tried, make, mocks):
    status, problem = tried(make.simple("a"), taskRefToMockOutput=mocks or [1])
    assert (status, "JSON parse error" in problem["message"]) == (500, True)


@pytest.mark.parametrize("mock", [{}, {"status": "COMPLETED"}, {"output": None}, {"executionTime": 500}])
def test_a_mock_without_an_output_is_refused_once_it_is_tried(tried, make, mock):
    status, problem = tried(make.simple("a"), taskRefToMockOutput={"a": [mock], "b": [mock]})
    assert (status, problem["message"]) == (500, 'Cannot invoke "java.util.Map.size()" because "m" is null')
    assert tried(make.simple("a"), taskRefToMockOutput={"b": [mock]})[0] == 200


def test_a_test_without_a_name_or_of_nothing_known_is_refused(bench):
    routes = Routes(bench.engine)
    assert routes.handle("POST", "/api/workflow/test", {}, b"{}").payload["validationErrors"]
    reply = routes.handle("POST", "/api/workflow/test", {}, b'{"name":"nobody","version":1}')
    assert (reply.status, reply.payload["message"]) == (404, "No such workflow defined. name=nobody, version=1")
