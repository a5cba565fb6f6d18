"""What else a workflow is made of: loops, sub-workflows, dynamic forks, optional tasks, failure workflows."""

import pytest

from pytest_k1n import (
    TaskFailed,
    answered_by,
    attempts,
    compensated_by,
    completed,
    failed,
    follows_definition,
    not_scheduled,
    output,
    ran,
    took_branch,
    within,
)


def simple(name, ref=None, **inputs):
    return {"name": name, "taskReferenceName": ref or name, "type": "SIMPLE", "inputParameters": inputs}


def workflow(*tasks, **fields):
    return {"name": "users_shapes", "version": 1, "schemaVersion": 2, "ownerEmail": "shop@example.com",
            "tasks": [*tasks], **fields}  # fmt: skip


LOOP = {
    "name": "until", "taskReferenceName": "until", "type": "DO_WHILE", "loopOver": [simple("users_ask")],
    "loopCondition": "if ($.users_ask['done'] != true && $.until['iteration'] < 5) { true; } else { false; }",
}  # fmt: skip
CHILD = {"name": "users_child", "version": 1, "schemaVersion": 2, "ownerEmail": "shop@example.com",
         "inputParameters": ["n"], "tasks": [simple("users_inner", n="${workflow.input.n}")],
         "outputParameters": {"twice": "${users_inner.output.twice}"}}  # fmt: skip
SUB = {"name": "part", "taskReferenceName": "part", "type": "SUB_WORKFLOW", "inputParameters": {"n": 4},
       "subWorkflowParam": {"name": "users_child", "version": 1}}  # fmt: skip


def test_a_loop_goes_round_until_it_is_done(conductor):
    execution = conductor.run(workflow(LOOP), handlers={"users_ask": lambda task: {"done": task.iteration == 3}})
    execution.expect(completed(), ran("users_ask__3"), not_scheduled("users_ask__4"))


def test_a_loop_gives_up(conductor):
    execution = conductor.run(workflow(LOOP), handlers={"users_ask": {"done": False}})
    assert execution.task("until").output["iteration"] == 5


def test_a_sub_workflow_gives_its_output(conductor):
    execution = conductor.run(
        workflow(SUB, outputParameters={"eight": "${part.output.twice}"}),
        children=[CHILD],
        handlers={"users_inner": lambda n: {"twice": 2 * n}},
    )
    execution.expect(completed(), output("eight", equals=8))
    execution.child("part").expect(completed(), ran("users_inner"))


@pytest.mark.scaled
def test_the_work_of_a_sub_workflow_is_workflow_time(conductor):
    child = {**CHILD, "tasks": [simple("users_inner"), simple("users_last")], "outputParameters": {"n": 1}}
    takes = {"users_inner": "1m", "users_last": "1m", "users_after": "1m"}
    execution = conductor.run(workflow(SUB, simple("users_after")), children=[child], takes=takes)
    execution.expect(completed(), within("175s", "5m"))


def test_what_is_found_out_while_it_runs_is_no_other_definition(conductor):
    which = {"name": "any", "taskReferenceName": "which", "type": "DYNAMIC", "dynamicTaskNameParam": "kind",
             "inputParameters": {"kind": "users_ask"}}  # fmt: skip
    remember = {"name": "keep", "taskReferenceName": "keep", "type": "SET_VARIABLE", "inputParameters": {"seen": True}}
    newest = {**SUB, "subWorkflowParam": {"name": "users_child"}}
    execution = conductor.run(workflow(which, remember, newest), children=[CHILD])
    execution.expect(completed(), follows_definition(), ran("which", "keep", "part"))


def test_a_sub_workflow_that_fails_is_the_reason(conductor):
    def broken(task):
        raise TaskFailed("no such part", terminal=True)

    execution = conductor.run(workflow(SUB, simple("users_after")), children=[CHILD], handlers={"users_inner": broken})
    execution.expect(failed(), not_scheduled("users_after"))
    execution.child("part").expect(failed(reason="no such part"))


