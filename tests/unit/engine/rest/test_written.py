"""What the server's mappers write into the definition of an execution, and the records of what no mapper made.

Each was asked of Conductor 3.32.1.
"""

import json

import pytest

from pytest_k1n.engine.rest.router import Routes


def ask(bench, method, path, body=None, **query):
    raw = None if body is None else json.dumps(body).encode()
    return Routes(bench.engine).handle(method, path, {name: [value] for name, value in query.items()}, raw).payload


def shown(bench, execution):
    return ask(bench, "GET", f"/workflow/{execution.state.workflow_id}")


def test_what_an_event_and_a_dynamic_task_write_into_the_definition_is_shown_once_they_are_scheduled(bench, make):
    event = make.of_type("EVENT", "ev", sink="conductor:q", inputParameters={"z": 1})
    dynamic = make.of_type("DYNAMIC", "dyn", dynamicTaskNameParam="t", inputParameters={"t": "real_name"})
    wait = make.of_type("WAIT", "w")
    later = make.of_type("EVENT", "later", sink="conductor")
    execution = bench.start(make.workflow(make.loop([event], items=[1]), dynamic, wait, later))

    document = shown(bench, execution)
    loop, second, _, last = document["workflowDefinition"]["tasks"]
    assert loop["loopOver"][0]["inputParameters"] == {"z": 1, "sink": "conductor:q", "asyncComplete": False}
    assert second["name"] == "real_name"
    assert last["inputParameters"] == {}
    of_ref = {task["referenceTaskName"]: task["workflowTask"] for task in document["tasks"]}
    assert of_ref["ev__1"]["inputParameters"]["sink"] == "conductor:q"
    assert of_ref["dyn"]["name"] == "real_name"
    assert execution.state.definition.tasks[1].document["name"] == "dyn"


def test_what_a_forked_http_task_writes_is_shown_by_its_fork(make):
    bench = make.bench(call_http=lambda *_: (200, "OK", {}, b"{}"))
    one = {
        "name": "h",
        "taskReferenceName": "h",
        "type": "HTTP",
        "inputParameters": {"uri": "http://a/", "method": "GET"},
    }
    fork = make.of_type(
        "FORK_JOIN_DYNAMIC",
        "f",
        inputParameters={"d": [one], "i": {}},
        dynamicForkTasksParam="d",
        dynamicForkTasksInputParamName="i",
    )
    document = shown(bench, bench.run(make.workflow(fork, make.of_type("JOIN", "j"))))

    assert document["tasks"][0]["inputData"]["forkedTaskDefs"][0]["inputParameters"]["asyncComplete"] is False
    forked = document["tasks"][1]
    assert (forked["taskDefinition"], forked["rateLimitFrequencyInSeconds"], forked["workerId"]) == (
        None,
        0,
        "embedded",
    )


@pytest.mark.parametrize(("type_", "fails"), [("MY_TYPE", True), ("SIMPLE", False)])
def test_a_forked_task_of_an_unknown_type_needs_a_definition(bench, make, type_, fails):
    one = {"name": "unknown", "taskReferenceName": "u", "type": type_}
    fork = make.of_type("FORK_JOIN_DYNAMIC", "f", inputParameters={"d": [one], "i": {}}, dynamicForkTasksParam="d",
                        dynamicForkTasksInputParamName="i")  # fmt: skip
    state = bench.start(make.workflow(fork, make.of_type("JOIN", "j"))).state

    reason = "Invalid task specified. Cannot find task by name unknown in the task definitions"
    assert (state.status, state.reason) == (("FAILED", reason) if fails else ("RUNNING", None))


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (None, "Missing Kafka request. Task input MUST have a 'kafka_request' key with KafkaTask.Input as value. "
               "See documentation for KafkaTask for required input parameters"),
        ({}, "No boot strap servers specified"),
        ({"bootStrapServers": "a:1"},
         "Missing Kafka topic. See documentation for KafkaTask for required input parameters"),
        ({"bootStrapServers": "a:1", "topic": "t"},
         "Missing Kafka value.  See documentation for KafkaTask for required input parameters"),
    ],
)  # fmt: skip
def test_a_forked_kafka_task_fails_for_what_its_request_lacks(bench, make, request_, reason):
    one = {
        "name": "k",
        "taskReferenceName": "k",
        "type": "KAFKA_PUBLISH",
        "inputParameters": {"kafka_request": request_},
    }
    fork = make.of_type("FORK_JOIN_DYNAMIC", "f", inputParameters={"d": [one], "i": {}}, dynamicForkTasksParam="d",
                        dynamicForkTasksInputParamName="i")  # fmt: skip

    assert bench.start(make.workflow(fork, make.of_type("JOIN", "j"))).task("k").reason == reason


