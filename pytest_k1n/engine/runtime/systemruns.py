"""System tasks that the engine runs, beside the evaluations: sub-workflows, starts, events, HTTP, timed waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from pytest_k1n.engine.decide import timeouts
from pytest_k1n.engine.definition import FROM_WORKER
from pytest_k1n.engine.ids import INSTANCE
from pytest_k1n.engine.runtime import asynctasks, children, httpcalls
from pytest_k1n.engine.runtime import starting as startworkflow
from pytest_k1n.engine.runtime.agenda import WAKE, Agenda
from pytest_k1n.engine.runtime.ports import SystemHost
from pytest_k1n.engine.state import TaskState
from pytest_k1n.engine.status import COMPLETED, FAILED, IN_PROGRESS, OPEN_TASK, SCHEDULED, TERMINAL_WORKFLOW

Offload = Callable[[Callable[[], Any], Callable[[Any], None]], None]
"""Takes work that blocks and what to do with its result: the first runs anywhere, the second on the engine's thread."""
_HOLDABLE = ("SUB_WORKFLOW", "HTTP", "START_WORKFLOW")
_RUN = frozenset({*_HOLDABLE, "EVENT"})


def _kind(task: TaskState) -> str:
    """Return the type that a task runs as: of a dynamic or simple one its name, which is the queue that it lies in."""
    return task.type if task.node.type in FROM_WORKER else task.node.type


class SystemRuns:
    """Runs such tasks when their turn comes, and ends them when what they wait for is there."""

    def __init__(
        self,
        engine: SystemHost,
        agenda: Agenda,
        call_http: httpcalls.HttpCaller,
        note_in_progress: Callable[[TaskState], None],
        publish: Callable[[TaskState], None],
    ) -> None:
        self.offload: Offload | None = None
        """Runs the outgoing calls of HTTP tasks; None makes them at once, and nothing else happens meanwhile."""
        self.reply: Callable[[TaskState], httpcalls.HttpAnswer | None] | None = None
        """What answers a HTTP task instead of a call; None sends them all, and so does its None for a task."""
        self._engine = engine
        self._agenda = agenda
        self._call_http = call_http
        self._note_in_progress = note_in_progress
        self._publish = publish
        self._start_child = partial(children.start, engine)
        self._is_held: Callable[[TaskState], bool] = lambda _task: False
        self._held: list[TaskState] = []

    def take(self, task: TaskState) -> bool:
        """See to it that a task is run, if it is one of these; tell whether it is."""
        kind = _kind(task)
        if kind in _HOLDABLE and self._is_held(task):
            self._held.append(task)
            return True
        if kind in _RUN or (kind == "KAFKA_PUBLISH" and asynctasks.kafka_refusal(task) is not None):
            self._run_later(task)
            return True
        if kind in ("WAIT", "HUMAN"):
            if task.node.type in FROM_WORKER:  # a simple task of that name, whose duration nobody reads
                task.status, task.started_ms = IN_PROGRESS, self._engine.now_ms
            self._note_in_progress(task)
            if task.due_ms:
                self._agenda.at(task.due_ms, WAKE, self._end_wait, (task, task.ticket))
            return True
        return False

    def _run_later(self, task: TaskState) -> None:
        action = self._start_child if _kind(task) == "SUB_WORKFLOW" else self._run
        if task.callback_s > 0:  # a retry waits, also of a task that the engine runs itself
            self._agenda.at(self._engine.now_ms + task.callback_s * 1000, WAKE, action, task)
        else:
            self._agenda.soon(action, task)

    @contextmanager
    def held_back(self, is_held: Callable[[TaskState], bool]) -> Iterator[None]:
        """Leave the tasks alone that a caller may end, until they are released; at the end all of them are."""
        self._is_held = is_held
        try:
            yield
        finally:
            self._is_held = lambda _task: False
            self.release(*_HOLDABLE)

    def release(self, *kinds: str) -> bool:
        """Run the tasks of some types that were held back; tell whether there were any."""
        released = [task for task in self._held if _kind(task) in kinds]
        self._held = [task for task in self._held if _kind(task) not in kinds]
        for task in released:
            self._run_later(task)
        self._agenda.settle()
        return bool(released)

    def _end_wait(self, waiting: tuple[TaskState, int]) -> None:
        task, ticket = waiting
        if task.ticket != ticket or task.status not in OPEN_TASK:
            return
        if timeouts.is_overdue(task, self._engine.now_ms):
            self._engine.decide(task.execution, (task,))
            return
        task.status = COMPLETED
        task.ended_ms = self._engine.now_ms
        task.poll_count += 1
        self._engine.decide(task.execution, (task,))

    def _run(self, task: TaskState) -> None:
        if task.status != SCHEDULED:
            return
        task.started_ms = task.updated_ms = self._engine.now_ms
        kind = _kind(task)
        task.poll_count += kind != "EVENT"
        if kind == "EVENT":
            asynctasks.run_event(task)
            if task.status == COMPLETED:
                self._publish(task)
        elif kind == "HTTP":
            self._call(task)
            return
        elif kind == "KAFKA_PUBLISH":
            asynctasks.refuse_kafka(task)
        else:
            startworkflow.run(self._engine, task)
        self._end(task)

    def _call(self, task: TaskState) -> None:
        request = httpcalls.http_request(task)
        if request is None and task.status != FAILED:
            return
        task.worker_id = INSTANCE
        if request is None:
            self._end(task)
            return
        self._ask(task, request)

    def _ask(self, task: TaskState, request: httpcalls.OutgoingCall, *, is_repeated: bool = False) -> None:
        ticket = task.ticket

        def is_awaited() -> bool:
            return task.status == SCHEDULED and task.ticket == ticket and task.execution.status not in TERMINAL_WORKFLOW

        def repeat(_: None) -> None:
            if is_awaited():
                self._ask(task, request, is_repeated=True)

        def take(answer: httpcalls.HttpAnswer | Exception, *, is_simulated: bool = False) -> None:
            if not is_awaited():
                return
            after_ms = None if is_repeated else request.repeated_after_ms(answer, self._engine.now_ms)
            if after_ms is not None:
                self._agenda.at(self._engine.now_ms + after_ms, WAKE, repeat, None)
                return
            httpcalls.take_answer(task, request, answer)
            if is_simulated:
                task.output["_k1n"] = {"simulated": True, "handler": "http"}
            self._end(task)

        def take_later(answer: httpcalls.HttpAnswer | Exception) -> None:
            self._engine.tick()
            take(answer)
            self._agenda.settle()

        if self.reply is not None and (reply := self.reply(task)) is not None:
            take(reply, is_simulated=True)
        elif self.offload is not None:
            self.offload(lambda: request.send(self._call_http), take_later)
        else:
            take(request.send(self._call_http))

    def _end(self, task: TaskState) -> None:
        if task.node.document["asyncComplete"] and task.status == COMPLETED and task.type != "START_WORKFLOW":
            task.status = IN_PROGRESS
            return
        task.ended_ms = self._engine.now_ms
        self._engine.decide(task.execution, (task,))
