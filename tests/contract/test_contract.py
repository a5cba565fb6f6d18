"""What our client, worker and director need of a server; every kind of it passes the same tests."""

import pytest

from pytest_k1n.client.errors import BadRequest, NotFound
from pytest_k1n.client.transport import HttpTransport
from pytest_k1n.core.http import HttpRequest

# -- definitions ------------------------------------------------------------------------------------------------------


def test_it_says_that_it_is_healthy_and_which_version_it_is(server):
    assert server.client.version().startswith("3.")
    answer = server.transport.send(HttpRequest("GET", "/health"))
    assert b'"healthy":true' in answer.body


def test_a_definition_is_given_back_in_its_latest_version(server):
    name = server.chain("a")
    server.client.register_workflows([{**server.client.workflow_definition(name), "version": 2, "description": "new"}])
    assert server.client.workflow_definition(name)["description"] == "new"
    assert "description" not in server.client.workflow_definition(name, 1)
    assert name in [each["name"] for each in server.client.workflow_definitions()]
    with pytest.raises(NotFound):
        server.client.workflow_definition(name, 3)


def test_a_task_definition_is_given_back(server):
    server.define_tasks("a", retryCount=5)
    assert server.client.task_definition(server.name("a"))["retryCount"] == 5
    assert server.client.task_definition(server.name("b")) is None
    assert server.name("a") in [each["name"] for each in server.client.task_definitions()]


def test_a_definition_that_breaks_a_constraint_is_refused_with_the_reason(server):
    with pytest.raises(BadRequest) as refused:
        server.define(server.task("a"), server.task("a"))
    assert "a" in str(refused.value)


# -- the way of a task ------------------------------------------------------------------------------------------------


def test_a_chain_goes_from_task_to_task_with_their_data(server):
    server.define_tasks("a", "b")
    last = server.task("b", inputParameters={"got": "${a.output.n}", "given": "${workflow.input.order}"})
    name = server.define(server.task("a"), last, outputParameters={"n": "${b.output.n}"})
    workflow_id = server.client.start(name, input={"order": 7}, correlation_id="c")

    server.report(server.take("a"), outputData={"n": 1})
    task = server.take("b")
    assert (task["inputData"], task["referenceTaskName"], task["retryCount"]) == ({"got": 1, "given": 7}, "b", 0)
    assert (task["status"], task["workerId"], task["workflowType"]) == ("IN_PROGRESS", "contract-worker", name)
    server.report(task, outputData={"n": 2})

    execution = server.ends(workflow_id)
    assert (execution["output"], execution["correlationId"], execution["workflowVersion"]) == ({"n": 2}, "c", 1)
    for record in execution["tasks"]:
        assert execution["startTime"] <= record["scheduledTime"] <= record["startTime"] <= record["endTime"]


def test_an_inline_definition_is_run_without_being_registered(server):
    task = {**server.task("a"), "taskDefinition": {"name": server.name("a"), "retryCount": 0}}
    definition = {"name": server.name("W"), "version": 1, "ownerEmail": "k1n@example.com", "tasks": [task]}
    workflow_id = server.client.start(server.name("W"), definition=definition)
    server.report(server.take("a"))
    server.ends(workflow_id)
    with pytest.raises(NotFound):
        server.client.workflow_definition(server.name("W"))


def test_an_empty_queue_gives_nothing(server):
    assert server.poll("nobody") is None
    assert server.client.poll_batch(server.name("nobody"), worker_id="w", count=3, timeout_ms=0) == []


def test_a_batch_poll_gives_what_there_is_up_to_its_count(server):
    name = server.chain("a")
    started = [server.client.start(name) for _ in range(5)]
    found = []
    for count in (2, 2, 2):
        got = server.client.poll_batch(server.name("a"), worker_id="w", count=count, timeout_ms=0)
        assert len(got) <= count
        found += got
    assert sorted(task["workflowInstanceId"] for task in found) == sorted(started)


def test_a_poll_longer_than_five_seconds_is_refused(server):
    with pytest.raises(BadRequest, match="5 seconds"):
        server.client.poll_batch(server.name("a"), worker_id="w", timeout_ms=5001)


def test_a_task_is_delivered_once(server):
    server.client.start(server.chain("a"))
    server.take("a")
    assert server.poll("a") is None


def test_a_second_update_is_accepted_and_changes_nothing(server):
    workflow_id = server.client.start(server.chain("a"))
    task = server.take("a")
    server.report(task, outputData={"n": 1})
    server.report(task, "FAILED", outputData={"n": 2})
    (record,) = server.ends(workflow_id)["tasks"]
    assert (record["status"], record["outputData"]) == ("COMPLETED", {"n": 1})


def test_an_update_of_a_task_that_nobody_knows_is_not_found(server):
    workflow_id = server.client.start(server.chain("a"))
    with pytest.raises(NotFound):
        server.client.update({"taskId": "nope", "workflowInstanceId": workflow_id, "status": "COMPLETED"})
    with pytest.raises(NotFound):
        server.client.task("nope")