def test_variables_of_the_first_evaluation_are_shown_by_the_definition_too_and_a_restart_keeps_all(bench, make):
    first, second = (make.of_type("SET_VARIABLE", ref, inputParameters={ref: 1}) for ref in ("v1", "v2"))
    execution = bench.start(make.workflow(first, make.of_type("WAIT", "w"), second, variables={"init": 7}))
    bench.engine.terminate(execution.state, None)
    execution.state.variables = {"init": 7, "v1": 1, "v2": 1}
    ask(bench, "POST", f"/workflow/{execution.state.workflow_id}/restart")

    document = shown(bench, execution)
    assert document["workflowDefinition"]["variables"] == {"init": 7, "v1": 1}
    assert document["variables"] == {"init": 7, "v1": 1, "v2": 1}


def test_a_skipped_task_shows_no_more_of_its_definition_than_its_name(bench, make):
    skipped = make.of_type("HTTP", "h", inputParameters={"uri": "http://a/", "method": "GET"}, optional=True)
    execution = bench.start(make.workflow(make.of_type("WAIT", "w"), skipped))
    ask(bench, "PUT", f"/workflow/{execution.state.workflow_id}/skiptask/h")

    record = next(task for task in shown(bench, execution)["tasks"] if task["status"] == "SKIPPED")
    of_definition = record["workflowTask"]
    assert (of_definition["type"], of_definition["inputParameters"], of_definition["optional"]) == ("SIMPLE", {}, False)
    assert record["taskDefinition"] is None
    assert "taskDefinition" not in of_definition


def test_a_join_that_never_looked_has_collected_nothing(bench, make):
    good, bad = (
        make.of_type("INLINE", ref, inputParameters={"evaluatorType": "javascript", "expression": script})
        for ref, script in (("good", "1"), ("bad", "nope.x"))
    )
    execution = bench.start(make.workflow(*make.fork([good], [bad])))

    assert (execution.state.status, execution.task("join").output) == ("FAILED", {})


def test_an_update_by_ref_keeps_the_worker_of_the_task(bench, make):
    execution = bench.start(make.workflow(make.simple("a")))
    state = execution.state
    ask(bench, "GET", "/tasks/poll/a", workerid="polled")
    ask(bench, "POST", f"/tasks/{state.workflow_id}/a/IN_PROGRESS", {})

    assert execution.task("a").worker_id == "polled"


def test_an_update_without_a_status_is_ignored_once_its_task_has_ended(bench, make):
    execution = bench.start(make.workflow(make.simple("a"), make.simple("b")))
    ask(bench, "POST", f"/tasks/{execution.state.workflow_id}/a/COMPLETED", {})
    given = {"workflowInstanceId": execution.state.workflow_id, "taskId": execution.task("a").task_id}

    assert ask(bench, "POST", "/tasks", given) == given["taskId"]


def test_what_is_retried_or_rerun_by_request_shows_an_update_and_who_had_it(bench, make):
    execution = bench.start(make.workflow(make.simple("a")))
    ask(bench, "GET", "/tasks/poll/a", workerid="polled")
    ask(bench, "POST", f"/tasks/{execution.state.workflow_id}/a/FAILED_WITH_TERMINAL_ERROR", {})
    ask(bench, "POST", f"/workflow/{execution.state.workflow_id}/retry")
    attempt = shown(bench, execution)["tasks"][1]
    assert (attempt["status"], attempt["updateTime"] > 0) == ("SCHEDULED", True)

    bench.engine.terminate(execution.state, None)
    first = execution.state.tasks[0].task_id
    ask(bench, "POST", f"/workflow/{execution.state.workflow_id}/rerun", {"reRunFromTaskId": first})
    again = shown(bench, execution)["tasks"][0]
    assert (again["status"], again["workerId"], again["updateTime"] > 0) == ("SCHEDULED", "polled", True)


def test_pages_of_executions_found_by_their_tasks_are_pages_of_tasks(bench, make):
    noop = make.of_type("NOOP", "n")
    bench.run(make.workflow(noop, make.of_type("NOOP", "m")))
    bench.run(make.workflow(noop))

    def hits(size):
        found = ask(bench, "GET", "/workflow/search-by-tasks", query="taskType=NOOP", size=str(size))
        return found["totalHits"], len(found["results"])

    assert (hits(1), hits(2), hits(3)) == ((3, 1), (2, 1), (2, 2))


def test_of_what_began_at_one_instant_the_last_one_began_last(bench, make):
    ids = [bench.start(make.workflow(make.simple("a"))).state.workflow_id for _ in range(3)]

    def found(direction):
        return [each["workflowId"] for each in ask(bench, "GET", "/workflow/search", sort=direction)["results"]]

    assert (found("startTime:DESC"), found("startTime:ASC")) == (ids[::-1], ids)


