"""What executions do to one another: shared workers and shared queues, in one merged raw timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_k1n.core.model import Execution, TaskRecord
from pytest_k1n.core.timing.intervals import Interval, Peak, max_concurrency

WorkerKey = tuple[str, str]
"""(task definition, worker id)."""


def worker_concurrency(executions: Iterable[Execution], *, now_ms: int | None = None) -> Mapping[WorkerKey, Peak]:
    """Return how many tasks of one definition one worker ran at once, over all attempts of all executions.

    An attempt in progress counts until `now_ms`, else until the latest stamp of any of the executions.
    """
    running: dict[WorkerKey, list[Interval]] = {}
    records = [record for execution in executions for record in execution.tasks if record.is_worker_task]
    horizon = now_ms if now_ms is not None else _latest(records)
    for record in records:
        if record.started_ms is not None and record.worker_id:
            end = record.ended_ms if record.ended_ms is not None else max(horizon, record.started_ms)
            running.setdefault((record.def_name, record.worker_id), []).append(Interval(record.started_ms, end))
    return {key: max_concurrency(intervals) for key, intervals in running.items()}


def _latest(records: Iterable[TaskRecord]) -> int:
    stamps = (
        stamp
        for record in records
        for stamp in (record.scheduled_ms, record.started_ms, record.ended_ms, record.updated_ms)
    )
    return max((stamp for stamp in stamps if stamp is not None), default=0)
