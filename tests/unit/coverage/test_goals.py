"""Which goals a definition has, which of them an execution meets, and what is said to write next."""

import pytest

from pytest_k1n.core.wire import wire
from pytest_k1n.coverage.exercised import exercised
from pytest_k1n.coverage.goals import goals_of

ZERO = 1_700_000_000_000


def of(kind, ref, **fields):
    return {"name": ref, "taskReferenceName": ref, "type": kind, **fields}


def simple(ref, **fields):
    return of("SIMPLE", ref, **fields)


def definition(*tasks, **fields):
    return wire.workflow_definition({"name": "shop", "version": 1, "tasks": list(tasks), **fields})


def record(ref, *, kind=None, status="COMPLETED", attempt=0, iteration=0, **fields):
    return {
        "referenceTaskName": f"{ref}__{iteration}" if iteration else ref, "taskType": kind or ref, "taskId": ref,
        "status": status, "retryCount": attempt, "iteration": iteration, "scheduledTime": ZERO, "startTime": ZERO,
        "endTime": ZERO + 1, **fields,
    }  # fmt: skip


def met(defined, *records, status="COMPLETED", **fields):
    execution = wire.execution({
        "workflowId": "wf-1", "workflowName": "shop", "status": status, "startTime": ZERO, "endTime": ZERO + 1,
        "tasks": [{"seq": seq, **each} for seq, each in enumerate(records, start=1)], **fields,
    })  # fmt: skip
    return names(exercised(goals_of(defined), defined, execution))


def names(goals):
    return {(str(goal.kind), goal.ref, goal.detail) for goal in goals}


def advice(defined, kind, ref="", detail=""):
    (goal,) = [each for each in goals_of(defined) if (str(each.kind), each.ref, each.detail) == (kind, ref, detail)]
    return goal.advice


def switch(expression="way", **fields):
    given = {
        "evaluatorType": "value-param",
        "expression": expression,
        "inputParameters": {"way": "${workflow.input.w}"},
    }
    return of("SWITCH", "way", decisionCases={"air": [simple("fly")], "default": []}, **{**given, **fields})


def test_every_task_is_a_goal_nested_ones_too():
    fork = of("FORK_JOIN", "f", forkTasks=[[simple("a")], [simple("b")]])
    loop = of("DO_WHILE", "l", loopCondition="true", loopOver=[simple("c")])
    found = names(goals_of(definition(fork, of("JOIN", "j", joinOn=["a", "b"]), loop)))
    assert {ref for kind, ref, _ in found if kind == "task"} == {"f", "a", "b", "j", "l", "c"}


def test_a_task_is_met_when_it_has_ended_not_when_it_was_canceled_or_skipped():
    defined = definition(simple("a"))
    for status in ("SCHEDULED", "IN_PROGRESS", "CANCELED", "SKIPPED"):
        assert met(defined, record("a", status=status), status="RUNNING") == set()
    for status in ("COMPLETED", "FAILED", "TIMED_OUT"):
        assert met(defined, record("a", status=status)) == {("task", "a", "")}


def test_each_case_is_a_goal_and_the_default_case_is_not_one_named_default():
    defined = definition(switch())
    assert names(goals_of(defined)) >= {("case", "way", "air"), ("case", "way", "default"), ("default case", "way", "")}
    for chosen, expected in (
        ("air", ("case", "way", "air")), ("default", ("case", "way", "default")), ("sea", ("default case", "way", "")),
    ):  # fmt: skip
        taken = record("way", kind="SWITCH", outputData={"selectedCase": chosen, "evaluationResult": [chosen]})
        assert met(defined, taken) == {("task", "way", ""), expected}


