"""A user's executions on a real server: inline definitions, a task domain each, a worker thread in this process."""

from __future__ import annotations

import itertools
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from pytest_k1n.client.api import Conductor
from pytest_k1n.client.clock import is_embedded
from pytest_k1n.client.errors import ConductorError, Conflict
from pytest_k1n.client.transport import transport_for
from pytest_k1n.core import wire
from pytest_k1n.core.correlation import user_correlation_id
from pytest_k1n.core.model import SYSTEM_TASK_TYPES, Json, WorkflowDefinition
from pytest_k1n.core.observation import LogLine, Observation, observe
from pytest_k1n.run import Run, waiting
from pytest_k1n.using import with_task_definitions
from pytest_k1n.workers.registry import Handlers
from pytest_k1n.workers.settings import WorkerSettings
from pytest_k1n.workers.worker import Worker

if TYPE_CHECKING:
    from pytest_k1n.using import Handlers as GivenHandlers

LOOK_S = 0.02
"""Shortest time between two looks at an execution."""
_NUMBERS = itertools.count(1)


class ServerHost:
    """Runs executions on a server of this run; definitions travel inline, so nothing is registered."""

    def __init__(self, url: str, *, run: Run) -> None:
        self.url: str | None = url
        self._run = run

    def open(
        self,
        definition: Mapping[str, Any],
        *,
        input: Mapping[str, Json],
        handlers: GivenHandlers,
        task_definitions: Sequence[Mapping[str, Any]],
        simulate_rest: bool,
        test: str,
        nth: int,
    ) -> ServerSession:
        """Start an execution in a domain of its own, with a worker for its handlers."""
        inline = with_task_definitions(definition, task_definitions)
        parsed = wire.workflow_definition(cast("Json", inline))
        number = next(_NUMBERS)
        start = f"{self._run.uid}-{threading.get_native_id()}-{number}"
        domain = f"k1n-{start}"
        settings = WorkerSettings(
            worker_id=f"{domain}-worker",
            domain=domain,
            types=() if simulate_rest else _types(parsed, handlers),
            # Scaled also where batches run in real time: a task that the test gives no handler is no work of anybody's.
            speed=self._run.settings.speed,
            seed=self._run.settings.seed,
        )
        client = Conductor(transport_for(self.url or ""))
        return ServerSession(
            client,
            inline,
            parsed,
            input=input,
            correlation_id=user_correlation_id(start, test=test, nth=nth),
            settings=settings,
            handlers=Handlers(handlers),
            has_worker=simulate_rest or bool(handlers),
            url=self.url or "",
        )


