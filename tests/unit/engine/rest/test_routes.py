"""The REST interface: statuses and bodies as Conductor 3.32.1 answers them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k1n_support.examples import share
from pytest_k1n.client import api
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.registry.refusals import EVALUATES_PYTHON
from pytest_k1n.engine.rest.router import INSTANCE, Routes
from pytest_k1n.engine.rest.transport import InProcessTransport

INVALID = "Validation failed, check below errors for detail."


@pytest.fixture
def routes(bench, make):
    bench.register(make.workflow(make.simple("a"), make.simple("b"), name="chain"))
    return Routes(bench.engine)


def ask(routes, method, path, body=None, **query):
    raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    reply = routes.handle(method, f"/api{path}", {name: [str(value)] for name, value in query.items()}, raw)
    return reply.status, reply.payload


def message(routes, *request, **query):
    status, payload = ask(routes, *request, **query)
    return status, payload["message"]


SIMPLE_A = {"name": "a", "taskReferenceName": "a", "type": "SIMPLE"}


@pytest.mark.parametrize(
    ("request_", "status", "text"),
    [
        (("POST", "/workflow", {"name": "x"}), 404, "No such workflow defined. name=x, version=null"),
        (
            ("POST", "/workflow", {"name": "chain", "version": 9}),
            404,
            "No such workflow defined. name=chain, version=9",
        ),
        (("POST", "/workflow", {"name": "chain", "input": None}), 400, "NULL input passed when starting workflow"),
        (("POST", "/workflow/nope", {}), 404, "No such workflow found by name: nope, version: null"),
        (("GET", "/workflow/nope"), 404, "No such workflow found by id: nope"),
        (("PUT", "/workflow/nope/pause"), 404, "No such workflow found by id: nope"),
        (("GET", "/tasks/nope"), 404, "Task not found for taskId: nope"),
        (("GET", "/metadata/taskdefs/nope"), 404, "No such taskType found by name: nope"),
        (("PUT", "/metadata/taskdefs", {"name": "nope"}), 404, "No such task by name nope"),
        (("DELETE", "/metadata/taskdefs/nope"), 500, "No such task definition"),
        (("DELETE", "/metadata/workflow/nope/1"), 500, "No such workflow definition: nope version: 1"),
        (("GET", "/nope"), 404, "No static resource api/nope."),
        (("PUT", "/workflow"), 405, "Request method 'PUT' is not supported"),
        (
            ("POST", "/metadata/workflow", {"name": "chain", "tasks": [SIMPLE_A]}),
            409,
            "Workflow with chain.1 already exists!",
        ),
        (
            ("POST", "/tasks", {"taskId": "x", "workflowInstanceId": "y", "status": "COMPLETED"}),
            404,
            "No such workflow found by id: y",
        ),
        (
            ("POST", "/tasks", {"taskId": "x", "workflowInstanceId": "y", "status": "TIMED_OUT"}),
            500,
            "JSON parse error: Cannot deserialize value of type "
            '`com.netflix.conductor.common.metadata.tasks.TaskResult$Status` from String "TIMED_OUT": not one of the '
            "values accepted for Enum class: [CANCELED, COMPLETED, FAILED_WITH_TERMINAL_ERROR, FAILED, IN_PROGRESS]",
        ),
    ],
)
def test_a_refusal_has_the_servers_status_and_words(routes, request_, status, text):
    assert message(routes, *request_) == (status, text)


def test_an_error_body_names_the_embedded_engine_as_its_instance(routes):
    assert ask(routes, "GET", "/workflow/nope")[1] == {
        "status": 404, "message": "No such workflow found by id: nope", "instance": INSTANCE, "retryable": False,
    }  # fmt: skip


def of_type(kind, **fields):
    return {**SIMPLE_A, "type": kind, **fields}


def reading(expression):
    return [{**SIMPLE_A, "inputParameters": {"x": expression}}]


UNKNOWN = (
    "taskReferenceName: z for given task: a input value: x of input parameter: ${z.output.v} "
    "is not defined in workflow definition."
)


@pytest.mark.parametrize(
    ("tasks", "path", "text"),
    [
        ([], ".tasks", "WorkflowTask list cannot be empty"),
        (
            [{"name": "a"}],
            ".tasks[0].taskReferenceName",
            "WorkflowTask taskReferenceName name cannot be empty or null",
        ),
        (
            [SIMPLE_A, SIMPLE_A],
            "",
            "taskReferenceName: a should be unique across tasks for a given workflowDefinition: w",
        ),
        (reading("${z.output.v}"), "", UNKNOWN),
        (reading("${ a.b }"), "", "key: x input parameter value:  a.b  is not valid"),
        (
            [of_type("FORK_JOIN")],
            ".tasks[0]",
            "forkTasks should have atleast one task for taskType: FORK_JOIN taskName: a",
        ),
        (
            [of_type("DYNAMIC")],
            ".tasks[0]",
            "dynamicTaskNameParam field is required for taskType: DYNAMIC taskName: a",
        ),
        (
            [of_type("WAIT", inputParameters={"duration": "5 foo"})],
            ".tasks[0]",
            "Either date or duration is passed as null ",
        ),
        ([of_type("EVENT")], ".tasks[0]", "sink field is required for taskType: EVENT taskName: a"),
    ],
)
def test_a_definition_that_breaks_a_constraint_is_refused_with_the_violation(routes, tasks, path, text):
    status, payload = ask(routes, "PUT", "/metadata/workflow", [{"name": "w", "tasks": tasks}])

    assert (status, payload["message"], "instance" in payload) == (400, INVALID, False)
    assert payload["validationErrors"] == [{"path": f"updateWorkflowDef.arg0[0]{path}", "message": text}]


def test_only_outside_branches_must_an_expression_name_a_ref_that_is_there(routes, make):
    branch = {**SIMPLE_A, "inputParameters": {"x": "${z.output.v}"}}

    assert ask(routes, "PUT", "/metadata/workflow", [make.workflow(*make.fork([branch]))])[0] == 200


@pytest.mark.parametrize(
    ("task", "text"),
    [
        (
            {**SIMPLE_A, "type": "KAFKA_PUBLISH", "inputParameters": {"kafka_request": {}}},
            "task a is a KAFKA_PUBLISH: it publishes to Kafka",
        ),
        ({**SIMPLE_A, "type": "JDBC"}, "task a is a JDBC: it asks a database that a server is configured with"),
        (
            {**SIMPLE_A, "type": "SWITCH", "evaluatorType": "python", "expression": "x", "decisionCases": {"a": []}},
            f"task a {EVALUATES_PYTHON}",
        ),
        (
            {**SIMPLE_A, "type": "INLINE", "inputParameters": {"evaluatorType": "python", "expression": "return 1"}},
            f"task a {EVALUATES_PYTHON}",
        ),
    ],
)
def test_what_the_engine_cannot_run_is_refused_by_name_at_registration(routes, task, text):
    status, refusal = message(routes, "PUT", "/metadata/workflow", [{"name": "w", "tasks": [task]}])

    assert status == 400
    assert refusal.startswith("The embedded engine refuses this definition: ")
    assert text in refusal


def test_a_loop_in_a_loop_is_refused_with_the_way_out(routes, make):
    nested = make.workflow(make.loop([make.loop([make.simple("a")], ref="inner")]))

    assert "use a SUB_WORKFLOW" in message(routes, "PUT", "/metadata/workflow", [nested])[1]


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        ({"name": ""}, "TaskDef name cannot be null or empty"),
        ({"name": "t", "responseTimeoutSeconds": 0}, "TaskDef responseTimeoutSeconds: 0 should be minimum 1 second"),
        (
            {"name": "t", "responseTimeoutSeconds": 9, "timeoutSeconds": 5},
            "TaskDef: t responseTimeoutSeconds: 9 must be less than timeoutSeconds: 5",
        ),
        ({"name": "t", "backoffScaleFactor": 0}, "Backoff scale factor. Applicable for LINEAR_BACKOFF"),
    ],
)  # fmt: skip
def test_a_task_definition_that_breaks_a_constraint_is_refused(routes, definition, text):
    status, payload = ask(routes, "POST", "/metadata/taskdefs", [definition])

    assert (status, payload["validationErrors"][0]["message"]) == (400, text)


def test_a_worker_polls_updates_and_gets_the_next_task(routes):
    status, workflow_id = ask(routes, "POST", "/workflow/chain", {"q": 1}, correlationId="cid")
    assert status == 200
    _, [task] = ask(routes, "GET", "/tasks/poll/batch/a", workerid="w1", count=5)
    assert (task["status"], task["workerId"], task["pollCount"]) == ("IN_PROGRESS", "w1", 1)
    assert ask(routes, "GET", "/tasks/poll/a") == (204, None)

    result = {
        "workflowInstanceId": workflow_id,
        "taskId": task["taskId"],
        "status": "COMPLETED",
        "outputData": {"v": 1},
    }
    assert ask(routes, "POST", "/tasks", result) == (200, task["taskId"])
    assert ask(routes, "POST", f"/tasks/{workflow_id}/b/COMPLETED", {"z": 2})[0] == 200
    status, document = ask(routes, "GET", f"/workflow/{workflow_id}")
    assert (document["status"], document["output"]) == ("COMPLETED", {"z": 2})
    assert ask(routes, "POST", f"/tasks/{workflow_id}/b/COMPLETED", {}) == (200, "")


def test_update_v2_hands_over_the_next_task_of_the_same_type(routes):
    ids = [ask(routes, "POST", "/workflow/chain", {})[1] for _ in range(2)]
    _, [task] = ask(routes, "GET", "/tasks/poll/batch/a")
    result = {"workflowInstanceId": ids[0], "taskId": task["taskId"], "status": "COMPLETED"}
    status, following = ask(routes, "POST", "/tasks/update-v2", result)

    assert (status, following["workflowInstanceId"], following["status"]) == (200, ids[1], "IN_PROGRESS")
    last = {**result, "workflowInstanceId": ids[1], "taskId": following["taskId"]}
    assert ask(routes, "POST", "/tasks/update-v2", last) == (204, None)


def test_logs_are_kept_with_their_task(routes):
    _, workflow_id = ask(routes, "POST", "/workflow/chain", {})
    task_id = ask(routes, "GET", f"/workflow/{workflow_id}")[1]["tasks"][0]["taskId"]
    assert ask(routes, "GET", f"/tasks/{task_id}/log") == (204, None)
    ask(routes, "POST", f"/tasks/{task_id}/log", b"hello")
    assert [line["log"] for line in ask(routes, "GET", f"/tasks/{task_id}/log")[1]] == ["hello"]


def test_a_decision_whose_script_cannot_be_read_is_refused(routes):
    task = SIMPLE_A | {"type": "DECISION", "caseExpression": "(((", "decisionCases": {"x": [SIMPLE_A]}}
    status, refusal = ask(routes, "POST", "/metadata/workflow", {"name": "old", "tasks": [task]})
    assert status == 400
    assert any(
        each["message"].startswith("Expression is not well formatted: ")
        and each["message"].endswith("taskType: DECISION taskName a")
        for each in refusal["validationErrors"]
    )


def test_logs_are_read_in_the_order_of_their_instants(routes):
    ask(routes, "POST", "/workflow", {"name": "chain"})
    _, task = ask(routes, "GET", "/tasks/poll/a")
    ask(routes, "POST", f"/tasks/{task['taskId']}/log", b"now")
    result = {name: task[name] for name in ("taskId", "workflowInstanceId")}
    logs = [{"log": "early", "createdTime": 5}, {"log": "without an instant"}]
    ask(routes, "POST", "/tasks", {**result, "status": "IN_PROGRESS", "logs": logs})
    lines = [(line["log"], line["createdTime"]) for line in ask(routes, "GET", f"/tasks/{task['taskId']}/log")[1]]
    assert lines[:2] == [("without an instant", 0), ("early", 5)]
    assert [text for text, _ in lines] == ["without an instant", "early", "now"]


@pytest.mark.parametrize("field", ["workflowId", "correlationId"])
@pytest.mark.parametrize("path", ["/tasks/search", "/tasks/search-v2", "/workflow/search-by-tasks"])
def test_tasks_cannot_be_searched_by_what_their_table_on_the_server_lacks(routes, path, field):
    column = {"workflowId": "workflow_id", "correlationId": "correlation_id"}[field]
    status, text = message(routes, "GET", path, query=f"{field}=x")
    assert status == 500
    assert text.endswith(f"(no such column: {column})")


def test_search_understands_conductors_queries(routes):
    ids = [ask(routes, "POST", "/workflow/chain", {}, correlationId=f"c{n}")[1] for n in range(3)]
    ask(routes, "DELETE", f"/workflow/{ids[0]}", reason="x")

    def found(query):
        return [hit["workflowId"] for hit in ask(routes, "GET", "/workflow/search", query=query)[1]["results"]]

    assert found("workflowType IN (chain) AND status=RUNNING") == ids[1:]
    assert found("correlationId='c1'") == [ids[1]]
    assert found("status IN (TERMINATED,FAILED)") == [ids[0]]
    assert ask(routes, "GET", "/workflow/search", query="bogus")[0] == 400


def test_what_several_values_find_comes_in_their_order(routes):
    ids = [ask(routes, "POST", "/workflow/chain", {}, correlationId=f"c{n}")[1] for n in (2, 0, 1)]

    def found(query, **more):
        hits = ask(routes, "GET", "/workflow/search", query=query, **more)[1]["results"]
        return [ids.index(hit["workflowId"]) for hit in hits]

    assert found("correlationId IN (c2,c1,c0)") == [1, 2, 0]
    assert found("correlationId IN (c2,c1,c0) AND workflowType=chain") == [0, 1, 2]
    assert found("correlationId IN (c2,c1,c0)", sort="startTime:DESC") == [2, 1, 0]


def test_bulk_operations_report_each_id(routes):
    _, workflow_id = ask(routes, "POST", "/workflow/chain", {})
    status, payload = ask(routes, "PUT", "/workflow/bulk/pause", [workflow_id, "nope"])

    assert (status, payload["bulkSuccessfulResults"]) == (200, [workflow_id])
    assert payload["bulkErrorResults"] == {"nope": "No such workflow found by id: nope"}


def test_registered_definitions_come_back_with_the_servers_defaults(routes):
    _, document = ask(routes, "GET", "/metadata/workflow/chain")
    assert {name: document[name] for name in ("schemaVersion", "restartable", "timeoutPolicy", "maskedFields")} == {
        "schemaVersion": 2, "restartable": True, "timeoutPolicy": "ALERT_ONLY", "maskedFields": [],
    }  # fmt: skip
    assert document["tasks"][0]["decisionCases"] == {}
    assert "taskDefinition" not in document["tasks"][0]


def test_the_projects_own_client_speaks_to_the_engine_in_process(bench, make):
    conductor = api.Conductor(InProcessTransport(bench.engine))
    bench.register(make.workflow(make.simple("a"), name="chain"))
    workflow_id = conductor.start("chain", input={"x": 1})
    task = conductor.poll("a", worker_id="w")
    conductor.update({"workflowInstanceId": workflow_id, "taskId": task["taskId"], "status": "COMPLETED"})

    assert conductor.health()
    assert conductor.execution(workflow_id)["status"] == "COMPLETED"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "COMPLETED", "${", "${a.b}", "chain", ""]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["name", "tasks", "type", "taskReferenceName", "input", "version", "status"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
PATHS = (
    "/workflow", "/workflow/chain", "/metadata/workflow", "/metadata/taskdefs", "/tasks", "/tasks/update-v2",
    "/tasks/x/y/COMPLETED", "/workflow/bulk/retry", "/metadata/workflow/validate", "/workflow/x/rerun",
)  # fmt: skip


@share(1.5)
@given(method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]), path=st.sampled_from(PATHS), body=JSON)
def test_whatever_is_sent_the_answer_is_a_reply_in_conductors_form(method, path, body):
    routes = Routes(Engine())
    reply = routes.handle(method, path, {}, json.dumps(body).encode())

    if reply.status >= 400:
        assert set(reply.payload) - {"instance", "validationErrors"} == {"status", "message", "retryable"}
        assert "Traceback" not in reply.payload["message"]


def test_a_signal_ends_the_first_wait_also_of_a_child_and_merges_its_output(bench, make, routes):
    bench.register(make.workflow(make.of_type("WAIT", "wait"), name="child"))
    sub = make.of_type("SUB_WORKFLOW", "sub", subWorkflowParam={"name": "child"})
    human = make.of_type("HUMAN", "who")
    execution = bench.start(make.workflow(*make.fork([human], [sub])))
    url = f"/tasks/{execution.workflow_id}/COMPLETED/signal"

    assert ask(routes, "POST", url, {"by": "signal"}) == (200, None)
    assert execution.task("sub").status == "COMPLETED"
    assert bench.engine.execution(execution.task("sub").sub_id).tasks[0].output == {"by": "signal"}
    assert ask(routes, "POST", url, {}) == (200, None)
    assert execution.task("who").status == "IN_PROGRESS"
    assert message(routes, "POST", "/tasks/nope/COMPLETED/signal", {}) == (404, "No such workflow found by id: nope")


def test_an_open_execution_is_removed_only_without_archiving(bench, make, routes):
    execution = bench.start(make.workflow(make.simple("a")))
    url = f"/workflow/{execution.workflow_id}/remove"
    refused = f"Cannot archive workflow: {execution.workflow_id} with status: RUNNING"

    assert message(routes, "DELETE", url) == (400, refused)
    _, bulk = ask(routes, "DELETE", "/workflow/bulk/remove", [execution.workflow_id])
    assert bulk["bulkErrorResults"] == {execution.workflow_id: refused}
    assert ask(routes, "DELETE", url, archiveWorkflow="false") == (200, None)
    assert ask(routes, "GET", f"/workflow/{execution.workflow_id}")[0] == 404


def test_an_unreadable_result_is_answered_otherwise_by_each_route(routes):
    status, payload = ask(routes, "POST", "/tasks", {})
    assert (status, len(payload["validationErrors"])) == (400, 2)

    status, payload = ask(routes, "POST", "/tasks/update-v2", {})
    assert (status, "validationErrors" in payload) == (500, False)
    assert payload["message"].startswith("Validation failed for argument [0]")


def test_tasks_are_searched_like_executions(bench, make, routes):
    execution = bench.start(make.workflow(*map(make.simple, "ab")))
    execution.complete("a", {"v": 1})

    status, found = ask(routes, "GET", "/tasks/search", query="status = COMPLETED AND taskType IN (a,b)")
    assert (status, found["totalHits"], found["results"][0]["taskDefName"]) == (200, 1, "a")
    assert found["results"][0]["output"] == "{v=1}"
    assert ask(routes, "GET", "/tasks/search", start="x")[0] == 500
    assert ask(routes, "GET", "/tasks/search", query="nonsense = 1")[1]["totalHits"] > 0, "no column, no condition"
    assert ask(routes, "GET", "/tasks/search", freeText=execution.workflow_id, size=1)[1]["totalHits"] == 1


def test_tasks_and_executions_are_found_by_tasks_in_full(bench, make, routes):
    execution = bench.start(make.workflow(make.simple("a")))
    execution.complete("a", {"v": 1})

    _, tasks = ask(routes, "GET", "/tasks/search-v2", query="taskDefName = a")
    assert [task["outputData"] for task in tasks["results"]] == [{"v": 1}]
    for path, field in (("search-by-tasks", "output"), ("search-by-tasks-v2", "workflowDefinition")):
        _, found = ask(routes, "GET", f"/workflow/{path}", query="taskDefName = a")
        assert (found["totalHits"], found["results"][0]["workflowId"]) == (1, execution.state.workflow_id)
        assert field in found["results"][0]


def test_bulk_removal_of_what_runs_tells_both_of_its_steps(bench, make, routes):
    ids = [bench.start(make.workflow(make.simple("a"))).state.workflow_id for _ in range(2)]
    bench.engine.execution(ids[1]).status = "COMPLETED"

    _, told = ask(routes, "DELETE", "/workflow/bulk/terminate-remove", ids)
    assert told["bulkSuccessfulResults"] == [ids[0], ids[0], ids[1]]
    assert told["bulkErrorResults"] == {ids[1]: "Cannot terminate a COMPLETED workflow."}


def test_a_bulk_request_without_ids_breaks_a_constraint(routes):
    status, refusal = ask(routes, "DELETE", "/workflow/bulk/remove", [])
    assert status == 400
    assert refusal["validationErrors"] == [
        {"path": "deleteWorkflow.arg0", "message": "WorkflowIds list cannot be null."}
    ]


def test_items_of_a_loop_are_one_expression(routes, make):
    loop = make.loop([make.simple("a")], items=[1, 2])
    assert ask(routes, "PUT", "/metadata/workflow", [make.workflow(loop)])[0] == 500


def test_poll_data_names_a_queue_by_its_type_and_a_changed_definition_its_author(routes):
    ask(routes, "GET", "/tasks/poll/a", domain="d", workerid="w")
    _, (shown,) = ask(routes, "GET", "/tasks/queue/polldata", taskType="a")
    assert (shown["queueName"], shown["domain"]) == ("a", "d")

    ask(routes, "PUT", "/metadata/taskdefs", {"name": "a"})
    assert ask(routes, "GET", "/metadata/taskdefs/a")[1]["updatedBy"] == ""


def test_an_empty_name_is_shown_as_the_invalid_value(routes, make):
    _, payload = ask(routes, "PUT", "/metadata/workflow", [make.workflow(make.simple("a"), name="")])
    assert payload["validationErrors"][0]["invalidValue"] == ""


def test_found_executions_come_in_the_order_that_is_asked_for(bench, make, routes):
    started = []
    for name in ("one", "two", "three"):
        started.append(bench.start(make.workflow(make.simple("a"), name=name)).workflow_id)
        bench.engine.advance(1000)

    def found(**query):
        return [each["workflowId"] for each in ask(routes, "GET", "/workflow/search", **query)[1]["results"]]

    assert found(sort="startTime:DESC") == started[::-1]
    assert found(sort="startTime:DESC", size=1) == started[2:]
    assert found(sort="status:ASC|workflowType:DESC") == [started[1], started[2], started[0]]
    assert found(sort="nonsense:ASC") == found(sort="startTime:ASC") == started


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("", "application/octet-stream"),
        ("text/plain", "text/plain;charset=UTF-8"),
        ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded;charset=UTF-8"),
    ],
)
def test_a_body_that_is_not_said_to_be_json_is_refused(routes, given, shown):
    reply = routes.handle("POST", "/api/workflow/chain", {}, b"{}", {"content-type": given})

    assert (reply.status, reply.payload["message"]) == (500, f"Content-Type '{shown}' is not supported")


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ("nonsense", (500, "Invalid mime type \"nonsense\": does not contain '/'")),
        (
            "application/json;charset=nope",
            (500, "Invalid mime type \"application/json;charset=nope\": unsupported charset 'nope'"),
        ),
        ("application/*", (400, "Content-Type cannot contain wildcard subtype '*'")),
        ("*/*", (400, "Content-Type cannot contain wildcard type '*'")),
    ],
)
def test_a_type_that_is_none_is_refused_in_the_servers_words(routes, given, answer):
    reply = routes.handle("POST", "/api/workflow/chain", {}, b"{}", {"content-type": given})
    assert (reply.status, reply.payload["message"]) == answer


@pytest.mark.parametrize("given", ["application/json", "application/json;charset=utf-8", "application/problem+json"])
def test_a_body_of_json_is_read_whatever_else_its_type_says(routes, given):
    assert routes.handle("POST", "/api/workflow/chain", {}, b"{}", {"content-type": given}).status == 200


def test_a_log_line_is_text_of_any_type(routes):
    assert routes.handle("POST", "/api/tasks/none/log", {}, b"a line", {"content-type": "text/plain"}).status == 200


def test_a_slash_at_its_end_makes_another_path(routes):
    assert ask(routes, "GET", "/metadata/workflow/chain")[0] == 200
    assert ask(routes, "GET", "/metadata/workflow/chain/")[0] == 404
    assert ask(routes, "GET", "/queue/") == (200, {})


def test_a_task_s_pending_executions_are_listed_for_administrators(routes):
    for _ in range(3):
        ask(routes, "POST", "/workflow", {"name": "chain", "input": {}})
    ids = [task["taskId"] for task in ask(routes, "GET", "/admin/task/a")[1]]
    shown = ask(routes, "GET", "/admin/task/a", start=1, count=5)[1]

    assert (len(ids), ids) == (3, sorted(ids))  # as the server's table has them
    assert [task["taskId"] for task in shown] == ids[1:]
    assert ask(routes, "GET", "/admin/queues") == (200, {})


def test_an_execution_that_cannot_begin_is_refused_and_leaves_nothing(bench, make):
    forked = make.of_type("FORK_JOIN", "fork", forkTasks=[[make.simple("a")], []])
    bench.register(make.workflow(forked, make.of_type("JOIN", "join", joinOn=["a"]), name="broken"))
    routes = Routes(bench.engine)

    assert message(routes, "POST", "/workflow", {"name": "broken", "input": {}}) == (
        500, "Index 0 out of bounds for length 0",
    )  # fmt: skip
    assert not bench.engine.executions


def test_an_execution_that_breaks_under_way_fails_in_the_server_s_words(bench, make):
    forked = make.of_type("FORK_JOIN", "fork", forkTasks=[[make.simple("a")], []])
    definition = make.workflow(make.simple("first"), forked, make.of_type("JOIN", "join", joinOn=["a"]))
    execution = bench.start(definition)
    execution.complete("first")

    assert (execution.state.status, execution.state.reason) == ("FAILED", "Index 0 out of bounds for length 0")


@pytest.mark.parametrize("given", ["", "text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_a_body_that_nobody_reads_may_be_anything(routes, given):
    for method, path in (("PUT", "none/pause"), ("POST", "none/retry"), ("DELETE", "none"), ("GET", "none")):
        assert routes.handle(method, f"/api/workflow/{path}", {}, b"<x>", {"content-type": given}).status == 404
