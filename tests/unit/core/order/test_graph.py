"""The happens-before graph, task type by task type, with and without an execution."""

import time

import pytest

from pytest_k1n.core.model import WorkflowTask
from pytest_k1n.core.order.unroll import expected_keys, happens_before, label, unexpected_keys


def origins(graph):
    return [edge.origin for edge in graph.edges]


def pairs(graph):
    return {(label(edge.before), label(edge.after)) for edge in graph.edges}


def test_a_chain_has_one_edge_between_neighbours(define):
    graph = happens_before(define.workflow("task_6", "task_7", "task_8"))
    assert origins(graph) == ["definition edge task_6 -> task_7", "definition edge task_7 -> task_8"]
    assert graph.predecessors(("task_8", 0)) == (("task_7", 0),)
    assert graph.is_before(("task_6", 0), ("task_8", 0))
    assert not graph.is_before(("task_8", 0), ("task_6", 0))


def test_a_fork_starts_its_branches_and_a_join_waits_for_their_ends(define):
    graph = happens_before(
        define.workflow("a", define.fork("fork_1", "b", ["c", "d"]), define.join("join_1", "b", "d"), "e")
    )
    assert origins(graph) == [
        "definition edge a -> fork_1",
        "fork fork_1 starts b",
        "fork fork_1 starts c",
        "definition edge c -> d",
        "definition edge fork_1 -> join_1",
        "join_1 waits for b",
        "join_1 waits for d",
        "definition edge join_1 -> e",
    ]


def test_a_branch_left_out_of_join_on_runs_on_beside_what_follows(define):
    graph = happens_before(define.workflow(define.fork("f", "a", "b"), define.join("j", "a"), "c"))
    assert graph.is_before(("a", 0), ("c", 0))
    assert graph.are_concurrent(("b", 0), ("c", 0))
    assert graph.concurrent_pairs() == ((("a", 0), ("b", 0)), (("b", 0), ("c", 0)))


def test_a_second_join_waits_for_the_branch_that_the_first_left_out(define):
    graph = happens_before(
        define.workflow(define.fork("f", "a", "b"), define.join("j", "a"), "c", define.join("k", "b"), "d")
    )
    assert graph.is_before(("b", 0), ("d", 0))
    assert not graph.is_before(("b", 0), ("c", 0))


def test_a_join_without_join_on_waits_for_the_fork_only(define):
    graph = happens_before(define.workflow(define.fork("f", "a"), define.join("j"), "b"))
    assert graph.are_concurrent(("a", 0), ("b", 0))


def test_contracting_bridges_operators_and_says_through_which(define):
    graph = happens_before(
        define.workflow("a", define.fork("f", "b", "c"), define.join("j", "b", "c"), define.switch("s", {"x": "d"}))
    )
    contracted = graph.contracted()
    assert {edge.origin for edge in contracted.edges} == {
        "a -> b through f",
        "a -> c through f",
        "b -> d through j, s",
        "c -> d through j, s",
    }
    assert contracted.forks == {("f", 0): ((("b", 0),), (("c", 0),))}
    assert contracted.parallel_groups() == graph.parallel_groups()


def test_contracting_keeps_system_tasks_that_do_something_unless_told_otherwise(define):
    graph = happens_before(define.workflow("a", define.task("w", type="WAIT"), define.task("n", type="NOOP"), "b"))
    assert pairs(graph.contracted()) == {("a", "w"), ("w", "b")}
    assert pairs(graph.contracted(graph.worker_keys)) == {("a", "b")}


def test_a_contracted_edge_that_others_imply_is_dropped(define):
    graph = happens_before(define.workflow("a", "b", "c"))
    assert pairs(graph.contracted()) == {("a", "b"), ("b", "c")}
    assert pairs(graph.direct()) == {("a", "b"), ("b", "c")}


def test_what_the_plan_leaves_to_a_switch_is_an_alternative(define):
    graph = happens_before(define.workflow("a", define.switch("s", {"x": "b", "y": ["c", "d"]}), "e"))
    assert {edge.before for edge in graph.incoming(("e", 0))} == {("b", 0), ("d", 0), ("s", 0)}
    assert {edge.group for edge in graph.incoming(("e", 0))} == {1}
    assert graph.is_before(("s", 0), ("e", 0)), "guaranteed whatever the case"
    assert not graph.is_before(("b", 0), ("e", 0)), "only if case x is taken"
    assert graph.are_exclusive(("b", 0), ("d", 0))
    assert not graph.are_exclusive(("c", 0), ("d", 0))
    assert not graph.are_concurrent(("b", 0), ("e", 0)), "if b runs at all, e comes after it"
    assert graph.concurrent_pairs() == ()
    assert pairs(graph.contracted()) == {("a", "b"), ("a", "c"), ("c", "d"), ("a", "e")}


