"""The worker of a simulated run: polls, works, extends leases, reports; and what a fault does to it and to its wire."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from pytest_k1n.chaos.faults import Injection
from pytest_k1n.client.api import Conductor
from pytest_k1n.core.model import Json, TaskKey
from pytest_k1n.core.standins.simulation import DEFAULT_ESTIMATE_MS
from pytest_k1n.core.wire import wire
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.status import OPEN_TASK

_BEAT = 0.3
"""Share of the lease after which a worker extends it, as `k1n worker` does."""
_RETRY_MS = 50
_PATIENCE_MS = 10_000
"""How long a worker waits for an answer before it tries again."""
_NO_LEASE_MS = 60_000
"""What a fault's duration is measured in where a task has no response time-out."""
_LATENCY_MS = (10, 80)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What a good worker does; each one left out is a bug that some fault has to show."""

    heartbeats: bool = True
    """Extends the lease of what it works on."""
    repeats: bool = True
    """Reports a result until it is answered."""
    idempotent: bool = True
    """Makes an effect once, whatever attempt it is."""


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


class SimulatedWorker:
    """Serves every task of one engine. Its agenda holds what it does next; the engine has its own."""

    def __init__(
        self,
        engine: Engine,
        client: Conductor,
        *,
        habits: Habits,
        takes_ms: Mapping[str, int],
        examples: Mapping[str, Mapping[str, Json]],
        injection: Injection | None,
    ) -> None:
        """`takes_ms` tells by ref how long work takes, `examples` what it answers."""
        self._engine = engine
        self._client = client
        self._habits = habits
        self._takes_ms = takes_ms
        self._examples = examples
        self._injection = injection
        self._random = Random(injection.seed if injection else 0)
        self._agenda: list[tuple[int, int, int | None, Callable[[], None]]] = []
        """(when, nth, life of the worker that does it or None, what)."""
        self._counter = itertools.count()
        self._life = 0
        self._is_alive = True
        self._frozen_until_ms = 0
        self._down_until_ms = 0
        self.struck = False
        """Whether the fault has happened."""
        self.effects: dict[str, Counter[TaskKey]] = {}
        """Workflow id -> how often the effect of each task was made."""
        self.begun: dict[str, Counter[str]] = {}
        """Workflow id -> how often each attempt was begun, by task id."""
        self._done: set[str] = set()
        """Attempts that the worker is through with: their leases are not extended any more."""
        self._stopped: set[str] = set()
        """Attempts that ended without it: their work is given up."""

    @property
    def _now_ms(self) -> int:
        return self._engine.now_ms

    def next_ms(self) -> int | None:
        """Return when it does what it has planned next; None where it has planned nothing."""
        while self._agenda and self._agenda[0][2] not in (None, self._life):
            heapq.heappop(self._agenda)  # its worker is dead
        return self._agenda[0][0] if self._agenda else None

    def act(self) -> None:
        """Do what has been planned up to this instant."""
        while (following := self.next_ms()) is not None and following <= self._now_ms:
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

    def poll(self) -> None:
        """Take all that is deliverable, as long as it can talk to the server."""
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
        self.begun.setdefault(held.workflow_id, Counter())[held.task_id] += 1
        work_ms = self._takes_ms.get(held.ref, DEFAULT_ESTIMATE_MS)
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
        effects = self.effects.setdefault(held.workflow_id, Counter())
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

    def is_working(self) -> bool:
        """Tell whether the worker that lives now has anything planned."""
        return any(life == self._life for _, _, life, _ in self._agenda)
