"""Workflow time: the raw history at speed 1, and only simulated work stretched at any other."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.model import TaskDefinition, WorkflowTask
from pytest_k1n.core.order.unroll import happens_before
from pytest_k1n.core.timing.timeline import Window, rebuild

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 25)


def raw_stamps(run):
    stamps = {}
    for record in sorted(run.tasks, key=lambda record: (record.attempt, record.seq)):
        stamps.setdefault(record.key, []).append(
            tuple(
                None if stamp is None else stamp - run.started_ms
                for stamp in (record.scheduled_ms, record.started_ms, record.ended_ms)
            )
        )
    return stamps


def stamps_of(timeline):
    return {
        key: [(attempt.scheduled_ms, attempt.start_ms, attempt.end_ms) for attempt in span.attempts]
        for key, span in timeline.spans.items()
    }


def without_some_stamps(run, rng):
    """The same execution with stamps lost here and there, as of a running one."""
    return replace(
        run,
        tasks=tuple(
            replace(record, **{rng.choice(("scheduled_ms", "started_ms", "ended_ms")): None})
            if rng.random() < 0.2
            else record
            for record in run.tasks
        ),
    )


def test_only_simulated_work_is_stretched(define, execution, task):
    definition = define.workflow("a", "b", "c")
    run = execution(
        task("a", 5, 105, scheduled=2, work_ms=98),
        task("b", 115, 155, scheduled=106),
        task("c", 160, 170, scheduled=155, work_ms=10),
        end=172,
    )
    timeline = rebuild(run, happens_before(definition, run), speed=600)
    stretched = 98 * 599
    assert stamps_of(timeline) == {
        ("a", 0): [(2, 5, 105 + stretched)],
        ("b", 0): [(106 + stretched, 115 + stretched, 155 + stretched)],
        ("c", 0): [(155 + stretched, 160 + stretched, 170 + stretched + 10 * 599)],
    }
    assert timeline.end_ms == 172 + stretched + 10 * 599
    assert [span.is_simulated for span in timeline.spans.values()] == [True, False, True]


def test_parallel_branches_stretch_on_their_own_and_the_longest_leads_on(define, execution, task):
    definition = define.workflow(define.fork("f", "a", "b"), define.join("j", "a", "b"), "c")
    run = execution(
        task("f", 0, 0, type="FORK"),
        task("a", 0, 10, work_ms=10),
        task("b", 0, 12),
        task("j", 0, 15, type="JOIN"),
        task("c", 15, 20),
    )
    timeline = rebuild(run, happens_before(definition, run), speed=10)
    assert stamps_of(timeline)["b", 0] == [(0, 0, 12)]
    assert stamps_of(timeline)["j", 0] == [(0, 0, 103)], "3 ms of join lag after the longest branch, opened at the fork"
    assert stamps_of(timeline)["c", 0] == [(103, 103, 108)]
    assert timeline.swapped == ((("a", 0), ("b", 0)),), "a ended first on the server, b in workflow time"


def test_retry_delays_stay_as_measured_between_stretched_attempts(define, execution, task):
    run = execution(
        task("a", 0, 10, status="FAILED", retried=True, work_ms=10),
        task("a", 1015, 1025, scheduled=12, attempt=1, delay_ms=1000, work_ms=5),
    )
    timeline = rebuild(run, happens_before(define.workflow("a"), run), speed=10)
    assert stamps_of(timeline)["a", 0] == [(0, 0, 100), (102, 1105, 1160)]
    span = timeline.spans["a", 0]
    assert (span.start_ms, span.end_ms, span.duration_ms) == (0, 1160, 55)


def test_a_task_skipped_by_hand_binds_nothing(define, execution, task):
    skipped = task("b", None, 1, scheduled=2, status="SKIPPED")
    run = execution(skipped, task("a", 0, 10, work_ms=10), task("c", 11, 20))
    timeline = rebuild(run, happens_before(define.workflow("a", "b", "c"), run), speed=10)
    assert stamps_of(timeline)["c", 0] == [(101, 101, 110)]


def test_attempts_count_by_their_number_wherever_they_stand(define, execution, task):
    run = execution(task("a", 20, 30, attempt=1), task("a", 0, 10, status="FAILED", retried=True))
    span = rebuild(run, happens_before(define.workflow("a"), run)).spans["a", 0]
    assert (span.start_ms, span.end_ms) == (0, 30)


def test_a_worker_cannot_claim_more_work_than_the_server_saw(define, execution, task):
    run = execution(task("a", 0, 10, work_ms=5000))
    assert rebuild(run, happens_before(define.workflow("a"), run), speed=2).end_ms == 20


def test_loops_stretch_iteration_by_iteration(define, execution, task):
    definition = define.workflow(define.loop("l", "w"), "z")
    run = execution(
        task("l", 1, 25, type="DO_WHILE"),
        task("w", 1, 11, iteration=1, work_ms=10),
        task("w", 12, 22, iteration=2, work_ms=10),
        task("z", 26, 27),
    )
    timeline = rebuild(run, happens_before(definition, run), speed=100)
    assert stamps_of(timeline) == {
        ("w", 1): [(1, 1, 1001)],
        ("w", 2): [(1002, 1002, 2002)],
        ("l", 0): [(1, 1, 2005)],
        ("z", 0): [(2006, 2006, 2007)],
    }


def test_a_running_execution_has_open_ends_and_a_now(define, execution, task, epoch):
    definition = define.workflow("a", "b", "c")
    graph = happens_before(definition)
    run = execution(task("a", 0, 10, work_ms=10), task("b", 12, None))
    timeline = rebuild(run, graph, speed=600)
    assert timeline.end_ms is None
    assert timeline.spans["b", 0].end_ms is None
    assert timeline.now_ms(epoch + 22) == 6002 + 10 * 600
    assert timeline.now_ms(epoch + 22, pace=1) == 6002 + 10
    waiting = rebuild(execution(task("a", 0, 10, work_ms=10), task("b", scheduled=12)), graph, speed=600)
    assert waiting.now_ms(epoch + 22) == 6012, "waiting is not stretched"
    between = rebuild(execution(task("a", 0, 10, work_ms=10), end=None), graph, speed=600)
    assert between.now_ms(epoch + 22) == 6012
    assert rebuild(execution(end=None), graph, speed=600).now_ms(epoch + 22) == 22
    over = rebuild(execution(task("a", 0, 10, work_ms=10)), graph, speed=600)
    assert over.now_ms(epoch + 99) == 6000


def test_a_phase_lasts_from_its_first_scheduled_to_its_last_end(define, execution, task):
    graph = happens_before(define.workflow("a", "b", "c", "d"))
    records = (task("a", 0, 10), task("b", 15, 20, scheduled=11), task("c", 22, 30))
    timeline = rebuild(execution(*records), graph)
    assert timeline.window(["b", "c"]) == Window(11, 30)
    assert timeline.window(["d"]) is None
    live = rebuild(execution(*records, end=None), graph)
    assert live.window(["b", "c"]) == Window(11, 30)
    assert live.window(["b", "c", "d"]) == Window(11, None), "d is still to come"
    assert live.window(["b", "c", "d"]).duration_ms is None


def test_what_the_graph_does_not_know_keeps_its_place_among_the_rest(define, execution, task):
    run = execution(task("a", 0, 10, work_ms=10), task("stranger", 15, 20), task("b", 21, 31, work_ms=10))
    timeline = rebuild(run, happens_before(define.workflow("a", "b"), run), speed=10)
    assert stamps_of(timeline)["stranger", 0] == [(105, 105, 110)]


def test_a_missing_end_is_bridged_by_what_came_before_it(define, execution, task):
    lost = replace(task("b", 11, 12), ended_ms=None)
    run = execution(task("a", 0, 10, work_ms=10), lost, task("c", 15, 20), end=20)
    timeline = rebuild(run, happens_before(define.workflow("a", "b", "c"), run), speed=10)
    assert stamps_of(timeline)["c", 0] == [(105, 105, 110)]


@given(seed=seeds, size=sizes, lose=st.randoms(use_true_random=False), violate=st.sampled_from((0, 0.3)))
def test_at_speed_1_every_history_is_itself(history, seed, size, lose, violate):
    run = history(seed, size, violate=violate)
    for each in (run.execution, without_some_stamps(run.execution, lose)):
        timeline = rebuild(each, happens_before(run.definition, each))
        assert stamps_of(timeline) == raw_stamps(each)
        assert timeline.end_ms == each.ended_ms - each.started_ms
        assert timeline.swapped == ()


@given(seed=seeds, size=sizes, speed=st.integers(2, 1000))
def test_without_simulated_work_no_speed_changes_anything(history, seed, size, speed):
    run = history(seed, size)
    real = replace(
        run.execution, tasks=tuple(replace(r, output=dict(r.output) | {"_k1n": {}}) for r in run.execution.tasks)
    )
    graph = happens_before(run.definition, real)
    timeline = rebuild(real, graph, speed=speed)
    assert {key: stamps for key, stamps in stamps_of(timeline).items() if key in graph.worker_keys} == {
        key: stamps for key, stamps in raw_stamps(real).items() if key in graph.worker_keys
    }
    assert timeline.end_ms == real.ended_ms - real.started_ms


@given(seed=seeds, size=sizes, speed=st.integers(2, 1000))
def test_what_real_handlers_slept_is_stretched_as_simulated_work_is(history, seed, size, speed):
    run = history(seed, size)
    slept_ms = {
        record.task_id: work
        for record in run.execution.tasks
        if isinstance(noted := record.output.get("_k1n"), dict) and (work := noted.get("work_ms"))
    }
    tasks = tuple(replace(r, output={k: v for k, v in r.output.items() if k != "_k1n"}) for r in run.execution.tasks)
    noted = tuple(replace(r, output={"_k1n": {"slept_ms": slept_ms.get(r.task_id, 0)}}) for r in run.execution.tasks)
    graph = happens_before(run.definition, run.execution)
    simulated = rebuild(run.execution, graph, speed=speed)
    by_ledger = rebuild(replace(run.execution, tasks=tasks), graph, speed=speed, slept_ms=slept_ms)
    by_output = rebuild(replace(run.execution, tasks=noted), graph, speed=speed)
    assert stamps_of(by_ledger) == stamps_of(by_output) == stamps_of(simulated)
    assert by_ledger.end_ms == simulated.end_ms


@given(seed=seeds, size=sizes, speed=st.integers(2, 1000))
def test_gaps_stay_as_measured_and_work_grows_in_proportion(history, seed, size, speed):
    run = history(seed, size, stops=False)
    graph = happens_before(run.definition, run.execution)
    raw, timeline = rebuild(run.execution, graph), rebuild(run.execution, graph, speed=speed)
    for key, span in timeline.spans.items():
        if key not in graph.worker_keys:
            continue
        before = raw.spans[key]
        ends = [(raw.spans[other].end_ms, timeline.spans[other].end_ms) for other in graph.predecessors(key)]
        gap = before.scheduled_ms - max((end for end, _ in ends), default=0)
        assert span.scheduled_ms - max((end for _, end in ends), default=0) == gap
        for attempt, unstretched in zip(span.attempts, before.attempts, strict=True):
            work = attempt.record.output.get("_k1n", {}).get("work_ms", 0)
            assert attempt.interval.duration_ms == unstretched.interval.duration_ms + work * (speed - 1)
            assert attempt.start_ms - attempt.scheduled_ms == unstretched.start_ms - unstretched.scheduled_ms


@given(seed=seeds, size=sizes)
def test_the_makespan_of_a_chain_is_linear_in_the_speed(history, seed, size, define):
    run = history(seed, size, stops=False)
    chain = [record for record in run.execution.tasks if record.type.startswith("t") and not record.retried]
    clock, records = 0, []
    for record in chain:
        length = record.ended_ms - record.started_ms
        moved = {"scheduled_ms": clock, "started_ms": clock, "ended_ms": clock + length}
        records.append(replace(record, iteration=0, ref=f"n{len(records)}", attempt=0, **moved))
        clock += length
    each = replace(run.execution, started_ms=0, ended_ms=clock, tasks=tuple(records))
    graph = happens_before(define.workflow(*(record.ref for record in records)), each)
    makespans = [rebuild(each, graph, speed=speed).end_ms for speed in (1, 2, 3, 10)]
    assert [makespans[1] - makespans[0]] * 2 == [makespans[2] - makespans[1], (makespans[3] - makespans[2]) / 7]


def limited(ref, limit):
    definition = TaskDefinition(name="mail", concurrent_exec_limit=limit)
    return WorkflowTask(ref=ref, name="mail", task_definition=definition)


@pytest.mark.parametrize(("limit", "makespan_ms"), [(0, 20_045), (3, 20_045), (2, 40_045), (1, 60_045)])
def test_a_task_that_its_definitions_limit_holds_back_waits_as_long_as_the_work_of_others(
    define, execution, task, limit, makespan_ms
):
    # The server runs what it may of three tasks of 20 ms; the others start 5 ms after a slot is free.
    starts = {0: (0, 0, 0), 3: (0, 0, 0), 2: (0, 0, 25), 1: (0, 25, 50)}[limit]
    definition = define.workflow(define.fork("f", ["a"], ["b"], ["c"]), define.join("j", "a", "b", "c"))
    records = [
        task(ref, start, start + 20, scheduled=0, work_ms=20, def_name="mail", workflow_task=limited(ref, limit))
        for ref, start in zip("abc", starts, strict=True)
    ]
    end = max(starts) + 20
    run = execution(task("f", 0, 0, type="FORK"), *records, task("j", 0, end, type="JOIN"), end=end)
    taken_ms = rebuild(run, happens_before(definition, run), speed=1000).end_ms
    assert abs(taken_ms - makespan_ms) <= 45
    assert rebuild(run, happens_before(definition, run), speed=1.000001).end_ms == end


def test_slots_are_given_back_in_the_order_of_workflow_time(define, execution, task):
    # a has 1 % more work than b: it ends first on the server, where it began first, and last in workflow time.
    definition = define.workflow(define.fork("f", ["a"], ["b"], ["c"]), define.join("j", "a", "b", "c"))
    stamps = {"a": (0, 24, 22), "b": (10, 32, 20), "c": (25, 47, 20)}
    records = [
        task(ref, start, end, scheduled=0, work_ms=work, def_name="mail", workflow_task=limited(ref, 2))
        for ref, (start, end, work) in stamps.items()
    ]
    run = execution(task("f", 0, 0, type="FORK"), *records, task("j", 0, 47, type="JOIN"), end=47)
    assert 40_000 <= rebuild(run, happens_before(definition, run), speed=1000).end_ms <= 40_050
