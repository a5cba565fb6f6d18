"""The verdict of a run: its exit code and every report say the same, also where no test failed."""

import json
import xml.etree.ElementTree as ET


def test_a_run_that_only_its_plan_fails_is_failed_in_every_report(project):
    plan = (project.pytester.path / "k1n.toml").read_text()
    project.plan(plan.replace('band = ["5m", "8m"]', 'band = ["1m", "2m"]'))
    outcome = project.run("--junitxml=junit.xml", "--k1n-report=r.md", "--k1n-html=r.html")
    assert (outcome.code, outcome.counts) == (1, {"passed": 3})
    folder = project.pytester.path
    document = json.loads((folder / "test-results" / "run.json").read_text())
    assert (document["verdict"], document["run"]["exit_code"]) == ("fail", 1)
    assert [each["verdict"] for each in document["batches"]] == ["fail", "pass"]
    assert (folder / "r.md").read_text().splitlines()[0].endswith("Conductor: fail")
    suite = ET.parse(folder / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("4", "1")
    [failure] = suite.iter("failure")
    assert "no test asks for it, the plan does" in failure.get("message")


def test_a_run_that_cannot_write_a_report_says_so_in_its_document(project):
    (project.pytester.path / "r.md").mkdir()
    outcome = project.run("--k1n-report=r.md")
    document = json.loads((project.pytester.path / "test-results" / "run.json").read_text())
    assert (outcome.code, document["verdict"], document["run"]["exit_code"]) == (1, "fail", 1)


def test_a_blocking_gate_that_is_unknown_is_no_pass_in_any_report(project):
    """Phase 2 waits for a task that never runs, because the plan gives it a ref of a branch that is not taken."""
    task = {"type": "SIMPLE", "inputParameters": {}}
    other = {**task, "name": "other", "taskReferenceName": "other"}
    choice = {"name": "with", "taskReferenceName": "with", "type": "SWITCH", "evaluatorType": "value-param",
              "expression": "on", "inputParameters": {"on": "no"}, "decisionCases": {"yes": [other]}}  # fmt: skip
    project.definition(
        {"name": "FIRST", "version": 1, "schemaVersion": 2, "ownerEmail": "k1n@example.com", "timeoutSeconds": 0,
         "tasks": [{**task, "name": "one", "taskReferenceName": "one"}, choice]}
    )  # fmt: skip
    plan = (project.pytester.path / "k1n.toml").read_text()
    phases = 'phase = [{number = 1, name = "x", refs = ["one"]}, {number = 2, name = "y", refs = ["other"]}]'
    project.plan(plan.replace('estimates = { one = "6m" }', f'estimates = {{ one = "6m", other = "1m" }}\n{phases}'))
    outcome = project.run("-m", "batch1", "--junitxml=junit.xml")
    document = json.loads((project.pytester.path / "test-results" / "run.json").read_text())
    suite = ET.parse(project.pytester.path / "junit.xml").getroot()[0]
    assert (outcome.code, outcome.counts["passed"], suite.get("failures")) == (1, 1, "1")
    assert document["verdict"] == document["batches"][0]["verdict"] != "pass"


def test_a_run_whose_tests_are_all_blocked_is_not_green_to_a_ci_that_counts_skipped_ones_as_fine(project):
    outcome = project.run("-m", "batch2", "--k1n-gate=require", "--junitxml=junit.xml")
    suite = ET.parse(project.pytester.path / "junit.xml").getroot()[0]
    assert (outcome.code, outcome.counts, suite.get("failures")) == (1, {"blocked": 2, "deselected": 1}, "1")
    document = json.loads((project.pytester.path / "test-results" / "run.json").read_text())
    assert document["verdict"] == "blocked"


def test_the_case_in_the_junit_file_is_there_once_with_xdist(project):
    plan = (project.pytester.path / "k1n.toml").read_text()
    project.plan(plan.replace('band = ["5m", "8m"]', 'band = ["1m", "2m"]'))
    project.run("-n", "2", "--junitxml=junit.xml")
    suite = ET.parse(project.pytester.path / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("4", "1")