def test_what_a_dynamic_fork_names_is_served(conductor):
    fork = {"name": "each", "taskReferenceName": "each", "type": "FORK_JOIN_DYNAMIC", "dynamicForkTasksParam": "tasks",
            "dynamicForkTasksInputParamName": "inputs",
            "inputParameters": {"tasks": [simple("users_dyn", f"d{n}") for n in range(3)],
                                "inputs": {f"d{n}": {"n": n} for n in range(3)}}}  # fmt: skip
    join = {"name": "all", "taskReferenceName": "all", "type": "JOIN"}
    execution = conductor.run(workflow(fork, join), handlers={"users_dyn": lambda n: {"square": n * n}})
    execution.expect(completed())
    assert [execution.task(f"d{n}").output["square"] for n in range(3)] == [0, 1, 4]


def test_what_is_optional_may_fail(conductor):
    extra = {**simple("users_extra"), "optional": True}
    execution = conductor.run(workflow(extra, simple("users_after")), handlers={"users_extra": lambda task: 1 / 0})
    execution.expect(ran("users_after"))
    assert execution.status == "COMPLETED"


@pytest.mark.parametrize(("size", "case"), [(1, "small"), (9, "default")])
def test_a_switch_by_a_value(conductor, size, case):
    switch = {"name": "by", "taskReferenceName": "by", "type": "SWITCH", "evaluatorType": "value-param",
              "expression": "size", "inputParameters": {"size": "${workflow.input.size}"},
              "decisionCases": {"1": [simple("users_small")]}, "defaultCase": [simple("users_large")]}  # fmt: skip
    execution = conductor.run(workflow(switch), input={"size": size})
    execution.expect(completed(), took_branch("by", "1" if case == "small" else "default"))


def test_a_failure_is_made_good(conductor):
    def broken(task):
        raise TaskFailed("out of order", terminal=True)

    execution = conductor.run(
        "USERS_ORDER", input={"order": "o", "amount": 1}, handlers={"users_reserve": broken}, within="60s"
    )
    execution.expect(failed(), compensated_by("USERS_REFUND"))
    execution.child("USERS_REFUND").expect(completed(), ran("users_refund"))


def test_a_second_attempt_helps(conductor):
    rules = {"name": "users_shaky", "ownerEmail": "shop@example.com", "retryCount": 2, "retryDelaySeconds": 0,
             "responseTimeoutSeconds": 60, "timeoutSeconds": 0}  # fmt: skip

    def shaky(task):
        if task.attempt == 0:
            raise ConnectionError("no route")

    execution = conductor.run(
        workflow(simple("users_shaky")), handlers={"users_shaky": shaky}, task_definitions=[rules]
    )
    execution.expect(completed(), attempts("users_shaky", 2))


@pytest.fixture(scope="module")
def once(conductor_module):
    return conductor_module.run(workflow(simple("users_once")), handlers={"users_once": lambda task: {"n": 1}})


def test_one_execution_is_judged_here(once):
    once.expect(completed())


def test_and_judged_there(once):
    assert once.task("users_once").output == {"n": 1}


def test_plain_asserts_do_as_well(conductor):
    execution = conductor.run(workflow(simple("users_one")))
    assert (execution.status, len(execution.execution.tasks)) == ("COMPLETED", 1)
    assert execution.task("users_one").status == "COMPLETED"


@pytest.mark.live
def test_the_server_is_a_conductor(conductor, conductor_proc):
    conductor.run(workflow(simple("users_one"))).expect(completed())
    assert conductor_proc.client().version() is not None


def test_a_person_is_asked_in_a_sub_workflow(conductor):
    ask = {"name": "users_ask", "taskReferenceName": "ask", "type": "HUMAN"}
    inner = {"name": "users_asking", "version": 1, "ownerEmail": "shop@example.com", "tasks": [ask]}
    outer = {"name": "sub", "taskReferenceName": "sub", "type": "SUB_WORKFLOW",
             "subWorkflowParam": {"name": "users_asking", "version": 1}}  # fmt: skip
    definition = {"name": "users_asks", "version": 1, "ownerEmail": "shop@example.com", "tasks": [outer]}
    execution = conductor.start(definition, children=[inner])
    execution.wait_for("sub")
    child = execution.child("sub")
    child.signal("ask", {"by": "bob"})
    execution.expect(completed())
    child.expect(completed(), answered_by("ask", "bob"))
