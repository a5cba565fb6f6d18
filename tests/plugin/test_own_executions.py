"""What the report of a failed test shows that has started its executions itself."""

import json
from pathlib import Path

from .conftest import simple, workflow

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


def test_the_replay_line_has_all_that_decides_how_a_test_comes_out(empty_project):
    options = ["--k1n-conductor=3.15.0", "--k1n-handlers=simulated", "--k1n-latency=off", "--k1n-unknown=warn"]
    outcome = empty_project.test("own", OWN).run(*options, "--k1n-sequential", "--k1n-keep=never")
    assert (
        f"replay    pytest --k1n-seed=0 {' '.join(options)} --k1n-sequential test_own.py::test_declined" in outcome.text
    )


def test_what_a_sub_workflow_waits_for_is_shown(empty_project):
    source = """
def task(ref, kind="SIMPLE", **more):
    return {"name": ref, "taskReferenceName": ref, "type": kind, **more}
KID = {"name": "kid", "version": 1, "tasks": [task("ask", "HUMAN")]}
SHOP = {"name": "shop", "version": 1, "tasks": [task("sub", "SUB_WORKFLOW", subWorkflowParam={"name": "kid"})]}

def test_it(conductor):
    execution = conductor.start(SHOP, children=KID)
    execution.advance("2h")
    assert execution.status == "COMPLETED"
"""
    text = empty_project.test("own", source).run().text
    assert "child     kid " in text
    assert "waited    ask: nobody answered it (HUMAN)" in text


def test_an_execution_and_the_child_that_the_test_has_judged_are_each_told_once(empty_project):
    source = """
from pytest_k1n import completed, failed

def task(ref, **more):
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE", **more}
REFUND = {"name": "refund", "version": 1, "tasks": [task("pay_back")]}
ORDER = {"name": "order", "version": 1, "tasks": [task("charge")], "failureWorkflow": "refund"}
ONCE = [{"name": each, "retryCount": 0, "ownerEmail": "k1n@example.com"} for each in ("charge", "pay_back")]

def test_it(conductor):
    def charge(task):
        raise RuntimeError("no gateway")
    def pay_back(task):
        raise RuntimeError("no account")
    handlers = {"charge": charge, "pay_back": pay_back}
    execution = conductor.run(ORDER, children=REFUND, handlers=handlers, task_definitions=ONCE)
    execution.expect(failed())
    execution.child("refund").expect(completed())
"""
    shown = empty_project.test("own", source).run().text.partition("k1n: the execution")[2]
    assert [shown.count(f"\nexecution {each} ") for each in ("order", "refund")] == [1, 1]
    assert shown.index("\nexecution refund ") < shown.index("\nexecution order "), "what was judged goes first"
    assert " FAILED, the failure workflow of order\n" in shown
    assert "\ngiven     pay_back had no input\n" in shown
    assert shown.count("failed    pay_back FAILED") == shown.count("failed    charge FAILED") == 1
    assert "\nchild " not in shown


def test_a_wait_of_a_hundred_years_is_told_without_our_frames(empty_project):
    source = """
WAIT = {"name": "till", "taskReferenceName": "till", "type": "WAIT",
        "inputParameters": {"until": "2999-01-01 00:00 GMT"}}

def test_it(conductor):
    conductor.run({"name": "shop", "version": 1, "tasks": [WAIT]})
"""
    text = empty_project.test("own", source).run().text
    assert "TimeoutError: shop has not ended: virtual time ran over" in text
    assert "pytest_k1n/" not in text.partition("k1n: the execution")[0]


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


NESTED_PLAN = """
schema = "k1n-plan/1"
definitions = ["workflows"]
[[batch]]
number = 1
[[batch.template]]
id = "01"
slug = "outer"
workflow = "OUTER"
estimates = { prepare = "3m", inner = "20m", finish = "2m" }
phase = [{ number = 1, name = "before", refs = ["prepare"] },
         { number = 2, name = "within", refs = ["inner"], band = ["18m", "22m"] },
         { number = 3, name = "after", refs = ["finish"] }]
"""
NESTED = """
import pytest
from pytest_k1n import barriers_hold, completed, on_estimate, phase_within, task_within

@pytest.mark.batch1
@pytest.mark.workflow("OUTER")
def test_in_a_batch(workflow_execution):
    workflow_execution.expect(completed(), barriers_hold(), phase_within(2), on_estimate(refs=["inner"]))

def test_on_its_own(conductor):
    execution = conductor.run("OUTER", takes={"inner": "20m", "i1": "15m"})
    execution.expect(completed(), task_within("inner", "19m", "21m"))
    execution.child("inner").expect(task_within("i1", "14m", "16m"), task_within("i2", "4m", "6m"))
"""


def test_a_sub_workflow_has_an_estimate_and_may_be_a_phase(empty_project):
    inner = {"name": "inner", "taskReferenceName": "inner", "type": "SUB_WORKFLOW",
             "subWorkflowParam": {"name": "INNER", "version": 1}}  # fmt: skip
    empty_project.plan(NESTED_PLAN).definition(workflow("INNER", simple("i1"), simple("i2")))
    empty_project.definition(workflow("OUTER", simple("prepare"), inner, simple("finish")))
    outcome = empty_project.test("nested", NESTED).run()
    assert outcome.counts == {"passed": 2}, outcome.text


LEFT = """
SHOP = {"name": "shop", "version": 1, "ownerEmail": "k1n@example.com", "timeoutPolicy": "TIME_OUT_WF",
        "tasks": [{"name": ref, "taskReferenceName": ref, "type": "SIMPLE"} for ref in ("charge", "ship")]}

def test_limited(conductor):
    conductor.start({**SHOP, "timeoutSeconds": 3600}).wait_for("ship")

def test_unlimited(conductor):
    conductor.start({**SHOP, "timeoutSeconds": 0}).wait_for("ship")
"""


def test_waiting_behind_a_task_that_no_worker_takes_names_it_and_says_how_to_have_it_done(empty_project):
    outcome = empty_project.test("left", LEFT).run()
    assert outcome.counts == {"failed": 2}
    for line in (
        "charge: no worker has polled in 60.0 min: virtual time went on to a time limit; do its work by complete(",
        "charge: no worker has polled yet; shop ship was not scheduled",
    ):
        assert line in outcome.text, line
    assert outcome.text.count('do its work by complete("charge"), or give handlers={"charge": ...}') >= 2


def test_a_number_is_no_duration_and_that_is_told_plainly(empty_project):
    source = """
def test_it(conductor):
    task = {"name": "ask", "taskReferenceName": "ask", "type": "HUMAN"}
    conductor.start({"name": "shop", "version": 1, "tasks": [task]}).advance(3600)
"""
    text = empty_project.test("own", source).run().text
    assert "ValueError: 3600 is not a duration: write a text with its unit, as in '30s'" in text
    assert "pytest_k1n/" not in text.partition("k1n: the execution")[0]
