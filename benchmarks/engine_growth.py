"""P23: how the cost of a task record grows with the size of what it belongs to.

CPU time of this process and of its script children, from the making of the engine to the end of the last execution, its
document as `GET /workflow/{id}` answers it included, divided by the records. Small runs are repeated until they have as
many records as make a clean figure. A round runs each size of a shape once, one after the other; of each size the best
round counts, so that a slow moment of the machine does not, and the slope is the largest size to the smallest.

Workers are attached in process and take a virtual second; every task definition has the response timeout of the server
(an hour), so that due times are kept too.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from benchmarks.row import Row, row
from pytest_k1n.engine.documents import execution_document
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.language.sandbox import SANDBOX
from pytest_k1n.engine.language.scripts import Scripts
from pytest_k1n.engine.runtime.virtualwork import VirtualResult

ROUNDS: Final = 3
LEAST_RECORDS: Final = 3_000
"""What a small run is repeated for."""
LARGEST_REPEATED: Final = 50_000
"""A size from which on one round has to do."""
LIMIT: Final = 1.3
SCRIPTS: Final = 2_000
CONDITION: Final = "$.l['iteration'] < 4"

Definition = dict[str, Any]


class Worker:
    """Takes a virtual second for everything."""

    result = VirtualResult(output={"v": 1}, work_ms=1000)

    def work(self, _task: object) -> VirtualResult:
        return self.result


def _simple(ref: str) -> Definition:
    return {"name": "work", "taskReferenceName": ref, "type": "SIMPLE", "inputParameters": {"x": "${workflow.input.x}"}}


def fork(width: int) -> Definition:
    refs = [f"b{number}" for number in range(width)]
    forked = [[_simple(ref)] for ref in refs]
    branches = {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": forked}
    join = {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": refs}
    return {"name": f"fork_{width}", "tasks": [branches, join]}


def dynamic_fork(width: int) -> Definition:
    made = {
        "name": "f", "taskReferenceName": "f", "type": "FORK_JOIN_DYNAMIC", "dynamicForkTasksParam": "tasks",
        "dynamicForkTasksInputParamName": "inputs",
        "inputParameters": {"tasks": [_simple(f"b{number}") for number in range(width)], "inputs": {}},
    }  # fmt: skip
    return {"name": f"dynamic_{width}", "tasks": [made, {"name": "j", "taskReferenceName": "j", "type": "JOIN"}]}


def children(width: int) -> Definition:
    refs = [f"b{number}" for number in range(width)]
    branches = [
        [{"name": "c", "taskReferenceName": ref, "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "chain_1"}}]
        for ref in refs
    ]
    forked = {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": branches}
    join = {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": refs}
    return {"name": f"children_{width}", "tasks": [forked, join]}


def loops(width: int) -> Definition:
    """Give each branch of a fork a loop of three rounds."""
    branches = [[loop(3, f"l{number}")] for number in range(width)]
    forked = {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": branches}
    join = {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": [f"l{number}" for number in range(width)]}
    return {"name": f"loops_{width}", "tasks": [forked, join]}


def loop(rounds: int, ref: str = "l") -> Definition:
    return {
        "name": ref, "taskReferenceName": ref, "type": "DO_WHILE", "loopOver": [_simple(f"{ref}w")],
        "loopCondition": f"$.{ref}['iteration'] < {rounds}",
    }  # fmt: skip


def a_loop(rounds: int) -> Definition:
    return {"name": f"loop_{rounds}", "tasks": [loop(rounds)]}


def chain(length: int) -> Definition:
    return {"name": f"chain_{length}", "tasks": [_simple(f"t{number}") for number in range(length)]}


def engine_for(definition: Definition) -> Engine:
    engine = Engine()
    engine.catalogue.put_task({"name": "work", "responseTimeoutSeconds": 3600, "retryCount": 0}, 0)
    if definition["name"].startswith("children"):
        engine.catalogue.put_workflow(chain(1), 0, is_update=False)
    engine.catalogue.put_workflow(definition, 0, is_update=False)
    engine.attach_to_all(Worker())
    return engine


def run(definition: Definition, executions: int = 1) -> int:
    """Run executions one after another and read each; return how many records there are."""
    engine = engine_for(definition)
    snapshot = engine.find(definition["name"], None)
    for number in range(executions):
        engine.start(snapshot, {"x": number})
        engine.drain()
    assert all(execution.status == "COMPLETED" for execution in engine.executions.values())
    return sum(len(execution_document(execution)["tasks"]) for execution in engine.executions.values())


def cpu_s() -> float:
    """Return the CPU time of this process and of the script children that it had; they are ended for that."""
    SANDBOX.close()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def us_per_record(definition: Definition, executions: int) -> tuple[float, int]:
    began = cpu_s()
    records = run(definition, executions)
    return (cpu_s() - began) / records * 1e6, records


def stored(executions: int) -> tuple[float, int]:
    return us_per_record(chain(2), executions)


def grown(shape: Callable[[int], Definition], size: int) -> tuple[float, int]:
    """Run a shape at a size; a small one over and over, in engines of its own."""
    began, records = cpu_s(), 0
    while records < LEAST_RECORDS:
        records += run(shape(size))
    return (cpu_s() - began) / records * 1e6, records


def _measures() -> Iterator[tuple[str, Callable[[int], tuple[float, int]], list[int]]]:
    for name, shape, sizes in (
        ("fork", fork, [10, 100, 1_000, 3_000]),
        ("dynamic fork", dynamic_fork, [10, 100, 1_000, 3_000]),
        ("fork of sub-workflows", children, [10, 100, 1_000]),
        ("fork of loops", loops, [10, 100, 300]),
        ("loop", a_loop, [10, 100, 1_000]),
        ("chain", chain, [22, 220, 10_000]),
    ):
        yield name, partial(grown, shape), sizes
    yield "stored executions", stored, [1_000, 10_000, 100_000]


def rows() -> Iterator[Row]:
    """Measure and yield a row for each size, and the slope of each shape."""
    for name, measure, sizes in _measures():
        best: dict[int, tuple[float, int]] = {}
        for number in range(ROUNDS):
            for size in sizes:
                if size < LARGEST_REPEATED or number == 0:
                    best[size] = min(best.get(size, (float("inf"), 0)), measure(size))
        for size, (us, records) in best.items():
            yield row(f"P23 {name} {size:,} ({records:,} records)", us, "us/record")
        yield row(f"P23 {name}, {sizes[-1]:,} to {sizes[0]:,}", best[sizes[-1]][0] / best[sizes[0]][0], "", limit=LIMIT)
    yield from _scripts()


def _scripts() -> Iterator[Row]:
    """Measure a script in place, and in the sandbox."""
    import quickjs  # type: ignore[import-not-found,import-untyped,unused-ignore]

    bound = {"a": 1, "l": {"iteration": 3}}
    text = json.dumps(bound)

    def in_place() -> None:
        context = quickjs.Context()
        context.set("$text", text)
        assert context.eval(f"$ = JSON.parse($text); {CONDITION}") is True

    def in_the_sandbox() -> None:
        assert Scripts().javascript(CONDITION, bound) is True

    best = {in_place: float("inf"), in_the_sandbox: float("inf")}
    for _ in range(ROUNDS):
        for run_one in best:
            began = cpu_s()
            for _ in range(SCRIPTS):
                run_one()
            best[run_one] = min(best[run_one], (cpu_s() - began) / SCRIPTS * 1e6)
    yield row("P23 a script in the sandbox", best[in_the_sandbox], "us", peer="in place", peer_value=best[in_place])


if __name__ == "__main__":
    for each in rows():
        print(each)
