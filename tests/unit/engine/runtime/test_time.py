"""Virtual time: it moves only when told, by exactly what is declared, and never for nothing."""

import pytest

from k1n_support.live import NotReached
from pytest_k1n.engine.runtime.clock import EPOCH_MS, ManualClock, ScaledClock, VirtualClock
from pytest_k1n.engine.runtime.guards import Guards, Stuck


def test_a_day_of_work_passes_at_once_and_exactly(bench, make):
    tasks = [make.simple("a", f"t{n}") for n in range(22)]
    execution = bench.run(make.workflow(*tasks), work_ms=24 * 3_600_000 // 22)

    state = execution.state
    assert state.ended_ms - state.created_ms == 24 * 3_600_000 // 22 * 22
    assert state.created_ms == EPOCH_MS


def test_time_stands_still_outside_advance_and_wait(bench, make):
    execution = bench.start(make.workflow(make.simple("a")))
    execution.complete("a")

    assert (execution.state.status, bench.engine.now_ms) == ("COMPLETED", EPOCH_MS)


def test_advance_does_everything_that_happens_meanwhile(bench, make):
    wait = make.of_type("WAIT", "wait", inputParameters={"duration": "10s"})
    execution = bench.start(make.workflow(wait, make.simple("a")))
    execution.advance(9_999)
    assert execution.task("a") is None
    execution.advance(1)
    assert execution.task("a").scheduled_ms == EPOCH_MS + 10_000
    with pytest.raises(ValueError, match="cannot go back"):
        bench.engine.advance(-1)


def test_waiting_for_what_never_comes_says_what_the_execution_waits_for(bench, make):
    execution = bench.start(make.workflow(make.simple("a", retryCount=0), make.simple("b")))
    with pytest.raises(NotReached, match=r"did not end within 10.00 s; it is RUNNING and waits for a SCHEDULED"):
        execution.wait(within_ms=10_000)
    execution.fail("a")
    with pytest.raises(NotReached, match="task b was never scheduled; it is FAILED and waits for nothing"):
        execution.wait_for("b")


def test_slots_limit_how_many_tasks_of_a_type_are_worked_on(bench, make):
    branches = [[make.simple("a", f"a{n}")] for n in range(6)]
    execution = bench.run(make.workflow(*make.fork(*branches)), slots=2)

    tasks = [task for task in execution.state.tasks if task.type == "a"]
    assert [task.started_ms - EPOCH_MS for task in tasks] == [0, 0, 1000, 1000, 2000, 2000]


def test_a_concurrency_limit_holds_across_executions(bench, make):
    bench.define("one", concurrentExecLimit=1)
    bench.engine.attach_to_all(make.worker(work_ms=500))
    executions = [bench.start(make.workflow(make.simple("one"))) for _ in range(3)]
    bench.engine.drain()

    assert [execution.task("one").started_ms - EPOCH_MS for execution in executions] == [0, 500, 1000]


def test_higher_priority_is_delivered_first(bench, make):
    definition = make.workflow(make.simple("a"))
    bench.register(definition)
    snapshot = bench.engine.find("w", None)
    low, high = (bench.engine.start(snapshot, {}, priority=priority) for priority in (1, 9))
    bench.engine.attach_to_all(make.worker(work_ms=10), slots=1)
    bench.engine.drain()

    assert high.tasks[0].started_ms < low.tasks[0].started_ms


def test_two_executions_share_one_clock_and_overlap(bench, make):
    bench.engine.attach_to_all(make.worker())
    pair = [bench.start(make.workflow(*map(make.simple, "abc"))) for _ in range(2)]
    bench.engine.drain()

    assert [execution.state.ended_ms - EPOCH_MS for execution in pair] == [3000, 3000]


def test_a_task_domain_keeps_other_workers_away(bench, make):
    execution = bench.start(make.workflow(make.simple("a")), domains={"*": "mine"})
    bench.engine.attach(["a"], make.worker())
    bench.engine.advance(1000)
    assert execution.task("a").status == "SCHEDULED"

    bench.engine.attach(["a"], make.worker(), domain="mine")
    execution.wait()
    assert execution.task("a").domain == "mine"


class Restless:
    """Hands every task back for a second, for ever."""

    def __init__(self, result):
        self.result = result

    def work(self, task):
        return self.result(status="IN_PROGRESS", work_ms=0, callback_s=1)


def test_a_clock_that_runs_on_for_years_is_stopped_with_a_diagnosis(make):
    bench = make.bench(guards=Guards(max_horizon_ms=3_600_000))
    bench.engine.attach_to_all(Restless(make.result))
    bench.start(make.workflow(make.simple("a")))

    with pytest.raises(Stuck, match=r"virtual time ran over 60.0 min; waiting: w \S+ RUNNING: a SCHEDULED"):
        bench.engine.drain()


def test_jumps_without_effect_are_counted():
    guards = Guards(max_idle_jumps=2)
    guards.jump(1, str)
    guards.jump(1, str)
    with pytest.raises(Stuck, match="jumped 3 times and nothing changed"):
        guards.jump(1, lambda: "")


def test_a_virtual_clock_refuses_to_go_back():
    clock = VirtualClock(100)
    clock.move_to(200)
    with pytest.raises(ValueError, match="cannot go back from 200 to 150"):
        clock.move_to(150)


def test_a_manual_clock_moves_only_when_told(make):
    bench = make.bench(clock=ManualClock(0))
    execution = bench.start(make.workflow(make.of_type("WAIT", "wait", inputParameters={"duration": "5s"})))
    bench.engine.advance(4999)
    assert execution.state.status == "RUNNING"
    bench.engine.advance(1)
    assert execution.state.status == "COMPLETED"


def test_a_scaled_clock_runs_faster_and_knows_how_long_an_instant_is_off():
    clock = ScaledClock(1000, start_ms=0)
    assert 0 < clock.wall_s_until(10**9) <= 1000
    assert clock.wall_s_until(-5) == 0
    with pytest.raises(ValueError, match="above 0"):
        ScaledClock(0)
