"""P3: a million task records kept in columns: order, critical path and slack of each execution; time and memory.

The columns are what fits into memory: four arrays of whole numbers, 32 MB, where the JSON would be 1.2 GB. They hold
executions of 22 tasks of one definition. Each is judged by the core when its turn comes, and is forgotten. The peer is
networkx on the same columns: a graph for each execution, and its longest path.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import cast

from benchmarks.core_checks import EPOCH, _document
from benchmarks.row import Row, row
from pytest_k1n.core.columns import Columns, Records
from pytest_k1n.core.consistency.ordering import ordering
from pytest_k1n.core.model import Execution, TaskRecord, WorkflowDefinition, WorkflowStatus
from pytest_k1n.core.order.unroll import Graph, happens_before
from pytest_k1n.core.schedule.critical import critical_path
from pytest_k1n.core.schedule.schedule import durations, schedule
from pytest_k1n.core.timing.timeline import rebuild
from pytest_k1n.core.wire import wire

RECORDS = 1_000_000
LIMIT_S, LIMIT_MB = 6.0, 500.0
Stored = tuple["array[int]", "array[int]", "array[int]", "array[int]"]
"""Which task of the definition it is, and when it was scheduled, was started and ended, in epoch ms."""


def rows() -> Iterator[Row]:
    """Measure each in a process of its own: CPU of the judgement alone, memory of the whole process."""
    (ours_s, ours_mb), (peer_s, peer_mb) = _measured("ours"), _measured("networkx")
    peer = "networkx path only"
    yield row("P3 1e6 records", ours_s, "CPU-s", limit=LIMIT_S, peer=peer, peer_value=peer_s)
    yield row("P3 1e6 records, memory", ours_mb, "MB", limit=LIMIT_MB, peer=peer, peer_value=peer_mb)


def _measured(who: str) -> tuple[float, float]:
    argv = [sys.executable, "-m", "benchmarks.columns", who]
    found = json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return found["cpu_s"], found["peak_mb"]


def _columns(pattern: Execution) -> Stored:
    """Repeat one execution, each later than the one before, and with ends of their own."""
    columns: Stored = (array("q"), array("q"), array("q"), array("q"))
    tasks = pattern.tasks
    for number in range(RECORDS // len(tasks)):
        at = number * 1_000
        for index, task in enumerate(tasks):
            columns[0].append(index)
            columns[1].append((task.scheduled_ms or EPOCH) + at)
            columns[2].append((task.started_ms or EPOCH) + at)
            columns[3].append((task.ended_ms or EPOCH) + at - (number % 3 if task.is_worker_task else 0))
    return columns


def _judge(columns: Stored, pattern: Execution, graph: Graph) -> None:
    rows_ = zip(*columns, strict=True)
    number = 0
    while found := list(islice(rows_, len(pattern.tasks))):
        execution = _execution(pattern, number, found)
        assert not ordering(execution, graph).findings
        timeline = rebuild(execution, graph)
        assert critical_path(timeline, graph).makespan_ms == timeline.end_ms
        assert schedule(graph, durations(timeline)).slack
        number += 1


def _execution(pattern: Execution, number: int, found: list[tuple[int, ...]]) -> Execution:
    """Put the columns of one execution beside those of its definition; no record is made, as nothing is wrong."""
    places, scheduled, started, ended = map(list, zip(*found, strict=True))
    known, count = pattern.columns, len(found)
    columns = Columns(
        ref=known.ref, iteration=known.iteration, stated_iteration=known.stated_iteration, type=known.type,
        def_name=known.def_name, status=known.status, attempt=known.attempt, retried=known.retried, seq=known.seq,
        start_delay_ms=known.start_delay_ms, retried_task_id=known.retried_task_id, snapshot_ref=known.snapshot_ref,
        output=known.output, workflow_id=[str(number)] * count,
        workflow_name=known.workflow_name, task_id=[f"{number}/{place}" for place in places],
        scheduled_ms=scheduled, started_ms=started, ended_ms=ended,
    )  # fmt: skip
    return Execution(
        workflow_id=str(number), name=pattern.name, status=WorkflowStatus.COMPLETED,
        tasks=Records(columns, (), _no_record), started_ms=scheduled[0], ended_ms=max(ended),
        definition=pattern.definition,
    )  # fmt: skip


def _no_record(place: int) -> TaskRecord:
    raise AssertionError(f"record {place} was asked for")


def _longest_paths(columns: Stored, pattern: Execution, graph: Graph) -> None:
    import networkx as nx

    rows_ = zip(*columns, strict=True)
    position = {task.key: index for index, task in enumerate(pattern.tasks)}
    edges = [(position[edge.before], position[edge.after]) for edge in graph.edges]
    while found := list(islice(rows_, len(pattern.tasks))):
        took = {index: end - start for index, _, start, end in found}
        other = nx.DiGraph()
        other.add_weighted_edges_from((before, after, took[after]) for before, after in edges)
        assert nx.dag_longest_path(other)


def main(who: str) -> None:
    pattern = wire.execution(_document(20))
    graph = happens_before(cast("WorkflowDefinition", pattern.definition), pattern)
    columns = _columns(pattern)
    began = time.process_time()
    (_judge if who == "ours" else _longest_paths)(columns, pattern, graph)
    cpu_s = time.process_time() - began
    peak_kb = int(Path("/proc/self/status").read_text(encoding="ascii").partition("VmHWM:")[2].split()[0])
    print(json.dumps({"cpu_s": cpu_s, "peak_mb": peak_kb / 1024}))


if __name__ == "__main__":
    main(sys.argv[1])
