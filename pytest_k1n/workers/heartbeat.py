"""Heartbeats: extend the lease of every task in hand before its response timeout, and notice when it is unwanted."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_k1n.client import Conductor
from pytest_k1n.client.errors import ConductorError, NotFound
from pytest_k1n.core.model import TaskStatus

_PART = 0.3
"""Share of the response timeout after which the lease is extended: every 3 s for the usual 10 s."""
_SHORTEST_S, _LONGEST_S = 0.2, 30.0


@dataclass(frozen=True, slots=True, order=True)
class _Beat:
    due: float
    task_id: str = field(compare=False)
    workflow_id: str = field(compare=False)
    every_s: float = field(compare=False)


class Heartbeat:
    """One thread for all tasks in hand. `keep` when the work begins, `drop` when it ends."""

    def __init__(
        self, client: Conductor, *, worker_id: str, unwanted: Callable[[str], None], report: Callable[[str], None]
    ) -> None:
        self._client = client
        self._worker_id = worker_id
        self._unwanted = unwanted
        """Called with the id of a task that has ended without us: timed out, canceled, removed."""
        self._report = report
        self._beats: list[_Beat] = []
        self._kept: set[str] = set()
        self._changed = threading.Condition()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="k1n-heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Stop beating: leases run out."""
        with self._changed:
            self._is_over = True
            self._changed.notify()
        self._thread.join(5)

    def keep(self, task_id: str, workflow_id: str, response_timeout_s: int) -> None:
        """Keep a task's lease alive until it is dropped; 0 means that it has none."""
        if response_timeout_s <= 0:
            return
        every_s = min(max(response_timeout_s * _PART, _SHORTEST_S), _LONGEST_S)
        beat = _Beat(time.monotonic() + every_s, task_id, workflow_id, every_s)
        with self._changed:
            self._kept.add(task_id)
            heapq.heappush(self._beats, beat)
            if self._beats[0] is beat:
                self._changed.notify()

    def drop(self, task_id: str) -> None:
        """Let a task's lease run out."""
        with self._changed:
            self._kept.discard(task_id)

    def _run(self) -> None:
        while (beat := self._next()) is not None:
            again_s = beat.every_s
            try:
                self._extend(beat)
            except NotFound:
                self._end(beat.task_id)
                continue
            except ConductorError as error:
                self._report(f"heartbeat of task {beat.task_id} missed: {error}")
                again_s = min(again_s, 1.0)
            with self._changed:
                heapq.heappush(
                    self._beats, _Beat(time.monotonic() + again_s, beat.task_id, beat.workflow_id, beat.every_s)
                )

    def _next(self) -> _Beat | None:
        with self._changed:
            while not self._is_over:
                while self._beats and self._beats[0].task_id not in self._kept:
                    heapq.heappop(self._beats)
                if not self._beats:
                    self._changed.wait()
                elif (left := self._beats[0].due - time.monotonic()) > 0:
                    self._changed.wait(left)
                else:
                    return heapq.heappop(self._beats)
            return None

    def _extend(self, beat: _Beat) -> None:
        """Ask first: an update of an ended task answers 200 like any other."""
        if TaskStatus(str(self._client.task(beat.task_id).get("status"))).is_terminal:
            self._end(beat.task_id)
            return
        with self._changed:
            if beat.task_id not in self._kept:
                return
        self._client.update(
            {
                "taskId": beat.task_id,
                "workflowInstanceId": beat.workflow_id,
                "workerId": self._worker_id,
                "status": "IN_PROGRESS",
                "extendLease": True,
            }
        )

    def _end(self, task_id: str) -> None:
        with self._changed:
            was_kept = task_id in self._kept
            self._kept.discard(task_id)
        if was_kept:
            self._unwanted(task_id)
