"""Tasks found by id, whether a client ever got them or not, and the limit on how many are in hand."""

from __future__ import annotations

import gc

from pytest_k1n.engine.operate import operations
from pytest_k1n.engine.runtime.queues import QueueKey
from pytest_k1n.engine.runtime.taskresults import TaskResult
from pytest_k1n.engine.state import TaskState


def test_a_task_that_nobody_polled_is_found_by_its_id(bench, make):
    execution = bench.start(make.workflow(make.of_type("HUMAN", "h"), make.simple("a")))
    human = execution.task("h")
    assert bench.engine.task(human.task_id) is human

    execution.complete("h")
    assert bench.engine.task(execution.task("a").task_id) is execution.task("a")


def test_a_skipped_task_is_found_though_it_stands_before_all_others(bench, make):
    execution = bench.start(make.workflow(make.simple("a"), make.simple("b")))
    assert bench.engine.task(execution.task("a").task_id)
    execution.skip("b")

    assert bench.engine.task(execution.task("b").task_id) is execution.task("b")


def test_no_task_is_found_by_an_unknown_id_nor_once_a_restart_or_removal_dropped_it(bench, make):
    execution = bench.start(make.workflow(make.simple("a")))
    task = bench.engine.poll(QueueKey("a"), "w")
    execution.fail("a")
    assert bench.engine.task("nobody") is None
    assert bench.engine.task(task.task_id) is task

    execution.restart()
    assert bench.engine.task(task.task_id) is None
    again = execution.task("a")
    assert bench.engine.task(again.task_id) is again

    del bench.engine.executions[execution.state.workflow_id]
    assert bench.engine.task(again.task_id) is None


def polled(bench, count):
    return [task for _ in range(count) if (task := bench.engine.poll(QueueKey("t"), "w"))]


def test_a_limit_counts_what_was_in_hand_before_it_was_set(bench, make):
    bench.define("t")
    for _ in range(3):
        bench.start(make.workflow(make.simple("t")))
    before = polled(bench, 2)
    bench.define("t", concurrentExecLimit=3)
    for _ in range(3):
        bench.start(make.workflow(make.simple("t")))
    bench.engine.update(before[0], TaskResult(status="COMPLETED"))

    assert len(polled(bench, 9)) == 2  # one more without a limit, then one up to it


def test_what_timed_out_counts_no_more(bench, make):
    bench.define("t", concurrentExecLimit=1, responseTimeoutSeconds=1, retryCount=1, retryDelaySeconds=0)
    bench.start(make.workflow(make.simple("t")))
    assert [len(polled(bench, 9)), len(polled(bench, 9))] == [1, 0]

    bench.engine.advance(1000)
    assert len(polled(bench, 9)) == 1


def test_of_what_is_removed_nothing_is_kept(bench, make):
    """Its deadline lies an hour ahead; without that it would hold an execution and its tasks until then."""
    engine = bench.engine
    bench.register(make.workflow(make.simple("a")))
    bench.define("a", responseTimeoutSeconds=3600)
    for _ in range(2_100):
        execution = engine.start(engine.find("w", None), {})
        task = engine.poll(QueueKey("a"), "w")
        assert engine.task(task.task_id) is task
        engine.update(task, TaskResult())
        operations.remove(engine, execution, archive=False)

    assert len(tasks_left(engine)) < 1_100


def test_of_what_a_restart_dropped_nothing_is_found_any_more_once_it_is_removed(bench, make):
    """A search finds it until then; the index of a served engine has grown by it for half an hour."""
    engine = bench.engine
    bench.register(make.workflow(make.simple("a")))
    execution = engine.start(engine.find("w", None), {})
    for _ in range(40):
        task = engine.poll(QueueKey("a"), "w")
        assert engine.task(task.task_id) is task
        engine.update(task, TaskResult(status="FAILED_WITH_TERMINAL_ERROR"))
        operations.restart(engine, execution)
    operations.remove(engine, execution, archive=False)
    assert engine._index._by_id == {}


def test_of_a_loops_rounds_few_are_found_that_it_does_not_keep(bench, make):
    engine = bench.engine
    loop = make.loop([make.simple("a")], inputParameters={"items": list(range(400)), "keepLastN": 2})
    bench.register(make.workflow(loop))
    engine.start(engine.find("w", None), {"items": list(range(400))})
    for _ in range(399):
        task = engine.poll(QueueKey("a"), "w")
        assert engine.task(task.task_id) is task
        engine.update(task, TaskResult())
    assert engine.task(task.task_id) is task
    assert len(engine._index._by_id) < 150


def tasks_left(engine):
    gc.collect()
    definition = engine.find("w", None)
    return [
        each for each in gc.get_objects() if isinstance(each, TaskState) and each.execution.definition is definition
    ]
