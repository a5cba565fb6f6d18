"""Definitions that come inside a workflow definition: what they leave out has the server's defaults."""

import json

import pytest

from pytest_k1n.engine.rest.router import Routes

GIVEN = {"name": "charge", "retryCount": 0, "responseTimeoutSeconds": 30, "ownerEmail": "k1n@example.com"}


def test_a_partial_task_definition_gets_the_servers_defaults(bench, make):
    execution = bench.start(make.workflow(make.simple("charge", taskDefinition=GIVEN)))

    definition = execution.task("charge").task_def
    assert (definition.retry_count, definition.response_timeout_s, definition.retry_logic) == (0, 30, "FIXED")
    assert execution.task("charge").node.document["taskDefinition"] == {
        **definition.document, **GIVEN, "retryDelaySeconds": 60, "timeoutPolicy": "TIME_OUT_WF", "inputTemplate": {},
    }  # fmt: skip


@pytest.mark.parametrize("place", ["start", "register"])
def test_the_api_takes_it_and_coerces_its_fields(bench, make, place):
    definition = make.workflow(make.simple("charge", taskDefinition={**GIVEN, "retryCount": "2"}))
    routes = Routes(bench.engine)
    if place == "start":
        body = {"name": "w", "workflowDef": definition}
    else:
        assert routes.handle("PUT", "/metadata/workflow", {}, json.dumps([definition]).encode()).status == 200
        body = {"name": "w"}
    reply = routes.handle("POST", "/workflow", {}, json.dumps(body).encode())

    assert reply.status == 200
    assert bench.engine.execution(reply.payload).tasks[0].task_def.retry_count == 2


def test_one_that_cannot_be_read_is_refused(bench, make):
    definition = make.workflow(make.simple("charge", taskDefinition={**GIVEN, "retryLogic": "SOMETIMES"}))
    reply = Routes(bench.engine).handle("PUT", "/metadata/workflow", {}, json.dumps([definition]).encode())

    assert (reply.status, "RetryLogic" in reply.payload["message"]) == (500, True)


@pytest.mark.parametrize("before", [[], ["a"]])
def test_a_child_breaks_off_when_it_comes_to_a_task_without_a_ref(bench, make, before):
    tasks = [make.of_type("NOOP", ref) for ref in before]
    parameter = {"name": "inner", "workflowDefinition": {"name": "inner", "version": 1, "tasks": [*tasks, {}]}}
    execution = bench.run(make.workflow(make.of_type("SUB_WORKFLOW", "sub", subWorkflowParam=parameter)))

    child = bench.engine.execution(execution.task("sub").sub_id)
    assert (execution.state.status, child.status, [task.ref for task in child.tasks]) == ("FAILED", "FAILED", before)
    assert child.reason.startswith("refName passed is null.")


def test_a_child_without_a_name_fails_its_task_in_the_servers_words(bench, make):
    execution = bench.run(
        make.workflow(make.of_type("SUB_WORKFLOW", "sub", subWorkflowParam={"name": "", "version": 1}))
    )

    assert execution.task("sub").reason == "Workflow name must be specified when searching for a definition"
