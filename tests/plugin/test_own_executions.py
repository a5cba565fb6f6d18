"""What the report of a failed test shows that has started its executions itself."""

import json
from pathlib import Path

OWN = """
from pytest_k1n import completed

def task(ref):
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE"}

SHOP = {"name": "shop", "version": 1, "ownerEmail": "k1n@example.com", "tasks": [task("charge"), task("ship")]}

def no_gateway(task):
    task.log("about to charge")
    raise RuntimeError("no gateway")

def test_declined(conductor):
    conductor.run(SHOP, handlers={"charge": no_gateway}).expect(completed())
"""


def test_a_failed_test_shows_picture_reason_traceback_and_how_to_repeat_it(empty_project):
    outcome = empty_project.test("own", OWN).run("--k1n-seed=3", "--k1n-time=virtual")
    assert outcome.counts == {"failed": 1}
    for line in (
        "- k1n: the execution -",
        "failed    charge FAILED: RuntimeError: no gateway",
        "unreached ship",
        "log       about to charge",
        'test_own.py", line',
        "replay    pytest --k1n-seed=3 --k1n-time=virtual test_own.py::test_declined",
    ):
        assert line in outcome.text, line


def test_the_replay_line_repeats_the_failure(empty_project):
    first = empty_project.test("own", OWN).run("--k1n-seed=3")
    (line,) = (each for each in first.text.splitlines() if each.startswith("replay"))
    again = empty_project.run(*line.removeprefix("replay    pytest ").split())
    assert again.counts == {"failed": 1}
    assert "no gateway" in again.text


def test_a_report_that_is_asked_for_is_written_without_any_batch(empty_project):
    outcome = empty_project.test("own", OWN).run("--k1n-html=page.html")
    assert "no gateway" in (outcome.folder / "page.html").read_text()


def test_an_expectation_without_its_brackets_is_refused(empty_project):
    outcome = empty_project.test("own", OWN.replace("completed())", "completed)")).run()
    assert "write expect(completed(…)), with its brackets" in outcome.text


def test_a_misspelt_key_of_takes_is_told_with_the_nearest(empty_project):
    source = OWN.replace('handlers={"charge": no_gateway}', 'takes={"chrage": "3m"}')
    assert "'chrage' (near: charge)" in empty_project.test("own", source).run().text


MISTAKES = """
from pytest_k1n import failed

def task(ref):
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE"}

ASK = {"name": "ask", "taskReferenceName": "approve", "type": "HUMAN"}
SHOP = {"name": "shop", "version": 1, "ownerEmail": "k1n@example.com", "tasks": [task("charge"), ASK, task("ship")]}

def test_missing(conductor):
    conductor.run("nope")

def test_nobody_answers(conductor):
    conductor.run(SHOP)

def test_no_json(conductor):
    conductor.run(SHOP, input={"at": object()})

def test_no_child(conductor):
    conductor.start(SHOP).child("nope")

def test_a_person_says_why_not(conductor):
    execution = conductor.start(SHOP)
    execution.complete("charge")
    execution.fail("approve", "too expensive")
    execution.expect(failed(reason="too expensive"))
"""


def test_mistakes_are_told_at_the_line_of_the_test_and_in_the_summary(empty_project):
    outcome = empty_project.test("mistakes", MISTAKES).run()
    assert outcome.counts == {"failed": 4, "passed": 1}
    assert "/fixtures/" not in outcome.text, outcome.text
    for line in (
        "test_missing - no workflow definition nope",
        "test_nobody_answers - TimeoutError: approve: no person has answered it",
        "test_no_json - the input is not JSON",
        "test_no_child - LookupError: no execution of 'nope'",
    ):
        assert f"FAILED test_mistakes.py::{line}"[:75] in outcome.text, line


def test_what_a_failed_test_has_started_is_kept_and_part_of_the_runs_document(empty_project):
    outcome = empty_project.test("own", OWN).run()
    document = json.loads((outcome.folder / "test-results" / "run.json").read_text())
    (execution,) = document["executions"]
    assert (execution["title"], execution["role"], execution["verdict"]) == ("test_declined: shop", "own", "fail")
    (line,) = (each for each in outcome.text.splitlines() if each.startswith("saved"))
    saved = json.loads(Path(line.removeprefix("saved").strip()).read_text())
    assert saved["workflowId"] == execution["workflow"]["workflow_id"]
    assert saved["tasks"][0]["reasonForIncompletion"] == "RuntimeError: no gateway"
