"""A user's executions on the embedded engine: an engine of its own for each, whose clock moves only when asked to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from pytest_k1n.coordination.watch import invocation
from pytest_k1n.core import wire
from pytest_k1n.core.correlation import user_correlation_id
from pytest_k1n.core.model import SYSTEM_TASK_TYPES, Json
from pytest_k1n.core.observation import LogLine, Observation, observe
from pytest_k1n.run import Run
from pytest_k1n.servers.embedded import WORKER_ID, EmbeddedEngine, HandlerWorker
from pytest_k1n.using import with_task_definitions
from pytest_k1n.workers.registry import Handlers
from pytest_k1n.workers.worker import worker_types

if TYPE_CHECKING:
    from pytest_k1n.using import Handlers as GivenHandlers


class EngineHost:
    """Runs each execution on an engine of its own, in this process and in virtual time."""

    url: str | None = None

    def __init__(self, run: Run) -> None:
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
    ) -> EngineSession:
        """Start an execution; its tasks without a handler are simulated, or wait for the test."""
        inline = with_task_definitions(definition, task_definitions)
        parsed = wire.workflow_definition(cast("Json", inline))
        worker = HandlerWorker(Handlers(handlers), seed=self._run.settings.seed)
        embedded = EmbeddedEngine(worker, seed=self._run.settings.seed)
        library = self._run.library
        if library.tasks:
            embedded.client.register_tasks(library.tasks)
        for document in library.workflows:  # for SUB_WORKFLOW by name
            embedded.client.register_workflows([document])
        workflow_id = embedded.client.start(
            parsed.name,
            definition=inline,
            input=input,
            correlation_id=user_correlation_id(self._run.uid, test=test, nth=nth),
        )
        names = {task.name for task in parsed.walk() if {task.ref, task.name} & set(handlers)}
        known = [parsed, *(library.workflow_definition(str(each["name"])) for each in library.workflows)]
        embedded.serve(worker_types(known) if simulate_rest else sorted(names))
        return EngineSession(embedded, workflow_id)


class EngineSession:
    """One execution on its engine."""

    def __init__(self, embedded: EmbeddedEngine, workflow_id: str) -> None:
        self.workflow_id = workflow_id
        self._embedded = embedded
        self._client = embedded.client
        self._observation: Observation | None = None
        self._gave_up: str | None = None

    def newest(self) -> Observation:
        """Return the execution as it stands; no time passes."""
        execution = wire.execution(cast("Json", self._client.execution(self.workflow_id)))
        seen = self._observation
        if seen is None or seen.execution != execution or seen.released != self._gave_up:
            calls = [each for each in self._embedded.worker.invocations if each["workflow_id"] == self.workflow_id]
            self._observation = seen = observe(
                execution,
                time_model="virtual",
                logs={task.task_id: self._log(task.task_id) for task in execution.tasks if task.is_worker_task},
                invocations=tuple(map(invocation, calls)),
                released=None if execution.is_terminal else self._gave_up,
                now_ms=self._embedded.engine.now_ms,
            )
        return seen

    def settle(self, until: Callable[[Observation], bool], within_ms: int) -> Observation:
        """Let virtual time pass until something is observed or nothing more happens by itself.

        The deadline is a server's: here nothing takes real time, and what does not happen never will.
        """
        del within_ms
        engine = self._embedded.engine
        engine.run_until(lambda: until(self.newest()) or self.newest().is_settled)
        observation = self.newest()
        if not (until(observation) or observation.is_settled):
            waits = self._embedded.waits_for()
            raise TimeoutError(f"nothing more happens by itself in virtual time, and what was awaited has not: {waits}")
        return observation

    def work(self, ref: str, status: str, output: Mapping[str, Json], reason: str | None) -> None:
        """Take a task from its queue and report its end; system tasks that wait are ended by their ref."""
        record = self.newest().finals[self.newest().keys(ref)[-1]]
        if record.type in SYSTEM_TASK_TYPES:
            self._client.update_by_ref(self.workflow_id, ref, status, output)
            return
        while (task := self._client.poll(record.type, worker_id=WORKER_ID)) is not None:
            if task["taskId"] == record.task_id:
                break
        result = {"workflowInstanceId": self.workflow_id, "taskId": record.task_id, "status": status,
                  "outputData": dict(output), "reasonForIncompletion": reason, "workerId": WORKER_ID}  # fmt: skip
        self._client.update({name: value for name, value in result.items() if value is not None})

    def signal(self, status: str, output: Mapping[str, Json]) -> None:
        """End the first open WAIT or HUMAN task."""
        self._client.signal(self.workflow_id, status, output)

    def terminate(self, reason: str) -> None:
        """End the execution."""
        self._client.terminate(self.workflow_id, reason)

    def advance(self, ms: int) -> None:
        """Let virtual time pass, with everything that happens in it."""
        self._embedded.engine.advance(ms)

    def close(self) -> None:
        """Nothing is left running: the engine is an object of this process."""

    def _log(self, task_id: str) -> tuple[LogLine, ...]:
        return tuple((int(str(each["createdTime"])), str(each["log"])) for each in self._client.logs(task_id))
