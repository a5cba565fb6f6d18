"""Reports of a whole run, time limits derived from the plan."""

import json

from pytest_k1n.cli import main
from pytest_k1n.validation.schema import validate

ESTIMATED = """
import pytest
from pytest_k1n import on_estimate
pytestmark = [pytest.mark.batch1, pytest.mark.workflow("FIRST")]

def test_it_takes_as_long_as_estimated(workflow_execution):
    workflow_execution.expect(on_estimate())

def test_and_so_it_does_again(workflow_execution):
    workflow_execution.expect(on_estimate())
"""

LIMITED = """
import pytest
pytestmark = [pytest.mark.batch1, pytest.mark.workflow("FIRST")]

def test_derived(workflow_execution, request):
    assert request.node.get_closest_marker("timeout").args[0] >= 30

@pytest.mark.timeout(7)
def test_own(workflow_execution, request):
    assert request.node.get_closest_marker("timeout").args == (7,)
"""


def test_a_json_report_is_the_runs_document_and_is_valid(gated_project):
    assert gated_project.run("--k1n-report=out/run.json").code == 0
    document = json.loads((gated_project.pytester.path / "out" / "run.json").read_text())
    assert validate(document, "run") == []
    assert [each["title"] for each in document["executions"]] == ["FIRST", "CHAIN"]
    assert [batch["name"] for batch in document["batches"] if batch["quality"]] == ["batch1", "batch2"]
    assert document == json.loads((gated_project.pytester.path / "test-results" / "run.json").read_text())


def test_a_cause_that_a_test_and_a_gate_notice_is_told_once(gated_project):
    gated_project.test("one", ESTIMATED).run("--k1n-fault=FIRST/one:slow=2")
    document = json.loads((gated_project.pytester.path / "test-results" / "run.json").read_text())
    (cause,) = [each for each in document["findings"] if each["subject"] == "one"]
    assert (cause["code"], cause["gates"], document["verdict"]) == ("slower-than-estimate", ["G6"], "fail")
    assert len(cause["tests"]) == 2
    assert [batch["verdict"] for batch in document["batches"]] == ["fail", "blocked"]


def test_a_kept_run_holds_its_document(project):
    project.run("--k1n-keep=always")
    (kept,) = (project.pytester.path / "test-results" / "runs").glob("*/run.json")
    assert kept.read_text() == (project.pytester.path / "test-results" / "run.json").read_text()


BESIDE = """
import json
import pytest
pytestmark = [pytest.mark.batch1, pytest.mark.workflow("FIRST")]

def test_while_another_run_writes(workflow_execution, pytestconfig):
    path = pytestconfig.rootpath / "test-results" / "run.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"run": {"uid": "0badcafe"}}))
"""


def test_a_run_says_that_it_replaced_what_another_one_wrote_beside_it(gated_project):
    outcome = gated_project.test("one", BESIDE).run()
    line = next(line for line in outcome.text.splitlines() if line.startswith("replaced "))
    assert "run 0badcafe wrote into the same folder while this one ran" in line
    assert line.endswith("give each run a --k1n-results of its own")


def test_a_run_says_nothing_of_the_one_before_it(project):
    project.run()
    assert "\nreplaced" not in project.run().text


def test_a_document_that_was_changed_against_itself_is_not_valid(gated_project, capsys):
    gated_project.test("one", ESTIMATED).run("--k1n-fault=FIRST/one:slow=2")
    folder = gated_project.pytester.path / "test-results"
    for path in (folder / "run.json", folder / "template-01-first-results.json"):
        assert main(["validate", str(path)]) == 0
        document = {**json.loads(path.read_text()), "verdict": "pass"}
        if "gates" in document:
            document["gates"]["verdict"] = "fail"
        path.write_text(json.dumps(document))
        capsys.readouterr()
        assert main(["validate", str(path)]) == 1
        assert "$.verdict: pass, and " in capsys.readouterr().out


