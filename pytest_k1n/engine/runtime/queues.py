"""Task queues: what a poll gets next: priority first, then when it came due, then when it came."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple

from pytest_k1n.engine.state import TaskState
from pytest_k1n.engine.status import OPEN_TASK

UNSIFTED: Final = 1_000
"""So many messages may lie in a queue that is never polled before the void ones are looked for."""


class QueueKey(NamedTuple):
    """A queue: a task type, in a domain or in none."""

    type: str
    domain: str | None = None

    @property
    def label(self) -> str:
        """Return the server's name of the queue."""
        return self.type if self.domain is None else f"{self.domain}:{self.type}"


class _Queue:
    __slots__ = ("ready", "sifted_at", "waiting")

    def __init__(self) -> None:
        self.sifted_at = UNSIFTED
        self.ready: list[tuple[int, int, int, int, TaskState]] = []
        """(-priority, due, order, ticket, task)."""
        self.waiting: list[tuple[int, int, int, TaskState]] = []
        """(due, order, ticket, task): not due yet."""

    def sift(self) -> None:
        """Drop what is void, once it may be half of all: nothing else does where no worker polls."""
        if len(self.ready) + len(self.waiting) <= self.sifted_at:
            return
        self.ready = [message for message in self.ready if _is_valid(message[-1], message[-2])]
        self.waiting = [message for message in self.waiting if _is_valid(message[-1], message[-2])]
        heapify(self.ready)
        heapify(self.waiting)
        self.sifted_at = max(UNSIFTED, 2 * (len(self.ready) + len(self.waiting)))


class Queues:
    """All queues of an engine. A message is void once its task got a newer ticket or has ended."""

    def __init__(self) -> None:
        self._queues: dict[QueueKey, _Queue] = {}
        self._plain: dict[str, QueueKey] = {}
        self._order = 0
        self.taken = 0
        """Which push the message was that `pop` took last: the server hands a batch out in that order."""

    def push(self, task: TaskState, due_ms: int, now_ms: int) -> QueueKey:
        """Put a task into the queue of its type and domain, deliverable from `due_ms` on."""
        key = self._plain.get(task.type) if task.domain is None else QueueKey(task.type, task.domain)
        if key is None:
            key = self._plain[task.type] = QueueKey(task.type)
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = _Queue()
        task.ticket += 1
        task.deliverable_ms = due_ms
        self._order += 1
        if due_ms <= now_ms:
            heappush(queue.ready, (-task.execution.priority, due_ms, self._order, task.ticket, task))
        else:
            heappush(queue.waiting, (due_ms, self._order, task.ticket, task))
        queue.sift()
        return key

    def pop(
        self,
        key: QueueKey,
        now_ms: int,
        is_held: Callable[[TaskState], bool],
        wants: Callable[[TaskState], bool] | None = None,
    ) -> TaskState | None:
        """Take the next deliverable task out of a queue; one that is held back, or not wanted, keeps its place."""
        queue = self._queues.get(key)
        if queue is None:
            return None
        if queue.waiting:
            self._ripen(queue, now_ms)
        if not queue.ready:
            return None
        passed_over = []
        found = None
        while queue.ready:
            message = heappop(queue.ready)
            task = message[4]
            if not _is_valid(task, message[3]):
                continue
            if wants is not None and not wants(task):
                passed_over.append(message)
                continue
            if is_held(task):
                passed_over.append(message)
            else:
                found, self.taken = task, message[2]
            break
        for message in passed_over:
            heappush(queue.ready, message)
        return found

    def deliverable(self, now_ms: int, is_held: Callable[[TaskState], bool]) -> list[tuple[QueueKey, TaskState]]:
        """Return what `pop` would take from each queue that has something."""
        found = []
        for key, queue in self._queues.items():
            if queue.waiting:
                self._ripen(queue, now_ms)
            while queue.ready and not _is_valid(queue.ready[0][4], queue.ready[0][3]):
                heappop(queue.ready)
            if queue.ready and not is_held(queue.ready[0][4]):
                found.append((key, queue.ready[0][4]))
        return found

    def size(self, key: QueueKey) -> int:
        """Count what a queue holds, delayed messages included."""
        queue = self._queues.get(key)
        return 0 if queue is None else sum(1 for _ in _valid(queue))

    def known(self) -> list[QueueKey]:
        """Return every queue that ever held something, by name."""
        return sorted(self._queues, key=lambda key: key.label)

    @staticmethod
    def _ripen(queue: _Queue, now_ms: int) -> None:
        waiting = queue.waiting
        while waiting and waiting[0][0] <= now_ms:
            due_ms, order, ticket, task = heappop(waiting)
            heappush(queue.ready, (-task.execution.priority, due_ms, order, ticket, task))


def _is_valid(task: TaskState, ticket: int) -> bool:
    return task.ticket == ticket and task.status in OPEN_TASK


def _valid(queue: _Queue) -> Iterator[TaskState]:
    yield from (message[-1] for message in queue.ready if _is_valid(message[-1], message[-2]))
    yield from (message[-1] for message in queue.waiting if _is_valid(message[-1], message[-2]))
