"""Definitions as tests give them to `conductor`: dicts, paths of files and folders, alone or in lists."""

import json

import pytest

TEST = """
from pathlib import Path
from pytest_k1n import attempts, completed, failed

def test_it(conductor):
    def post(task):
        if task.attempt == 0:
            raise ConnectionError("busy")
        return {{}}
    execution = conductor.run("parent.json", children={children}, task_definitions={tasks}, handlers={{"post": post}})
    execution.expect(completed())
    execution.child("child").expect(completed(), attempts("post", 2))
"""


@pytest.fixture
def files(empty_project):
    """Puts a workflow, its child and the child's task definition, with one retry, into files."""

    def task(name, kind, **more):
        return {"name": name, "taskReferenceName": name, "type": kind, **more}

    def workflow(name, *tasks):
        return {"name": name, "version": 1, "ownerEmail": "k1n@example.com", "timeoutSeconds": 0, "tasks": [*tasks]}

    child = task("child", "SUB_WORKFLOW", subWorkflowParam={"name": "kid", "version": 1})
    rules = {"name": "post", "retryCount": 1, "retryDelaySeconds": 1, "timeoutSeconds": 600,
             "responseTimeoutSeconds": 60, "ownerEmail": "k1n@example.com"}  # fmt: skip
    for name, document in (
        ("parent.json", workflow("parent", child)),
        ("kids/kid.json", workflow("kid", task("post", "SIMPLE"))),
        ("tasks/tasks.json", [rules]),
    ):
        path = empty_project.pytester.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document))
    return empty_project


@pytest.mark.parametrize(
    ("children", "tasks"),
    [
        ('"kids/kid.json"', '"tasks/tasks.json"'),
        ('[Path("kids")]', '[Path("tasks")]'),
        ('"kids/"', '["tasks/tasks.json"]'),
    ],
)
def test_definitions_may_be_paths(files, children, tasks):
    files.file("test_it.py", TEST.format(children=children, tasks=tasks))
    outcome = files.run("test_it.py")
    assert outcome.counts == {"passed": 1}, outcome.text


@pytest.mark.parametrize(
    ("children", "tasks", "said"),
    [
        ("()", '"nowhere.json"', "DefinitionError: nowhere.json: cannot be read"),
        ("()", "[5]", "BadArgument: task_definitions: 5 is none: write a dict with a name, or a path"),
        ("()", "5", "BadArgument: 5 is neither a dict nor a path, nor a list of them"),
        ("[5]", "()", "BadArgument: 5 is no definition: write a dict, a path or name[:version]"),
    ],
)
def test_what_is_no_definition_is_told_in_one_line_at_the_line_of_the_test(files, children, tasks, said):
    files.file("test_it.py", TEST.format(children=children, tasks=tasks))
    outcome = files.run("test_it.py")
    assert outcome.counts == {"failed": 1}
    assert said in outcome.text
    assert "fixtures/conductor.py" not in outcome.text


KID = """
KID = {"name": "kid", "version": 1, "tasks": [{"name": "a", "taskReferenceName": "a", "type": "SIMPLE"}]}
OTHER = {**KID, "tasks": [{"name": "b", "taskReferenceName": "b", "type": "SIMPLE"}]}
"""


def test_two_unlike_children_of_one_version_are_refused_and_two_alike_are_one(empty_project):
    empty_project.file(
        "test_it.py",
        KID
        + """
def test_unlike(conductor):
    conductor.run(KID, children=[KID, OTHER])

def test_alike(conductor):
    assert conductor.run(KID, children=[KID, {**KID, "description": "again"}]).status == "COMPLETED"
""",
    )
    outcome = empty_project.run("test_it.py")
    assert outcome.counts == {"passed": 1, "failed": 1}, outcome.text
    assert "children: kid version 1 is given twice, and not alike (/tasks)" in outcome.text


@pytest.mark.parametrize("text", ['{"name": "kid"}', "kid:newest", "kid: 1"])
def test_a_text_that_is_no_name_is_told_so(empty_project, text):
    empty_project.file("test_it.py", f"def test_it(conductor):\n    conductor.run({text!r})\n")
    outcome = empty_project.run("test_it.py")
    assert "is no definition: write a dict, a path or name[:version]" in outcome.text
