"""Reports of a whole run, time limits derived from the plan."""

import json

LIMITED = """
import pytest
pytestmark = [pytest.mark.batch1, pytest.mark.workflow("FIRST")]

def test_derived(workflow_execution, request):
    assert request.node.get_closest_marker("timeout").args[0] >= 30

@pytest.mark.timeout(7)
def test_own(workflow_execution, request):
    assert request.node.get_closest_marker("timeout").args == (7,)
"""


def test_a_json_report_holds_every_result_and_the_gates(gated_project):
    assert gated_project.run("--k1n-report=out/run.json").code == 0
    report = json.loads((gated_project.pytester.path / "out" / "run.json").read_text())
    assert [each["workflow"]["name"] for each in report["results"]] == ["FIRST", "CHAIN"]
    assert set(report["quality"]) == {"batch1", "batch2"}


def test_a_markdown_report_shows_findings(project):
    project.run("--k1n-report=run.md", "--k1n-fault=FIRST/one:terminal=a|b")
    text = (project.pytester.path / "run.md").read_text()
    assert "| batch1 | FIRST | fail |" in text
    assert "task-failed" in text
    assert "a\\|b" in text


def test_a_report_of_another_kind_is_refused(project):
    outcome = project.run("--k1n-report=run.pdf")
    assert outcome.code == 4
    assert "ends in .json or .md" in outcome.text


def test_tests_of_the_plan_get_a_time_limit_unless_they_have_one(project):
    assert project.test("first", LIMITED).run("-m", "batch1").counts == {"passed": 2, "deselected": 2}
