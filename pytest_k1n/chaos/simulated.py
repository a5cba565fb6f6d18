"""One faulted execution on the embedded engine, in virtual time: the same run for the same seed.

Server, leases, retries and order are the engine's. The worker, the wire and what a fault does to them are a model of
the worker's protocol (poll, heartbeat, report until answered), not `k1n worker` itself: that one meets real faults in
`chaos.rig`. A server that is down answers nothing, and its timers go on.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from pytest_k1n.chaos.faults import KINDS, Injection
from pytest_k1n.chaos.judging import Aftermath
from pytest_k1n.client.api import Conductor
from pytest_k1n.core import wire
from pytest_k1n.core.inlining import startable
from pytest_k1n.core.model import Json, TaskKey, TaskStatus
from pytest_k1n.core.rehearsed import plausible_outputs, rehearsed
from pytest_k1n.core.simulation import DEFAULT_ESTIMATE_MS
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.rest.transport import InProcessTransport
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import OPEN_TASK, TERMINAL_WORKFLOW

SIMULATED_KINDS = tuple(name for name, kind in KINDS.items() if not kind.needs_file)
_BEAT = 0.3
"""Share of the lease after which a worker extends it, as `k1n worker` does."""
_RETRY_MS = 50
_PATIENCE_MS = 10_000
"""How long a worker waits for an answer before it tries again."""
_NO_LEASE_MS = 60_000
"""What a fault's duration is measured in where a task has no response time-out."""
_LATENCY_MS = (10, 80)
_FAR_MS = 30 * 24 * 3_600_000
_MOST_STEPS = 200_000

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What a good worker does; each one left out is a bug that some fault has to show."""

    heartbeats: bool = True
    """Extends the lease of what it works on."""
    repeats: bool = True
    """Reports a result until it is answered."""
    idempotent: bool = True
    """Makes an effect once, whatever attempt it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRun:
    """What came of one run."""

    evidence: tuple[Aftermath, ...]
    struck: bool
    took_ms: int
    """From start to end, virtual."""
    digest: str
    """SHA-256 of the whole history: the same for the same seed."""


@dataclass(slots=True, kw_only=True)
class _Held:
    """A task in the worker's hands."""

    task_id: str
    workflow_id: str
    ref: str
    iteration: int
    lease_ms: int
    life: int
    """Which worker's: it dies with it."""


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
    habits: Habits = Habits()

    def run(self, injection: Injection | None = None, *, seed: int = 0, budget_ms: int = _FAR_MS) -> SimulatedRun:
        """Run one execution through a fault, at most for `budget_ms` of virtual time. Raises ConductorError."""
        return _Run(self, injection, seed).through(budget_ms)

    def named(self, started: Sequence[Document]) -> frozenset[str]:
        """Name the task definitions that may be needed: all where tasks come to exist at run time only."""
        tasks = [task for each in started for task in wire.workflow_definition(dict(each)).walk()]
        if any("DYNAMIC" in task.type for task in tasks):
            return frozenset(str(task["name"]) for task in self.tasks)
        return frozenset(task.name for task in tasks)


