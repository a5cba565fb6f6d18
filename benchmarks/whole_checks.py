"""P1: all checks of one execution; P2: from JSON bytes to a verdict, 100,000 tasks; P8: 1 MB against its schema."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from time import process_time

from benchmarks.core_checks import _document
from benchmarks.row import Row, row
from pytest_k1n.core.expectations import judge_all, planned
from pytest_k1n.core.gates import GateSettings, category, judge, single
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.schedule.schedule import durations, schedule
from pytest_k1n.core.wire import wire
from pytest_k1n.report.lone import FoundOf, lone_document
from pytest_k1n.validation.schema import validate

GATES = tuple(map(category, ("G2", "G3", "G4", "G6", "G7", "G8", "G9")))


def rows() -> Iterator[Row]:
    """Measure; each value is the best of several rounds, interleaved with those of its peer."""
    yield from _one_execution()
    yield from _bytes_to_verdict()
    yield from _schema()


def _one_execution() -> Iterator[Row]:
    document = _document(20)
    count = len(wire.execution(document).tasks)

    def check() -> None:
        observation = observe(wire.execution(document))
        batch = single(observation)
        for each in GATES:
            judge(each, batch, GateSettings())
        assert observation.path.makespan_ms == observation.timeline.end_ms
        assert schedule(observation.graph, durations(observation.timeline)).slack

    (taken,) = _best([check], rounds=60)
    yield row("P1 parse, graph, 7 gates, path, slack", 1000 * taken / count, "us/task", limit=5.0,
              peer="pm4py replay", peer_value=51.6)  # fmt: skip


def _bytes_to_verdict() -> Iterator[Row]:
    text = json.dumps(_document(100_000)).encode()

    def parse() -> None:
        json.loads(text)

    def verdict() -> None:
        observation = observe(wire.execution(json.loads(text)))
        assert not judge_all(planned(None), observation).failed

    parsed, judged = _best([parse, verdict], rounds=3)
    yield row("P2 bytes to verdict, 100,000 tasks", judged / 1000, "s", peer="json.loads", peer_value=parsed / 1000)
    yield row("P2 ratio", judged / parsed, "x", limit=1.5)


def _schema() -> Iterator[Row]:
    observation = observe(wire.execution(_document(1_600)))
    document = lone_document([FoundOf(observation, judge_all((), observation))], source="a benchmark")
    validate(document, "run")  # compiled once
    text = json.dumps(document)

    def ours() -> None:
        assert validate(document, "run") == []

    def parse() -> None:
        json.loads(text)

    taken, parsed = _best([ours, parse], rounds=15)
    size = len(text) / 1e6
    yield row(f"P8 schema, {size:.1f} MB, green", taken, "ms", limit=3.0 * size, peer="json.loads", peer_value=parsed)


def _best(candidates: list[Callable[[], None]], rounds: int) -> list[float]:
    """Return the least ms of each candidate over interleaved rounds."""
    least = [float("inf")] * len(candidates)
    for _ in range(rounds):
        for index, candidate in enumerate(candidates):
            gc.collect()
            gc.disable()
            began = process_time()
            candidate()
            least[index] = min(least[index], (process_time() - began) * 1000)
            gc.enable()
    return least
