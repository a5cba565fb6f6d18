"""The critical path: an exact partition of every makespan, and the right owner of each part."""

import json
import os
from dataclasses import replace
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from k1n_support.examples import share
from pytest_k1n.core.model import TaskStatus, WorkflowStatus
from pytest_k1n.core.order.unroll import happens_before
from pytest_k1n.core.schedule.critical import SegmentKind, critical_path
from pytest_k1n.core.timing.timeline import rebuild
from pytest_k1n.core.wire import wire

HISTORIES = Path(__file__).parents[1] / "histories"
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 25)


def path_of(definition, run, **options):
    graph = happens_before(definition, run)
    return critical_path(rebuild(run, graph), graph, **options)


def parts(path):
    return [(str(s.kind), s.key[0] if s.key else None, s.start_ms, s.end_ms) for s in path.segments]


def test_a_chain_is_engine_queue_and_work_in_turn(define, execution, task):
    run = execution(task("a", 5, 20, scheduled=2), task("b", 30, 40, scheduled=21), end=43)
    path = path_of(define.workflow("a", "b"), run)
    assert parts(path) == [
        ("engine", "a", 0, 2),
        ("queue", "a", 2, 5),
        ("work", "a", 5, 20),
        ("engine", "b", 20, 21),
        ("queue", "b", 21, 30),
        ("work", "b", 30, 40),
        ("engine", None, 40, 43),
    ]
    assert path.by_kind() == {
        SegmentKind.WORK: 25,
        SegmentKind.QUEUE: 12,
        SegmentKind.RETRY_DELAY: 0,
        SegmentKind.START_DELAY: 0,
        SegmentKind.JOIN_LAG: 0,
        SegmentKind.UNKEPT: 0,
        SegmentKind.ENGINE: 6,
    }
    assert path.critical_task == ("a", 0)


@pytest.mark.parametrize("name", ["loop-keeping-last-2", "loop-keeps-two"])
def test_the_time_of_rounds_whose_records_are_gone_is_no_engine_s(name):
    """The server has dropped the first rounds' records: their work and waiting is in what is left between two tasks."""
    run = wire.execution(json.loads((HISTORIES / f"{name}.json").read_text()))
    path = path_of(run.definition, run)
    [gap] = [each for each in path.segments if each.kind is SegmentKind.UNKEPT]
    assert gap.key is not None
    first = min(iteration for ref, iteration in run.finals if ref == gap.key[0] and iteration)
    assert (gap.key[1], first > 1) == (first, True)
    assert sum(path.by_kind().values()) == path.makespan_ms


def test_the_longest_branch_is_on_the_path_and_the_join_owns_its_lag(define, execution, task):
    definition = define.workflow(define.fork("f", "a", "b"), define.join("j", "a", "b"), "c")
    run = execution(
        task("f", 1, 2, type="FORK", scheduled=1),
        task("a", 4, 10, scheduled=2),
        task("b", 5, 30, scheduled=2),
        task("j", 2, 44, type="JOIN"),
        task("c", 45, 50, scheduled=44),
    )
    path = path_of(definition, run)
    assert path.tasks == (("f", 0), ("b", 0), ("j", 0), ("c", 0))
    assert ("join lag", "j", 30, 44) in parts(path)
    assert path.work_ms(("a", 0)) == 0
    assert path.by_kind()[SegmentKind.ENGINE] == 2


def test_of_branches_that_end_together_the_smaller_name_counts(define, execution, task):
    definition = define.workflow(define.fork("f", "b", "a"), define.join("j", "b", "a"))
    run = execution(task("f", 0, 0, type="FORK"), task("b", 0, 9), task("a", 0, 9), task("j", 0, 9, type="JOIN"))
    assert path_of(definition, run).tasks == (("f", 0), ("a", 0), ("j", 0))


def test_behind_forty_forks_without_stamps_there_is_still_one_way(define, execution, task):
    forks = [
        each
        for n in range(40)
        for each in (define.fork(f"f{n}", f"l{n}", f"r{n}"), define.join(f"j{n}", f"l{n}", f"r{n}"))
    ]
    run = execution(task("a", 0, 5), task("z", 6, 9), end=9)
    assert path_of(define.workflow("a", *forks, "z"), run).tasks == (("a", 0), ("z", 0))  # not one of 2 ** 40


def test_attempts_and_their_delays_have_owners(define, execution, task):
    run = execution(
        task("a", 12, 20, scheduled=0, delay_ms=10, status="FAILED", retried=True),
        task("a", 1025, 1030, scheduled=21, attempt=1, delay_ms=1000),
    )
    path = path_of(define.workflow("a"), run)
    assert parts(path) == [
        ("start delay", "a", 0, 10),
        ("queue", "a", 10, 12),
        ("work", "a", 12, 20),
        ("engine", "a", 20, 21),
        ("retry delay", "a", 21, 1021),
        ("queue", "a", 1021, 1025),
        ("work", "a", 1025, 1030),
    ]
    assert [segment.attempt for segment in path.segments] == [0, 0, 0, 1, 1, 1, 1]


