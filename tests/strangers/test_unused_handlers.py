"""A handler that serves nothing is a misspelling until shown otherwise."""

import pytest


def test_a_misspelt_key_names_what_is_near_and_what_there_is(conductor, make):
    with pytest.raises(LookupError, match=r"'chrage' \(near: charge\).*there are charge, pack"):
        conductor.run(make.workflow(make.simple("charge"), make.simple("pack")), handlers={"chrage": lambda task: {}})


def test_a_misspelt_branch_of_a_dynamic_fork_is_one_too(conductor, make):
    flow = make.workflow(make.simple("plan"), *make.fork_over("${plan.output.tasks}", {}))
    branch = {"name": "ship", "taskReferenceName": "s1", "type": "SIMPLE"}
    with pytest.raises(LookupError, match=r"'shipp' \(near: ship"):
        conductor.run(flow, handlers={"plan": lambda task: {"tasks": [branch]}, "shipp": lambda task: {}})


def test_a_handler_of_the_case_that_was_not_taken_is_none(conductor, make):
    switch = {
        "name": "by",
        "taskReferenceName": "by",
        "type": "SWITCH",
        "evaluatorType": "value-param",
        "expression": "kind",
        "inputParameters": {"kind": "${workflow.input.kind}"},
        "decisionCases": {"card": [make.simple("charge")]},
        "defaultCase": [make.simple("invoice")],
    }
    handlers = {"charge": lambda task: {}, "invoice": lambda task: {}}
    assert conductor.run(make.workflow(switch), input={"kind": "card"}, handlers=handlers).status == "COMPLETED"


def test_a_task_that_could_not_come_up_is_given_the_benefit_of_the_doubt(conductor, make):
    flow = make.workflow(make.simple("plan"), *make.fork_over("${plan.output.tasks}", {}))
    execution = conductor.run(flow, handlers={"plan": lambda task: 1 / 0, "ship": lambda task: {}})
    assert execution.status == "FAILED"


def test_a_key_that_is_nearly_a_name_is_not_passed_over_in_silence_for_that_doubt(conductor, make):
    flow = make.workflow(make.simple("charge"), *make.fork_over("${charge.output.tasks}", {}))
    with pytest.warns(UserWarning, match=r"'chrage' \(near: charge\).*or of what each would bring, which did not run"):
        conductor.run(flow, handlers={"charge": lambda task: 1 / 0, "chrage": lambda task: {}})


def test_a_misspelt_key_is_named_when_a_started_execution_has_ended(conductor, make):
    execution = conductor.start(make.workflow(make.simple("charge")), handlers={"chrage": lambda task: {}})
    execution.complete("charge")
    with pytest.raises(LookupError, match="'chrage'"):
        execution.wait()


def test_a_fork_over_nothing_brings_no_branch_that_could_have_been_served(conductor, make):
    flow = make.workflow(make.simple("plan"), *make.fork_over("${plan.output.tasks}", {}))
    execution = conductor.run(flow, handlers={"plan": lambda task: {"tasks": []}, "ship": lambda task: {}})
    assert execution.status == "COMPLETED"