@pytest.mark.parametrize(
    "output",
    [{"selectedCase": "y"}, {"evaluationResult": ["y"]}, {"caseOutput": ["y"]}],
    ids=["selectedCase", "evaluationResult", "caseOutput"],
)
def test_a_switch_that_decided_has_the_case_it_took_only(define, execution, task, output):
    definition = define.workflow("a", define.switch("s", {"x": "b", "y": ["c", "d"]}), "e")
    run = execution(task("a", 0, 1), task("s", 1, 1, type="SWITCH", output=output), task("c", 1))
    graph = happens_before(definition, run)
    assert "s takes case 'y' to c" in origins(graph)
    assert [label(key) for key in graph.order] == ["a", "s", "c", "d", "e"]
    assert graph.is_before(("d", 0), ("e", 0))
    assert not graph.undecided


def test_a_value_that_is_no_case_takes_the_default_case(define, execution, task):
    definition = define.workflow(define.switch("s", {"x": "b"}, ["z"]), "e")
    run = execution(task("s", 0, 0, type="SWITCH", output={"selectedCase": "null"}))
    assert "s takes the default case to z" in origins(happens_before(definition, run))


def test_an_empty_case_leads_straight_on(define, execution, task):
    definition = define.workflow(define.switch("s", {"x": [], "y": "b"}, "d"), "e")
    run = execution(task("s", 0, 0, type="SWITCH", output={"selectedCase": "x"}), task("e", 0, 5))
    assert origins(happens_before(definition, run)) == ["definition edge s -> e"]


def test_a_switch_without_an_output_is_read_off_its_records(define, execution, task):
    definition = define.workflow(define.switch("s", {"x": "b", "y": "c"}), "e")
    run = execution(task("s", 0, 0, type="DECISION"), task("c", 0, 5))
    assert [label(key) for key in happens_before(definition, run).order] == ["s", "c", "e"]


def test_a_loop_is_unrolled_as_often_as_it_went_round(define, execution, task):
    definition = define.workflow("a", define.loop("loop_1", "w", "x"), "b")
    run = execution(
        task("a", 0, 1),
        task("loop_1", 1, type="DO_WHILE"),
        task("w", 1, 2, iteration=1),
        task("x", 2, 3, iteration=1),
        task("w", 3, 4, iteration=2),
    )
    graph = happens_before(definition, run)
    assert origins(graph) == [
        "loop body of loop_1, iteration 1 after a",
        "definition edge w__1 -> x__1",
        "loop body of loop_1, iteration 2 after 1",
        "definition edge w__2 -> x__2",
        "loop_1 ends after its last iteration",
        "definition edge loop_1 -> b",
    ]
    assert graph.keys("w") == (("w", 1), ("w", 2))


def test_a_loop_over_no_items_leads_straight_on(define, execution, task):
    definition = define.workflow("a", define.loop("l", "w"), "b")
    run = execution(task("a", 0, 1), task("l", 1, 1, type="DO_WHILE", output={"iteration": 0}), task("b", 1, 2))
    assert pairs(happens_before(definition, run)) == {("a", "l"), ("l", "b")}


def test_iterations_that_keep_last_n_dropped_are_not_missed(define, execution, task):
    definition = define.workflow(define.loop("l", "w", inputs={"keepLastN": 1}))
    run = execution(task("l", 0, 9, type="DO_WHILE", output={"iteration": 5}), task("w", 8, 9, iteration=5))
    assert happens_before(definition, run).order == (("w", 5), ("l", 0))


def test_an_iteration_that_should_be_there_is_missed(define, execution, task):
    definition = define.workflow(define.loop("l", "w"))
    run = execution(task("l", 0, 9, type="DO_WHILE", output={"iteration": 3}), task("w", 8, 9, iteration=3))
    graph = happens_before(definition, run)
    assert set(expected_keys(graph, run)) - {record.key for record in run.tasks} == {("w", 1), ("w", 2)}


def test_the_rounds_of_an_inner_loop_are_not_those_of_the_outer_one(define, execution, task):
    definition = define.workflow(define.loop("outer", "w", define.loop("inner", "x")))
    run = execution(
        task("outer", 0, type="DO_WHILE"),
        task("w", 0, 1, iteration=1),
        task("inner", 1, iteration=1, type="DO_WHILE"),
        *(task("x", count, count + 1, iteration=count) for count in (1, 2, 3)),
    )
    graph = happens_before(definition, run)
    assert graph.keys("w") == (("w", 1),)
    assert graph.keys("x") == (("x", 1), ("x", 2), ("x", 3))