@pytest.mark.parametrize(("rounds", "detail"), [(1, "1"), (2, "n"), (7, "n")])
def test_a_loop_is_left_after_one_or_several_rounds(rounds, detail):
    defined = definition(of("DO_WHILE", "l", loopCondition="true", loopOver=[simple("a")]))
    assert {each for each in names(goals_of(defined)) if each[0] == "loop"} == {("loop", "l", "1"), ("loop", "l", "n")}
    left = record("l", kind="DO_WHILE", outputData={"iteration": rounds})
    assert ("loop", "l", detail) in met(defined, left)
    body = [record("a", iteration=count) for count in range(1, rounds + 1)]
    assert ("loop", "l", detail) in met(defined, record("l", kind="DO_WHILE"), *body), "the output is gone"


def test_a_loop_over_items_may_have_no_round():
    defined = definition(of("DO_WHILE", "l", items="${workflow.input.orders}", loopOver=[simple("a")]))
    assert ("loop", "l", "0") in names(goals_of(defined))
    assert ("loop", "l", "0") in met(defined, record("l", kind="DO_WHILE"))


def test_a_loop_that_goes_on_has_not_been_left():
    defined = definition(of("DO_WHILE", "l", loopCondition="true", loopOver=[simple("a")]))
    going = record("l", kind="DO_WHILE", status="IN_PROGRESS", outputData={"iteration": 1})
    assert not [each for each in met(defined, going, status="RUNNING") if each[0] == "loop"]


@pytest.mark.parametrize(("branches", "detail"), [([], "0"), (["a"], "1"), (["a", "b", "c"], "n")])
def test_a_dynamic_fork_has_none_one_or_several_branches(branches, detail):
    defined = definition(of("FORK_JOIN_DYNAMIC", "f", dynamicForkTasksParam="tasks"), of("JOIN", "j"))
    forked = record("f", kind="FORK", inputData={"forkedTasks": branches})
    assert met(defined, forked) == {("task", "f", ""), ("fork", "f", detail)}


def test_retries_and_timeouts_are_goals_where_the_task_definition_allows_them():
    plain = {"name": "a", "retryCount": 0, "timeoutSeconds": 0}
    assert {kind for kind, *_ in names(goals_of(definition(simple("a", taskDefinition=plain))))} == {"task"}
    strict = simple("a", taskDefinition={**plain, "retryCount": 2, "timeoutSeconds": 60})
    assert {kind for kind, *_ in names(goals_of(definition(strict)))} == {"task", "retry", "timeout"}
    assert {kind for kind, *_ in names(goals_of(definition(simple("a"))))} == {"task"}, "nobody defines it"
    known = {"a": wire.task_definition({**plain, "retryCount": 1})}
    assert {kind for kind, *_ in names(goals_of(definition(simple("a")), known))} == {"task", "retry"}


def test_a_second_attempt_is_a_retry_and_a_timed_out_one_a_timeout():
    limits = {"name": "a", "retryCount": 2, "timeoutSeconds": 60}
    defined = definition(simple("a", taskDefinition=limits))
    first = record("a", status="TIMED_OUT", retried=True)
    assert met(defined, first, record("a", attempt=1)) == {("task", "a", ""), ("retry", "a", ""), ("timeout", "a", "")}


def test_optional_and_permissive_tasks_are_to_fail_once():
    defined = definition(simple("a", optional=True), simple("b", permissive=True))
    assert met(defined, record("a"), record("b")) == {("task", "a", ""), ("task", "b", "")}
    failed = met(defined, record("a", status="COMPLETED_WITH_ERRORS"), record("b", status="FAILED"))
    assert {("optional", "a", ""), ("permissive", "b", "")} <= failed


def test_terminations_sub_workflows_and_the_failure_workflow_are_goals_of_their_own():
    defined = definition(of("SUB_WORKFLOW", "s"), of("TERMINATE", "t"), failureWorkflow="undo")
    assert names(goals_of(defined)) == {("sub-workflow", "s", ""), ("termination", "t", ""), ("failure", "", "undo")}
    ended = [record("s", kind="SUB_WORKFLOW"), record("t", kind="TERMINATE")]
    assert met(defined, *ended) == {("sub-workflow", "s", ""), ("termination", "t", "")}
    started = {"conductor.failure_workflow": "wf-2"}
    assert met(defined, status="FAILED", output=started) == {("failure", "", "undo")}


