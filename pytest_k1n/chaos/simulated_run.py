"""One faulted execution on the embedded engine, in virtual time: the same run for the same seed.

Server, leases, retries and order are the engine's. The worker, the wire and what a fault does to them are a model of
the worker's protocol (poll, heartbeat, report until answered), not `k1n worker` itself: that one meets real faults in
`chaos.rig`. A server that is down answers nothing, and its timers go on.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_k1n.chaos.faults import KINDS, Injection
from pytest_k1n.chaos.judging import Aftermath
from pytest_k1n.chaos.simulatedworker import Habits, SimulatedWorker
from pytest_k1n.client.api import Conductor
from pytest_k1n.core.definition.inlining import names_in, startable, tasks_in
from pytest_k1n.core.model import Json, TaskStatus
from pytest_k1n.core.standins.rehearsed import plausible_outputs, rehearsed
from pytest_k1n.core.standins.simulation import DEFAULT_ESTIMATE_MS
from pytest_k1n.core.wire import wire
from pytest_k1n.engine.decide.waits import waits_for_answer
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.rest.transport import InProcessTransport
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import OPEN_TASK, TERMINAL_WORKFLOW

SIMULATED_KINDS = tuple(name for name, kind in KINDS.items() if not kind.needs_file)
_FAR_MS = 30 * 24 * 3_600_000
_MOST_STEPS = 200_000

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRun:
    """What came of one run."""

    evidence: tuple[Aftermath, ...]
    struck: bool
    took_ms: int
    """From start to end, virtual."""
    digest: str
    """SHA-256 of the whole history: the same for the same seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A definition that is run again and again, each time on an engine of its own."""

    definition: Document
    others: Sequence[Document] = ()
    """Definitions that it may start."""
    tasks: Sequence[Document] = ()
    input: Mapping[str, Json] = field(default_factory=dict)
    takes_ms: Mapping[str, int] = field(default_factory=dict)
    """Ref -> how long its work takes."""
    habits: Habits = field(default_factory=Habits)

    def run(self, injection: Injection | None = None, *, seed: int = 0, budget_ms: int = _FAR_MS) -> SimulatedRun:
        """Run one execution through a fault, at most for `budget_ms` of virtual time. Raises ConductorError."""
        return _Run(self, injection, seed).through(budget_ms)

    def named(self, started: Sequence[Document]) -> frozenset[str]:
        """Name the task definitions that may be needed: all where tasks come to exist at run time only."""
        if any("DYNAMIC" in str(task.get("type")) for each in started for task in tasks_in(each.get("tasks"))):
            return frozenset(str(task["name"]) for task in self.tasks)
        return frozenset(names_in(started))


class _Run:
    """One run: engine, worker, and whoever answers what waits for a person."""

    def __init__(self, simulation: Simulation, injection: Injection | None, seed: int) -> None:
        self._simulation = simulation
        self._injection = injection
        self._engine = Engine(seed=seed, call_http=_NoHttp())
        self._client = Conductor(InProcessTransport(self._engine), patience_s=0)
        started = [simulation.definition, *startable(simulation.definition, simulation.others)]
        documents = [rehearsed(each, simulation.others)[0] for each in started]
        self._examples = plausible_outputs(started)
        named = simulation.named(started)
        self._client.register_tasks([dict(task) for task in simulation.tasks if str(task["name"]) in named])
        self._client.register_workflows([dict(document) for document in documents[::-1]])
        self._worker = SimulatedWorker(
            self._engine,
            self._client,
            habits=simulation.habits,
            takes_ms=simulation.takes_ms,
            examples=self._examples,
            injection=injection,
        )

    @property
    def _now_ms(self) -> int:
        return self._engine.now_ms

    def through(self, budget_ms: int) -> SimulatedRun:
        began_ms = self._now_ms
        name = str(self._simulation.definition["name"])
        workflow_id = self._client.start(name, input=dict(self._simulation.input), correlation_id="chaos")
        main = self._engine.execution(workflow_id)
        given_up = self._until_over(main, began_ms + budget_ms)
        took_ms = (main.ended_ms if main.status in TERMINAL_WORKFLOW and main.ended_ms else self._now_ms) - began_ms
        self._settle()
        told = [self._client.execution(each) for each in self._engine.executions]
        evidence = tuple(self._evidence(each, given_up) for each in told)
        text = json.dumps([told, [sorted(each.effects.items()) for each in evidence]], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return SimulatedRun(evidence=evidence, struck=self._worker.struck, took_ms=took_ms, digest=digest)

    def _until_over(self, main: ExecutionState, deadline_ms: int) -> str | None:
        """Let time pass, event by event, until everything has ended; say why it is not waited for any longer."""
        for _ in range(_MOST_STEPS):
            self._worker.poll()
            if main.status in TERMINAL_WORKFLOW and not self._worker.is_working():
                return None
            upcoming = [each for each in (self._engine.next_event_ms(), self._worker.next_ms()) if each is not None]
            asked = min(self._asked(), key=_answered_ms, default=None)
            if asked is not None:
                upcoming.append(max(_answered_ms(asked), self._now_ms))
            if not upcoming:
                return f"nothing more happens by itself: {self._engine.diagnosis()}"
            if min(upcoming) > deadline_ms:
                return f"its budget is used up: {self._engine.diagnosis()}"
            self._engine.advance_to(max(min(upcoming), self._now_ms))
            self._worker.act()
            if asked is not None and _answered_ms(asked) <= self._now_ms and asked.status in OPEN_TASK:
                self._answer(asked)
        return f"it goes on and on: {self._engine.diagnosis()}"

    def _settle(self) -> None:
        """Let what is under way beside the main execution come to its end, as far as it does so by itself."""
        for _ in range(_MOST_STEPS):
            self._worker.poll()
            following = self._worker.next_ms()
            if following is None:
                return
            self._engine.advance_to(max(following, self._now_ms))
            self._worker.act()

    def _asked(self) -> Iterator[TaskState]:
        """Yield the tasks that only an answer from outside ends."""
        for execution in self._engine.executions.values():
            if execution.status not in TERMINAL_WORKFLOW:
                yield from filter(waits_for_answer, execution.live)

    def _answer(self, task: TaskState) -> None:
        self._client.update(
            {
                "taskId": task.task_id,
                "workflowInstanceId": task.execution.workflow_id,
                "status": "COMPLETED",
                "outputData": dict(self._examples.get(task.plain_ref, {})),
            }
        )

    def _evidence(self, document: Mapping[str, Json], given_up: str | None) -> Aftermath:
        execution = wire.execution(dict(document))
        workflow_id = execution.workflow_id
        kind = KINDS[self._injection.kind] if self._injection else None
        return Aftermath(
            execution=execution,
            effects=self._worker.effects.get(workflow_id, Counter()),
            begun=self._worker.begun.get(workflow_id, Counter()),
            queued=self._client.queue_sizes() if execution.is_terminal else {},
            given_up=None if execution.is_terminal else given_up,
            spared=kind is None or kind.spares,
        )


def _answered_ms(task: TaskState) -> int:
    """Return when a person answers: as long after the question as simulated work takes."""
    return task.scheduled_ms + DEFAULT_ESTIMATE_MS


class _NoHttp:
    """Answers what `rehearsed` has left of requests, which is none; nothing leaves this process."""

    def __call__(self, *_: object, **__: object) -> tuple[int, str, dict[str, list[str]], bytes]:
        return 200, "OK", {"content-type": ["application/json"]}, b"{}"


def worker_refs(run: SimulatedRun) -> tuple[str, ...]:
    """Name the refs that a run's workers had in hand: where a fault can strike."""
    records = (record for each in run.evidence for record in each.execution.tasks)
    return tuple(
        dict.fromkeys(
            record.ref for record in records if record.is_worker_task and record.status is TaskStatus.COMPLETED
        )
    )
