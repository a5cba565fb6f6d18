"""Who gets a queued task: a poll, a worker attached in process, or a test that asks for this one."""

from __future__ import annotations

from collections.abc import Callable

from pytest_k1n.engine.runtime.agenda import WAKE, Agenda
from pytest_k1n.engine.runtime.deadlines import Deadlines
from pytest_k1n.engine.runtime.limits import ConcurrencyLimits
from pytest_k1n.engine.runtime.ports import WorkHost
from pytest_k1n.engine.runtime.queues import QueueKey, Queues
from pytest_k1n.engine.runtime.workforce import Wants, Workforce
from pytest_k1n.engine.state import TaskState
from pytest_k1n.engine.status import IN_PROGRESS, SCHEDULED


class Dispatcher:
    """Puts tasks into their queues and takes them out, within the limits of their definitions."""

    def __init__(self, engine: WorkHost, agenda: Agenda, deadlines: Deadlines) -> None:
        self.queues = Queues()
        self.workforce = Workforce(engine, agenda, self.next, deadlines.note_task)
        self.on_ready: Callable[[QueueKey], None] | None = None
        """Called when a queue has something to deliver now that no attached worker takes."""
        self._engine = engine
        self._agenda = agenda
        self._deadlines = deadlines
        self._limits = ConcurrencyLimits(engine.executions)

    def push(self, task: TaskState, now_ms: int) -> None:
        """Queue a task; it is deliverable when its callback is over."""
        due_ms = now_ms + max(0, task.callback_s) * 1000
        key = self.queues.push(task, due_ms, now_ms)
        if due_ms > now_ms:
            self._agenda.at(due_ms, WAKE, self.wake, key)
        elif self.workforce.is_for(key):
            self._agenda.soon(self.workforce.work_off, key)
        elif self.on_ready is not None:
            self.on_ready(key)

    def wake(self, key: QueueKey) -> None:
        """Have the pollers of a queue look again."""
        if self.workforce.is_for(key):
            self.workforce.work_off(key)
        elif self.on_ready is not None:
            self.on_ready(key)

    def next(self, key: QueueKey, worker_id: str | None, now_ms: int, wants: Wants | None = None) -> TaskState | None:
        """Take the next task (that is wanted) out of a queue and into a worker's hands, or None."""
        task = self.queues.pop(key, now_ms, self._limits.is_at_limit, wants)
        if task is not None:
            self._begin(task, worker_id, now_ms)
        return task

    def take(self, task: TaskState, worker_id: str) -> None:
        """Take one particular task that is scheduled, out of its turn and before it is due."""
        if task.status == SCHEDULED:
            self._begin(task, worker_id, self._engine.now_ms)
            self._deadlines.note_task(task)

    def deliverable(self, now_ms: int) -> list[tuple[QueueKey, TaskState]]:
        """Return the tasks that a poll would get now, the first of each queue."""
        return self.queues.deliverable(now_ms, self._limits.is_at_limit)

    def note(self, task: TaskState) -> None:
        """Take note of a task that may be in progress without having been delivered."""
        self._limits.note(task)

    def _begin(self, task: TaskState, worker_id: str | None, now_ms: int) -> None:
        task.ticket += 1
        task.status = IN_PROGRESS
        if task.started_ms == 0:
            task.started_ms = now_ms
        task.callback_s = 0
        task.worker_id = worker_id
        task.poll_count += 1
        task.updated_ms = now_ms
        self._limits.note(task)