class _Run:
    """One run. Its agenda holds what the worker does next; the engine has its own."""

    def __init__(self, simulation: Simulation, injection: Injection | None, seed: int) -> None:
        self._habits = simulation.habits
        self._simulation = simulation
        self._injection = injection
        self._random = Random(injection.seed if injection else 0)
        self._engine = Engine(seed=seed, call_http=_NoHttp())
        self._client = Conductor(InProcessTransport(self._engine), patience_s=0)
        started = [simulation.definition, *startable(simulation.definition, simulation.others)]
        documents = [rehearsed(each, simulation.others)[0] for each in started]
        self._examples = plausible_outputs(started)
        named = simulation.named(started)
        self._client.register_tasks([dict(task) for task in simulation.tasks if str(task["name"]) in named])
        self._client.register_workflows([dict(document) for document in documents[::-1]])
        self._agenda: list[tuple[int, int, int | None, Callable[[], None]]] = []
        """(when, nth, life of the worker that does it or None, what)."""
        self._counter = itertools.count()
        self._life = 0
        self._is_alive = True
        self._frozen_until_ms = 0
        self._down_until_ms = 0
        self._is_slow_wire = False
        self.struck = False
        self._effects: dict[str, Counter[TaskKey]] = {}
        self._begun: dict[str, Counter[str]] = {}
        self._done: set[str] = set()
        """Attempts that the worker is through with: their leases are not extended any more."""
        self._stopped: set[str] = set()
        """Attempts that ended without it: their work is given up."""

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
        evidence = tuple(self._evidence(each, given_up) for each in self._engine.executions)
        told = [self._client.execution(each.execution.workflow_id) for each in evidence]
        text = json.dumps([told, [sorted(each.effects.items()) for each in evidence]], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return SimulatedRun(evidence=evidence, struck=self.struck, took_ms=took_ms, digest=digest)

    def _until_over(self, main: ExecutionState, deadline_ms: int) -> str | None:
        """Let time pass, event by event, until everything has ended; say why it is not waited for any longer."""
        for _ in range(_MOST_STEPS):
            self._poll()
            if main.status in TERMINAL_WORKFLOW and not self._is_working():
                return None
            upcoming = [each for each in (self._engine.next_event_ms(), self._next_ms()) if each is not None]
            if not upcoming:
                if not self._answer_one():
                    return f"nothing more happens by itself: {self._engine.diagnosis()}"
                continue
            if min(upcoming) > deadline_ms:
                return f"its budget is used up: {self._engine.diagnosis()}"
            self._engine.advance_to(max(min(upcoming), self._now_ms))
            self._act()
        return f"it goes on and on: {self._engine.diagnosis()}"

    def _is_working(self) -> bool:
        return any(life == self._life for _, _, life, _ in self._agenda)

    def _settle(self) -> None:
        """Let what is under way beside the main execution come to its end, as far as it does so by itself."""
        for _ in range(_MOST_STEPS):
            self._poll()
            following = self._next_ms()
            if following is None:
                return
            self._engine.advance_to(max(following, self._now_ms))
            self._act()

    def _next_ms(self) -> int | None:
        while self._agenda and self._agenda[0][2] not in (None, self._life):
            heapq.heappop(self._agenda)  # its worker is dead
        return self._agenda[0][0] if self._agenda else None

    def _act(self) -> None:
        while (following := self._next_ms()) is not None and following <= self._now_ms:
            _, _, life, action = heapq.heappop(self._agenda)
            if life is not None and self._now_ms < self._frozen_until_ms:
                self._at(self._frozen_until_ms, action)
            else:
                action()

    def _at(self, instant_ms: int, action: Callable[[], None], *, anyone: bool = False) -> None:
        """Do something later; a worker's action dies with it, unless it is `anyone`'s."""
        life = None if anyone else self._life
        heapq.heappush(self._agenda, (max(instant_ms, self._now_ms), next(self._counter), life, action))

    def _can_talk(self) -> bool:
        return self._is_alive and self._now_ms >= max(self._frozen_until_ms, self._down_until_ms)

    def _poll(self) -> None:
        while self._can_talk() and (ready := self._engine.deliverable()):
            for key, _ in ready:
                for document in self._client.poll_batch(key.type, worker_id="chaos", domain=key.domain):
                    self._deliver(document)

    def _deliver(self, document: Mapping[str, Json]) -> None:
        record = wire.task_record({name: value for name, value in document.items() if name != "workflowTask"})
        lease_ms = record.response_timeout_s * 1000
        held = _Held(
            task_id=record.task_id, workflow_id=str(document["workflowInstanceId"]), ref=record.ref,
            iteration=record.iteration, lease_ms=lease_ms, life=self._life,
        )  # fmt: skip
        delay_ms = self._latency_ms()
        if self._strikes(held, "delivery"):
            assert self._injection is not None
            kind = self._injection.kind
            if kind == "latency":
                delay_ms = self._latency_ms()
            elif kind == "server-frozen":
                self._take_down(held)
            else:  # the answer is lost, and with it the task, until its lease has run out
                if kind == "server-killed":
                    self._take_down(held)
                return
        self._at(self._now_ms + delay_ms, lambda: self._begin(held))

    def _begin(self, held: _Held) -> None:
        self._begun.setdefault(held.workflow_id, Counter())[held.task_id] += 1
        work_ms = self._simulation.takes_ms.get(held.ref, DEFAULT_ESTIMATE_MS)
        if self._strikes(held, "work"):
            assert self._injection is not None
            if self._injection.kind == "work-slow":
                work_ms = self._outlasting(held, work_ms)
            else:
                self._at(self._now_ms + work_ms // 2, lambda: self._strike_process(held), anyone=True)
        self._at(self._now_ms + work_ms, lambda: self._end(held))
        if self._habits.heartbeats and held.lease_ms:
            self._at(self._now_ms + self._beat_ms(held), lambda: self._beat(held))

    def _outlasting(self, held: _Held, work_ms: int) -> int:
        """Return work that takes longer than the lease, and no longer than the task's time-out allows."""
        longer = max(work_ms, round(held.lease_ms * 1.5))
        task = self._engine.task(held.task_id)
        limit_s = task.task_def.timeout_s if task is not None and task.task_def is not None else 0
        return min(longer, max(work_ms, limit_s * 900)) if limit_s else longer

    def _beat_ms(self, held: _Held) -> int:
        return max(1, round(held.lease_ms * _BEAT))

    def _beat(self, held: _Held) -> None:
        task = self._engine.task(held.task_id)
        if held.task_id in self._done:
            return
        if task is None or task.status not in OPEN_TASK:
            self._stopped.add(held.task_id)
            return
        if self._can_talk():
            self._engine.extend_lease(task)
        self._at(self._now_ms + self._beat_ms(held), lambda: self._beat(held))

    def _end(self, held: _Held) -> None:
        """Make the effect of the work, then report it."""
        if held.task_id in self._stopped:
            return
        effects = self._effects.setdefault(held.workflow_id, Counter())
        if not (self._habits.idempotent and effects[held.ref, held.iteration]):
            effects[held.ref, held.iteration] += 1
        if self._strikes(held, "report"):
            self._strike_report(held)
        else:
            self._at(self._now_ms + self._latency_ms(), lambda: self._report(held))

    def _strike_report(self, held: _Held) -> None:
        assert self._injection is not None
        kind = self._injection.kind
        if kind in ("worker-killed", "worker-frozen"):
            self._strike_process(held)
            if kind == "worker-frozen":
                self._at(self._frozen_until_ms, lambda: self._report(held))
        elif kind == "server-frozen":
            self._take_down(held)
            self._report(held)
        elif kind == "latency":
            self._at(self._now_ms + self._latency_ms(), lambda: self._report(held))
        elif kind == "request-duplicated":
            self._report(held)
            self._report(held)
        elif kind in ("response-dropped", "server-killed"):
            self._report(held)
            if kind == "server-killed":
                self._take_down(held)
            if self._habits.repeats:
                self._at(self._now_ms + _RETRY_MS, lambda: self._report(held))
        elif self._habits.repeats:  # it never arrived
            patience_ms = _PATIENCE_MS if kind == "half-open" else _RETRY_MS
            self._at(self._now_ms + patience_ms, lambda: self._report(held))
        else:
            self._done.add(held.task_id)

    def _report(self, held: _Held) -> None:
        if self._now_ms < self._down_until_ms:
            if self._habits.repeats or self._injection is None or self._injection.kind == "server-frozen":
                self._at(self._down_until_ms, lambda: self._report(held))
            else:
                self._done.add(held.task_id)
            return
        self._done.add(held.task_id)
        self._client.update(
            {**self._result(held), "status": "COMPLETED", "outputData": dict(self._examples.get(held.ref, {}))}
        )

    def _result(self, held: _Held) -> dict[str, Json]:
        return {"taskId": held.task_id, "workflowInstanceId": held.workflow_id, "workerId": "chaos"}

    def _strikes(self, held: _Held, phase: str) -> bool:
        """Tell whether the fault strikes here and now; it does so once."""
        injection = self._injection
        if injection is None or self.struck or (injection.ref, injection.phase) != (held.ref, phase):
            return False
        self.struck = True
        return True

    def _strike_process(self, held: _Held) -> None:
        assert self._injection is not None
        lasts_ms = self._lasts_ms(held)
        match self._injection.kind:
            case "worker-killed":
                self._is_alive = False
                self._life += 1  # what it had planned dies with it
                self._at(self._now_ms + lasts_ms, self._start_another, anyone=True)
            case "worker-frozen":
                self._frozen_until_ms = self._now_ms + lasts_ms
                self._at(self._frozen_until_ms, lambda: None, anyone=True)
            case _:
                self._take_down(held)

    def _start_another(self) -> None:
        self._is_alive = True

    def _take_down(self, held: _Held) -> None:
        self._down_until_ms = self._now_ms + self._lasts_ms(held)
        self._at(self._down_until_ms, lambda: None, anyone=True)

    def _lasts_ms(self, held: _Held) -> int:
        assert self._injection is not None
        return max(1, round(self._injection.lasts * (held.lease_ms or _NO_LEASE_MS)))

    def _latency_ms(self) -> int:
        if self._injection is None or self._injection.kind != "latency" or not self.struck:
            return 0
        return self._random.randint(*_LATENCY_MS)

    def _answer_one(self) -> bool:
        """Answer the first task that waits for an answer from outside; False if none does."""
        for execution in list(self._engine.executions.values()):
            for task in execution.live if execution.status not in TERMINAL_WORKFLOW else ():
                if task.type in ("WAIT", "HUMAN") and task.status in OPEN_TASK:
                    self._answer(task)
                    return True
        return False

    def _answer(self, task: TaskState) -> None:
        self._engine.advance(DEFAULT_ESTIMATE_MS)
        self._client.update(
            {
                "taskId": task.task_id,
                "workflowInstanceId": task.execution.workflow_id,
                "status": "COMPLETED",
                "outputData": dict(self._examples.get(task.plain_ref, {})),
            }
        )

    def _evidence(self, workflow_id: str, given_up: str | None) -> Aftermath:
        execution = wire.execution(self._client.execution(workflow_id))
        kind = KINDS[self._injection.kind] if self._injection else None
        return Aftermath(
            execution=execution,
            effects=self._effects.get(workflow_id, Counter()),
            begun=self._begun.get(workflow_id, Counter()),
            queued=self._client.queue_sizes() if execution.is_terminal else {},
            given_up=None if execution.is_terminal else given_up,
            spared=kind is None or kind.spares,
        )


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
