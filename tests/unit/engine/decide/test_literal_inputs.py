"""Values of the wrong type in literal inputs: what Conductor 3.32.1 was seen to make of each."""

import pytest

from pytest_k1n.engine.registry.taskconstraints import demands
from pytest_k1n.engine.registry.wiredefaults import workflow_task_document


def said(make, kind, **fields):
    return [message for _, message in demands(workflow_task_document(make.of_type(kind, "t", **fields)))]


@pytest.mark.parametrize("key", ["duration", "until"])
@pytest.mark.parametrize(("value", "is_refused"), [(0, True), ([], True), ({}, True), ("", False), (None, False)])
def test_a_wait_for_nothing_is_no_time_unless_it_is_an_empty_text(make, key, value, is_refused):
    assert bool(said(make, "WAIT", inputParameters={key: value})) is is_refused


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"inputParameters": {"forkTaskInputs": []}}, 0),
        ({"inputParameters": {"forkTaskName": ""}}, 2),
        ({"inputParameters": {"forkTaskWorkflow": "w"}}, 2),
        ({"dynamicForkJoinTasksParam": ""}, 0),
        ({"dynamicForkJoinTasksParam": "", "dynamicForkTasksParam": "t", "dynamicForkTasksInputParamName": "i"}, 1),
    ],
)
def test_a_dynamic_fork_is_told_what_its_tasks_are_by_what_is_there_even_if_empty(make, fields, refused):
    assert len(said(make, "FORK_JOIN_DYNAMIC", **fields)) == refused


@pytest.mark.parametrize(
    ("tasks", "status"),
    [
        ([{"name": "n", "taskReferenceName": "n", "type": "NOOP", "retryCount": "7"}], "COMPLETED"),
        ([{"name": "n", "taskReferenceName": "n", "type": "NOOP", "retryCount": "once"}], "FAILED"),
        ([{"name": [], "taskReferenceName": "n", "type": "NOOP"}], "FAILED"),
        ([{"name": "n", "taskReferenceName": "n", "type": "NOOP", "inputParameters": 7}], "FAILED"),
    ],
)
def test_the_tasks_of_a_dynamic_fork_are_read_as_a_definition_is(bench, make, tasks, status):
    fork = make.of_type("FORK_JOIN_DYNAMIC", "f", dynamicForkTasksParam="t", dynamicForkTasksInputParamName="i",
                        inputParameters={"t": tasks, "i": {}})  # fmt: skip
    assert bench.run(make.workflow(fork, make.of_type("JOIN", "j")), {}).state.status == status


@pytest.mark.parametrize("version", ["one", "", "1.5", "1"])
def test_a_version_in_text_that_is_no_number_says_nothing(bench, make, version):
    bench.register(make.workflow(make.of_type("NOOP", "n"), name="child"))
    fork = make.of_type("FORK_JOIN_DYNAMIC", "f", inputParameters={
        "forkTaskWorkflow": "child", "forkTaskWorkflowVersion": version, "forkTaskInputs": [{}]})  # fmt: skip
    assert bench.run(make.workflow(fork, make.of_type("JOIN", "j")), {}).state.status == "COMPLETED"
