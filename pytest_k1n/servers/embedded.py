"""The embedded engine with handlers in the same process: virtual time, no port, no sleeping.

It is not a Conductor server, and everything that shows it says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import cached_property, partial
from typing import TYPE_CHECKING

from pytest_k1n.core.standins.answers import ASKED_TYPES, Answers, PlannedAnswer
from pytest_k1n.engine.dialect import CURRENT, dialect_of
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.runtime.httpcalls import HttpAnswer, HttpCaller
from pytest_k1n.engine.runtime.httptransport import call_http
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import TERMINAL_WORKFLOW
from pytest_k1n.servers.handlerworker import HandlerWorker

if TYPE_CHECKING:
    from pytest_k1n.client.api import Conductor

WORKER_ID = "k1n-embedded"


class EmbeddedEngine:
    """An engine, a client on it, and its workers; safe to share between threads, which the engine itself is not."""

    def __init__(
        self,
        worker: HandlerWorker,
        *,
        seed: int = 0,
        slots: int = 1_000_000,
        call_http: HttpCaller = call_http,
        conductor: str = CURRENT.conductor,
    ) -> None:
        """`conductor` is the version that it answers like. Raises ValueError for one that it cannot."""
        self.engine = Engine(seed=seed, call_http=call_http, dialect=dialect_of(conductor))
        self.worker = worker
        worker.on_death = self.engine.detach_all
        worker.executions = self._executions_of
        self.lock = threading.RLock()
        self.moves = 0
        """Counts what has been done to the engine by its observers: as long as it stands, nothing has changed."""
        self.answers: Callable[[ExecutionState], Answers] = _of_nobody
        """What people answer the tasks of an execution."""
        self._asked: set[str] = set()
        self._slots = slots
        self._attached: set[tuple[str, str | None]] = set()

    @cached_property
    def client(self) -> Conductor:
        """A client on the engine; brought and made on first use: its table of routes costs as much as a small run."""
        from pytest_k1n.client.api import Conductor
        from pytest_k1n.engine.rest.transport import InProcessTransport

        return Conductor(InProcessTransport(self.engine, lock=self.lock), patience_s=0)

    def _executions_of(self, workflow: str) -> list[str]:
        return [each.workflow_id for each in self.engine.executions.values() if each.definition.name == workflow]

    def serve(self, types: Iterable[str], *, domain: str | None = None) -> None:
        """Have the worker take tasks of these types from now on."""
        with self.lock:
            fresh = [each for each in dict.fromkeys(types) if (each, domain) not in self._attached]
            self._attached.update((each, domain) for each in fresh)
            self.engine.attach(fresh, self.worker, slots=self._slots, worker_id=WORKER_ID, domain=domain)

    def serve_all(self, *, simulates_rest: bool = True) -> None:
        """Have the worker take the tasks of every type that ever comes up; without a handler only if it simulates."""
        wants = None if simulates_rest else self.worker.wants
        with self.lock:
            self.engine.attach_to_all(self.worker, slots=self._slots, worker_id=WORKER_ID, wants=wants)

    def attend(self) -> None:
        """Have people answer, each after its time, what has been asked since the last call."""
        if self.answers is _of_nobody:  # nearly always, and this is asked after every event
            return
        for execution in self.engine.executions.values():
            if execution.status in TERMINAL_WORKFLOW or not (answers := self.answers(execution)):
                continue
            for task in execution.live:
                is_asked = task.type in ASKED_TYPES and task.is_open and task.task_id not in self._asked
                if is_asked and (answer := answers.get(task.plain_ref) or answers.get(task.name)):
                    self._asked.add(task.task_id)
                    self.engine.call_at(task.scheduled_ms + answer.after_ms, partial(self._answer, task, answer))

    def _answer(self, task: TaskState, answer: PlannedAnswer) -> None:
        if task.is_open:
            self.moves += 1
            result = {"workflowInstanceId": task.execution.workflow_id, "taskId": task.task_id}
            self.client.update({**result, "status": answer.status, "outputData": dict(answer.output)})

    def drain(self) -> None:
        """Let virtual time pass until nothing more happens by itself. Raises Stuck for time that runs away."""

        def never() -> bool:
            self.attend()
            return False

        with self.lock:
            self.engine.run_until(never)

    def waits_for(self) -> str | None:
        """Say what open executions wait for, now that nothing happens by itself; None if none is open."""
        with self.lock:
            if all(each.status in TERMINAL_WORKFLOW for each in self.engine.executions.values()):
                return None
            return self.engine.diagnosis()


def answer_nothing(
    method: str,  # noqa: ARG001
    uri: str,  # noqa: ARG001
    headers: dict[str, str],  # noqa: ARG001
    body: bytes | None,  # noqa: ARG001
    timeout_s: float,  # noqa: ARG001
) -> HttpAnswer:
    """Answer the request of a HTTP task with an empty object, and send nothing."""
    return 200, "OK", {"Content-Type": ["application/json"]}, b"{}"


def _of_nobody(_execution: ExecutionState) -> Answers:
    return {}
