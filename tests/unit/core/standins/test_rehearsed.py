"""What a dry run does not do: work that would reach beyond this machine."""

import pytest

from pytest_k1n.core.standins.rehearsed import rehearsed
from pytest_k1n.core.words import INTEGRATION_TASK_TYPES, ORKES_TASK_TYPES


def rehearsal(kind):
    task = {"name": "t", "taskReferenceName": "t", "type": kind, "inputParameters": {}}
    return rehearsed({"name": "w", "version": 1, "tasks": [task]}, [])


@pytest.mark.parametrize("kind", sorted({"KAFKA_PUBLISH", "JDBC"} | INTEGRATION_TASK_TYPES | ORKES_TASK_TYPES))
def test_a_task_of_a_service_is_simulated_and_listed(kind):
    copy, found = rehearsal(kind)
    assert [(each.ref, each.kind, each.what) for each in found] == [("t", kind, "a service outside")]
    assert [task["type"] for task in copy["tasks"]] == ["SIMPLE"]


@pytest.mark.parametrize("kind", ["SIMPLE", "my_own_type", "JSON_JQ_TRANSFORM", "WAIT", "HUMAN"])
def test_what_stays_on_this_machine_is_left_as_it_is(kind):
    copy, found = rehearsal(kind)
    assert found == []
    assert [task["type"] for task in copy["tasks"]] == [kind]
