"""What ended elsewhere than in an evaluation is not touched by the next one: an update ended it, or its time was up."""

import json

import pytest

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.rest.router import Routes
from pytest_k1n.engine.runtime.clock import ManualClock


class Told:
    """An engine that does what it is told over its API, and nothing by itself."""

    def __init__(self, document, *task_defs):
        self.engine = Engine(clock=ManualClock())
        self.routes = Routes(self.engine)
        if task_defs:
            self("POST", "/metadata/taskdefs", [{"ownerEmail": "a@example.com", **each} for each in task_defs])
        self("PUT", "/metadata/workflow", [{"ownerEmail": "a@example.com", **document}])
        self.id = self("POST", f"/workflow/{document['name']}", {})

    def __call__(self, method, path, body=None):
        reply = self.routes.handle(method, path, {}, None if body is None else json.dumps(body).encode())
        assert reply.status in (200, 204), (path, reply.payload)
        return reply.payload

    def update(self, ref, status, output=None):
        self("POST", f"/tasks/{self.id}/{ref}/{status}", output or {})

    def task(self, ref):
        found = [each for each in self("GET", f"/workflow/{self.id}")["tasks"] if each["referenceTaskName"] == ref]
        return found[-1]


LOOP = {"loopCondition": "$.l['iteration'] < 3", "inputParameters": {}}


def test_a_loop_whose_time_was_up_goes_round_no_more(make):
    limits = {"name": "l", "timeoutSeconds": 2, "responseTimeoutSeconds": 1, "retryCount": 0}
    loop = make.of_type("DO_WHILE", "l", loopOver=[make.simple("a")], optional=True, **LOOP)
    told = Told(make.workflow(loop, make.simple("z")), limits)
    told.engine.advance(3000)
    before = told.task("l")
    assert before["status"] == "COMPLETED_WITH_ERRORS"
    told.update("a__1", "COMPLETED")
    assert told.task("l") == before


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED_WITH_TERMINAL_ERROR"])
def test_a_loop_that_an_update_has_ended_stays_as_it_is(make, status):
    body = {**make.simple("a"), "permissive": True, "retryCount": 0}
    loop = make.of_type("DO_WHILE", "l", loopOver=[body], **LOOP)
    told = Told(make.workflow(loop, make.simple("z")))
    told.update("l", "COMPLETED")
    before = told.task("l")
    told.engine.advance(3000)
    told.update("a__1", status)
    assert told.task("l") == before


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED_WITH_TERMINAL_ERROR"])
def test_an_exclusive_join_that_an_update_has_ended_stays_as_it_is(make, status):
    first = [{**make.simple("a"), "permissive": True, "retryCount": 0}]
    second = [make.of_type("EXCLUSIVE_JOIN", "x", joinOn=["a"]), make.simple("z")]
    told = Told(make.workflow(*make.fork(first, second)))
    told.update("x", "COMPLETED", {"by": "x"})
    before = told.task("x")
    told.engine.advance(1000)
    told.update("a", status)
    assert told.task("x") == before


def test_a_poll_of_what_an_ended_execution_left_queued_is_no_matter_of_another_one(make):
    limits = {"name": "a", "retryCount": 1, "retryDelaySeconds": 0, "timeoutSeconds": 60, "responseTimeoutSeconds": 10}
    end = make.of_type("TERMINATE", "end", inputParameters={"terminationStatus": "COMPLETED"})
    for _ in range(2):
        told = Told(make.workflow(make.simple("a"), make.simple("b"), end), limits)
        told.update("a", "FAILED")
        told.update("a", "COMPLETED")
        told.update("b", "COMPLETED")
        told("POST", f"/workflow/{told.id}/rerun", {"reRunFromTaskId": told.task("b")["taskId"]})
        told.update("b", "COMPLETED")
        told("GET", "/tasks/poll/a")


def test_a_loop_hears_of_the_end_of_a_child_that_was_retried_and_then_terminated(make):
    child = make.workflow({**make.simple("q"), "retryCount": 0}, name="c")
    sub = make.of_type("SUB_WORKFLOW", "u", subWorkflowParam={"name": "c", "workflowDefinition": child}, optional=True)
    loop = make.of_type(
        "DO_WHILE", "l", loopOver=make.fork([make.simple("a")], [sub]), loopCondition="$.l['iteration'] < 1"
    )
    told = Told(make.workflow(loop))
    inner = told.task("u__1")["subWorkflowId"]
    told("POST", f"/tasks/{inner}/q/FAILED_WITH_TERMINAL_ERROR", {})
    told("POST", f"/workflow/{inner}/retry")
    told("DELETE", f"/workflow/{inner}")
    assert told("GET", f"/workflow/{told.id}")["status"] == "FAILED"
