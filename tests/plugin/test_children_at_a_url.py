"""What a workflow of the plan starts by name comes along to a server, whatever else only its run will name."""

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
