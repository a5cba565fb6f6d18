"""What executions do to one another: shared workers and shared queues, in one merged raw timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_k1n.core.intervals import Interval, Inversion, Peak, fifo_inversions, max_concurrency
from pytest_k1n.core.model import Execution, TaskRecord

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


def queue_inversions(executions: Iterable[Execution], *, grain_ms: int = 1) -> tuple[Inversion[TaskRecord], ...]:
    """Find attempts that a later one of the same task queue and domain overtook by more than `grain_ms`.

    The executions must have been started with equal priority. A delay counts: an attempt queues from when it is ready.
    """
    queues: dict[tuple[str, str | None], dict[str, tuple[TaskRecord, Interval]]] = {}
    for execution in executions:
        for record in execution.tasks:
            if record.is_worker_task and record.scheduled_ms is not None and record.started_ms is not None:
                ready = record.scheduled_ms + record.start_delay_ms
                queue = queues.setdefault((record.def_name, record.domain), {})
                queue[record.task_id] = (record, Interval(ready, record.started_ms))
    found: list[Inversion[TaskRecord]] = []
    for queue in queues.values():
        for overtaken, overtaker, by_ms in fifo_inversions(
            {task_id: waited for task_id, (_, waited) in queue.items()}, grain_ms=grain_ms
        ):
            found.append(Inversion(queue[overtaken][0], queue[overtaker][0], by_ms))
    return tuple(found)


def _latest(records: Iterable[TaskRecord]) -> int:
    stamps = (
        stamp
        for record in records
        for stamp in (record.scheduled_ms, record.started_ms, record.ended_ms, record.updated_ms)
    )
    return max((stamp for stamp in stamps if stamp is not None), default=0)