def test_forks_in_loops_join_within_their_iteration(define, execution, task):
    definition = define.workflow(define.loop("l", define.fork("f", "a", "b"), define.join("j", "a", "b")))
    run = execution(
        task("l", 0, type="DO_WHILE"), task("f", 0, 0, iteration=1, type="FORK"), task("f", 9, 9, iteration=2)
    )
    graph = happens_before(definition, run)
    assert graph.predecessors(("j", 2)) == (("f", 2), ("a", 2), ("b", 2))
    assert graph.predecessors(("f", 2)) == (("j", 1),)
    assert [group.tasks for group in graph.parallel_groups()] == [
        (("a", 1), ("b", 1)),
        (("a", 2), ("b", 2)),
    ]


def test_a_dynamic_fork_opens_by_what_the_server_noted(define, execution, task):
    definition = define.workflow("a", define.dynamic_fork("f"), define.join("j"), "z")
    forked = [{"name": "n", "taskReferenceName": ref, "type": "SIMPLE"} for ref in ("p", "q")]
    run = execution(
        task("a", 0, 1),
        task("f", 1, 1, type="FORK", input={"forkedTasks": ["p", "q"], "forkedTaskDefs": forked}),
        task("p", 1, 5),
        task("q", 1, 6),
        task("j", 1, 7, type="JOIN", input={"joinOn": ["p", "q"]}),
    )
    graph = happens_before(definition, run)
    assert {"fork f starts p", "join_on" and "j waits for q"} <= set(origins(graph))
    assert graph.is_before(("q", 0), ("z", 0))
    assert graph.parallel_groups()[0].tasks == (("p", 0), ("q", 0))


def test_a_dynamic_fork_without_definitions_opens_by_its_records(define, execution, task):
    definition = define.workflow(define.dynamic_fork("f"), define.join("j"))
    run = execution(
        task("f", 0, 0, type="FORK", input={"forkedTasks": ["p", "q"]}),
        task("p", 0, 5, workflow_task=WorkflowTask(ref="p", name="n")),
        task("q", 0, 5, type="HTTP"),
    )
    graph = happens_before(definition, run)
    assert graph.worker_keys == {("p", 0)}
    assert graph.predecessors(("j", 0)) == (("f", 0), ("p", 0), ("q", 0))


def test_a_dynamic_forks_join_waits_for_what_the_server_noted_on_it(define, execution, task):
    definition = define.workflow(define.loop("l", define.dynamic_fork("f"), define.join("j")))
    refs = {"forkedTasks": ["p", "q"]}
    run = execution(
        task("l", 0, type="DO_WHILE"),
        task("f", 0, 0, iteration=1, type="FORK", input=refs),
        task("j", 0, iteration=1, type="JOIN", input={"joinOn": ["q__1"]}),
    )
    assert happens_before(definition, run).predecessors(("j", 1)) == (("f", 1), ("q", 1))


def test_a_dynamic_fork_that_has_not_run_is_closed(define):
    graph = happens_before(define.workflow("a", define.dynamic_fork("f"), define.join("j"), "b"))
    assert pairs(graph.contracted()) == {("a", "b")}


def test_an_empty_dynamic_fork_joins_at_once(define, execution, task):
    definition = define.workflow(define.dynamic_fork("f"), define.join("j"), "b")
    run = execution(task("f", 0, 0, type="FORK", input={"forkedTasks": [], "forkedTaskDefs": []}))
    assert pairs(happens_before(definition, run)) == {("f", "j"), ("j", "b")}


def test_an_exclusive_join_waits_for_any_of_what_it_joins(define):
    definition = define.workflow(
        define.switch("s", {"x": "a", "y": "b"}, "c"), define.exclusive_join("e", "a", "b"), "z"
    )
    graph = happens_before(definition)
    waits = [edge for edge in graph.incoming(("e", 0)) if edge.origin.startswith("e waits for")]
    assert {edge.before for edge in waits} == {("a", 0), ("b", 0)}
    assert len({edge.group for edge in waits}) == 1
    assert graph.is_before(("s", 0), ("z", 0))
    assert not graph.is_before(("a", 0), ("z", 0))


def test_an_exclusive_join_waits_for_the_one_that_ran(define, execution, task):
    definition = define.workflow(define.switch("s", {"x": "a", "y": "b"}), define.exclusive_join("e", "a", "b"), "z")
    run = execution(task("s", 0, 0, type="SWITCH", output={"selectedCase": "x"}), task("a", 0, 1))
    graph = happens_before(definition, run)
    assert graph.predecessors(("e", 0)) == (("a", 0),)
    assert graph.is_before(("a", 0), ("z", 0))


def test_nothing_follows_a_terminate(define):
    graph = happens_before(define.workflow("a", define.terminate("t"), "b"))
    assert ("b", 0) not in graph.nodes