def test_waiting_for_a_server_thread_is_the_engines(define, execution, task):
    run = execution(task("a", 40, 90, scheduled=0, type="SUB_WORKFLOW"))
    definition = define.workflow(define.task("a", type="SUB_WORKFLOW"))
    assert parts(path_of(definition, run)) == [("engine", "a", 0, 40), ("work", "a", 40, 90)]


def test_a_loop_leads_through_its_last_iteration(define, execution, task):
    definition = define.workflow(define.loop("l", "w"))
    run = execution(task("l", 0, 30, type="DO_WHILE"), task("w", 0, 10, iteration=1), task("w", 12, 25, iteration=2))
    path = path_of(definition, run)
    assert path.tasks == (("w", 1), ("w", 2), ("l", 0))
    assert parts(path)[-1] == ("engine", "l", 25, 30)


def test_a_long_wait_right_after_the_workers_last_task_is_blamed_on_that_task(define, execution, task):
    definition = define.workflow(define.fork("f", "a", "b"), define.join("j", "a", "b"))
    run = execution(
        task("f", 0, 0, type="FORK"),
        task("a", 0, 100, def_name="q"),
        task("b", 103, 150, scheduled=0, def_name="q"),
        task("j", 0, 150, type="JOIN"),
    )
    waits = [segment for segment in path_of(definition, run).segments if segment.kind is SegmentKind.QUEUE]
    assert [segment.blame for segment in waits] == [("a", 0)]
    earlier = replace(
        run, tasks=tuple(replace(r, ended_ms=r.ended_ms - 20 if r.ref == "a" else r.ended_ms) for r in run.tasks)
    )
    waits = [segment for segment in path_of(definition, earlier).segments if segment.kind is SegmentKind.QUEUE]
    assert [segment.blame for segment in waits] == [None], "the worker was free for 23 ms"
    elsewhere = replace(run, tasks=tuple(replace(r, worker_id=f"w-{r.ref}") for r in run.tasks))
    waits = [segment for segment in path_of(definition, elsewhere).segments if segment.kind is SegmentKind.QUEUE]
    assert [segment.blame for segment in waits] == [None]


def test_a_running_execution_is_owed_to_what_runs(define, execution, task):
    definition = define.workflow(define.fork("f", "a", "b"), define.join("j", "a", "b"))
    run = execution(
        task("f", 0, 0, type="FORK"), task("a", 0, 5), task("b", 8, None, scheduled=0), task("j", 0, None, type="JOIN")
    )
    path = path_of(definition, run, now_ms=30)
    assert parts(path) == [("queue", "b", 0, 8), ("work", "b", 8, 30)]
    assert path.makespan_ms == 30
    assert path_of(definition, run).makespan_ms == 8, "without a now, the latest stamp"


def test_what_failed_ended_it_not_what_was_canceled_because_of_it(define, execution, task):
    definition = define.workflow(define.fork("f", "a", "b"), define.join("j", "a", "b"))
    records = (
        task("f", 0, 0, type="FORK"),
        task("a", 0, 20, status="FAILED"),
        task("b", 0, 25, status="CANCELED"),
        task("j", 0, 25, type="JOIN", status="CANCELED"),
    )
    path = path_of(definition, execution(*records, status="FAILED"))
    assert parts(path) == [("work", "a", 0, 20), ("engine", None, 20, 25)]
    terminated = path_of(definition, execution(*(replace(r, status=TaskStatus.CANCELED) for r in records)))
    assert terminated.critical_task == ("b", 0), "ended from outside: what ran until then is owed"


def test_a_failure_that_the_execution_survived_is_not_its_end(define, execution, task):
    run = execution(task("a", 0, 5, status="FAILED"), task("b", 6, 30), status="FAILED")
    assert path_of(define.workflow(define.task("a", permissive=True), "b"), run).tasks == (("a", 0), ("b", 0))


def test_a_terminate_ends_its_execution(define, execution, task):
    definition = define.workflow(define.fork("f", ["a", define.terminate("t")], "b"), define.join("j", "a", "b"))
    run = execution(
        task("f", 0, 0, type="FORK"),
        task("a", 0, 10),
        task("b", 0, 14, status="CANCELED"),
        task("t", 12, 12, type="TERMINATE"),
    )
    assert path_of(definition, run).tasks == (("f", 0), ("a", 0), ("t", 0))


def test_a_skipped_task_owns_nothing(define, execution, task):
    skipped = task("b", None, 1, scheduled=2, status="SKIPPED")
    path = path_of(define.workflow("a", "b", "c"), execution(skipped, task("a", 0, 10), task("c", 11, 20)))
    assert parts(path) == [("work", "a", 0, 10), ("engine", "c", 10, 11), ("work", "c", 11, 20)]


