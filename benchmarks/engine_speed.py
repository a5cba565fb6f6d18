"""P15, P17, P20: How fast the embedded engine is in process, in virtual time, with full records.

CPU time of this process, best of a few rounds: the figure says what the engine costs, not how busy the machine is. What
is timed:

- "task records": an engine is made, 20 task definitions and a workflow of 20 tasks in a chain are registered, 1,000
  executions are started, every task is scheduled, delivered, worked on for a virtual minute by a worker attached in
  process and completed, and every execution is made a document as `GET /workflow/{id}` answers it, all 20 records with
  their inputs, outputs and definitions in it. Not in it: imports, JSON text, sockets.
- "1,000 workflows of 20 tasks": the same without the documents at the end, which is what a run costs that reads its
  records otherwise or later.
- "22 tasks": one execution of 85 minutes, from the making of its engine to its document.
- "stateful steps": the suite's own state machine (tests/unit/engine) with all its invariants; its peer is a machine
  whose one rule does nothing, which is what Hypothesis itself costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from k1n_support.history import digest
from pytest_k1n.engine.documents import execution_document
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.runtime.virtualwork import VirtualResult

ROUNDS = 3
LONG_MS = 85 * 60_000


class Worker:
    """Takes a fixed virtual time for everything."""

    def __init__(self, work_ms: int) -> None:
        self.result = VirtualResult(output={"v": 1}, work_ms=work_ms)

    def work(self, _task: object) -> VirtualResult:
        return self.result


def engine_with_chain(length: int, work_ms: int) -> Engine:
    engine = Engine()
    tasks = []
    for number in range(1, length + 1):
        name = f"task_{number}"
        engine.catalogue.put_task(
            {"name": name, "retryCount": 1, "retryDelaySeconds": 1, "responseTimeoutSeconds": 10}, 0
        )
        before = f"${{task_{number - 1}.output.v}}" if number > 1 else "${workflow.input.x}"
        parameters = {"constant": "a", "before": before}
        tasks.append({"name": name, "taskReferenceName": name, "type": "SIMPLE", "inputParameters": parameters})
    engine.catalogue.put_workflow({"name": "chain", "tasks": tasks}, 0, is_update=False)
    engine.attach_to_all(Worker(work_ms))
    return engine


def run_chains(executions: int, length: int, work_ms: int) -> Engine:
    engine = engine_with_chain(length, work_ms)
    definition = engine.find("chain", None)
    for number in range(executions):
        engine.start(definition, {"x": number})
    engine.drain()
    return engine


def best_s(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    times = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def read_everything(engine: Engine) -> int:
    return sum(len(execution_document(execution)["tasks"]) for execution in engine.executions.values())


def heap_events_per_s(count: int = 200_000) -> float:
    """Push and pop bare events: the most any event loop over a heap could do here."""

    def work() -> None:
        heap: list[tuple[int, int]] = []
        for number in range(count):
            heappush(heap, (number * 7919 % 10_007, number))
            if len(heap) > 1000:
                heappop(heap)

    return count / best_s(work)


class Idle(RuleBasedStateMachine):
    @rule(number=st.integers(0, 99))
    def nothing(self, number: int) -> None:
        pass


def clients() -> type[RuleBasedStateMachine]:
    from tests.unit.engine.test_state_machine import Clients

    return Clients


def steps_per_s(machine: type[RuleBasedStateMachine], examples: int = 60) -> float:
    class Counted(machine):  # type: ignore[misc,valid-type]
        steps = 0

        @invariant()
        def count(self) -> None:
            Counted.steps += 1

    chosen = settings(
        max_examples=examples, stateful_step_count=50, database=None, derandomize=True, deadline=None,
        phases=[Phase.generate],
    )  # fmt: skip
    took_s = best_s(lambda: run_state_machine_as_test(Counted, settings=chosen), rounds=1)
    return Counted.steps / took_s


def rows() -> Iterator[dict[str, Any]]:
    """Measure and yield `{id, value, unit, limit, peer, peer_value, ok}`."""
    thousand_s = best_s(lambda: run_chains(1000, 20, 60_000))
    full_s = best_s(lambda: read_everything(run_chains(1000, 20, 60_000)))
    long_ms = best_s(lambda: read_everything(run_chains(1, 22, LONG_MS // 22)), rounds=10) * 1000
    repeated = len({digest(run_chains(20, 20, 1000)) for _ in range(3)})
    heap = heap_events_per_s()
    yield _row("P15 task records in process", 20_000 / full_s, "records/s", 50_000, "bare heap events", heap)
    yield _row("P15 1,000 workflows of 20 tasks", thousand_s, "s", 0.5, "", None, at_most=True)
    yield _row("P15 22 tasks, 85 minutes", long_ms, "ms", 10, "real time", LONG_MS, at_most=True)
    yield _row("P17 stateful steps", steps_per_s(clients()), "steps/s", 1_500, "Hypothesis alone", steps_per_s(Idle))
    yield _row("P20 different histories of one seed", repeated, "", 1, "", None, at_most=True)


def _row(
    id_: str, value: float, unit: str, limit: float, peer: str, peer_value: float | None, *, at_most: bool = False
) -> dict[str, Any]:
    ok = value <= limit if at_most else value >= limit
    return {
        "id": id_, "value": round(value, 3), "unit": unit, "limit": limit, "peer": peer, "peer_value": peer_value,
        "ok": ok,
    }  # fmt: skip


if __name__ == "__main__":
    for row in rows():
        print(row)
