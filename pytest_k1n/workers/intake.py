"""Taking tasks from their queues, as many at once as there are slots, and giving account of what is in hand."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress

from pytest_k1n.client import Conductor
from pytest_k1n.client.errors import ConductorError
from pytest_k1n.core.model import Json
from pytest_k1n.core.wire import wire
from pytest_k1n.workers.delivery import epoch_ms
from pytest_k1n.workers.runner import Delivered, HeldTask
from pytest_k1n.workers.settings import WorkerSettings

_LARGEST_BATCH = 16
_NEW_SHARE = 0.2
"""Of the latest poll in what polls are said to take."""


class Intake:
    """The tasks in hand. Thread-safe; a type is polled by one thread at a time."""

    def __init__(self, client: Conductor, settings: WorkerSettings, *, report: Callable[[str], None]) -> None:
        self._client = client
        self._settings = settings
        self._served = set(settings.types)
        self._is_picky = bool(settings.types) or settings.only_handled
        self._report = report
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._hands: dict[str, HeldTask] = {}
        self._busy: Counter[str] = Counter()
        self._polling: set[str] = set()
        self._hot: dict[str, None] = {}
        self._asks: dict[str, int] = {}
        """How many to ask for the next time, by type."""
        self.outages = 0
        """Polls that have failed in a row."""
        self.poll_s = 0.0
        """What polls take, the latest most of all."""

    @property
    def hot(self) -> tuple[str, ...]:
        """Types with a backlog that no known execution explains: worth polling fast until their queue is empty."""
        return tuple(self._hot)

    def serve(self, task_type: str) -> None:
        """Serve one more type."""
        self._served.add(task_type)

    def heat(self, task_type: str) -> None:
        """Note a backlog."""
        with self._lock:
            self._hot[task_type] = None

    def take(self, task_type: str, known: int = 1) -> list[HeldTask]:
        """Poll a type once, if this worker serves it, it has a free slot, and no other thread polls it right now.

        Asks for as many as are `known` to wait, and for more and more as long as that many come: 64 tasks of 3.32.1
        take a half to a quarter of the time so, and asking for more than there are costs nothing where the poll waits
        for none. Not for all at once: the first would wait until the server has written down the last.
        """
        with self._lock:
            free = self._settings.slots - self._busy[task_type]
            if free <= 0 or task_type in self._polling or (self._is_picky and task_type not in self._served):
                return []
            count = min(max(self._asks.get(task_type, 1), known), _LARGEST_BATCH, free)
            self._polling.add(task_type)
            self._busy[task_type] += count
        hands: list[HeldTask] = []
        try:
            asked_ms = epoch_ms()
            documents = self._poll(task_type, count)
            poll_ms = asked_ms, epoch_ms()
            self.poll_s += _NEW_SHARE * ((poll_ms[1] - asked_ms) / 1000 - self.poll_s)
            accepted = (self._accept(document, task_type, poll_ms) for document in documents)
            hands = [hand for hand in accepted if hand is not None]
        finally:
            with self._lock:
                self._polling.discard(task_type)
                self._busy[task_type] -= count - len(hands)
                self._asks[task_type] = 2 * count if len(hands) == count else 1
                if not hands:
                    self._hot.pop(task_type, None)
        return hands

    def is_drained_by_another(self, task_type: str) -> bool:
        """Whether a backlog of this type is being polled by another thread right now."""
        return task_type in self._hot and task_type in self._polling

    def adopt(self, task_id: str, *, has_begun: Callable[[str], bool]) -> HeldTask | None:
        """Take on a task whose delivery to us got lost on the way, and none that `has_begun` since we asked."""
        if has_begun(task_id):
            return None
        try:
            document = self._client.task(task_id)
        except ConductorError:
            return None
        if document.get("status") != "IN_PROGRESS":
            return None
        task_type = str(document.get("taskType"))
        if (hand := self._accept(document, task_type)) is not None:
            with self._lock:
                if has_begun(task_id):  # its delivery was only late: it may be over by now
                    del self._hands[task_id]
                    return None
                self._busy[task_type] += 1
            self._report(f"took on {document.get('referenceTaskName')} ({task_id}), whose delivery had got lost")
            self._extend(task_id, str(document.get("workflowInstanceId")))
        return hand

    def release(self, hand: HeldTask) -> None:
        """Free a task's slot."""
        with self._lock:
            self._hands.pop(hand.task.record.task_id, None)
            self._busy[hand.task_type] -= 1
            self._changed.notify_all()

    def find(self, task_id: str) -> HeldTask | None:
        """Return a task in hand."""
        with self._lock:
            return self._hands.get(task_id)

    def in_hand(self) -> list[HeldTask]:
        """Return all tasks in hand."""
        with self._lock:
            return list(self._hands.values())

    def wait_until(self, is_enough: Callable[[list[HeldTask]], bool], within_s: float) -> list[HeldTask]:
        """Wait until what is in hand satisfies a condition; returns what is in hand then, or after `within_s`."""
        with self._lock:
            self._changed.wait_for(lambda: is_enough(list(self._hands.values())), within_s)
            return list(self._hands.values())

    def _extend(self, task_id: str, workflow_id: str) -> None:
        """Extend the lease of what was taken on: most of it has gone by while the delivery was missed."""
        with suppress(ConductorError):  # its first heartbeat tries again
            self._client.update(
                {
                    "taskId": task_id,
                    "workflowInstanceId": workflow_id,
                    "workerId": self._settings.worker_id,
                    "status": "IN_PROGRESS",
                    "extendLease": True,
                }
            )

    def _poll(self, task_type: str, count: int) -> list[dict[str, Json]]:
        settings = self._settings
        try:
            documents = self._client.poll_batch(
                task_type, worker_id=settings.worker_id, count=count, domain=settings.domain
            )
        except ConductorError as error:
            self.outages += 1
            if self.outages == 1:
                self._report(f"polling fails: {error}")
            return []
        if self.outages:
            self._report("polling works again")
            self.outages = 0
        return documents

    def _accept(
        self, document: Mapping[str, Json], task_type: str, poll_ms: tuple[int, int] | None = None
    ) -> HeldTask | None:
        settings = self._settings
        try:
            hand = HeldTask(
                Delivered.from_wire(document), task_type, poll_ms, declares=settings.declares, speed=settings.speed
            )
        except wire.WireError as error:
            self._report(f"a polled task cannot be read, its response timeout will bring it back: {error}")
            return None
        task_id = hand.task.record.task_id
        with self._lock:
            if task_id in self._hands:
                return None  # delivered twice: the first delivery is being worked on
            self._hands[task_id] = hand
        return hand