def test_stamps_from_before_the_start_are_cut_off_there(define, execution, task):
    path = path_of(define.workflow("a"), execution(task("a", -3, 10, scheduled=-7)))
    assert parts(path) == [("work", "a", 0, 10)]


def test_an_execution_without_tasks_is_the_engines(define, execution):
    assert parts(path_of(define.workflow("a"), execution(end=7))) == [("engine", None, 0, 7)]
    assert path_of(define.workflow("a"), execution(end=0)).critical_task is None


def test_in_workflow_time_the_path_may_be_another(define, execution, task):
    definition = define.workflow(define.fork("f", "a", "b"), define.join("j", "a", "b"))
    run = execution(
        task("f", 0, 0, type="FORK"), task("a", 0, 10, work_ms=10), task("b", 0, 20), task("j", 0, 21, type="JOIN")
    )
    graph = happens_before(definition, run)
    path = critical_path(rebuild(run, graph, speed=10), graph)
    assert path.critical_task == ("a", 0)
    assert path.makespan_ms == 101
    assert critical_path(rebuild(run, graph), graph).critical_task == ("b", 0)


def assert_is_exact(path, makespan_ms):
    assert path.makespan_ms == makespan_ms
    assert all(segment.duration_ms > 0 for segment in path.segments)
    borders = [0, *(segment.end_ms for segment in path.segments)]
    assert [segment.start_ms for segment in path.segments] == borders[:-1]
    assert borders[-1] == makespan_ms
    assert sum(path.by_kind().values()) == makespan_ms


@share(120 if os.environ.get("K1N_LONG") else 2)
@given(
    seed=seeds, size=sizes, violate=st.sampled_from((0, 0.3)), speed=st.sampled_from((1, 600)), lose=st.floats(0, 0.5),
    rng=st.randoms(use_true_random=False), running=st.booleans(),
)  # fmt: skip
def test_the_segments_cover_every_makespan_exactly(history, seed, size, violate, speed, lose, rng, running):
    run = history(seed, size, violate=violate)
    records = list(run.execution.tasks)
    for index, record in enumerate(records):
        if rng.random() < lose / 5:
            records[index] = replace(record, **{rng.choice(("scheduled_ms", "started_ms", "ended_ms")): None})
        if running and rng.random() < lose:
            records[index] = replace(records[index], ended_ms=None, status=TaskStatus.IN_PROGRESS)
    execution = replace(run.execution, tasks=tuple(records))
    if running:
        execution = replace(execution, ended_ms=None, status=WorkflowStatus.RUNNING)
    graph = happens_before(run.definition, execution)
    timeline = rebuild(execution, graph, speed=speed)
    now = timeline.now_ms(run.execution.ended_ms) if running else None
    assert_is_exact(critical_path(timeline, graph, now_ms=now), now if running else timeline.end_ms)


@given(seed=seeds, size=sizes)
def test_a_legal_path_never_skips_back_in_the_graph(history, seed, size):
    run = history(seed, size)
    path = path_of(run.definition, run.execution)
    graph = happens_before(run.definition, run.execution)
    assert all(graph.is_before(one, two) for one, two in zip(path.tasks, path.tasks[1:], strict=False))


@pytest.mark.parametrize("seed", range(20))
def test_without_any_delay_the_path_is_all_work(history, seed, define, execution, task):
    clock, records = 0, []
    for number in range(seed + 1):
        length = (seed * 7 + number * 13) % 50 + 1
        records.append(task(f"t{number}", clock, clock + length))
        clock += length
    path = path_of(define.workflow(*(record.ref for record in records)), execution(*records))
    assert path.by_kind()[SegmentKind.WORK] == clock == path.makespan_ms


@given(seed=seeds, size=sizes)
def test_without_waits_the_path_is_the_longest_of_networkx(random_definition, seed, size, execution, task):
    graph = happens_before(random_definition(seed, size, kinds=("task", "task", "fork")))
    assert not graph.undecided
    ends, records = {}, []
    other = nx.DiGraph()
    for index, key in enumerate(graph.order):
        length = (seed >> index % 24) % 30 if key in graph.worker_keys else 0
        start = max((ends[before] for before in graph.predecessors(key)), default=0)
        ends[key] = start + length
        kind = None if key in graph.worker_keys else graph.nodes[key].type
        records.append(task(key[0], start, ends[key], iteration=key[1], type=kind, seq=index))
        other.add_edges_from((before, key, {"weight": length}) for before in graph.predecessors(key) or ["start"])
    run = execution(*records)
    path = critical_path(rebuild(run, graph), graph)
    longest = nx.dag_longest_path_length(other)
    assert (path.makespan_ms, path.by_kind()[SegmentKind.WORK]) == (longest, longest)
