"""What a run shows while it goes on, and the one screen at its end."""

import re

import pytest

REPEATED = """
import pytest
from pytest_k1n import completed

pytestmark = [pytest.mark.batch2, pytest.mark.workflow("CHAIN")]

@pytest.mark.workflow("CHAIN", in_a_row=2)
def test_again(workflow_executions):
    for execution in workflow_executions:
        execution.expect(completed())
"""


def progress(outcome):
    """The lines about executions, in the order in which they were printed."""
    return re.findall(r"^  k1n (\S+(?: #\d)?) at ([\d.]+ \w+): (.*)$", outcome.text, re.MULTILINE)


def test_what_happened_is_told_in_the_order_in_which_it_did(project):
    plan = (project.pytester.path / "k1n.toml").read_text()
    project.plan(plan.replace('band = ["8m", "14m"]', 'band = ["8m", "14m"]\ncheckpoint_every = "4m"'))
    told = progress(project.run("-m", "batch2"))
    assert [what.partition(",")[0] for _, _, what in told] == [
        "0 done", "phase 1 (begin) ended", "1 done", "phase 2 (end) ended", "COMPLETED",
    ]  # fmt: skip
    assert [at for _, at, _ in told] == ["4.0 min", "5.0 min", "8.0 min", "11.0 min", "11.0 min"]


def test_a_repetition_is_worth_a_line_and_a_word_at_the_end(project):
    outcome = project.test("repeated", REPEATED).run("-m", "batch2")
    assert [(who, what) for who, _, what in progress(outcome) if "#" in who] == [
        ("CHAIN #1", "COMPLETED"), ("CHAIN #2", "COMPLETED"),
    ]  # fmt: skip
    (row,) = re.findall(r"^batch2  CHAIN .*$", outcome.text, re.MULTILINE)
    assert row == "batch2  CHAIN  8-14 min  11.0 min  PASS  simulated work, 2 more took 11.0 min"


def test_files_are_named_as_seen_from_where_pytest_was_called(project):
    outcome = project.run("-m", "batch1", "--k1n-keep=always")
    assert "files    test-results/ template-01-first-results.json" in outcome.text
    assert "evidence test-results/runs/" in outcome.text


def test_the_summary_follows_its_heading_at_once(project):
    lines = project.run("-m", "batch1").result.stdout.lines
    heading = next(number for number, line in enumerate(lines) if "k1n: workflows on Conductor" in line)
    assert lines[heading + 1].startswith("server ")


WAITS = """
import pytest
from pytest_k1n.run.run import RUN

def test_waits(conductor, request):
    request.config.stash[RUN].progress.interrupt("test_waits waits for the end of w since 31 s")
    print("captured")
"""


def test_what_a_test_waits_for_gets_past_its_capture(project):
    outcome = project.test("waits", WAITS).run("-q", "test_waits.py")
    assert "  k1n test_waits waits for the end of w since 31 s" in outcome.text
    assert "captured" not in outcome.text


def test_a_long_batch_says_now_and_then_how_it_stands_with_q(project, monkeypatch):
    monkeypatch.setattr("pytest_k1n.run.progress.QUIET_S", 0.0)
    shown = progress(project.run("-q", "-m", "batch2"))
    assert shown
    assert progress(project.run("-qq", "-m", "batch2")) == []


OWN = """
import pytest

WORKFLOW = {"name": "w", "version": 1, "tasks": [{"name": "a", "taskReferenceName": "a", "type": "SIMPLE"}]}

def test_passes(conductor):
    assert conductor.run(WORKFLOW).status == "COMPLETED"

def test_fails(conductor):
    assert conductor.run(WORKFLOW).status == "FAILED"

@pytest.mark.skip
def test_skipped(conductor):
    pass

def test_plain():
    pass
"""
WHERE = "k1n: server embedded engine, not a Conductor server "


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-q", "-k", "passes"], True),
        (["-q", "-k", "fails"], True),
        (["-qq", "-k", "passes"], False),
        (["-qq", "-k", "fails"], True),
        (["-q", "-k", "skipped"], False),
        (["-q", "-k", "plain"], False),
        (["-k", "passes"], False),
    ],
)
def test_a_quiet_run_says_at_its_end_what_its_tests_ran_on(project, arguments, says):
    text = project.test("own", OWN).run("test_own.py", *arguments).text
    assert text.count(WHERE) == says
    assert text.count("virtual time, seed 0, run ") == says or "-q" not in arguments
