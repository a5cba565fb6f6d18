"""The critical path method against networkx and against taking every task out in turn."""

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.order.unroll import happens_before
from pytest_k1n.core.schedule.schedule import durations, schedule
from pytest_k1n.core.timing.timeline import rebuild

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 25)


def longest(graph, lengths):
    other = nx.DiGraph()
    other.add_nodes_from(graph.nodes, weight=0)
    for edge in graph.edges:
        other.add_edge(edge.before, edge.after, weight=lengths.get(edge.after, 0))
    roots = [key for key in graph.nodes if not graph.predecessors(key)]
    other.add_edges_from((("start", 0), root, {"weight": lengths.get(root, 0)}) for root in roots)
    return nx.dag_longest_path_length(other)


def planned(random_definition, seed, size):
    graph = happens_before(random_definition(seed, size))
    lengths = {key: (seed >> index % 24) % 30 for index, key in enumerate(graph.order) if key in graph.worker_keys}
    return graph, lengths


def test_the_textbook_example(define):
    graph = happens_before(define.workflow("a", define.fork("f", ["b", "c"], "d"), define.join("j", "c", "d"), "e"))
    plan = schedule(graph, {("a", 0): 3, ("b", 0): 4, ("c", 0): 2, ("d", 0): 1, ("e", 0): 5})
    assert (plan.span_ms, plan.work_ms) == (14, 15)
    assert plan.slack["d", 0] == 5
    assert [plan.drag[key, 0] for key in "abcde"] == [3, 4, 2, 0, 5]


def test_drag_is_limited_by_what_runs_beside(define):
    graph = happens_before(define.workflow(define.fork("f", "a", "b"), define.join("j", "a", "b")))
    plan = schedule(graph, {("a", 0): 10, ("b", 0): 7})
    assert plan.drag["a", 0] == 3
    assert schedule(graph, {("a", 0): 10, ("b", 0): 10}).drag["a", 0] == 0


def test_of_two_critical_ways_neither_has_any_drag(define):
    graph = happens_before(define.workflow(define.fork("f", "a", ["b", "c"]), define.join("j", "a", "c")))
    assert set(schedule(graph, {("a", 0): 10, ("b", 0): 5, ("c", 0): 5}).drag.values()) == {0}


def test_no_speed_up_is_more_than_the_graph_allows(define):
    graph = happens_before(define.workflow(define.fork("f", "a", "b", "c"), define.join("j", "a", "b", "c")))
    plan = schedule(graph, {("a", 0): 10, ("b", 0): 10, ("c", 0): 10})
    assert plan.largest_speed_up == 3
    assert plan.speed_up(20) == 1.5
    assert schedule(graph, {}).largest_speed_up == 1


@pytest.mark.parametrize(("name", "work", "span", "ceiling"), [("K1N_22TASK_OPTIMIZED", 123.0, 69.5, 1.77)])
def test_the_optimised_plan_has_the_span_the_spec_says(define, name, work, span, ceiling):
    minutes = {1: 4.2, 2: 4.8, 3: 3.5, 4: 3.5, 5: 3.5, 6: 10, 7: 12, 8: 8}
    minutes |= dict.fromkeys(range(9, 16), 6.0) | dict.fromkeys(range(16, 23), 4.5)
    parallel = {"x": (3, 4, 5), "y": (10, 11, 12, 13, 14), "z": (16, 17, 18, 19, 20, 21)}
    forks = {
        letter: (
            define.fork(f"f{letter}", *(f"task_{n}" for n in numbers)),
            define.join(f"j{letter}", *(f"task_{n}" for n in numbers)),
        )
        for letter, numbers in parallel.items()
    }
    graph = happens_before(
        define.workflow(
            "task_1", "task_2", *forks["x"], "task_6", "task_7", "task_8", "task_9", *forks["y"], "task_15",
            *forks["z"], "task_22",
        )
    )  # fmt: skip
    plan = schedule(graph, {(f"task_{number}", 0): round(each * 60_000) for number, each in minutes.items()})
    assert plan.work_ms / 60_000 == work
    assert plan.span_ms / 60_000 == span
    assert round(plan.largest_speed_up, 2) == ceiling


@given(seed=seeds, size=sizes)
def test_the_span_is_the_longest_path(random_definition, seed, size):
    graph, lengths = planned(random_definition, seed, size)
    assert schedule(graph, lengths).span_ms == longest(graph, lengths)


@given(seed=seeds, size=sizes)
def test_slack_is_how_much_longer_a_task_may_take(random_definition, seed, size):
    graph, lengths = planned(random_definition, seed, size)
    plan = schedule(graph, lengths)
    for key in graph.order[:8]:
        spare, taken = plan.slack[key], lengths.get(key, 0)
        assert schedule(graph, lengths | {key: taken + spare}).span_ms == plan.span_ms
        assert schedule(graph, lengths | {key: taken + spare + 1}).span_ms == plan.span_ms + 1


@given(seed=seeds, size=sizes)
def test_drag_is_what_taking_a_task_out_would_save(random_definition, seed, size):
    graph, lengths = planned(random_definition, seed, size)
    plan = schedule(graph, lengths)
    assert dict(plan.drag) == {key: plan.span_ms - schedule(graph, lengths | {key: 0}).span_ms for key in graph.order}


@given(seed=seeds, size=sizes)
def test_no_legal_history_beats_its_span_nor_any_speed_up_its_ceiling(history, seed, size):
    run = history(seed, size, stops=False)
    graph = happens_before(run.definition, run.execution)
    timeline = rebuild(run.execution, graph)
    plan = schedule(graph, durations(timeline))
    assert plan.span_ms <= timeline.end_ms
    assert plan.speed_up(max(timeline.end_ms, 1)) <= plan.largest_speed_up + 1e-9
