"""What a task record costs does not grow with what it belongs to: lines counted, so that no clock is asked."""

import gc
import sys

import pytest
from hypothesis import settings

from k1n_support.examples import GATE
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.language.scripts import Scripts
from pytest_k1n.engine.operate import operations
from pytest_k1n.engine.runtime.queues import QueueKey
from pytest_k1n.engine.runtime.taskresults import TaskResult
from pytest_k1n.engine.runtime.virtualwork import VirtualResult
from pytest_k1n.engine.state import ExecutionState

LIMIT = 1.3
LARGE = 120 if settings.default.max_examples >= GATE else 60
"""Records of a large execution: lines are counted slowly, and what grows has grown fivefold at 60."""


class Worker:
    def work(self, _task):
        return VirtualResult(output={"v": 1}, work_ms=1000)


class Counter:
    """Counts the lines that the engine's own modules execute; each turn of a loop on one line counts as one."""

    def __init__(self):
        self.count = 0

    def trace(self, frame, _event, _argument):
        """Begin to count in a frame that is entered; what is returned is called once for each line."""
        return self.step if "pytest_k1n" in frame.f_code.co_filename else None

    def step(self, _frame, event, _argument):
        self.count += event == "line"
        return self.step

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.trace)
        return self

    def __exit__(self, *_):
        sys.settrace(self.before)


def simple(ref):
    return {"name": "work", "taskReferenceName": ref, "type": "SIMPLE", "inputParameters": {"x": "${workflow.input.x}"}}


def forked(branches):
    refs = [branch[0]["taskReferenceName"] for branch in branches]
    return [
        {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": branches},
        {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": refs},
    ]


def looped(ref, rounds, **fields):
    return {
        "name": ref, "taskReferenceName": ref, "type": "DO_WHILE", "loopOver": [simple(f"{ref}w")],
        "loopCondition": f"$.{ref}['iteration'] < {rounds}", **fields,
    }  # fmt: skip


def fork(size):
    return forked([[simple(f"b{number}")] for number in range(size)])


def fork_of_children(size):
    called = {"name": "c", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "child"}}
    return forked([[{**called, "taskReferenceName": f"b{number}"}] for number in range(size)])


def fork_of_loops(size):
    return forked([[looped(f"l{number}", 3)] for number in range(size)])


def fork_of_forks(size):
    return forked(
        [
            [
                {"name": "f", "taskReferenceName": f"f{number}", "type": "FORK_JOIN",
                 "forkTasks": [[simple(f"b{number}")]]},
                {"name": "j", "taskReferenceName": f"j{number}", "type": "JOIN", "joinOn": [f"b{number}"]},
            ]
            for number in range(size)
        ]
    )  # fmt: skip


def fork_of_failures(size):
    return forked([[{**simple(f"b{number}"), "name": "fails", "optional": True}] for number in range(size)])


def fork_under_limits(size):
    return forked([[{**simple(f"b{number}"), "name": "limited"}] for number in range(size)])


def loop(size):
    return [looped("l", size)]


def loop_that_keeps(size):
    return [looped("l", size, inputParameters={"keepLastN": 3})]


def chain(size):
    return [simple(f"t{number}") for number in range(size)]


SHAPES = (
    fork, fork_of_children, fork_of_loops, fork_of_forks, fork_of_failures, fork_under_limits, loop, loop_that_keeps,
    chain,
)  # fmt: skip


@pytest.fixture
def per_record(monkeypatch):
    """Return a function that tells how many lines a record of a shape at a size costs; conditions are not run."""
    monkeypatch.setattr(Scripts, "javascript", lambda _self, source, bound: holds(source, bound))

    def run(shape, size):
        engine = Engine()
        for name, fields in {
            "work": {"retryCount": 0},
            "fails": {"retryCount": 0},
            "limited": {"timeoutSeconds": 7200, "pollTimeoutSeconds": 60, "totalTimeoutSeconds": 9000},
        }.items():
            engine.catalogue.put_task({"name": name, "responseTimeoutSeconds": 3600, **fields}, 0)
        engine.catalogue.put_workflow({"name": "child", "tasks": chain(1)}, 0, is_update=False)
        engine.catalogue.put_workflow({"name": "grown", "tasks": shape(size)}, 0, is_update=False)
        engine.attach_to_all(Failing() if shape is fork_of_failures else Worker())
        definition = engine.find("grown", None)
        with Counter() as counter:
            engine.start(definition, {"x": 1})
            engine.drain()
        assert {execution.status for execution in engine.executions.values()} == {"COMPLETED"}
        made = sum(execution.next_id for execution in engine.executions.values())
        return counter.count / made

    return run


class Failing:
    def work(self, _task):
        return VirtualResult(status="FAILED", reason="no", work_ms=1000)


def holds(source, bound):
    """Say what the condition of a loop here says, of what is bound; and hold it to binding the number alone."""
    ref, rounds = source.removeprefix("$.").split("['iteration'] < ")
    assert bound == {ref: {"iteration": bound[ref]["iteration"]}}
    return bound[ref]["iteration"] < int(rounds)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__.replace("_", " "))
