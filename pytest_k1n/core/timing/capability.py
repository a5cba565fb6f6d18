"""What a server is capable of, by the executions without work that warmed it up; the budgets of latencies follow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any

from pytest_k1n.core.model import Execution, TaskRecord
from pytest_k1n.core.statistics.stats import quantile

FACTOR = 3
"""How many times its median a latency of a server may take before that server is called slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Latencies of one execution, or medians over several, in raw ms; `None` where it has no such place."""

    begin_ms: int | None = None
    """From the execution's start to its first task's being scheduled."""
    fork_ms: int | None = None
    """The longest wait for a worker at the head of a fork."""
    chain_ms: int | None = None
    """The longest wait for a worker of a task with nothing beside it."""
    join_ms: int | None = None
    """From the last end that a JOIN waited for to the JOIN's."""
    hop_ms: int | None = None
    """The longest time between the end of a task and its successor's being scheduled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability(Latencies):
    """The medians of the executions that warmed a server up, and how long the first of them took."""

    first_ms: int
    runs: int

    def __str__(self) -> str:
        """Say it in a line for headers."""
        places = ("begin", "fork", "chain", "join", "hop")
        shown = [
            f"{place} {ms} ms" for place in places if (ms := getattr(self, f"{place}_ms")) is not None
        ]  # fmt: skip
        return f"first execution in {self.first_ms} ms, {self.runs} to warm up; it is capable of {', '.join(shown)}"


def latencies(execution: Execution, *, heads: Sequence[str], join: str, chain: Sequence[str]) -> Latencies:
    """Measure an execution that ran the fork `heads`, its `join`, then the tasks `chain`, one after the other."""
    finals = {ref: record for (ref, _), record in execution.finals.items()}
    first = [finals[ref] for ref in heads if ref in finals]
    then = [finals[ref] for ref in chain if ref in finals]
    begins = [record.scheduled_ms for record in first if record.scheduled_ms is not None]
    ends = [record.ended_ms for record in first if record.ended_ms is not None]
    joined = finals[join].ended_ms if join in finals else None
    hops = [_between(before.ended_ms, after.scheduled_ms) for before, after in pairwise(then)]
    return Latencies(
        begin_ms=_between(execution.started_ms, min(begins, default=None)),
        fork_ms=_longest([_waited(record) for record in first]),
        chain_ms=_longest([_waited(record) for record in then]),
        join_ms=_between(max(ends, default=None), joined),
        hop_ms=_longest(hops),
    )


def capability(first_ms: int, measured: Sequence[Latencies]) -> Capability:
    """Sum up the executions that warmed a server up."""
    medians = {}
    for field in fields(Latencies):
        known = [ms for each in measured if (ms := getattr(each, field.name)) is not None]
        medians[field.name] = quantile(known, 0.5) if known else None
    return Capability(first_ms=first_ms, runs=len(measured), **medians)


def capability_json(found: Capability | None) -> dict[str, int | None] | None:
    """Write it down for other processes of the run."""
    return None if found is None else asdict(found)


def read_capability(document: Mapping[str, Any] | None) -> Capability | None:
    """Read what `capability_json` wrote."""
    return None if document is None else Capability(**document)


def _waited(record: TaskRecord) -> int | None:
    return _between(record.scheduled_ms, record.started_ms)


def _between(begin_ms: int | None, end_ms: int | None) -> int | None:
    return None if begin_ms is None or end_ms is None else max(0, end_ms - begin_ms)


def _longest(values: Sequence[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)
