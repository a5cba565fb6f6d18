"""The workers attached inside the engine's process: which takes which task, how many at a time, until when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pytest_k1n.core.model import SYSTEM_TASK_TYPES
from pytest_k1n.engine.runtime.agenda import FINISH, Agenda
from pytest_k1n.engine.runtime.ports import ResultTaker
from pytest_k1n.engine.runtime.queues import QueueKey
from pytest_k1n.engine.runtime.taskresults import TaskResult
from pytest_k1n.engine.runtime.virtualwork import UNLIMITED, VirtualResult, VirtualWorker
from pytest_k1n.engine.state import TaskState
from pytest_k1n.engine.status import IN_PROGRESS

Wants = Callable[[TaskState], bool]
Deliver = Callable[[QueueKey, str | None, int, Wants | None], TaskState | None]


@dataclass(slots=True)
class Attachment:
    """A worker attached to task types: how many tasks of each type it takes at the same time."""

    worker: VirtualWorker
    worker_id: str
    slots: int
    busy: int = 0
    is_default: bool = False
    """Whether it takes the type only because no other worker does."""
    wants: Wants | None = None
    """Which tasks it takes; the others stay in their queue."""


class Workforce:
    """Has attached workers take what their queues hold, and reports what they made of it when their time is over."""

    def __init__(
        self, engine: ResultTaker, agenda: Agenda, deliver: Deliver, set_timer: Callable[[TaskState], None]
    ) -> None:
        self._engine = engine
        self._agenda = agenda
        self._deliver = deliver
        self._set_timer = set_timer
        self._attached: dict[QueueKey, Attachment] = {}
        self._default: tuple[VirtualWorker, str, int, Wants | None] | None = None

    def attach(self, keys: Iterable[QueueKey], worker: VirtualWorker, worker_id: str, slots: int) -> None:
        """Have a worker take what some queues hold."""
        for key in keys:
            self._attached[key] = Attachment(worker, worker_id, slots)
            self._agenda.soon(self.work_off, key)

    def attach_to_all(
        self,
        known: Iterable[QueueKey],
        worker: VirtualWorker,
        worker_id: str,
        slots: int,
        wants: Wants | None = None,
    ) -> None:
        """Have a worker take what no other does, of the queues known and of those to come."""
        self._default = (worker, worker_id, slots, wants)
        for key in known:
            if key.type in SYSTEM_TASK_TYPES:
                continue  # a dynamic task that named an operator waits for ever, as on the server: nobody polls for it
            if key not in self._attached or self._attached[key].is_default:
                self._attached[key] = Attachment(worker, worker_id, slots, is_default=True, wants=wants)
                self._agenda.soon(self.work_off, key)

    def detach_all(self) -> None:
        """Take nothing any more; what is in hand is still reported."""
        self._attached.clear()
        self._default = None

    def is_for(self, key: QueueKey) -> bool:
        """Tell whether a worker takes what a queue holds."""
        if key in self._attached:
            return True
        if self._default is None or key.type in SYSTEM_TASK_TYPES:
            return False
        worker, worker_id, slots, wants = self._default
        self._attached[key] = Attachment(worker, worker_id, slots, is_default=True, wants=wants)
        return True

    def work_off(self, key: QueueKey) -> None:
        """Take tasks out of a queue as long as there are any and a slot is free."""
        attached = self._attached.get(key)
        if attached is None:
            return
        while attached.busy < attached.slots and self._attached.get(key) is attached:
            now_ms = self._engine.now_ms
            task = self._deliver(key, attached.worker_id, now_ms, attached.wants)
            if task is None:
                return
            result = attached.worker.work(task)
            if result.work_ms is not None and result.heartbeats:
                task.lease_until_ms = now_ms + result.work_ms
            self._set_timer(task)
            if result.work_ms is None:
                continue
            attached.busy += 1
            work = (attached, key, task, task.attempt, task.poll_count, result)
            self._agenda.at(now_ms + result.work_ms, FINISH, self._finish, work)

    def _finish(self, work: tuple[Attachment, QueueKey, TaskState, int, int, VirtualResult]) -> None:
        attached, key, task, attempt, poll_count, result = work
        attached.busy -= 1
        if task.status == IN_PROGRESS and task.attempt == attempt and task.poll_count == poll_count:
            report = TaskResult(
                status=result.status,
                output=dict(result.output),
                reason=result.reason,
                worker_id=attached.worker_id,
                callback_s=result.callback_s,
                logs=tuple([(line, None) for line in result.logs]),
            )
            self._engine.update(task, report)
        if attached.slots < UNLIMITED:
            self.work_off(key)
