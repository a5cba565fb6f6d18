"""The graph against a simulator that knows the order by recursion, and against networkx."""

from itertools import combinations, pairwise

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.order.unroll import expected_keys, happens_before, label, unexpected_keys

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 30)


def ancestors(graph, key):
    mask = graph.ancestors[graph.position[key]]
    return {other for index, other in enumerate(graph.order) if mask >> index & 1}


def as_networkx(graph):
    other = nx.DiGraph()
    other.add_nodes_from(graph.nodes)
    other.add_edges_from((edge.before, edge.after) for edge in graph.edges)
    return other


@given(seed=seeds, size=sizes)
def test_the_graph_of_an_execution_demands_exactly_what_the_simulator_caused(history, seed, size):
    run = history(seed, size)
    graph = happens_before(run.definition, run.execution)
    ran = set(run.causes)
    assert {key: ancestors(graph, key) & ran for key in ran} == {key: run.causes[key] & ran for key in ran}


@given(seed=seeds, size=sizes)
def test_a_complete_history_has_all_that_is_expected_and_nothing_else(history, seed, size):
    run = history(seed, size)
    graph = happens_before(run.definition, run.execution)
    assert set(expected_keys(graph, run.execution)) <= set(run.causes)
    assert unexpected_keys(graph, run.execution) == ()


@given(seed=seeds, size=sizes)
def test_the_order_of_nodes_is_topological(random_definition, seed, size):
    graph = happens_before(random_definition(seed, size))
    assert nx.is_directed_acyclic_graph(as_networkx(graph))
    assert all(graph.position[edge.before] < graph.position[edge.after] for edge in graph.edges)


@given(seed=seeds, size=sizes)
def test_ancestors_are_the_transitive_closure(history, seed, size):
    run = history(seed, size, stops=False)
    graph = happens_before(run.definition, run.execution)
    other = as_networkx(graph)
    assert {key: ancestors(graph, key) for key in graph.order} == {key: nx.ancestors(other, key) for key in graph.order}


@given(seed=seeds, size=sizes)
def test_direct_edges_are_the_transitive_reduction(history, seed, size):
    run = history(seed, size, stops=False)
    graph = happens_before(run.definition, run.execution)
    reduced = nx.transitive_reduction(as_networkx(graph))
    assert {(edge.before, edge.after) for edge in graph.direct().edges} == set(reduced.edges)


@given(seed=seeds, size=sizes)
def test_contracting_keeps_the_order_of_what_is_kept(random_definition, seed, size):
    graph = happens_before(random_definition(seed, size))
    contracted = graph.contracted()
    kept = set(contracted.nodes)
    assert {key: ancestors(contracted, key) for key in kept} == {key: ancestors(graph, key) & kept for key in kept}


@given(seed=seeds, size=sizes)
def test_a_contracted_edge_names_the_way_it_bridges(history, seed, size):
    run = history(seed, size, stops=False)
    graph = happens_before(run.definition, run.execution)
    contracted = graph.contracted()
    keys = {label(key): key for key in graph.nodes}
    for edge in contracted.edges:
        if " through " in edge.origin:
            between = edge.origin.partition(" through ")[2].split(", ")
            steps = [label(edge.before), *between, label(edge.after)]
            assert all(keys[one] in graph.predecessors(keys[two]) for one, two in pairwise(steps))
            assert not {keys[name] for name in between} & set(contracted.nodes)
        else:
            assert edge.origin in {other.origin for other in graph.incoming(edge.after)}


@given(seed=seeds, size=sizes)
def test_concurrent_pairs_are_those_without_a_path(history, seed, size):
    run = history(seed, size, stops=False)
    graph = happens_before(run.definition, run.execution)
    other = as_networkx(graph)
    workers = [key for key in graph.order if key in graph.worker_keys]
    unordered = {
        (first, second)
        for index, second in enumerate(workers)
        for first in workers[:index]
        if not nx.has_path(other, first, second)
    }
    assert set(graph.concurrent_pairs()) == unordered
    groups = {pair for group in graph.parallel_groups() for pair in combinations(group.tasks, 2)}
    assert groups <= unordered | {(late, early) for early, late in unordered}
    for fork, branches in graph.forks.items():
        heads = graph._group(fork).tasks
        firsts = [
            key
            for branch in branches
            for key in branch
            if key in graph.worker_keys and not any(graph.is_before(each, key) for each in branch if each in workers)
        ]
        assert all(any(not graph.are_concurrent(key, head) for head in heads) for key in firsts if key not in heads)


@given(seed=seeds, size=sizes, picked=st.sets(st.integers(0, 60), max_size=8))
def test_of_some_tasks_those_are_first_that_others_wait_for(history, seed, size, picked):
    run = history(seed, size)
    graph = happens_before(run.definition, run.execution)
    chosen = {
        index for index in picked if index < len(graph.order) and graph.order[index] not in graph.behind_alternatives
    }
    first = {one for one in chosen if any(graph.ancestors[other] >> one & 1 for other in chosen)}
    assert graph.first_of(chosen) == first


@given(seed=seeds, size=sizes, kept=st.integers(0, 2**60))
def test_the_nearest_of_what_is_wanted_are_the_edges_of_the_contracted_graph(history, seed, size, kept):
    run = history(seed, size)
    graph = happens_before(run.definition, run.execution)
    wanted = [key for index, key in enumerate(graph.order) if kept >> index % 60 & 1]
    contracted = graph.contracted(wanted)
    for key in wanted:
        if key not in graph.behind_alternatives:
            near = graph.nearest(graph.position[key], lambda each: graph.order[each] in wanted, lambda _: True)
            assert {graph.order[each] for each in near} == set(contracted.predecessors(key))
