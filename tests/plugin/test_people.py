"""Workflows with people in them: who answers, in tests of one's own and in batches, whatever the server."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from .conftest import simple, workflow

LONG = {"name": "ask", "ownerEmail": "x@example.com", "retryCount": 0, "timeoutSeconds": 0,
        "responseTimeoutSeconds": 2592000}  # fmt: skip
HUMAN = {"name": "ask", "taskReferenceName": "approve", "type": "HUMAN", "taskDefinition": LONG}
WAIT = {"name": "go", "taskReferenceName": "go", "type": "WAIT"}
ANSWERED = workflow("ANSWERED", simple("first"), WAIT, HUMAN, simple("last"))

OWN = f"""
import pytest
from pytest_k1n import answered_by, completed, failed, in_order, never, waited

FLOW = {ANSWERED!r}
ANN = {{"approve": {{"after": "2h", "output": {{"by": "ann"}}}}, "go": {{"after": "30m"}}}}

def test_people_answer(conductor):
    conductor.run(FLOW, answers=ANN).expect(
        completed(), waited("approve", least="119m", within="125m"), waited("go", least="29m", within="33m"),
        answered_by("approve", "ann"), never(answered_by("approve", "bob"), because="he is on holiday"))

def test_a_no(conductor):
    no = {{"status": "FAILED", "output": {{"by": "bob"}}}}
    conductor.run(FLOW, answers={{**ANN, "approve": no}}).expect(failed())

def test_signals_by_ref(conductor):
    execution = conductor.start(FLOW, handlers={{"first": lambda task: None}})
    execution.wait_for("go")
    assert execution.waiting("go") and not execution.waiting("approve")
    execution.signal("go", {{"x": 1}})
    execution.signal("approve", {{"by": "ann"}})
    with pytest.raises(LookupError, match="approve is not open"):
        execution.signal("approve")
    execution.complete("last")
    execution.expect(completed(), answered_by("approve", "ann"), in_order("go", "approve"))

def test_a_misspelt_ref_is_told_at_once(conductor):
    execution = conductor.start(FLOW)
    for wait in (execution.signal, execution.complete, execution.wait_for):
        with pytest.raises(LookupError, match="aprove cannot come in .*did you mean approve"):
            wait("aprove")

@pytest.mark.virtual
def test_answers_come_while_time_advances(conductor):
    execution = conductor.start(FLOW, answers=ANN)
    execution.complete("first")
    execution.advance("20m")
    assert execution.waiting("go")
    execution.advance("11m")
    assert execution.waiting("approve") and not execution.waiting("go")
    execution.advance("2h")
    assert execution.waiting("last")
"""

PLAN = """
schema = "k1n-plan/1"
definitions = ["workflows"]
[[batch]]
number = 1
[[batch.template]]
id = "01"
slug = "answered"
workflow = "ANSWERED"
band = ["2h", "4h"]
estimates = { first = "10m", last = "20m" }
answers = { approve = { after = "2h", output = { by = "ann" } }, go = { after = "30m" } }
"""
BATCH = """
import pytest
from pytest_k1n import answered_by, completed, waited, within
pytestmark = [pytest.mark.batch1, pytest.mark.workflow("ANSWERED")]

def test_it(workflow_execution):
    workflow_execution.expect(
        completed(), within("179m", "182m"), waited("approve", least="119m", within="121m"),
        answered_by("approve", "ann"))
"""


@pytest.fixture(params=["virtual", "real"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    command = [sys.executable, "-m", "pytest_k1n.engine.serving.serve", "--clock", request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+:\d+", process.stdout.readline())
        assert found
        yield found[0]
        process.terminate()


def test_people_answer_signal_and_wait_in_process(empty_project):
    assert empty_project.test("people", OWN).run().counts == {"passed": 5}


def test_people_answer_signal_and_wait_at_a_url(empty_project, url):
    outcome = empty_project.test("people", OWN).run(f"--k1n-server={url}", "--k1n-speed=6000", "-rs")
    counts = outcome.counts
    assert counts.pop("skipped", 0) == ("virtual time," not in outcome.text and "marked virtual" in outcome.text)
    assert counts in ({"passed": 5}, {"passed": 4}), outcome.text


def test_a_batch_with_people_is_run_as_its_plan_says(empty_project, url):
    empty_project.plan(PLAN).definition(ANSWERED).test("batch", BATCH)
    assert empty_project.run().counts == {"passed": 1}
    scaled = ["--k1n-time=scaled", "--k1n-speed=6000"]
    virtual = empty_project.run(f"--k1n-server={url}", *scaled)
    if "needs a real clock" in virtual.text:
        virtual = empty_project.run(f"--k1n-server={url}")
    assert virtual.counts == {"passed": 1}, virtual.text


def test_people_are_asked_in_sub_workflows_of_a_batch_too(empty_project, url):
    asking = workflow("ASKING", HUMAN)
    child = {"name": "sub", "taskReferenceName": "sub", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "ASKING"}}
    outer = workflow("ANSWERED", simple("first"), child, simple("last"))
    plan = re.sub(r"answers = .*", 'answers = { approve = { after = "2h" } }', PLAN)
    source = (
        BATCH[: BATCH.index("def test_it")]
        + "def test_it(workflow_execution):\n    workflow_execution.expect(completed())\n"
    )
    empty_project.plan(plan).definition(asking).definition(outer).test("batch", source)
    assert empty_project.run().counts == {"passed": 1}
    scaled = empty_project.run(f"--k1n-server={url}", "--k1n-time=scaled", "--k1n-speed=6000")
    if "needs a real clock" in scaled.text:
        scaled = empty_project.run(f"--k1n-server={url}")
    assert scaled.counts == {"passed": 1}, scaled.text


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("{ aprove = { after = '2h' } }", "answers: ANSWERED has no ref 'aprove': did you mean \"approve\"?"),
        ("{ approve = { aftr = '2h' } }", 'answers.approve.aftr: unknown key: did you mean "after"?'),
        ("{ approve = { status = 'MAYBE' } }", "answers.approve.status: is 'MAYBE': write one of COMPLETED"),
    ],
)
def test_an_answer_that_is_none_is_refused(empty_project, answer, says):
    plan = re.sub(r"answers = .*", f"answers = {answer}", PLAN)
    outcome = empty_project.plan(plan).definition(ANSWERED).test("batch", BATCH).run()
    assert outcome.code == 4
    assert says in outcome.text


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ('{"aprove": {}}', "'aprove' (near: approve)"),
        ('{"first": {"after": "1h"}}', "answers: first asks nobody: it is a SIMPLE task; give it a handler"),
        ('{"approve": {"ouput": {}}}', "answers: approve: unknown key 'ouput'; known: after, output, status"),
        ('{"approve": "2h"}', 'answers: approve: write {"after": "2h", "output": {...}}'),
    ],
)
def test_an_answer_of_a_test_that_is_none_is_refused(empty_project, answers, says):
    source = (
        OWN[: OWN.index("def test_people")] + f"def test_it(conductor):\n    conductor.run(FLOW, answers={answers})\n"
    )
    assert says in empty_project.test("own", source).run().text
