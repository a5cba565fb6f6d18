"""Event handlers that a test brings along: they complete, and they start."""

import json

from pytest_k1n.client.api import Conductor
from pytest_k1n.client.transport import transport_for

HANDLERS = """
import pytest
from pytest_k1n import completed, in_order, task_output

def task(ref, kind="SIMPLE", **more):
    return {"name": ref, "taskReferenceName": ref, "type": kind, **more}

TELL = task("tell", "EVENT", sink="conductor", inputParameters={"amount": 20})
ORDER = {"name": "k1n_order", "version": 1, "ownerEmail": "k1n@example.com",
         "tasks": [task("fork", "FORK_JOIN", forkTasks=[[task("paid", "WAIT")], [TELL]]),
                   task("join", "JOIN", joinOn=["paid", "tell"]), task("send")]}
AFTER = {"name": "k1n_after", "version": 1, "ownerEmail": "k1n@example.com", "tasks": [task("note")]}
PAID = {"name": "paid", "event": "conductor:k1n_order:tell", "active": True, "actions": [
    {"action": "complete_task", "complete_task": {
        "workflowId": "${workflowInstanceId}", "taskRefName": "paid", "output": {"amount": "${amount}"}}}]}
STARTS = {**PAID, "name": "starts", "actions": [
    {"action": "start_workflow", "start_workflow": {"name": "k1n_after", "input": {"amount": "${amount}"}}}]}
"""
BOTH = """
def test_the_wait_is_completed(conductor):
    execution = conductor.run(ORDER, event_handlers=[PAID], within="150s")
    execution.expect(completed(), task_output("paid", "amount", equals=20), in_order("paid", "send"))

def test_a_workflow_is_started_and_its_work_done(conductor):
    noted = []
    execution = conductor.run(ORDER, children=AFTER, event_handlers=[PAID, STARTS],
                              handlers={"note": lambda task: noted.append(task.ref)})
    execution.expect(completed())
    execution.child("k1n_after").expect(completed())
    assert execution.child("tell").workflow_id == execution.child("k1n_after").workflow_id
    assert noted == ["note"]

def test_what_it_starts_and_what_that_starts_is_the_test_s_own(conductor):
    deep = {**AFTER, "name": "k1n_deep"}
    starts_deep = {**AFTER, "tasks": [task("sub", "SUB_WORKFLOW", subWorkflowParam={"name": "k1n_deep"},
                                           inputParameters={"all": "${workflow.input}"})]}
    named = {**STARTS, "actions": [{"action": "start_workflow", "start_workflow": {
        "name": "k1n_after", "correlationId": "order-${amount}", "input": {"amount": "${amount}"}}}]}
    execution = conductor.run(ORDER, children=[starts_deep, deep], event_handlers=[PAID, named], within="150s")
    after = execution.child("k1n_after")
    after.wait(within="60s")
    after.expect(completed())
    assert (after.execution.correlation_id, after.execution.input["amount"]) == ("order-20", 20)
    assert after.child("sub").execution.name == "k1n_deep"
    assert execution.child("tell").workflow_id == after.workflow_id

def test_what_nothing_starts_is_no_child(conductor):
    execution = conductor.run(ORDER, event_handlers=[PAID], within="150s")
    with pytest.raises(LookupError, match="no execution of 'k1n_after' among those that .* has led to: none"):
        execution.child("k1n_after")
"""
OWN = """
def test_a_path_is_taken(conductor):
    conductor.run(ORDER, event_handlers="paid.json").expect(completed())

def test_without_it_nobody_completes(conductor):
    execution = conductor.start(ORDER)
    execution.wait_for("tell")
    assert execution.waiting("paid")

@pytest.mark.parametrize(("change", "told"), [
    ({"active": False}, 'paid never acts: write "active": true'),
    ({"event": None}, "has no event"),
    ({"actions": None}, "is none: write a dict with actions, or a path"),
])
def test_what_would_come_to_nothing_is_refused(conductor, change, told):
    with pytest.raises(ValueError, match=told):
        conductor.run(ORDER, event_handlers=[{**PAID, **change}])
"""


def test_handlers_complete_and_start_in_process(empty_project):
    project = empty_project.test("events", HANDLERS + BOTH + OWN)
    handler = {
        "name": "paid",
        "event": "conductor:k1n_order:tell",
        "active": True,
        "actions": [
            {
                "action": "complete_task",
                "complete_task": {"workflowId": "${workflowInstanceId}", "taskRefName": "paid"},
            }
        ],
    }
    outcome = project.file("paid.json", json.dumps(handler)).run()
    assert outcome.counts == {"passed": 9}, outcome.text


def test_at_an_engine_s_url_each_acts_for_its_own_execution_and_is_removed(empty_project, engine_url):
    twice = BOTH + BOTH.replace("the_wait", "the_other_wait")
    outcome = empty_project.test("events", HANDLERS + twice).run(f"--k1n-server={engine_url}")
    assert outcome.counts == {"passed": 5}, outcome.text
    client = Conductor(transport_for(engine_url))
    assert client.event_handlers() == []
    client.close()


def test_http_replies_are_refused_where_a_server_sends_the_requests(empty_project, engine_url):
    source = """
import pytest

def test_it(conductor):
    with pytest.raises(ValueError, match="for the engine in this process; .* sends the requests of fetch itself"):
        conductor.run({"name": "shop", "tasks": []}, http={"fetch": {"body": 1}})
"""
    assert empty_project.test("replies", source).run(f"--k1n-server={engine_url}").counts == {"passed": 1}