def test_a_task_that_is_handed_back_comes_again(server):
    server.client.start(server.chain("a"))
    task = server.take("a")
    server.report(task, "IN_PROGRESS", callbackAfterSeconds=0)
    again = server.take("a")
    assert (again["taskId"], again["pollCount"]) == (task["taskId"], 2)


def test_a_failed_attempt_is_followed_by_another_up_to_the_retry_count(server):
    workflow_id = server.client.start(server.chain("a", retryCount=1))
    first = server.take("a")
    server.report(first, "FAILED", reasonForIncompletion="once")
    second = server.take("a")
    assert (second["retryCount"], second["taskId"] != first["taskId"]) == (1, True)
    server.report(second, "FAILED", reasonForIncompletion="twice")
    execution = server.ends(workflow_id, "FAILED")
    assert "twice" in execution["reasonForIncompletion"]
    assert server.tasks(workflow_id) == {"a": ["FAILED", "FAILED"]}


def test_a_terminal_error_is_not_retried(server):
    workflow_id = server.client.start(server.chain("a", retryCount=3))
    server.report(server.take("a"), "FAILED_WITH_TERMINAL_ERROR", reasonForIncompletion="no use")
    server.ends(workflow_id, "FAILED")
    assert server.tasks(workflow_id) == {"a": ["FAILED_WITH_TERMINAL_ERROR"]}


def test_a_task_without_a_sign_of_life_times_out_and_is_retried(server):
    workflow_id = server.client.start(server.chain("a", retryCount=1, responseTimeoutSeconds=1))
    task = server.take("a")
    server.elapse_ms(1500)
    server.client.decide(workflow_id)
    server.eventually(lambda: None, lambda: server.tasks(workflow_id)["a"][0] == "TIMED_OUT")
    server.report(task)  # too late: it is accepted and changes nothing
    server.report(server.take("a"))
    server.ends(workflow_id)
    assert server.tasks(workflow_id) == {"a": ["TIMED_OUT", "COMPLETED"]}


def test_a_lease_that_is_extended_keeps_a_task_alive(server):
    workflow_id = server.client.start(server.chain("a", responseTimeoutSeconds=2))
    task = server.take("a")
    for _ in range(3):
        server.elapse_ms(1000)
        server.report(task, "IN_PROGRESS", extendLease=True)
        server.client.decide(workflow_id)
    assert server.tasks(workflow_id) == {"a": ["IN_PROGRESS"]}
    server.report(task)
    server.ends(workflow_id)


def test_log_lines_are_kept_in_order(server):
    server.client.start(server.chain("a"))
    task = server.take("a")
    server.client.log(task["taskId"], "by itself")
    server.report(task, logs=[{"log": "with the result", "createdTime": 1}])
    server.eventually(lambda: None, lambda: len(server.client.logs(task["taskId"])) == 2)
    assert [line["log"] for line in server.client.logs(task["taskId"])] == ["with the result", "by itself"], (
        "by instant"
    )
    assert server.client.logs("nope") == []


def test_a_task_domain_keeps_tasks_to_its_workers(server):
    name = server.chain("a")
    workflow_id = server.client.start(name, task_to_domain={"*": server.uid})
    assert server.poll("a") is None
    task = server.take("a", domain=server.uid)
    assert (task["workflowInstanceId"], task["domain"]) == (workflow_id, server.uid)


# -- control flow -----------------------------------------------------------------------------------------------------


def test_the_branches_of_a_fork_are_open_at_once_and_joined(server):
    server.define_tasks("a", "b", "c")
    fork = server.of_type("FORK_JOIN", "fork", forkTasks=[[server.task("a")], [server.task("b")]])
    workflow_id = server.client.start(
        server.define(fork, server.of_type("JOIN", "join", joinOn=["a", "b"]), server.task("c"))
    )
    first, second = server.take("a"), server.take("b")
    server.report(first)
    assert server.poll("c") is None
    server.report(second)
    server.report(server.take("c"))
    execution = server.ends(workflow_id)
    ended = {task["referenceTaskName"]: task for task in execution["tasks"]}
    assert ended["c"]["scheduledTime"] >= max(ended["a"]["endTime"], ended["b"]["endTime"])


def test_what_waits_is_ended_by_its_ref_or_by_a_signal(server):
    name = server.define(server.of_type("HUMAN", "human"), server.of_type("WAIT", "wait"))
    workflow_id = server.client.start(name)
    assert server.client.update_by_ref(workflow_id, "human", "COMPLETED", {"said": "yes"})
    server.eventually(lambda: None, lambda: "wait" in server.tasks(workflow_id))
    server.client.signal(workflow_id, "COMPLETED", {"came": True})
    execution = server.ends(workflow_id)
    assert [task["outputData"] for task in execution["tasks"]] == [{"said": "yes"}, {"came": True}]
    assert server.client.update_by_ref(workflow_id, "human", "COMPLETED") is None


