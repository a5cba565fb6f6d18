"""What an execution carries along, so that a server needs to know nothing of it."""

import pytest

from pytest_k1n.core.definition.inlining import with_children, with_task_definitions


def carried(kind, *definitions):
    task = {"name": "ask", "taskReferenceName": "a", "type": kind}
    return with_task_definitions({"name": "wf", "tasks": [task]}, definitions)["tasks"][0].get("taskDefinition")


@pytest.mark.parametrize("kind", ["SIMPLE", "HUMAN", "WAIT", "HTTP", "DO_WHILE", "JOIN", "SUB_WORKFLOW"])
def test_the_time_limits_and_retries_of_every_kind_of_task_come_along(kind):
    rules = {"name": "ask", "timeoutSeconds": 3, "retryCount": 1}
    assert carried(kind, {"name": "other"}, rules) == rules


def test_only_work_of_workers_is_given_rules_that_nobody_wrote():
    assert carried("HUMAN", {"name": "other"}) is None
    assert carried("SIMPLE")["retryCount"] == 0


@pytest.mark.parametrize(("inputs", "is_carried"), [({"fixed": 3}, True), ({"c": "${norm.output.result}"}, False)])
def test_what_a_start_workflow_starts_is_carried_only_where_the_server_cannot_misread_it(inputs, is_carried):
    # In the inputParameters of its starter every ${...} of the child would be the starter's: refused, or a wrong value.
    child = {
        "name": "tell",
        "version": 1,
        "tasks": [{"name": "t", "taskReferenceName": "t", "inputParameters": inputs}],
    }
    request = {"startWorkflow": {"name": "tell"}}
    starter = {"name": "s", "taskReferenceName": "s", "type": "START_WORKFLOW", "inputParameters": request}
    [task] = with_children({"name": "wf", "tasks": [starter]}, [child])["tasks"]
    assert ("workflowDef" in task["inputParameters"]["startWorkflow"]) is is_carried