def test_a_workflow_with_a_timeout_is_to_time_out_once():
    limited = definition(simple("a"), timeoutSeconds=60, timeoutPolicy="TIME_OUT_WF")
    assert ("timeout", "", "") in met(limited, status="TIMED_OUT")
    alerted = definition(simple("a"), timeoutSeconds=60, timeoutPolicy="ALERT_ONLY")
    assert {kind for kind, *_ in names(goals_of(alerted))} == {"task"}


def test_what_a_dynamic_fork_brought_along_is_no_goal_and_no_error():
    defined = definition(simple("a"))
    assert met(defined, record("a"), record("x1")) == {("task", "a", "")}


def test_the_advice_for_a_case_is_the_input_that_takes_it():
    assert advice(definition(switch()), "case", "way", "air") == 'conductor.run("shop", input={"w": "air"})'
    assert advice(definition(switch()), "default case", "way") == 'conductor.run("shop", input={"w": "other"})'
    assert advice(definition(switch()), "task", "fly") == (
        'conductor.run("shop", input={"w": "air"}); then let it come to fly'
    )


def test_the_advice_for_a_case_is_the_output_that_takes_it():
    by_output = switch(inputParameters={"way": "${choose.output.by}"})
    assert advice(definition(simple("choose"), by_output), "case", "way", "air") == (
        'conductor.run("shop", handlers={"choose": lambda task: {"by": "air"}})'
    )


def test_where_the_value_is_computed_the_advice_names_the_expression():
    scripted = switch("$.n > 3 ? 'air' : 'sea'", evaluatorType="javascript")
    assert advice(definition(scripted), "case", "way", "air") == (
        "conductor.run(\"shop\"); way must take case 'air' (it evaluates $.n > 3 ? 'air' : 'sea')"
    )


def test_the_advice_for_a_failure_is_a_handler_that_fails():
    defined = definition(simple("a", optional=True), failureWorkflow="undo")
    assert advice(defined, "optional", "a").startswith('conductor.run("shop", handlers={"a": lambda task: 1 / 0})')
    assert advice(defined, "failure", "", "undo").endswith("and expect undo to be started")


def test_the_advice_for_a_dynamic_fork_is_the_output_that_forks():
    fork = of("FORK_JOIN_DYNAMIC", "f", dynamicForkTasksParam="tasks", inputParameters={"tasks": "${plan.output.t}"})
    assert advice(definition(simple("plan"), fork), "fork", "f", "0") == (
        'conductor.run("shop", handlers={"plan": lambda task: {"t": [], ...}})'
    )


def test_a_person_s_time_limit_is_a_goal_and_none_of_the_workflow_s():
    ask = of("HUMAN", "ask", taskDefinition={"name": "ask", "timeoutSeconds": 60, "retryCount": 3})
    defined = definition(ask, timeoutSeconds=600, timeoutPolicy="TIME_OUT_WF")
    assert names(goals_of(defined)) == {("task", "ask", ""), ("timeout", "ask", ""), ("timeout", "", "")}
    asked_in_vain = record("ask", kind="HUMAN", status="TIMED_OUT")
    assert met(defined, asked_in_vain, status="TIMED_OUT") == {("task", "ask", ""), ("timeout", "ask", "")}
    assert [goal.what for goal in goals_of(defined)][-1] == "the workflow times out"


def test_so_is_that_of_a_wait_which_somebody_has_to_end():
    rules = {"name": "w", "timeoutSeconds": 60}
    signal = of("WAIT", "signal", taskDefinition=rules)
    pause = of("WAIT", "pause", taskDefinition=rules, inputParameters={"duration": "30 s"})
    assert [goal.ref for goal in goals_of(definition(signal, pause)) if goal.kind == "timeout"] == ["signal"]
    assert ("timeout", "signal", "") in met(definition(signal), record("signal", kind="WAIT", status="TIMED_OUT"))
