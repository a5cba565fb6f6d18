"""Definitions in folders: what is found among other files, and what two of them say of one version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_k1n.plan.library import DefinitionError, DefinitionNotFound, Library, started_workflows

TASK = {"name": "t", "taskReferenceName": "t", "type": "SIMPLE"}
WORKFLOW = {"name": "w", "version": 1, "tasks": [TASK]}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A folder in which a team keeps all that it gives to Conductor, and more."""
    documents = {
        "workflow": WORKFLOW,
        "later": {**WORKFLOW, "version": 3},
        "tasks": [{"name": "t", "retryCount": 2}, {"name": "u", "timeoutSeconds": 5}],
        "handler": {"name": "h", "event": "conductor:x", "active": True, "actions": []},
        "execution": {"workflowId": "1", "tasks": [{"taskId": "1", "referenceTaskName": "t"}]},
    }
    for name, document in documents.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    return Library([tmp_path], [tmp_path])


def test_definitions_of_both_kinds_are_found_in_one_folder_among_other_files(library: Library) -> None:
    assert [(each["name"], each["version"]) for each in library.workflows] == [("w", 3), ("w", 1)]
    assert library.task_definitions.keys() == {"t", "u"}


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "w", "task": [{"taskReferenceName": "t"}]}'])
def test_what_was_meant_to_be_a_definition_and_is_none_is_told(library: Library, tmp_path: Path, text: str) -> None:
    (tmp_path / "broken.json").write_text(text)
    with pytest.raises(DefinitionError, match=r"broken\.json"):
        _ = library.workflows


def test_the_highest_version_is_found_unless_one_is_named(library: Library) -> None:
    assert library.workflow("w")["version"] == 3
    assert library.workflow("w:1")["version"] == library.workflow("w", 1)["version"] == 1
    with pytest.raises(DefinitionNotFound, match="there is version 1, 3"):
        library.workflow("w", 2)


def test_two_definitions_of_a_version_must_be_alike_where_that_version_is_wanted(
    library: Library, tmp_path: Path
) -> None:
    (tmp_path / "copy.json").write_text(json.dumps({**WORKFLOW, "version": 3}, indent=2))
    (tmp_path / "old.json").write_text(json.dumps({**WORKFLOW, "timeoutSeconds": 9}))
    assert library.workflow("w")["version"] == 3
    with pytest.raises(DefinitionError, match=r"w version 1 is defined twice, and not alike: .*old\.json and .*work"):
        library.workflow("w", 1)


def test_what_a_definition_starts_is_known_of_every_kind_of_task() -> None:
    started = {"name": "s", "type": "START_WORKFLOW", "inputParameters": {"startWorkflow": {"name": "b", "version": 2}}}
    late = {"name": "l", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "${workflow.input.which}"}}
    sub = {"name": "u", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "a"}}
    document = {"name": "w", "failureWorkflow": "c", "tasks": [sub, [started], late]}
    assert sorted(started_workflows(document), key=str) == [("a", None), ("b", 2), ("c", None)]


@pytest.mark.parametrize(("version", "found"), [("2", 2), (3, 3), (None, None), ("${workflow.input.v}", None)])
def test_the_workflow_that_a_dynamic_fork_names_for_its_branches_is_started_by_name(
    version: str | int | None, found: int | None
) -> None:
    inputs = {"forkTaskWorkflow": "region", "forkTaskWorkflowVersion": version, "forkTaskInputs": "${x.output.all}"}
    fork = {"name": "f", "type": "FORK_JOIN_DYNAMIC", "inputParameters": inputs}
    late = {**fork, "inputParameters": {"forkTaskWorkflow": "${workflow.input.which}"}}
    assert started_workflows({"name": "w", "tasks": [fork, late]}) == [("region", found)]
