"""The summary of a large batch: still one screen."""

import json

TEST = """
import pytest
from pytest_k1n import completed, within
pytestmark = [pytest.mark.batch1, pytest.mark.workflow("W{number}")]

def test_{number}(workflow_execution):
    workflow_execution.expect(completed(), within("1s", "{most}m"))
"""


def test_of_many_executions_those_that_did_not_pass_are_shown_and_the_rest_is_counted(pytester):
    plan = ['schema = "k1n-plan/1"', 'definitions = ["workflows"]', "[[batch]]", "number = 1"]
    (pytester.path / "workflows").mkdir()
    for number in range(15):
        plan += ["[[batch.template]]", f'id = "{number:03}"', f'slug = "w{number}"', f'workflow = "W{number}"']
        task = {"name": f"t{number}", "taskReferenceName": "t", "type": "SIMPLE"}
        workflow = {"name": f"W{number}", "version": 1, "ownerEmail": "a@example.com", "tasks": [task]}
        (pytester.path / "workflows" / f"w{number}.json").write_text(json.dumps(workflow))
        late = number == 14
        (pytester.path / f"test_{number}.py").write_text(TEST.format(number=number, most="0.5" if late else "9"))
    (pytester.path / "k1n.toml").write_text("\n".join(plan))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-q")
    rows = [line for line in result.outlines if line.startswith(("batch1  W", "        and ", "time "))]
    assert [row.split()[1] for row in rows[:12]] == [*(f"W{number}" for number in range(11)), "W14"]
    assert "FAIL" in rows[11]
    assert rows[12] == "        and 3 more: 3 PASS"
    assert sum(row.startswith("time ") for row in rows) == 12
