"""The core's speed: P5 happens-before, P4 critical path, slack, P1 (in part) one execution's check, P6 what-if."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from time import process_time

from pytest_k1n.core.consistency.ordering import ordering, violations
from pytest_k1n.core.model import Execution, Json, WorkflowDefinition
from pytest_k1n.core.order.unroll import happens_before
from pytest_k1n.core.schedule.critical import critical_path
from pytest_k1n.core.schedule.schedule import durations, schedule
from pytest_k1n.core.schedule.whatif import Model, ModelledTask
from pytest_k1n.core.timing.timeline import rebuild
from pytest_k1n.core.wire import wire
from pytest_k1n.report.advice import quantiles

Row = dict[str, object]
WIDTH = 8
EPOCH = 1_763_696_683_000


def rows() -> list[Row]:
    """Measure; each value is the best of several rounds, interleaved with those of its peer."""
    return [*_happens_before(), *_critical_path(), *_one_execution(), *_what_if()]


def _happens_before() -> list[Row]:
    definition, execution = _forks_and_chains(1_000)
    graph = happens_before(definition, execution)

    def sweep() -> None:
        violations(execution, replace(graph))  # a graph that has nothing worked out yet

    def from_the_definition() -> None:
        violations(execution, happens_before(replace(definition), execution))

    def by_networkx() -> None:
        import networkx as nx

        other = nx.DiGraph((edge.before, edge.after) for edge in graph.edges)
        finals = execution.finals
        for key in other:
            begin = finals[key].scheduled_ms or 0
            if finals[key].type not in ("FORK", "JOIN"):
                for before in nx.ancestors(other, key):
                    assert (finals[before].ended_ms or 0) <= begin

    ours, whole, peer = _best([sweep, from_the_definition, by_networkx])
    return [
        _row("P5", ours, limit=5.0, unit="ms", peer="networkx ancestors", peer_value=peer),
        _row("P5 and building the graph", whole, limit=None, unit="ms", peer="networkx ancestors", peer_value=peer),
    ]


def _critical_path() -> list[Row]:
    definition, execution = _forks_and_chains(10_000)
    graph = happens_before(definition, execution)
    timeline = rebuild(execution, graph)
    taken = durations(timeline)
    graph.predecessor_positions  # noqa: B018 - part of the graph, not of the schedule

    def ours() -> None:
        assert critical_path(timeline, graph).makespan_ms == timeline.end_ms
        assert schedule(graph, taken).slack

    def by_networkx() -> None:
        import networkx as nx

        other = nx.DiGraph()
        other.add_weighted_edges_from((edge.before, edge.after, taken.get(edge.after, 0)) for edge in graph.edges)
        assert nx.dag_longest_path(other)

    value, peer = _best([ours, by_networkx])
    return [_row("P4", value, limit=15.0, unit="ms", peer="networkx dag_longest_path", peer_value=peer)]


def _one_execution() -> list[Row]:
    """Order, critical path and slack of 20 tasks; the other gates, which P1 counts too, are not the core's graph."""
    document = _document(20)
    execution = wire.execution(document)
    count = len(execution.tasks)
    definition = execution.definition
    assert definition is not None
    graph = happens_before(definition, execution)
    graph.comparable.ancestors  # noqa: B018 - belongs to the definition, which a suite judges many executions by

    def judge() -> None:
        findings = ordering(execution, graph)
        timeline = rebuild(execution, graph)
        path = critical_path(timeline, graph)
        assert not findings.findings
        assert path.makespan_ms == timeline.end_ms
        assert schedule(graph, durations(timeline)).slack

    def parse() -> None:
        wire.execution(document)

    judged, parsed = (value * 1_000 / count for value in _best([judge, parse], rounds=50))
    return [
        _row("P1 order, path, slack", judged, limit=5.0, unit="us/task", peer="pm4py replay", peer_value=51.6),
        _row("P1 parse", parsed, limit=None, unit="us/task", peer="", peer_value=None),
    ]


