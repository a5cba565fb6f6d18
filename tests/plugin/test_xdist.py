"""The same run on several xdist nodes: one launch per workflow, the same verdicts, and crashes that hang nobody."""

import json

import pytest


@pytest.mark.parametrize("mode", [("-n1",), ("-n2",), ("-n3", "--dist", "worksteal")], ids=["n1", "n2", "n3-worksteal"])
def test_nodes_give_the_same_verdicts_with_one_launch_per_workflow(gated_project, mode):
    outcome = gated_project.spawn(*mode, "--k1n-keep=always")
    alone = gated_project.run()
    assert outcome.counts == alone.counts
    assert outcome.code == alone.code == 0
    (run,) = (gated_project.pytester.path / "test-results" / "runs").iterdir()
    state = json.loads((run / "state.json").read_text())
    assert sorted(each["workflow"] for each in state["executions"]) == ["CHAIN", "FIRST"]


def test_a_failed_batch_blocks_the_next_on_every_node(project):
    outcome = project.spawn("-n2", "--k1n-fault=FIRST/one:terminal")
    assert outcome.counts == {"failed": 1, "blocked": 2}
    assert outcome.code == 1


CRASH = """
import os
import pytest
from pytest_k1n import completed
pytestmark = [pytest.mark.batch1, pytest.mark.workflow("FIRST")]

def test_crash(workflow_execution):
    os._exit(7)

@pytest.mark.parametrize("number", range(4))
def test_first(workflow_execution, number):
    workflow_execution.expect(completed())
"""


def test_a_crashed_node_fails_its_test_blocks_later_batches_and_hangs_nobody(project):
    outcome = project.test("first", CRASH).spawn("-n2")
    assert outcome.counts == {"failed": 1, "passed": 4, "blocked": 2}
    assert "crashed" in outcome.text
    assert outcome.code == 1


def test_a_node_killed_in_the_middle_of_a_batch_leaves_the_rest_to_the_others(project):
    chain = (project.pytester.path / "test_second_chain.py").read_text()
    source = (
        chain
        + """

import os, signal

def test_killed(workflow_execution):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    outcome = project.test("second_chain", source).spawn("-n2")
    assert outcome.counts == {"failed": 1, "passed": 3}
    assert outcome.results("template-02-chain-results.json")["verdict"] == "fail"


@pytest.mark.parametrize("mode", ["loadscope", "loadfile", "loadgroup", "each"])
def test_a_mode_that_cannot_work_is_refused_before_anything_starts(project, mode):
    outcome = project.spawn("-n2", "--dist", mode)
    assert outcome.code == 4
    assert f"--dist {mode}" in outcome.text
    assert "use --dist load or --dist worksteal" in outcome.text
    assert not (project.pytester.path / "test-results").exists()


def test_a_mode_that_reorders_is_fine_for_a_single_batch(project):
    outcome = project.spawn("-n2", "--dist", "loadscope", "-m", "batch2")
    assert outcome.counts == {"passed": 2}


def test_a_users_mistake_found_on_a_node_ends_the_run_in_one_line(project):
    project.test("wrong", "import pytest\n@pytest.mark.workflow('X', at_once=0)\ndef test_x(workflow_execution): ...\n")
    outcome = project.spawn("-n2")
    assert outcome.code == 4
    assert "at_once must be a whole number from 1" in outcome.text
    assert "Traceback" not in outcome.text


def test_without_xdist_installed_everything_works(project):
    assert project.spawn("-p", "no:xdist", "-p", "no:benchmark", "-p", "no:timeout").counts == {"passed": 3}
