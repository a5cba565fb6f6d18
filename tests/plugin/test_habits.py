"""pytest's own habits and neighbours: reruns, the debugger, -x, --lf, --ff, --sw."""

import json
import re
import tempfile
from pathlib import Path

import pytest

FLAKY = """
import pytest
from pytest_k1n import completed
pytestmark = [pytest.mark.batch1, pytest.mark.workflow("FIRST")]
seen = []

@pytest.mark.flaky(reruns=2)
def test_flaky(workflow_execution):
    workflow_execution.expect(completed())
    seen.append(workflow_execution.workflow_id)
    assert len(set(seen)) == 3

def test_steady(workflow_execution):
    workflow_execution.expect(completed())
"""
FAIL_FIRST = "--k1n-fault=FIRST/one:terminal=disk full"


def executions(project):
    """The executions of the run that was kept, by workflow, in the order of their start."""
    (run,) = (project.pytester.path / "test-results" / "runs").iterdir()
    state = json.loads((run / "state.json").read_text())
    kept = {path.stem for path in (run / "executions").iterdir()}
    assert {each["workflow_id"] for each in state["executions"]} == kept
    return [each["workflow"] for each in state["executions"]]


@pytest.mark.parametrize("mode", [(), ("-n2",)], ids=["alone", "n2"])
def test_a_rerun_launches_a_new_execution_and_keeps_the_old_ones(project, mode):
    outcome = project.test("first", FLAKY).spawn("-m", "batch1", "--k1n-keep=always", *mode)
    assert outcome.counts.get("rerun") == 2
    assert outcome.counts["passed"] == 2
    assert outcome.code == 0
    assert executions(project) == ["FIRST"] * 3


def test_a_test_that_fails_in_every_rerun_blocks_the_next_batch(project):
    outcome = project.spawn("--reruns", "1", FAIL_FIRST)
    assert outcome.counts == {"failed": 1, "blocked": 2, "rerun": 1}


def test_a_rerun_that_passes_opens_the_next_batch(project):
    outcome = project.test("first", FLAKY).spawn()
    assert outcome.counts == {"passed": 4, "rerun": 2}


WAITING = """
import pytest, time
from pytest_k1n import completed
pytestmark = [pytest.mark.batch1, pytest.mark.workflow("FIRST")]

def test_first(workflow_execution):
    workflow_execution.expect(completed())
    breakpoint()
    print("LEFT")

def test_second(workflow_execution, request):
    from pytest_k1n.run.run import RUN
    folder, deadline = request.config.stash[RUN].folder, time.monotonic() + 30
    while folder.state().paused and time.monotonic() < deadline:
        time.sleep(0.01)  # the director publishes in a thread of its own
    assert folder.state().paused is False
"""


def test_the_debugger_suspends_our_deadlines_until_it_is_left(project):
    child = project.test("first", WAITING).pytester.spawn_pytest(" ".join([*project.options, "-m", "batch1"]))
    child.expect("Pdb")
    (folder,) = re.findall(rb"run ([0-9a-f]{8})", child.before) or [b""]
    (state,) = Path(tempfile.gettempdir()).glob(f"k1n-{folder.decode()}-*/state.json")
    child.sendline("import json, time; time.sleep(0.3)  # the director publishes in a thread of its own")
    child.expect("Pdb")
    child.sendline(f"print('paused', json.load(open('{state}'))['paused'])")
    child.expect("paused True")
    child.sendline("c")
    child.expect("2 passed")
    child.wait()


def test_exitfirst_ends_a_run_of_several_batches_and_leaves_no_folder(project):
    outcome = project.spawn(FAIL_FIRST, "-x", "-n2", "--k1n-keep=never")
    assert outcome.code == 2  # xdist's word for it: interrupted
    assert outcome.counts["failed"] == 1
    assert "passed" not in outcome.counts
    assert outcome.results("template-01-first-results.json")["verdict"] == "fail"


def test_last_failed_runs_what_failed_and_what_was_blocked(project):
    del project.options[-2:]
    assert project.run(FAIL_FIRST).counts == {"failed": 1, "blocked": 2}
    assert project.run("--lf").counts == {"passed": 3}
    assert "no previously failed tests" in project.run("--lf", "--lfnf=none").text


def test_stepwise_goes_on_with_the_batch_that_failed(project):
    del project.options[-2:]
    assert project.run("--sw", "--k1n-fault=CHAIN/b:terminal").counts["failed"] == 1
    again = project.run("--sw", "-v")
    assert again.code == 0
    assert "test_first" not in again.verbose


@pytest.mark.parametrize("expression", ["wide", "batch2", "batch(n=2)"])
def test_every_name_of_a_batch_selects_it(project, expression):
    source = (project.pytester.path / "test_second_chain.py").read_text()
    marked = {"wide": "batch2", "batch2": "wide", "batch(n=2)": "batch(n=2)"}[expression]
    outcome = project.test("second_chain", source.replace("pytest.mark.batch2", f"pytest.mark.{marked}")).run(
        "-m", expression
    )
    assert outcome.counts == {"passed": 2, "deselected": 1}