def test_a_record_costs_the_same_in_a_small_and_in_a_large_one(shape, per_record):
    per_record(shape, 12)  # what is compiled and cached once
    small, large = per_record(shape, 12), per_record(shape, LARGE)
    assert large < LIMIT * small


def test_a_task_is_found_by_its_id_at_the_same_cost_in_a_long_chain():
    def per_find(size):
        engine = Engine()
        waits = [{"name": "h", "taskReferenceName": f"h{number}", "type": "HUMAN"} for number in range(size)]
        engine.catalogue.put_workflow({"name": "asked", "tasks": waits}, 0, is_update=False)
        execution = engine.start(engine.find("asked", None), {})
        with Counter() as counter:
            while execution.live:
                task_id = next(iter(execution.live)).task_id
                engine.update(engine.task(task_id), TaskResult())
        return counter.count / size

    per_find(10)
    assert per_find(200) < LIMIT * per_find(10)


def test_more_children_of_one_fork_than_calls_can_lie_in_each_other():
    engine = Engine()
    engine.catalogue.put_task({"name": "work", "responseTimeoutSeconds": 3600}, 0)
    engine.catalogue.put_workflow({"name": "child", "tasks": chain(1)}, 0, is_update=False)
    engine.catalogue.put_workflow({"name": "wide", "tasks": fork_of_children(1_000)}, 0, is_update=False)
    engine.attach_to_all(Worker())
    execution = engine.start(engine.find("wide", None), {})
    engine.drain()
    assert execution.status == "COMPLETED"


@pytest.fixture
def nothing_old(collector_of_this_test):
    """Python's collector as in a process that holds nothing yet, and soon due for a full collection."""
    thresholds = gc.get_threshold()
    gc.collect()  # of nothing: whether a full one is due depends on how much the last one has left
    gc.set_threshold(50, 2, 1)
    yield
    gc.set_threshold(*thresholds)


def run_many(executions):
    engine = Engine()
    engine.catalogue.put_workflow({"name": "w", "tasks": chain(2)}, 0, is_update=False)
    engine.attach_to_all(Worker())
    for _ in range(executions):
        engine.start(engine.find("w", None), {})
    engine.drain()
    return engine


def test_what_is_stored_is_not_walked_by_full_collections_while_more_is_started_and_run(nothing_old):
    full = []
    watch = lambda phase, about: full.append(about) if (phase, about["generation"]) == ("start", 2) else None  # noqa: E731
    gc.callbacks.append(watch)
    try:
        engine = run_many(200)
    finally:
        gc.callbacks.remove(watch)
    assert len(engine.executions) == 200
    assert not full


def test_an_ended_execution_leaves_the_collector_little_to_walk(collector_of_this_test):
    def held(executions):
        engine = run_many(executions)
        gc.collect()
        return len(gc.get_objects()), engine

    few, _ = held(10)
    many, engine = held(110)
    containers = (many - few) / 100
    assert len(engine.executions) == 110
    assert containers < 8  # itself, tasks, the list and the names of them; its void deadline until those are sifted


@pytest.mark.parametrize("archive", [False, True], ids=["dropped", "archived"])
def test_what_is_removed_is_freed_without_a_collection(archive, monkeypatch, collector_of_this_test):
    monkeypatch.setattr("pytest_k1n.engine.engine.MOST_ARCHIVED", 2)
    engine = Engine()
    waits = [{"name": "h", "taskReferenceName": f"h{number}", "type": "HUMAN"} for number in range(2)]
    engine.catalogue.put_workflow({"name": "w", "tasks": waits}, 0, is_update=False)
    gc.collect()
    gc.disable()
    try:
        for _ in range(6):
            execution = engine.start(engine.find("w", None), {})
            operations.terminate(engine, execution, "")
            operations.remove(engine, execution, archive=archive)
        del execution
        left = [each for each in gc.get_objects() if isinstance(each, ExecutionState)]
        assert len(left) == len(engine.archived)
    finally:
        gc.enable()


def test_a_queue_that_nobody_polls_keeps_what_it_may_deliver_and_little_more(monkeypatch, collector_of_this_test):
    monkeypatch.setattr("pytest_k1n.engine.runtime.deadlines.MOST_VOID", 100)
    monkeypatch.setattr("pytest_k1n.engine.runtime.queues.UNSIFTED", 100)
    engine = Engine()
    engine.catalogue.put_task({"name": "work", "responseTimeoutSeconds": 3600}, 0)
    engine.catalogue.put_workflow({"name": "w", "tasks": [simple("a")]}, 0, is_update=False)
    kept = [engine.start(engine.find("w", None), {}) for _ in range(3)]
    for _ in range(400):
        execution = engine.start(engine.find("w", None), {})
        operations.terminate(engine, execution, "")
        operations.remove(engine, execution, archive=False)
    del execution
    gc.collect()
    left = [each for each in gc.get_objects() if isinstance(each, ExecutionState)]
    assert len(left) < 250
    polled = [engine.poll(QueueKey("work"), "me") for _ in range(4)]
    assert [task and task.execution for task in polled] == [*kept, None]
