"""The embedded engine behind the director: batches share one engine, whose clock jumps when the director asks it to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING

from pytest_k1n.coordination.backend import ServerDescription, TimeScale
from pytest_k1n.core.choices import RegisterPolicy
from pytest_k1n.core.model import Json, worker_types
from pytest_k1n.core.standins.answers import Answers
from pytest_k1n.engine.state import ExecutionState
from pytest_k1n.run.run import Run
from pytest_k1n.run.server_choice import SLOTS, faults_of, other_release
from pytest_k1n.servers.embedded import EmbeddedEngine
from pytest_k1n.servers.handlerworker import HandlerWorker
from pytest_k1n.servers.protocol import Kind
from pytest_k1n.workers.registry import Handlers
from pytest_k1n.workers.script import default_agents

if TYPE_CHECKING:
    from pytest_k1n.client.api import Conductor
    from pytest_k1n.core.gates.facts import ControlJoin
    from pytest_k1n.core.timing.capability import Capability
    from pytest_k1n.core.timing.weather import Weather


class EmbeddedBackend:
    """An engine in this process; its workers are handlers whose work takes virtual time."""

    def __init__(self, run: Run, notes: Sequence[str] = ()) -> None:
        """Make the engine. Raises UsageError for a fault that is none."""
        settings, plan = run.settings, run.plan
        is_auto = settings.handlers == "auto"
        agents = settings.agents or (default_agents() if is_auto else None)
        worker = HandlerWorker(
            Handlers(agents=agents, mode="auto" if is_auto else "simulated"),
            seed=settings.seed,
            estimates_ms=run.estimates_ms,
            jitters=run.jitters,
            faults=faults_of(settings),
        )
        self._embedded = EmbeddedEngine(worker, seed=settings.seed, slots=SLOTS, conductor=settings.conductor)
        if plan is not None and any(template.answers for template in plan.templates):
            self._embedded.answers = self._answers
        self._plan = plan
        self._library = run.library
        self._notes = list(notes)
        release = other_release(settings, Kind.EMBEDDED)
        self._release = f" as Conductor {release}" if release else ""
        self._serves_rest = False
        self.time = TimeScale(name="virtual")
        self.domain: str | None = None
        self.slots: int | None = SLOTS
        self.capability: Capability | None = None
        self.register_policy: RegisterPolicy = "always"

    @property
    def client(self) -> Conductor:
        """A client on the engine."""
        return self._embedded.client

    @property
    def server(self) -> ServerDescription:
        """Which server it is."""
        return {
            "kind": "embedded",
            "url": None,
            "version": f"pytest-k1n {version('pytest-k1n')}{self._release}",
            "owned": True,
            "notes": [*self._notes],
        }

    def announce(self, workflow_id: str, workflow: str) -> None:
        """Nothing: no task is taken before `settle`, so that executions of one moment see each other."""

    def settle(self) -> None:
        """Have the worker take what is queued, and let virtual time pass until nothing more happens by itself."""
        if not self._embedded.worker.has_died:
            self._embedded.serve(self._types)
            if not self._serves_rest:  # what only a running execution names, as dynamic forks do
                self._serves_rest = True
                self._embedded.serve_all()
        self._embedded.drain()

    def _answers(self, execution: ExecutionState) -> Answers:
        """Return what the plan's people answer an execution: what its template says, or that of whose child it is."""
        executions = self._embedded.engine.executions
        while (parent := executions.get(execution.parent_id or "")) is not None:
            execution = parent
        template = self._plan.template_for(execution.definition.name) if self._plan else None
        return template.answers if template else {}

    @cached_property
    def _types(self) -> tuple[str, ...]:
        """Every task type of the library: a sub-workflow may be any of its definitions."""
        return worker_types([self._library.workflow_definition(str(each["name"])) for each in self._library.workflows])

    def trouble(self) -> str | None:
        """Say why an execution that is still open will stay so: nothing more happens by itself."""
        waits = self._embedded.waits_for()
        if waits is None:
            return None
        dead = "the worker has died; " if self._embedded.worker.has_died else ""
        return f"{dead}nothing more happens by itself in virtual time: {waits}"

    def slept_ms(self) -> Mapping[str, int]:
        """Nothing is shortened in virtual time."""
        return {}

    def invocations(self) -> tuple[Mapping[str, Json], ...] | None:
        """Return the handlers' invocations, in virtual time."""
        return tuple(self._embedded.worker.invocations)

    def logs(self, task_id: str) -> Sequence[Mapping[str, Json]]:
        """Return a task's log, of the engine itself: there may be thousands of tasks."""
        return self._embedded.engine.logs.of(task_id)

    def control_joins(self) -> tuple[ControlJoin, ...]:
        """Nothing: in virtual time no JOIN is late."""
        return ()

    def weather(self, *, until_ms: int = 0) -> Weather | None:
        """Nothing: virtual time does not pass while the machine stands still."""
        del until_ms
        return None
