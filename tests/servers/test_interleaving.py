"""All orders of ends on the embedded engine: planted races are found with two orders, the rest costs little."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k1n_support.examples import share
from pytest_k1n.core.standins.answers import PlannedAnswer
from pytest_k1n.servers.interleaving import interleavings

WORKFLOWS = Path(__file__).parents[2] / "fixtures" / "workflows"


def simple(ref, **inputs):
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE", "inputParameters": inputs}


def setting(ref, **variables):
    return {"name": ref, "taskReferenceName": ref, "type": "SET_VARIABLE", "inputParameters": variables}


def fork(ref, *branches):
    return [
        {"name": ref, "taskReferenceName": ref, "type": "FORK_JOIN", "forkTasks": list(branches)},
        {"name": f"{ref}_join", "taskReferenceName": f"{ref}_join", "type": "JOIN",
         "joinOn": [branch[-1]["taskReferenceName"] for branch in branches]},
    ]  # fmt: skip


def workflow(*tasks, **fields):
    return {
        "name": "W",
        "version": 1,
        "schemaVersion": 2,
        "ownerEmail": "k1n@example.com",
        "tasks": list(tasks),
        **fields,
    }


def shipped(name):
    return json.loads((WORKFLOWS / f"{name}.json").read_text())


SETTERS = ([simple("a"), setting("set_a", x="a")], [simple("b"), setting("set_b", x="b")], [simple("c")])
READER = simple("after", x="${workflow.variables.x}")
RACE = workflow(*fork("f", *SETTERS), READER, outputParameters={"x": "${after.input.x}"})


def test_two_branches_that_set_one_variable_are_found_with_two_orders_that_differ_in_neighbours():
    found = interleavings(RACE)
    assert (found.outcomes, found.all_orders, found.is_complete) == (2, 6, True)
    (race,) = found.races
    assert (race.first, race.second) == (("a", "b"), ("b", "a"))
    assert 'W.variables.x: "b" or "a"' in race.differs
    with pytest.raises(AssertionError, match="depends on whether a or b ends first"):
        found.check()


def test_a_task_that_reads_a_variable_which_another_branch_sets_is_found():
    tasks = fork("f", [simple("a"), setting("set_a", x=1)], [simple("b"), simple("reads", x="${workflow.variables.x}")])
    (race,) = interleavings(workflow(*tasks)).races
    assert {race.first[-2:], race.second[-2:]} == {("a", "b"), ("b", "a")}


def test_a_task_that_reads_the_output_of_another_branch_is_found():
    tasks = fork("f", [simple("a")], [simple("b"), simple("reads", x="${a.output.artifact}")])
    assert interleavings(workflow(*tasks)).outcomes == 2


def test_a_workflow_without_outputs_that_ends_with_a_join_puts_out_what_its_last_task_did():
    tasks = fork("f", [simple("a"), simple("b")], [simple("c"), simple("d")])
    (race,) = interleavings(workflow(*tasks)).races
    assert race.differs[0].startswith("W.output.artifact: ")
    assert interleavings(workflow(*tasks, outputParameters={"b": "${b.output.artifact}"})).races == ()


def test_branches_that_set_variables_of_their_own_cost_one_order():
    tasks = fork("f", *([simple(ref), setting(f"set_{ref}", **{ref: 1})] for ref in "abcd"))
    found = interleavings(workflow(*tasks, outputParameters={"a": "${workflow.variables.a}"}))
    assert (len(found.orders), found.all_orders, found.races) == (1, 24, ())
    found.check()


@pytest.mark.parametrize(("name", "all_orders"), [("K1N_TEMPLATE_03", 24), ("K1N_22TASK_OPTIMIZED", 518_400)])
def test_the_plans_parallel_workflows_are_free_of_races(name, all_orders):
    found = interleavings(shipped(name), input={"project": "k1n"})
    found.check()
    assert (found.all_orders, found.outcomes) == (all_orders, 1)


def test_handlers_that_share_something_are_run_in_every_order():
    def handlers():
        seen = []

        def note(task):
            seen.append(task.ref)
            return {"seen": list(seen)}

        return {"a": note, "b": note}

    tasks = fork("f", [simple("a")], [simple("b")], [simple("c")])
    found = interleavings(workflow(*tasks), handlers=handlers)
    assert (found.outcomes, len(found.orders), found.all_orders) == (2, 2, 6)
    assert interleavings(workflow(*tasks), handlers=handlers, pure=True).outcomes == 1


def test_a_phase_varies_its_own_tasks_only():
    def handlers():
        return {ref: lambda task: {} for ref in "abcde"}

    tasks = [*fork("f", [simple("a")], [simple("b")], [simple("c")]), *fork("g", [simple("d")], [simple("e")])]
    assert len(interleavings(workflow(*tasks), handlers=handlers).orders) == 12
    assert len(interleavings(workflow(*tasks), handlers=handlers, phase=["d", "e"]).orders) == 2


def test_a_limit_that_is_reached_is_no_success():
    found = interleavings(workflow(*fork("f", *([simple(ref)] for ref in "abcd"))), limit=3,
                          handlers={ref: lambda task: {} for ref in "abcd"})  # fmt: skip
    assert (len(found.orders), found.is_complete, found.races) == (3, False, ())
    with pytest.raises(AssertionError, match=r"3 orders of 24 were run .* not all of them: .* raise the limit"):
        found.check()


def test_a_branch_that_fails_is_tried_before_and_after_the_others():
    def fail(task):
        raise RuntimeError("no")

    rules = [{"name": "a", "retryCount": 0, "ownerEmail": "k1n@example.com"}]
    tasks = fork("f", [simple("a")], [simple("b")])
    found = interleavings(workflow(*tasks), handlers={"a": fail}, task_definitions=rules)
    assert set(found.orders) == {("a",), ("b", "a")}


def test_a_second_attempt_and_a_child_are_ends_of_their_own():
    def fail_once(task):
        if task.attempt == 0:
            raise RuntimeError("once")
        return {}

    rules = [{"name": "a", "retryCount": 1, "retryDelaySeconds": 5, "ownerEmail": "k1n@example.com"}]
    started = {"name": "C", "version": 1, "workflowDefinition": {**workflow(simple("inner")), "name": "C"}}
    child = {"name": "child", "taskReferenceName": "child", "type": "SUB_WORKFLOW", "subWorkflowParam": started}
    tasks = fork("f", [simple("a")], [child])
    found = interleavings(workflow(*tasks), handlers={"a": fail_once}, task_definitions=rules)
    assert {frozenset(order) for order in found.orders} == {frozenset({"a", "a#2", "child/inner"})}
    found.check()


def test_an_answer_that_is_waited_for_is_an_end_too():
    wait = {"name": "wait", "taskReferenceName": "wait", "type": "HUMAN"}
    tasks = fork("f", [simple("a"), setting("set_a", x=1)], [wait, setting("set_w", x=2)])
    (race,) = interleavings(workflow(*tasks)).races
    assert set(race.first) == {"a", "wait"}


branch_ends = st.sampled_from(["nothing", "sets x", "sets y", "reads x", "reads y", "reads other"])


@share(0.25)
@given(st.lists(branch_ends, min_size=2, max_size=3), st.booleans(), st.booleans())
def test_reduction_finds_every_outcome_that_all_orders_have(kinds, is_nested, has_output):
    branches = []
    for number, kind in enumerate(kinds):
        ref = f"t{number}"
        other = f"t{(number + 1) % len(kinds)}"
        tail = {
            "nothing": [],
            "sets x": [setting(f"s{number}", x=number)],
            "sets y": [setting(f"s{number}", y=number)],
            "reads x": [simple(f"r{number}", v="${workflow.variables.x}")],
            "reads y": [simple(f"r{number}", v="${workflow.variables.y}")],
            "reads other": [simple(f"r{number}", v=f"${{{other}.output.artifact}}")],
        }[kind]
        branches.append([simple(ref), *tail])
    if is_nested:
        branches = [[simple("outer"), setting("so", x="outer")], fork("inner", *branches[:2])]
    definition = workflow(
        *fork("f", *branches),
        variables={"x": 0, "y": 0},
        outputParameters={"x": "${workflow.variables.x}"} if has_output else {},
    )
    refs = ["outer", *(f"{kind}{number}" for number in range(4) for kind in "tr")]
    reduced = interleavings(definition)
    # Handlers that could share something depend on each other: that is every order there is.
    every = interleavings(definition, handlers=dict.fromkeys(refs, lambda task: {"artifact": task.ref}), limit=20_000)
    alike = interleavings(definition, handlers=dict.fromkeys(refs, lambda task: {"artifact": task.ref}), pure=True)
    assert reduced.is_complete
    assert every.is_complete
    assert alike.outcomes == every.outcomes == reduced.outcomes
    assert len(every.orders) == every.all_orders


def counting(*, idempotent):
    """Handlers of `a` and `b` that add to what they share, once a task or once an attempt; `total` reads it."""

    def handlers():
        done, balance = set(), []

        def add(task):
            if not (idempotent and task.ref in done):
                done.add(task.ref)
                balance.append(task.ref)
            return {}

        return {"a": add, "b": add, "total": lambda _task: {"sum": len(balance)}}

    return handlers


COUNTED = workflow(*fork("f", [simple("a")], [simple("b")]), simple("total"))


def retried(*refs):
    return [{"name": ref, "retryCount": 1, "responseTimeoutSeconds": 9, "ownerEmail": "me@example.com"} for ref in refs]


RETRIED = retried("a", "b", "total")


def test_a_fault_between_ends_shows_a_handler_that_is_not_idempotent_and_its_number_shows_it_again():
    careless = counting(idempotent=False)
    found = interleavings(COUNTED, handlers=careless, task_definitions=RETRIED, faults=30, fault_seed=7)
    assert not found.races
    assert {harm.mishap.kind for harm in found.harms} == {"unreported"}
    assert all("W.output.sum: 2 or 3" in harm.differs for harm in found.harms)
    with pytest.raises(AssertionError, match=r"worker dies with its work done and not reported.*\n  order .*\(unrep"):
        found.check()
    first = found.harms[0]
    number = first.mishap.number
    again = interleavings(COUNTED, handlers=careless, task_definitions=RETRIED, faults=[number], fault_seed=7)
    assert again.harms == (first,)
    assert (again.faults, found.faults) == (1, 30)


def test_handlers_that_are_idempotent_come_through_all_faults():
    careful = counting(idempotent=True)
    found = interleavings(COUNTED, handlers=careful, task_definitions=RETRIED, faults=30, fault_seed=7)
    found.check()
    assert ", 30 faults between them with 0 harmed" in str(found)


def test_a_task_without_a_retry_does_not_survive_the_death_of_its_worker():
    rules = [*retried("a", "total"), {"name": "b", "retryCount": 0, "ownerEmail": "k1n@example.com"}]
    found = interleavings(COUNTED, task_definitions=rules, faults=40)
    assert {(harm.mishap.kind, harm.mishap.ref) for harm in found.harms} == {("lost", "b"), ("unreported", "b")}
    assert 'W.status: "COMPLETED" or "TIMED_OUT"' in found.harms[0].differs


def test_faults_strike_in_the_phase_only():
    rules = [*retried("b"), *({"name": ref, "retryCount": 0, "ownerEmail": "me@example.com"} for ref in ("a", "total"))]
    found = interleavings(COUNTED, task_definitions=rules, faults=40, phase=["a", "b"])
    assert {harm.mishap.ref for harm in found.harms} == {"a"}


def test_a_workflow_that_survives_every_order_and_fault_of_the_plan():
    tasks = [json.loads(path.read_text()) for path in sorted((WORKFLOWS.parent / "tasks").glob("*.json"))]
    found = interleavings(
        shipped("K1N_22TASK_OPTIMIZED"), input={"project": "k1n"}, task_definitions=tasks, faults=60, fault_seed=1
    )
    found.check()
    assert found.faults == 60


@pytest.mark.parametrize("faults", [-1, [0], [3, -2]])
def test_numbers_of_faults_are_counted_from_one(faults):
    with pytest.raises(ValueError, match="a list of their numbers from 1"):
        interleavings(COUNTED, faults=faults)


def child(ref, *tasks, name="child", **fields):
    """A SUB_WORKFLOW task with its definition inline."""
    inner = {"name": name, "version": 1, "workflowDefinition": {**workflow(*tasks, **fields), "name": name}}
    return {"name": ref, "taskReferenceName": ref, "type": "SUB_WORKFLOW", "subWorkflowParam": inner}


def named(ref, name):
    inner = {"name": name, "version": 1}
    return {"name": ref, "taskReferenceName": ref, "type": "SUB_WORKFLOW", "subWorkflowParam": inner}


def boom(**_inputs):
    raise ValueError("boom")


READS_A = simple("c", q="${a.status}")
READS_B = simple("c", q="${b.status}")
LOOP = {
    "name": "again", "taskReferenceName": "again", "type": "DO_WHILE", "loopOver": [simple("b")],
    "inputParameters": {"stop": "${workflow.variables.stop}"},
    "loopCondition": "if ($.stop == 1 || $.again['iteration'] >= 3) {false;} else {true;}",
}  # fmt: skip
TERMINATE = {
    "name": "t", "taskReferenceName": "t", "type": "TERMINATE", "inputParameters": {"terminationStatus": "COMPLETED"}
}  # fmt: skip
HUMAN = {"name": "ask", "taskReferenceName": "ask", "type": "HUMAN"}
RACES = {
    "a field that the simulation would not have": fork(
        "f", [simple("a")], [simple("b"), simple("c", q="${a.output.v}")]
    ),
    "a variable in brackets": fork(
        "f", [simple("a"), setting("s", x=1)], [simple("b"), simple("c", q="${workflow.variables['x']}")]
    ),
    "a loop's condition": [setting("s0", stop=0), *fork("f", [simple("a"), setting("s", stop=1)], [LOOP])],
    "refs that parent and child share": [
        child("s", *fork("f", [simple("a")], [simple("b"), READS_A])), simple("c"), simple("b"), simple("a")
    ],
    "one child twice": fork(
        "g", [child("s1", *fork("f", [simple("a")], [simple("b"), READS_A]))],
        [child("s2", *fork("f", [simple("a")], [simple("b"), READS_A]))],
    ),
    "the end of all": fork("f", [simple("a"), TERMINATE], [simple("b"), simple("c")]),
}  # fmt: skip
NEIGHBOURS = {
    "a field of its own branch": fork("f", [simple("a")], [simple("b"), simple("c", q="${b.output.v}")]),
    "another variable in brackets": fork(
        "f", [simple("a"), setting("s", x=1)], [simple("b"), simple("c", q="${workflow.variables['y']}")]
    ),
    "one child twice": fork(
        "g", [child("s1", *fork("f", [simple("a")], [simple("b"), READS_B]))],
        [child("s2", *fork("f", [simple("a")], [simple("b"), READS_B]))],
    ),
    "the end behind all": [*fork("f", [simple("a")], [simple("b"), simple("c")]), TERMINATE],
}  # fmt: skip


@pytest.mark.parametrize("tasks", RACES.values(), ids=RACES)
def test_a_planted_race_is_found_and_told(tasks):
    found = interleavings(workflow(*tasks, outputParameters={"done": True}))
    with pytest.raises(AssertionError, match="the outcome depends on whether"):
        found.check()


@pytest.mark.parametrize("tasks", NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_its_neighbour_without_the_race_is_not(tasks):
    interleavings(workflow(*tasks, outputParameters={"done": True})).check()


def test_a_race_in_a_child_that_is_brought_along_by_name_is_found():
    brought = {**workflow(*fork("f", [simple("a")], [simple("b"), READS_A])), "name": "brought"}
    assert interleavings(workflow(named("s", "brought")), children=[brought]).races


def test_children_with_variables_of_one_name_have_nothing_in_common():
    tasks = (simple("a"), setting("s", x=1))
    branches = [
        [child(f"s{number}", *tasks, outputParameters={"x": "${workflow.variables.x}"})] for number in (1, 2, 3)
    ]
    assert len(interleavings(workflow(*fork("f", *branches), outputParameters={"x": 1})).orders) == 1


@pytest.mark.parametrize("failing", [("a",), ("a", "b")])
def test_which_failure_comes_first_is_a_race_that_can_be_told(failing):
    found = interleavings(
        workflow(*fork("f", [simple("a")], [simple("b"), simple("c")])),
        handlers=dict.fromkeys(failing, boom), task_definitions=[{"name": ref, "retryCount": 0} for ref in failing],
        pure=True,
    )  # fmt: skip
    with pytest.raises(AssertionError, match="the outcome depends on whether a or b ends first"):
        found.check()
    assert "FAILED" in str(found)


def test_examples_of_outputs_share_nothing():
    branches = [[simple(ref)] for ref in "abcd"]
    assert len(interleavings(workflow(*fork("f", *branches)), handlers={ref: {"v": 1} for ref in "abcd"}).orders) == 1


def test_what_people_answer_decides_and_when_they_do_is_varied():
    tasks = fork("f", [HUMAN, setting("s", x="${ask.output.by}")], [simple("b"), setting("t", x="b")])
    answers = {"ask": PlannedAnswer(output={"by": "ann"})}
    (race,) = interleavings(workflow(*tasks), answers=answers).races
    assert 'W.variables.x: "b" or "ann"' in race.differs
    refused = {"ask": PlannedAnswer(status="FAILED")}
    assert "FAILED" in interleavings(workflow(HUMAN), answers=refused).ends


def test_what_an_event_sets_off_is_part_of_an_order():
    event = {"name": "tell", "taskReferenceName": "tell", "type": "EVENT", "sink": "conductor"}
    wait = {"name": "w", "taskReferenceName": "w", "type": "WAIT"}
    heard = {
        "name": "on_tell", "event": "conductor:W:tell", "active": True,
        "actions": [{"action": "complete_task",
                     "complete_task": {"workflowId": "${workflowInstanceId}", "taskRefName": "w", "output": {"by": 1}}}]
    }  # fmt: skip
    tasks = fork("f", [simple("a"), event], [wait, setting("s", x="${w.output.by}")])
    found = interleavings(workflow(*tasks), event_handlers=[heard])
    assert {order[:2] for order in found.orders} == {("a",), ("w", "a")}
    assert found.outcomes == 2  # who answered it


def test_a_wait_as_long_as_a_simulated_task_says_ends():
    wait = {"name": "w", "taskReferenceName": "w", "type": "WAIT", "inputParameters": {"duration": "${a.output.delay}"}}
    assert interleavings(workflow(simple("a"), wait, simple("b"))).ends == ("COMPLETED",)


def test_where_no_task_was_ever_in_hand_check_says_so():
    found = interleavings(workflow(*fork("f", [simple("a")], [simple("b")])[:1]))
    with pytest.raises(AssertionError, match="no task was ever in hand, and the workflow is FAILED"):
        found.check()


@pytest.mark.parametrize("limit", [0, -1, "5", 2.5, None, True])
def test_a_limit_that_is_none_is_refused(limit):
    with pytest.raises(ValueError, match="how many orders may be run, from 1"):
        interleavings(workflow(simple("a")), limit=limit)