def test_a_case_that_terminates_is_no_way_on(define):
    graph = happens_before(define.workflow(define.switch("s", {"x": "a"}, define.terminate("t")), "b"))
    assert graph.predecessors(("b", 0)) == (("a", 0),)


def test_nothing_follows_a_switch_all_of_whose_cases_terminate(define):
    graph = happens_before(
        define.workflow(define.switch("s", {"x": define.terminate("t")}, define.terminate("u")), "b")
    )
    assert [label(key) for key in graph.order] == ["s", "t", "u"]


def test_a_sub_workflow_is_one_opaque_task(define):
    graph = happens_before(define.workflow("a", define.task("sub", type="SUB_WORKFLOW"), "b"))
    assert pairs(graph.contracted()) == {("a", "sub"), ("sub", "b")}
    assert ("sub", 0) not in graph.worker_keys


def test_parallel_groups_are_the_first_workers_of_each_branch(define):
    graph = happens_before(
        define.workflow(
            define.fork("outer", define.fork("inner", "a", "b"), [define.switch("s", {}), "c", "d"], "e"),
            define.join("j", "a", "b", "d", "e"),
        )
    )
    assert [(group.fork[0], [label(key) for key in group.tasks]) for group in graph.parallel_groups()] == [
        ("outer", ["a", "b", "c", "e"])
    ]


def test_a_fork_of_one_busy_branch_declares_nothing_parallel(define):
    graph = happens_before(define.workflow(define.fork("f", "a", define.task("h", type="HTTP")), define.join("j", "a")))
    assert graph.parallel_groups() == ()


def test_expected_is_what_is_not_optional_on_the_path_taken(define, execution, task):
    definition = define.workflow("a", define.task("o", optional=True), define.switch("s", {"x": "b", "y": "c"}), "d")
    decided = execution(task("s", 0, 0, type="SWITCH", output={"selectedCase": "x"}))
    assert [label(key) for key in expected_keys(happens_before(definition, decided), decided)] == ["a", "s", "b", "d"]
    undecided = execution(task("a", 0, 1))
    assert [label(key) for key in expected_keys(happens_before(definition, undecided), undecided)] == ["a", "s", "d"]


def test_what_an_optional_loop_repeats_is_not_expected_either(define, execution, task):
    definition = define.workflow("a", define.loop("l", "w", optional=True))
    run = execution(task("a", 0, 1))
    assert expected_keys(happens_before(definition, run), run) == (("a", 0),)


def test_a_terminate_that_was_reached_excuses_what_it_did_not_wait_for(define, execution, task):
    definition = define.workflow(define.fork("f", ["a", define.terminate("t")], "b"), define.join("j", "a", "b"), "c")
    run = execution(task("f", 0, 0, type="FORK"), task("a", 0, 1), task("t", 1, 1, type="TERMINATE"), task("b", 0, 1))
    assert [label(key) for key in expected_keys(happens_before(definition, run), run)] == ["f", "a", "t"]


def test_records_that_the_definition_has_no_place_for_are_unexpected(define, execution, task):
    definition = define.workflow(define.switch("s", {"x": "a", "y": "b"}))
    run = execution(task("s", 0, 0, type="SWITCH", output={"selectedCase": "x"}), task("b", 0, 1), task("q", 0, 1))
    assert unexpected_keys(happens_before(definition, run), run) == (("b", 0), ("q", 0))


def test_duplicate_refs_and_joins_of_later_tasks_still_give_an_acyclic_graph(define):
    graph = happens_before(define.workflow("a", "b", "a", define.join("j", "z", "j"), "z"))
    assert [label(key) for key in graph.order] == ["a", "b", "j", "z"]
    assert all(graph.position[edge.before] < graph.position[edge.after] for edge in graph.edges)


def test_the_path_between_two_tasks_is_the_shortest_chain_of_edges(define):
    graph = happens_before(define.workflow("a", define.fork("f", ["b", "c"], "d"), define.join("j", "c", "d"), "e"))
    assert [edge.after[0] for edge in graph.path(("a", 0), ("e", 0))] == ["f", "j", "e"]
    assert graph.path(("e", 0), ("a", 0)) == ()
    assert graph.why(("b", 0), ("d", 0)) == ""
    assert graph.why(("b", 0), ("e", 0)) == "b -> e through c, j"


def test_the_parallel_group_of_thousands_of_branches_is_found_in_linear_time(define):
    names = [f"t{number}" for number in range(3000)]
    graph = happens_before(define.workflow(define.fork("fork_1", *names), define.join("join_1", *names)))
    began = time.process_time()
    (group,) = graph.parallel_groups()
    assert time.process_time() - began < 3
    assert len(group.tasks) == 3000
