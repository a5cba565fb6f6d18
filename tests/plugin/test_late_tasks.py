"""A batch's tasks are served whenever they come to exist, as those of a test's own execution are."""

from .conftest import simple, workflow

PLAN = """
schema = "k1n-plan/1"
definitions = ["workflows"]

[[batch]]
number = 1
[[batch.template]]
id = "01"
slug = "late"
workflow = "LATE"
input = { kind = "nobody_has_named_me" }
"""

TEST = """
import pytest
from pytest_k1n import completed

@pytest.mark.batch1
@pytest.mark.workflow("LATE")
def test_late(workflow_execution):
    workflow_execution.expect(completed())
"""


def test_a_task_that_only_the_running_execution_names_is_worked_on(empty_project):
    late = {**simple("late"), "type": "DYNAMIC", "dynamicTaskNameParam": "kind"}
    late["inputParameters"] = {"kind": "${workflow.input.kind}"}
    outcome = empty_project.plan(PLAN).definition(
        workflow("LATE", late, timeoutSeconds=3600, timeoutPolicy="TIME_OUT_WF")
    )
    assert outcome.test("late", TEST).run().counts == {"passed": 1}