def _what_if() -> list[Row]:
    """A change tried on 10,000 recorded executions of 20 tasks, with percentiles; numpy would take 5 ms."""
    rng = Random(6)
    models = [_recorded(rng) for _ in range(10_000)]

    def ours() -> None:
        assert quantiles([model.with_duration("t5", 10).makespan_ms() for model in models])

    (value,) = _best([ours])
    return [_row("P6", value, limit=200.0, unit="ms", peer="numpy, by hand", peer_value=4.6)]


def _recorded(rng: Random) -> Model:
    after = [(), *((f"t{index - 1}", f"t{max(index - 3, 0)}") for index in range(1, 20))]
    return Model(
        steps=tuple(
            ModelledTask(
                ref=f"t{index}", pool="t", after=befores, gap_ms=rng.randrange(10), hold_ms=rng.randrange(1000)
            )
            for index, befores in enumerate(after)
        )
    )


def _row(name: str, value: float, *, limit: float | None, unit: str, peer: str, peer_value: float | None) -> Row:
    return {
        "id": name,
        "value": round(value, 3),
        "unit": unit,
        "limit": limit,
        "peer": peer,
        "peer_value": None if peer_value is None else round(peer_value, 3),
        "ok": limit is None or value <= limit,
    }


def _best(candidates: list[Callable[[], None]], rounds: int = 15) -> list[float]:
    """Return the least ms of each candidate over interleaved rounds, collecting garbage only between them."""
    least = [float("inf")] * len(candidates)
    for _ in range(rounds):
        for index, candidate in enumerate(candidates):
            gc.collect()
            gc.disable()
            begin = process_time()
            candidate()
            least[index] = min(least[index], (process_time() - begin) * 1_000)
            gc.enable()
    return least


def _forks_and_chains(size: int) -> tuple[WorkflowDefinition, Execution]:
    execution = wire.execution(_document(size))
    assert execution.definition is not None
    return execution.definition, execution


def _document(size: int) -> dict[str, Json]:
    """An execution as the server answers it: forks of eight branches, each joined and followed by one task."""
    workflow_tasks: list[Json] = []
    records: list[Json] = []
    clock = EPOCH

    def record(ref: str, kind: str, scheduled: int, start: int, end: int) -> None:
        records.append(
            {
                "taskType": kind, "status": "COMPLETED", "referenceTaskName": ref, "taskDefName": kind,
                "taskId": f"id-{ref}", "seq": len(records) + 1, "retryCount": 0, "pollCount": 1, "retried": False,
                "scheduledTime": scheduled, "startTime": start, "endTime": end, "updateTime": start,
                "workerId": "worker-1", "inputData": {"n": 1}, "iteration": 0,
                "outputData": {"_k1n": {"simulated": True, "work_ms": end - start, "handler": "simulated"}},
            }
        )  # fmt: skip

    while len(records) < size:
        number = len(workflow_tasks) // 3
        refs = [f"task_{number}_{branch}" for branch in range(WIDTH)]
        fork, join, tail = f"fork_{number}", f"join_{number}", f"tail_{number}"
        workflow_tasks += [
            {
                "name": fork, "taskReferenceName": fork, "type": "FORK_JOIN",
                "forkTasks": [[{"name": ref, "taskReferenceName": ref, "type": "SIMPLE"}] for ref in refs],
            },
            {"name": join, "taskReferenceName": join, "type": "JOIN", "joinOn": [*refs]},
            {"name": tail, "taskReferenceName": tail, "type": "SIMPLE"},
        ]  # fmt: skip
        record(fork, "FORK", clock, clock, clock)
        for branch, ref in enumerate(refs):
            record(ref, ref, clock, clock + branch, clock + 20 + branch)
        record(join, "JOIN", clock, clock, clock + 30)
        record(tail, tail, clock + 30, clock + 32, clock + 40)
        clock += 40
    return {
        "workflowId": "wf-1", "workflowName": "W", "status": "COMPLETED", "startTime": EPOCH, "endTime": clock,
        "tasks": records, "workflowDefinition": {"name": "W", "version": 1, "tasks": workflow_tasks},
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(rows(), indent=1))
