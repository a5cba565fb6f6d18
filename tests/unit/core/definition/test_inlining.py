"""What an execution carries along, so that a server needs to know nothing of it."""

import pytest

from pytest_k1n.core.definition.inlining import with_task_definitions


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