def test_a_failure_workflow_gets_the_inner_form_of_the_tasks(bench, make):
    bench.register(make.workflow(make.of_type("WAIT", "w"), name="after"))
    execution = bench.start(make.workflow(make.simple("a"), failureWorkflow="after"))
    ask(bench, "POST", f"/tasks/{execution.state.workflow_id}/a/FAILED_WITH_TERMINAL_ERROR", {})
    failed = next(each for each in bench.engine.executions.values() if each.definition.name == "after")

    task = failed.input["failedWorkflow"]["tasks"][0]
    assert task["firstScheduledTime"] == task["scheduledTime"]
    assert not {"firstStartTime", "executionMetadata"} & set(task)


def test_a_child_whose_definition_is_an_expression_has_to_be_registered_or_name_a_version(bench, make):
    def started(**parameter):
        child = make.of_type(
            "SUB_WORKFLOW", "s", subWorkflowParam={**parameter, "workflowDefinition": "${workflow.input.d}"}
        )
        bench.register(make.workflow(child))
        return ask(bench, "POST", "/workflow", {"name": "w", "input": {"d": make.workflow(make.of_type("WAIT", "x"))}})

    assert started(name="unknown")["message"] == (
        "The Task unknown defined as a sub-workflow has no workflow definition available "
    )
    assert isinstance(started(name="unknown", version=1), str)


def test_a_search_of_tasks_finds_what_an_update_has_indexed(bench, make):
    """Asked of 3.32.1: a restart and a rerun leave the rows of what they take out, an open JOIN shows what it has."""
    execution = bench.start(
        make.workflow(*make.fork([make.simple("a")], [make.of_type("WAIT", "w")]), make.simple("c"))
    )
    id_ = execution.state.workflow_id

    def rows(path="/tasks/search"):
        return [(row["taskType"], row["status"]) for row in ask(bench, "GET", path, sort="taskType:ASC")["results"]]

    assert rows() == [("FORK", "COMPLETED"), ("JOIN", "IN_PROGRESS")]
    ask(bench, "PUT", f"/workflow/{id_}/skiptask/c")
    ask(bench, "POST", f"/tasks/{id_}/a/COMPLETED", {"o": 1})
    found = ask(bench, "GET", "/tasks/search", query="taskType=JOIN")["results"]
    assert found[0]["output"] == "{a={o=1}}"
    assert rows() == [("FORK", "COMPLETED"), ("JOIN", "IN_PROGRESS"), ("a", "COMPLETED")]

    bench.engine.terminate(execution.state, None)
    ask(bench, "POST", f"/workflow/{id_}/restart")
    assert len(rows()) == 4 + 2
    assert len(rows("/tasks/search-v2")) == 2


def test_a_requeue_delivers_again_what_a_worker_has(bench, make):
    """Asked of 3.32.1, which pushes what is open by id; what was reported meanwhile is in no queue any more."""
    for _ in range(3):
        bench.start(make.workflow(make.simple("a")))
    taken = ask(bench, "GET", "/tasks/poll/a")["taskId"]
    assert ask(bench, "POST", "/tasks/queue/requeue/a") == "3"
    assert ask(bench, "GET", "/tasks/queue/sizes", taskType="a") == {"a": 3}

    polled = [ask(bench, "GET", "/tasks/poll/a") for _ in range(3)]
    assert [task["taskId"] for task in polled] == sorted(task["taskId"] for task in polled)
    assert {task["taskId"]: task["pollCount"] for task in polled}[taken] == 2
    ask(bench, "POST", "/tasks/queue/requeue/a")
    ask(bench, "POST", f"/tasks/{polled[0]['workflowInstanceId']}/a/COMPLETED", {})
    assert ask(bench, "GET", "/tasks/queue/sizes", taskType="a") == {"a": 2}


def test_only_lists_and_maps_have_a_length_and_only_tasks_an_id(bench, make):
    """Asked of 3.32.1."""
    noop = make.of_type("NOOP", "n")
    outputs = {
        "text": "${workflow.input.s.length()}",
        "list": "${workflow.input.l.length()}",
        "id": "x-${CPEWF_TASK_ID}",
    }
    execution = bench.run(make.workflow(noop, outputParameters=outputs), {"s": "abc", "l": [1, 2]})

    assert execution.state.output == {"text": None, "list": 2, "id": "x-${CPEWF_TASK_ID}"}


def test_a_batch_has_what_is_most_urgent_in_the_order_of_queueing(bench, make):
    """Asked of 3.32.1."""
    bench.register(make.workflow(make.simple("a")))
    for priority in (0, 5, 99, 5, 1, 50):
        ask(bench, "POST", "/workflow", {"name": "w", "priority": priority})

    batches = [ask(bench, "GET", "/tasks/poll/batch/a", count="3") for _ in range(2)]
    assert [[task["workflowPriority"] for task in batch] for batch in batches] == [[5, 99, 50], [0, 5, 1]]


def test_the_actuator_says_what_was_built_and_that_it_is_no_conductor(bench):
    build = ask(bench, "GET", "/actuator/info")["build"]
    assert (build["name"], build["version"]) == ("embedded engine", ask(bench, "GET", "/version"))
