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


def test_a_shared_handler_that_a_failure_has_left_out_is_no_news(conductor, make, recwarn):
    flow = make.workflow(make.simple("pack_all"), *make.fork_over("${pack_all.output.tasks}", {}))
    execution = conductor.run(flow, handlers={"pack_all": lambda task: 1 / 0, "pack_one": lambda task: {}})
    assert execution.status == "FAILED"
    assert not [each for each in recwarn if "pack_one" in str(each.message)]


def test_a_misspelt_key_is_named_when_a_started_execution_has_ended(conductor, make):
    execution = conductor.start(make.workflow(make.simple("charge")), handlers={"chrage": lambda task: {}})
    execution.complete("charge")
    with pytest.raises(LookupError, match="'chrage'"):
        execution.wait()


def test_a_fork_over_nothing_brings_no_branch_that_could_have_been_served(conductor, make):
    flow = make.workflow(make.simple("plan"), *make.fork_over("${plan.output.tasks}", {}))
    execution = conductor.run(flow, handlers={"plan": lambda task: {"tasks": []}, "ship": lambda task: {}})
    assert execution.status == "COMPLETED"


def test_a_key_of_one_round_is_misspelt_where_there_is_no_loop(conductor, make):
    with pytest.raises(LookupError, match=r"'charge__1' \(near: charge\)"):
        conductor.run(make.workflow(make.simple("charge")), handlers={"charge__1": lambda task: {}})


@pytest.mark.parametrize(
    ("kind", "fields", "instead"),
    [
        ("NOOP", {}, "NOOP task.* the tasks around it"),
        ("INLINE", {"inputParameters": {"evaluatorType": "javascript", "expression": "1"}}, "an INLINE task"),
        ("SET_VARIABLE", {"inputParameters": {"a": 1}}, "a SET_VARIABLE task"),
        ("SUB_WORKFLOW", {"subWorkflowParam": {"name": "kid", "version": 1}}, "handlers to the tasks of that workflow"),
    ],
)
def test_a_handler_of_what_the_server_does_itself_is_never_asked_and_says_so(conductor, make, kind, fields, instead):
    system = {"name": "own", "taskReferenceName": "own", "type": kind, **fields}
    kid = make.workflow(make.simple("inner"), name="kid")
    with pytest.raises(LookupError, match=rf"no handler is ever asked for 'own' of strangers.*{instead}"):
        conductor.run(make.workflow(system), handlers={"own": lambda task: {}}, children=[kid])