def test_a_report_that_cannot_be_written_fails_the_run_in_one_line(project):
    project.file("taken", "a file, not a folder")
    outcome = project.run("--k1n-report=taken/run.md")
    assert outcome.code == 1
    assert "taken/run.md could not be written" in outcome.text
    assert "Traceback" not in outcome.text


def test_a_markdown_report_shows_findings(project):
    project.run("--k1n-report=run.md", "--k1n-fault=FIRST/one:terminal=a|b")
    text = (project.pytester.path / "run.md").read_text()
    assert "| batch1 | FIRST | fail |" in text
    assert "task-failed" in text
    assert "a\\|b" in text


def test_a_report_of_another_kind_is_refused(project):
    outcome = project.run("--k1n-report=run.pdf")
    assert outcome.code == 4
    assert "a report's name ends in one of .json" in outcome.text


def test_tests_of_the_plan_get_a_time_limit_unless_they_have_one(project):
    assert project.test("first", LIMITED).run("-m", "batch1").counts == {"passed": 2, "deselected": 2}


TAKES_THE_FOLDER_AWAY = """
import contextlib
import pathlib
import shutil

def pytest_runtest_teardown(item):
    if "first" in item.name:
        while not pathlib.Path("test-results").is_file():  # the run's own thread may write into it meanwhile
            shutil.rmtree("test-results", ignore_errors=True)
            with contextlib.suppress(IsADirectoryError):
                pathlib.Path("test-results").write_text("a file")
"""


def test_a_results_folder_that_is_gone_at_the_end_is_a_red_line_and_no_traceback(project, monkeypatch):
    (project.pytester.path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(project.pytester.path / "tmp"))
    (project.pytester.path / "conftest.py").write_text(TAKES_THE_FOLDER_AWAY)
    outcome = project.spawn("-q", "-m", "batch1")
    assert outcome.code == 1
    assert "test-results" in outcome.text
    assert "could not be written" in outcome.text
    assert "the evidence could not be kept in" in outcome.text
    assert "Traceback" not in outcome.text


def test_evidence_that_cannot_be_kept_fails_the_run(project, monkeypatch):
    (project.pytester.path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(project.pytester.path / "tmp"))
    (project.pytester.path / "test-results").mkdir()
    (project.pytester.path / "test-results" / "runs").write_text("a file")
    assert project.spawn("-q", "-m", "batch1").code == 0
    outcome = project.spawn("-q", "-m", "batch1", "--k1n-keep=always")
    assert outcome.code == 1
    assert "the evidence could not be kept in" in outcome.text


ASSERTING = """
import pytest

WORKFLOW = {"name": "w", "version": 1, "tasks": [{"name": "a", "taskReferenceName": "a", "type": "SIMPLE"}]}

def test_own(conductor):
    assert conductor.run(WORKFLOW).status == "PAID"

def test_sound(conductor):
    conductor.run(WORKFLOW)

@pytest.mark.batch1
@pytest.mark.workflow("FIRST")
def test_of_the_plan(workflow_execution):
    assert workflow_execution.status == "SENT"
"""


def test_the_row_of_an_execution_whose_test_failed_says_why(project):
    outcome = project.test("first", ASSERTING).run("--k1n-report=run.md", "--k1n-keep=always", "test_first.py")
    assert "why      FIRST: A test of it failed: assert 'COMPLETED' == 'SENT'." in outcome.text
    rows = [line for line in (project.pytester.path / "run.md").read_text().splitlines() if line.startswith("|")]
    (own,) = [row for row in rows if "test_own: w" in row]
    (planned,) = [row for row in rows if "| FIRST |" in row]
    (sound,) = [row for row in rows if "test_sound: w" in row]
    assert "A test of it failed: assert 'COMPLETED' == 'PAID'." in own
    assert "A test of it failed: assert 'COMPLETED' == 'SENT'." in planned
    assert "Took 1.0 min" in sound
