"""What a workflow of the plan starts by name comes along to a server, whatever else only its run will name."""

import json
from contextlib import closing

from pytest_k1n.client.api import Conductor
from pytest_k1n.client.transport import transport_for

from .conftest import simple, workflow

TEST = """
from pytest_k1n import completed, failed

def test_the_child_comes_along(conductor):
    execution = conductor.run("OUTER", handlers={"cut": {"clips": [], "given": {}}, "inside": {"x": 1}})
    execution.expect(completed())
    execution.child("inner").expect(completed())

def test_the_failure_workflow_does(conductor):
    execution = conductor.run("OUTER", handlers={"cut": lambda task: 1 / 0})
    execution.expect(failed(reason="division by zero"))
    execution.child("UNDO").expect(completed())
"""


def test_a_child_by_name_beside_a_dynamic_fork_comes_along(empty_project, engine_url):
    fork = {
        "name": "each", "taskReferenceName": "each", "type": "FORK_JOIN_DYNAMIC", "dynamicForkTasksParam": "clips",
        "dynamicForkTasksInputParamName": "given",
        "inputParameters": {"clips": "${cut.output.clips}", "given": "${cut.output.given}"},
    }  # fmt: skip
    join = {"name": "all", "taskReferenceName": "all", "type": "JOIN"}
    parameter = {"name": "INNER", "version": 1}
    inner = {"name": "inner", "taskReferenceName": "inner", "type": "SUB_WORKFLOW", "subWorkflowParam": parameter}
    project = (
        empty_project.file("k1n.toml", 'schema = "k1n-plan/1"\ndefinitions = ["workflows"]\n')
        .definition(workflow("OUTER", simple("cut"), fork, join, inner, failureWorkflow="UNDO"))
        .definition(workflow("INNER", simple("inside")))
        .definition(workflow("UNDO", simple("undo")))
        .test("own", TEST)
    )
    assert project.run().counts == {"passed": 2}
    outcome = project.run(f"--k1n-server={engine_url}")
    assert outcome.counts == {"passed": 2}, outcome.text


FORKED = """
import pytest
from pytest_k1n import completed

TWICE = {"name": "forked_only", "retryCount": 2, "retryDelaySeconds": 0, "ownerEmail": "a@b.c"}
CLIPS = [{"name": "forked_only", "taskReferenceName": "clip", "type": "SIMPLE"}]

def test_the_definition_of_what_only_a_dynamic_fork_names_counts(conductor):
    tried = []
    def clip(task):
        tried.append(task)
        return {} if len(tried) == 3 else 1 / 0
    execution = conductor.run(
        "OUTER", handlers={"cut": {"clips": CLIPS, "given": {}}, "forked_only": clip}, task_definitions=[TWICE]
    )
    execution.expect(completed())
    assert len(tried) == 3
"""


UNDONE = """
from pytest_k1n import completed, failed

def test_the_failure_workflow_comes_along(conductor):
    execution = conductor.run("OUTER", handlers={"cut": lambda task: 1 / 0}, children=["undo.json"])
    execution.expect(failed(reason="division by zero"))
    execution.child("UNDO_OWN").expect(completed())
"""


def _fork():
    return {
        "name": "each", "taskReferenceName": "each", "type": "FORK_JOIN_DYNAMIC", "dynamicForkTasksParam": "clips",
        "dynamicForkTasksInputParamName": "given",
        "inputParameters": {"clips": "${cut.output.clips}", "given": "${cut.output.given}"},
    }  # fmt: skip


def test_a_task_definition_that_no_task_carries_comes_along_and_goes(empty_project, engine_url):
    join = {"name": "all", "taskReferenceName": "all", "type": "JOIN"}
    project = (
        empty_project.file("k1n.toml", 'schema = "k1n-plan/1"\ndefinitions = ["workflows"]\n')
        .definition(workflow("OUTER", simple("cut"), _fork(), join))
        .test("own", FORKED)
    )
    assert project.run().counts == {"passed": 1}
    outcome = project.run(f"--k1n-server={engine_url}")
    assert outcome.counts == {"passed": 1}, outcome.text
    with closing(Conductor(transport_for(engine_url))) as client:
        assert client.task_definition("forked_only") is None
    refused = project.run(f"--k1n-server={engine_url}", "--k1n-register=never")
    assert refused.counts == {"failed": 1}
    assert "the server is not told the task definitions that only a dynamic task may name: forked_only" in refused.text


OTHERWISE = """
import pytest

CLIPS = [{"name": "forked_only", "taskReferenceName": "one", "type": "SIMPLE"}]

@pytest.mark.parametrize("number", [1, 2])
def test_a_clip_is_made(conductor, number):
    execution = conductor.run("OUTER", handlers={"cut": {"clips": CLIPS, "given": {}}, "forked_only": {}})
    assert execution.status == "COMPLETED"
"""


def test_a_folder_s_task_definition_that_the_server_has_otherwise_is_told_in_a_line(empty_project, engine_url):
    join = {"name": "all", "taskReferenceName": "all", "type": "JOIN"}
    project = (
        empty_project.file(
            "k1n.toml", 'schema = "k1n-plan/1"\ndefinitions = ["workflows"]\ntask_definitions = ["tasks"]\n'
        )
        .definition(workflow("OUTER", simple("cut"), _fork(), join))
        .test("own", OTHERWISE)
    )
    ours = {"name": "forked_only", "retryCount": 1, "ownerEmail": "a@example.com"}
    project.file("tasks/forked_only.json", json.dumps(ours))
    with closing(Conductor(transport_for(engine_url))) as client:
        client.register_tasks([{**ours, "retryCount": 4}])
        outcome = project.run(f"--k1n-server={engine_url}")
        client.unregister_task("forked_only")
    assert outcome.counts == {"passed": 2}, outcome.text
    told = "uses the task definition forked_only as the server has it: retry_count: ours 1, theirs 4"
    assert outcome.text.count(told) == 1


def test_a_failure_workflow_that_the_server_has_already_is_used_as_it_is(empty_project, engine_url):
    undo = workflow("UNDO_OWN", simple("undo"))
    project = (
        empty_project.file("k1n.toml", 'schema = "k1n-plan/1"\ndefinitions = ["workflows"]\n')
        .definition(workflow("OUTER", simple("cut"), failureWorkflow="UNDO_OWN"))
        .file("undo.json", json.dumps(undo))
        .test("own", UNDONE)
    )
    with closing(Conductor(transport_for(engine_url))) as client:
        client.register_workflows([undo])
        for policy in ("missing", "never", "always"):
            outcome = project.run(f"--k1n-server={engine_url}", f"--k1n-register={policy}")
            assert outcome.counts == {"passed": 1}, outcome.text
        assert client.workflow_definition("UNDO_OWN")["tasks"][0].get("taskDefinition") is None
        client.register_workflows([{**undo, "tasks": [simple("other")]}])
        outcome = project.run(f"--k1n-server={engine_url}", "--k1n-register=missing")
        assert "UNDO_OWN differs in tasks[undo].ref: ours 'undo', theirs 'other'" in outcome.text
        outcome = project.run(f"--k1n-server={engine_url}", "--k1n-register=always")
        assert outcome.counts == {"passed": 1}, outcome.text