# -- steering ---------------------------------------------------------------------------------------------------------


def test_a_paused_execution_schedules_nothing_until_it_is_resumed(server):
    workflow_id = server.client.start(server.chain("a", "b"))
    task = server.take("a")
    server.client.pause(workflow_id)
    server.report(task)
    assert server.client.status(workflow_id) == "PAUSED"
    assert server.poll("b") is None
    server.client.resume(workflow_id)
    server.report(server.take("b"))
    server.ends(workflow_id)


def test_a_terminated_execution_ends_with_its_reason_and_its_open_tasks(server):
    workflow_id = server.client.start(server.chain("a"))
    task = server.take("a")
    server.client.terminate(workflow_id, "enough")
    server.report(task)  # too late
    execution = server.ends(workflow_id, "TERMINATED")
    assert execution["reasonForIncompletion"] == "enough"
    assert server.tasks(workflow_id) == {"a": ["CANCELED"]}


def test_a_failed_execution_goes_on_after_a_retry(server):
    workflow_id = server.client.start(server.chain("a"))
    server.report(server.take("a"), "FAILED")
    server.ends(workflow_id, "FAILED")
    server.client.retry(workflow_id)
    server.report(server.take("a"))
    server.ends(workflow_id)
    assert server.tasks(workflow_id) == {"a": ["FAILED", "COMPLETED"]}


def test_a_running_execution_cannot_be_retried(server):
    workflow_id = server.client.start(server.chain("a"))
    with pytest.raises(NotFound, match="still running"):
        server.client.retry(workflow_id)


def test_an_execution_that_is_removed_is_gone(server):
    workflow_id = server.client.start(server.chain("a"))
    server.client.terminate(workflow_id)
    server.client.remove(workflow_id)
    with pytest.raises(NotFound):
        server.client.execution(workflow_id)


# -- finding ----------------------------------------------------------------------------------------------------------


def test_executions_are_found_by_workflow_and_status(server):
    name = server.chain("a")
    first, second = (server.client.start(name) for _ in range(2))
    server.client.terminate(second)
    found = server.client.search(f"workflowType = {name} AND status = RUNNING")
    assert [each["workflowId"] for each in found] == [first]
    assert {each["workflowId"] for each in server.client.search(f"workflowType IN ({name},x)")} == {first, second}
    assert server.client.search(f"workflowType = {name} AND status = FAILED") == []


def test_executions_are_found_by_their_correlation_id(server):
    name = server.chain("a")
    correlation_id = f"{server.uid}/of a test/1.0"  # with what a path cannot carry
    workflow_id = server.client.start_once(name, correlation_id=correlation_id)
    assert server.client.correlated(name, correlation_id) == [workflow_id]
    assert server.client.correlated(name, "another") == []


def test_queue_sizes_tell_what_waits(server):
    name = server.chain("a")
    for _ in range(2):
        server.client.start(name)
    assert server.client.queue_sizes()[server.name("a")] == 2


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/workflow", {"name": "nobody"}, 404),
        ("GET", "/workflow/nobody", None, 404),
        ("GET", "/tasks/nobody", None, 404),
        ("GET", "/metadata/workflow/nobody", None, 404),
        ("GET", "/metadata/taskdefs/nobody", None, 404),
        ("PUT", "/workflow/nobody/pause", None, 404),
        ("DELETE", "/workflow/nobody", None, 404),
        ("PATCH", "/workflow", {}, 405),
        ("POST", "/workflow", {"priority": "high", "name": "x"}, 500),
    ],
)
def test_an_error_body_has_status_message_instance_and_whether_to_retry(server, method, path, body, status):
    answered, document = server.ask(method, path, body)
    assert (answered, document["status"]) == (status, status)
    assert isinstance(document["message"], str)
    assert isinstance(document["instance"], str)
    assert document["retryable"] is False


def test_a_body_that_is_no_json_is_an_error_of_the_server(server):
    status, document = server.ask("POST", "/workflow", raw=b"{")
    assert (status, document["status"]) == (500, 500)
    assert "JSON parse error" in document["message"]


def test_violated_constraints_are_listed(server):
    status, document = server.ask("POST", "/workflow", {})
    assert (status, document["message"]) == (400, "Validation failed, check below errors for detail.")
    (violation,) = document["validationErrors"]
    assert violation["path"].endswith("name")


def test_a_definition_that_exists_is_a_conflict(server):
    name = server.chain("a")
    definition = server.client.workflow_definition(name)
    status, document = server.ask("POST", "/metadata/workflow", definition)
    assert (status, document["message"]) == (409, f"Workflow with {name}.1 already exists!")


def test_a_server_with_a_port_keeps_a_connection_alive_after_an_error(server):
    if not isinstance(server.transport, HttpTransport):
        pytest.skip("the in-process transport has no connections")
    for _ in range(3):
        assert server.ask("GET", "/workflow/nobody")[0] == 404
    assert server.client.version()