class ServerSession:
    """One execution on a server, with its worker."""

    def __init__(
        self,
        client: Conductor,
        document: Mapping[str, Any],
        definition: WorkflowDefinition,
        *,
        input: Mapping[str, Json],
        correlation_id: str,
        settings: WorkerSettings,
        handlers: Handlers,
        has_worker: bool,
        url: str,
    ) -> None:
        self._client = client
        self._definition = definition
        self._settings = settings
        self._observation: Observation | None = None
        self._looked_s = 0.0
        self._in_hand: dict[str, Mapping[str, Json]] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._impatient = Conductor(transport_for(url), patience_s=0)
        if has_worker:
            worker = Worker(self._impatient, (definition,), handlers, settings)
            self._thread = threading.Thread(target=worker.run, args=(self._stop,), name="k1n-worker", daemon=True)
            self._thread.start()
        self.workflow_id = client.start_once(
            definition.name,
            correlation_id=correlation_id,
            definition=document,
            input=input,
            task_to_domain={"*": settings.domain or ""},
        )
        if has_worker:
            worker.launched(self.workflow_id, definition.name)

    def newest(self) -> Observation:
        """Look again, unless it is terminal or was looked at just now."""
        seen = self._observation
        if seen is not None and (seen.is_settled or time.monotonic() - self._looked_s < LOOK_S):
            return seen
        execution = wire.execution(cast("Json", self._client.execution(self.workflow_id)))
        self._looked_s = time.monotonic()
        if self._observation is None or self._observation.execution != execution:
            logs = self._logs(execution.tasks) if execution.is_terminal else None
            self._observation = observe(
                execution,
                definition=self._definition,
                time_model="scaled",
                speed=self._settings.speed,
                logs=logs,
                slots=self._settings.slots,
            )
        return self._observation

    def settle(self, until: Callable[[Observation], bool], within_ms: int) -> Observation:
        """Wait until something is observed or the execution is terminal. Raises TimeoutError with what is open."""
        for _ in waiting(within_ms / 1000):
            observation = self.newest()
            if until(observation) or observation.is_settled:
                return observation
        tasks = self.newest().execution.tasks
        open_ = ", ".join(f"{task.ref} {task.status}" for task in tasks if not task.status.is_terminal) or "no task"
        raise TimeoutError(
            f"execution {self.workflow_id} did not get there within {within_ms / 1000:g}s; open: {open_}"
        )

    def work(self, ref: str, status: str, output: Mapping[str, Json], reason: str | None) -> None:
        """Take a task from its queue and report its end; system tasks that wait are ended by their ref."""
        record = self.newest().finals[self.newest().keys(ref)[-1]]
        if record.type in SYSTEM_TASK_TYPES:
            self._client.update_by_ref(self.workflow_id, ref, status, output)
            return
        task = self._take(record.task_id, record.type)
        result = {"workflowInstanceId": self.workflow_id, "taskId": task["taskId"], "status": status,
                  "outputData": dict(output), "reasonForIncompletion": reason,
                  "workerId": self._settings.worker_id}  # fmt: skip
        self._client.update({name: value for name, value in result.items() if value is not None})
        self._observation = None

    def signal(self, status: str, output: Mapping[str, Json]) -> None:
        """End the first open WAIT or HUMAN task."""
        self._client.signal(self.workflow_id, status, output)
        self._observation = None

    def terminate(self, reason: str) -> None:
        """End the execution."""
        self._client.terminate(self.workflow_id, reason)
        self._observation = None

    def advance(self, ms: int) -> None:
        """Let an embedded engine's virtual time pass. Raises RuntimeError where time is real, TimeoutError."""
        if not is_embedded(self._client.version()):
            raise RuntimeError(
                f"advance({ms}ms) needs virtual time, and {self._client.url} is a Conductor server, whose clock is "
                "real: use --k1n-server=embedded, or the URL of a `k1n server start --tier embedded`"
            )
        try:
            self._client.advance_clock(ms)
        except Conflict as refused:
            raise RuntimeError(f"advance({ms}ms) needs virtual time: {refused.message}") from None
        self._observation = None

    def close(self) -> None:
        """End the execution if it still runs, and its worker."""
        try:
            if not self.newest().execution.is_terminal:
                self._client.terminate(self.workflow_id, "the test that started it has ended")
        except ConductorError as error:
            # Nothing is left to end where the server itself is gone.
            warnings.warn(f"execution {self.workflow_id} could not be ended: {error}", stacklevel=2)
        finally:
            self._stop.set()
            if self._thread is not None:
                self._thread.join(10)
            self._impatient.close()
            self._client.close()

    def _take(self, task_id: str, task_type: str) -> Mapping[str, Json]:
        for _ in waiting(10):
            if task_id in self._in_hand:
                return self._in_hand.pop(task_id)
            task = self._client.poll(task_type, worker_id=self._settings.worker_id, domain=self._settings.domain)
            if task is not None:
                self._in_hand[str(task["taskId"])] = task
        raise TimeoutError(f"task {task_id} of type {task_type} did not come out of its queue within 10s")

    def _logs(self, tasks: Sequence[Any]) -> dict[str, tuple[LogLine, ...]]:
        return {
            task.task_id: tuple(
                (int(str(each["createdTime"])), str(each["log"])) for each in self._client.logs(task.task_id)
            )
            for task in tasks
            if task.is_worker_task
        }


def _types(definition: WorkflowDefinition, handlers: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(task.name for task in definition.walk() if {task.ref, task.name} & set(handlers)))
