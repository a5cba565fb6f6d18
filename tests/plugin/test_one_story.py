"""A slow task, one out of order, a record that is missing, a machine that stood still: every output says the same."""

import json
import re
import xml.etree.ElementTree as ET

import pytest

from pytest_k1n.cli import main

TESTS = """
import pytest, pytest_k1n
from pytest_k1n import completed, in_order, on_estimate, not_scheduled
pytestmark = [pytest.mark.batch1, pytest.mark.workflow("STORY")]

def test_every_task_takes_its_estimate(workflow_execution):
    workflow_execution.expect(completed(), on_estimate())

def test_pack_comes_before_charge(workflow_execution):
    workflow_execution.expect(in_order("pack", "charge"))

def test_the_receipt_was_written(workflow_execution):
    workflow_execution.expect(in_order("pack", "receipt"))
"""
PLAN = """
schema = "k1n-plan/1"
definitions = ["workflows"]
task_definitions = ["tasks"]
[[batch]]
number = 1
[[batch.template]]
id = "01"
slug = "story"
workflow = "STORY"
band = ["1m", "40m"]
estimates = { charge = "6m", pack = "4m" }
"""
CAUSES = {"slower-than-estimate": "charge", "started-early": "charge", "not-run": "receipt"}


@pytest.fixture
def told(empty_project, monkeypatch):
    """Runs it once with every output; charge comes first and is half again as slow, the receipt is never written."""
    task = {"type": "SIMPLE", "inputParameters": {}}
    receipt = {**task, "name": "receipt", "taskReferenceName": "receipt"}
    choice = {"name": "with", "taskReferenceName": "with", "type": "SWITCH", "evaluatorType": "value-param",
              "expression": "on", "inputParameters": {"on": "no"}, "decisionCases": {"yes": [receipt]}}  # fmt: skip
    tasks = [{**task, "name": name, "taskReferenceName": name} for name in ("charge", "pack")]
    empty_project.plan(PLAN).test("story", TESTS).definition(
        {"name": "STORY", "version": 1, "schemaVersion": 2, "ownerEmail": "k1n@example.com", "timeoutSeconds": 0,
         "tasks": [*tasks, choice]}
    )  # fmt: skip
    folder = empty_project.pytester.path
    monkeypatch.chdir(folder)
    outcome = empty_project.run(
        "--k1n-fault=STORY/charge:slow=1.5", "--junitxml=junit.xml", "--k1n-html=r.html", "--k1n-report=r.sarif"
    )
    assert main(["report", "test-results", "-f", "github", "-o", "summary.md"]) == 0
    return outcome, folder


def test_every_output_tells_the_same_causes_and_the_same_verdict(told):
    outcome, folder = told
    document = json.loads((folder / "test-results" / "run.json").read_text())
    causes = {each["code"]: each["subject"] for each in document["findings"] if each["verdict"] == "fail"}
    assert causes.items() >= CAUSES.items(), causes
    assert (outcome.code, document["verdict"], document["run"]["exit_code"]) == (1, "fail", 1)

    terminal = outcome.text
    junit = (folder / "junit.xml").read_text()
    page = re.sub(r"<[^>]+>", "", (folder / "r.html").read_text())
    summary = (folder / "summary.md").read_text().replace("\\", "")
    for code in causes:
        for name, text in (("terminal", terminal), ("junit", junit), ("page", page), ("summary", summary)):
            assert code in text, f"{name} does not tell {code}"
    sarif = json.loads((folder / "r.sarif").read_text())
    results = sarif["runs"][0]["results"]
    assert {each["ruleId"] for each in results if each["level"] == "error"} == set(causes)


def test_the_results_file_has_the_findings_of_the_run(told):
    _, folder = told
    document = json.loads((folder / "test-results" / "run.json").read_text())
    (path,) = (folder / "test-results").glob("template-*-results.json")
    results = json.loads(path.read_text())
    fields = ("code", "subject", "observed", "margin", "verdict")
    found = [[tuple(each[name] for name in fields) for each in one["findings"]] for one in (document, results)]
    assert found[0] == found[1] != []


def test_junit_has_the_execution_of_every_test_and_the_finding_of_those_that_failed(told):
    _, folder = told
    document = json.loads((folder / "test-results" / "run.json").read_text())
    executions = {each["workflow"]["workflow_id"] for each in document["executions"]}
    cases = [each for each in ET.parse(folder / "junit.xml").iter("testcase") if each.get("classname") != "k1n"]
    for case in cases:
        properties = {each.attrib["name"]: each.attrib["value"] for each in case.iter("property")}
        assert properties["k1n_execution"] in executions
        failure = case.find("failure")
        told_by = None if failure is None else properties["k1n_finding"]
        assert failure is None or failure.attrib["message"].startswith(told_by)


def test_the_quality_line_names_the_gates_that_did_not_pass(told):
    outcome, folder = told
    (batch,) = json.loads((folder / "test-results" / "run.json").read_text())["batches"]
    missed = [each["id"] for each in batch["quality"]["categories"] if each["verdict"] in ("fail", "unknown")]
    (line,) = [each for each in outcome.text.splitlines() if each.startswith("quality  batch1: ")]
    assert re.findall(r"\((G\d+)\)", line) == missed != []


def test_every_output_counts_the_same_failed_tests(told):
    outcome, folder = told
    document = json.loads((folder / "test-results" / "run.json").read_text())
    failed = sorted(each["node_id"].rpartition("::")[2] for each in document["tests"] if each["outcome"] == "failed")
    cases = ET.parse(folder / "junit.xml").iter("testcase")
    assert sorted(case.attrib["name"] for case in cases if case.find("failure") is not None) == failed
    assert outcome.counts["failed"] == len(failed) == 3


def test_a_stall_of_the_machine_is_told_by_every_output(told):
    """The stall is written into the run's document, as a meter would: no test can make a machine stand still on cue."""
    _, folder = told
    path = folder / "test-results" / "run.json"
    document = json.loads(path.read_text())
    since = document["executions"][0]["raw_started_ms"]
    document["weather"] = {"latency": "weather", "since_ms": since, "until_ms": since + 60_000, "checks": 9,
                           "host": [[since + 100, since + 1_350]], "server": [], "not_measurable": 2}  # fmt: skip
    path.write_text(json.dumps(document))
    for form in ("html", "md", "github"):
        assert main(["report", "test-results", "-f", form, "-o", f"stall.{form}"]) == 0
        text = re.sub(r"<[^>]+>", "", (folder / f"stall.{form}").read_text())
        assert "host stood still 1.25 s of 1.0 min" in text, form
        assert "2 of 9 latency checks not measurable" in text, form
