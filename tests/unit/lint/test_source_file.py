"""Definitions are found in whatever people wrap them in, and nothing else is taken for one."""

import json

import pytest

from k1n_support.lint_examples import SOUND, A, child, definition, workflow
from pytest_k1n.lint.judge import lint
from pytest_k1n.lint.source_file import SourceFile

W, T = SOUND, definition()


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (W, [("workflow", ())]),
        (T, [("task", ())]),
        ([W, W], [("workflow", (0,)), ("workflow", (1,))]),
        ([T, W], [("task", (0,)), ("workflow", (1,))]),
        ({"name": "x", "version": 1, "input": {}, "workflowDef": W}, [("workflow", ("workflowDef",))]),
        ({"result": W}, [("workflow", ("result",))]),
        ({"workflows": [W], "taskDefs": [T]}, [("workflow", ("workflows", 0)), ("task", ("taskDefs", 0))]),
        ({"data": {"items": [{"definition": W}]}}, [("workflow", ("data", "items", 0, "definition"))]),
        ({"tasks": [T]}, [("task", ("tasks", 0))]),
        ({"name": "w", "version": 1, "tasks": "none"}, [("workflow", ())]),
        ({"name": "w", "tasks": []}, [("workflow", ())]),
        (workflow(child(workflowDefinition=workflow(A))), [("workflow", ())]),
    ],
)
def test_definitions_are_found_in_every_wrapping(document, found):
    source = SourceFile("x.json", json.dumps(document))
    assert [(each.kind, each.path) for each in source.definitions] == found


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        "text",
        {"name": "npm", "version": "1.0.0", "scripts": {"test": "x"}},
        {"version": "2.0.0", "tasks": [{"label": "build", "command": "make"}]},
        {"workflowId": "1", "status": "RUNNING", "tasks": [], "workflowDefinition": W},
        {"taskId": "1", "workflowInstanceId": "2", "name": "t", "retryCount": 1},
        {"name": "h", "event": "conductor:x", "actions": [{"action": "start_workflow"}]},
        {"openapi": "3.0.0", "paths": {}},
    ],
)
def test_nothing_else_is_taken_for_a_definition(document):
    assert SourceFile("x.json", json.dumps(document)).definitions == ()


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({**W, "tasks": None}, "wrong-type"),
        ({**T, "name": None}, "no-name"),
        ({**T, "name": []}, "wrong-type"),
    ],
)
def test_a_definition_without_its_name_or_tasks_is_still_one(document, code):
    assert code in {each.code for each in lint([SourceFile("x.json", json.dumps(document))]).findings}


def test_a_number_as_a_name_is_the_text_that_the_server_makes_of_it():
    found = lint([SourceFile("x.json", json.dumps({**W, "name": 0}))]).findings
    assert [each.code for each in found if each.level == "error"] == []
