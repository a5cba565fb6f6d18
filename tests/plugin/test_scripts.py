"""Scripts of the project do a batch's work where they are asked for, on the embedded engine too."""

TEST = """
import pytest
from pytest_k1n import completed, task_output

@pytest.mark.batch1
@pytest.mark.workflow("FIRST")
def test_first(workflow_execution):
    workflow_execution.expect(completed(), task_output("one", "artifact", equals="parcel-1"))
"""


def test_a_script_named_after_its_task_does_the_work_of_a_batch_in_process(project):
    folder = project.pytester.path / "ops/agents"
    folder.mkdir(parents=True)
    script = folder / "one-handler.sh"
    script.write_text('#!/bin/sh\necho \'{"artifact": "parcel-1"}\'\n')
    script.chmod(0o755)
    project.plan((project.pytester.path / "k1n.toml").read_text().replace('band = ["5m", "8m"]\n', ""))
    outcome = project.test("first", TEST).run("--k1n-handlers=auto", "-m", "batch1", "--k1n-min-pass-rate=50")
    assert outcome.counts["passed"] == 1, outcome.text
    assert project.run("-m", "batch1").counts["failed"] == 1  # without `auto` the work is simulated
