"""Who holds the clock: why virtual time does not jump, and whether it runs at the wall's pace meanwhile or stands.

Time may jump when no client is about to do anything at this instant: no request is being read, every task handed out
has ended or has a declared duration, no worker is about to take what a queue has for it, no client holds the clock by
name.
A worker need not be parked in a long poll for that: what it would get is known. All waits here are of the wall.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.runtime.outside import named, waits_outside
from pytest_k1n.engine.runtime.queues import QueueKey
from pytest_k1n.engine.state import TaskState
from pytest_k1n.engine.status import IN_PROGRESS, TERMINAL_WORKFLOW

CONNECTED_MS = 10_000
"""A worker that has not polled for so long is gone."""
FULL_AFTER_MS = 100
"""A worker that has declared work of a type and polls no more of it for so long has no slot left."""
PROMISE_MS = 1_000
"""A worker that declares its work has this long to do so; after that it counts as really working, from the start."""
PATIENCE_MS = 1_000
"""What waits for a caller may be about to get it: only after this time runs towards its timeout."""
HOLD_MS = 60_000
"""A named hold that is not renewed ends after this long: the client that took it may have died."""
FEW = 500
"""So many handouts and queues may be remembered that hold nothing any more."""


class Hold(StrEnum):
    """What can hold the clock."""

    WORK = "work"
    """A task is in a worker's hands, and the worker has not said how long that takes."""
    CALL = "call"
    """A HTTP task waits for an answer from outside."""
    PERSON = "person"
    """The next event is a timeout of an execution that waits for a caller."""
    PROMISE = "promise"
    """A worker that declares its work has a task in its hands, and will soon say how long that takes."""
    REQUEST = "request"
    QUEUE = "queue"
    """A worker is about to take a task."""
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One reason why the clock does not jump."""

    hold: Hold
    what: str
    for_ms: int
    """How long already, of the wall."""
    runs: bool = False
    """Whether time passes at the wall's pace meanwhile; else it stands."""


@dataclass(slots=True)
class _Handout:
    task: TaskState
    poll_count: int
    since_ms: int
    is_promised: bool


class Quiescence:
    """Watches an engine's requests and workers; single-threaded, like the engine."""

    def __init__(self, engine: Engine, *, wall_ms: Callable[[], int], declarers: set[str] | None = None) -> None:
        """`declarers`: the workers that declare their work, where several engines know them."""
        self._engine = engine
        self._wall_ms = wall_ms
        self._handouts: dict[str, _Handout] = {}
        self._requests: dict[int, tuple[str, int]] = {}
        self._calls: dict[int, int] = {}
        self._names: dict[str, tuple[int, int]] = {}
        self._polled: dict[QueueKey, dict[str, int]] = {}
        self._declarers = set() if declarers is None else declarers
        self._numbers = 0
        self._crowd = FEW
        self.quiet_since_ms = wall_ms()
        """When something last happened that more may follow from."""

    def acted(self) -> None:
        """Note that a client did something: the rest of it may come right after."""
        self.quiet_since_ms = self._wall_ms()

    def polled(self, key: QueueKey, worker_id: str | None, task: TaskState | None) -> None:
        """Note that a worker asked for a task, and what it got."""
        now_ms = self._wall_ms()
        self._polled.setdefault(key, {})[worker_id or ""] = now_ms
        if task is not None:
            self.quiet_since_ms = now_ms
            self._handouts[task.task_id] = _Handout(task, task.poll_count, now_ms, worker_id in self._declarers)
        if len(self._handouts) + len(self._polled) > self._crowd:
            self._forget(now_ms)

    def _forget(self, now_ms: int) -> None:
        """Let go of what holds nothing any more: only a clock that jumps asks for its holders."""
        self._handouts = {task_id: handout for task_id, handout in self._handouts.items() if self._is_open(handout)}
        self._polled = {
            key: polled
            for key, polled in self._polled.items()
            if now_ms - max(polled.values(), default=0) <= CONNECTED_MS
        }
        self._crowd = 2 * (len(self._handouts) + len(self._polled)) + FEW

    def expect_declarations(self, worker_id: str) -> None:
        """Note that a worker declares its work: time stands until it has."""
        self._declarers.add(worker_id)

    def worked_ms(self, task: TaskState) -> int | None:
        """Return how long a worker really worked on a task while time stood for its declaration; None if it did not."""
        handout = self._handouts.get(task.task_id)
        if handout is None or not handout.is_promised or not self._is_open(handout):
            return None
        return self._wall_ms() - handout.since_ms

    def broken_promises(self) -> list[int]:
        """Return the instants that workers have got to which were expected to declare their work, and did not."""
        now_ms = self._wall_ms()
        instants = []
        for handout in self._handouts.values():
            if handout.is_promised and now_ms - handout.since_ms >= PROMISE_MS:
                handout.is_promised = False
                if self._is_open(handout):
                    instants.append(handout.task.started_ms + now_ms - handout.since_ms)
        return sorted(instants)

    def request_begins(self, what: str) -> int:
        """Note that a request is being read; `request_ends` takes the number."""
        self._numbers += 1
        self._requests[self._numbers] = (what, self._wall_ms())
        return self._numbers

    def request_ends(self, number: int) -> None:
        self._requests.pop(number, None)

    def call_begins(self) -> int:
        """Note that a HTTP task's request goes out; `call_ends` takes the number."""
        self._numbers += 1
        self._calls[self._numbers] = self._wall_ms()
        return self._numbers

    def call_ends(self, number: int) -> None:
        self.acted()
        self._calls.pop(number, None)

    def take_hold(self, name: str, for_ms: int = HOLD_MS) -> None:
        """Hold the clock by a name, which is shown; again to renew it."""
        now_ms = self._wall_ms()
        self._names[name] = (self._names.get(name, (now_ms, 0))[0], now_ms + for_ms)

    def release(self, name: str) -> bool:
        """Give a hold back; tell whether there was one."""
        self.acted()
        return self._names.pop(name, None) is not None

    @property
    def is_work_on(self) -> bool:
        """Whether a worker really works: time runs."""
        return next(self._working(self._wall_ms()), None) is not None

    def holders(self) -> list[Holder]:
        """Return everything that holds the clock now, what makes it run before what makes it stand."""
        now_ms = self._wall_ms()
        return [*self._working(now_ms), *self._standing(now_ms), *self._persons()]

    def _is_open(self, handout: _Handout) -> bool:
        task = handout.task
        return (
            task.status == IN_PROGRESS
            and task.poll_count == handout.poll_count
            and task.execution.status not in TERMINAL_WORKFLOW
            and task.task_id not in self._engine.declared
        )

    def _working(self, now_ms: int) -> Iterator[Holder]:
        for task_id, handout in list(self._handouts.items()):
            if not self._is_open(handout):
                del self._handouts[task_id]
            elif not handout.is_promised:
                what = f"{named(handout.task)} is with worker {handout.task.worker_id} and has no declared duration"
                yield Holder(hold=Hold.WORK, what=what, for_ms=now_ms - handout.since_ms, runs=True)
        for since_ms in self._calls.values():
            yield Holder(hold=Hold.CALL, what="a HTTP task waits for its answer", for_ms=now_ms - since_ms, runs=True)

    def _standing(self, now_ms: int) -> Iterator[Holder]:
        for handout in self._handouts.values():
            if handout.is_promised and self._is_open(handout):
                what = f"worker {handout.task.worker_id} is about to say how long {named(handout.task)} takes"
                yield Holder(hold=Hold.PROMISE, what=what, for_ms=now_ms - handout.since_ms)
        for what, since_ms in self._requests.values():
            yield Holder(hold=Hold.REQUEST, what=f"{what} is being read", for_ms=now_ms - since_ms)
        for name, (since_ms, until_ms) in list(self._names.items()):
            if until_ms > now_ms:
                yield Holder(hold=Hold.NAME, what=name, for_ms=now_ms - since_ms)
            else:
                del self._names[name]
        for key, task in self._engine.deliverable():
            if self._is_about_to_be_taken(key, now_ms):
                what = f"{named(task)} is about to be polled"
                yield Holder(hold=Hold.QUEUE, what=what, for_ms=now_ms - self.quiet_since_ms)

    def is_served(self, key: QueueKey) -> bool:
        """Tell whether a worker has polled a queue of late."""
        now_ms = self._wall_ms()
        return any(now_ms - at_ms <= CONNECTED_MS for at_ms in self._polled.get(key, {}).values())

    def _is_about_to_be_taken(self, key: QueueKey, now_ms: int) -> bool:
        polled = self._polled.get(key, {})
        for worker_id, at_ms in list(polled.items()):
            if now_ms - at_ms > CONNECTED_MS:
                del polled[worker_id]
        if not polled:
            return False
        busy = {
            handout.worker_id or ""
            for task_id in self._engine.declared
            if (handout := self._engine.task(task_id)) is not None and (handout.type, handout.domain) == key
        }
        return not polled.keys() <= busy or now_ms - self.quiet_since_ms < FULL_AFTER_MS

    def _persons(self) -> Iterator[Holder]:
        execution = self._engine.next_deadline()
        if (
            execution is not None
            and (what := waits_outside(execution, self._engine.executions, self._engine.now_ms)) is not None
        ):
            for_ms = self._wall_ms() - self.quiet_since_ms
            yield Holder(hold=Hold.PERSON, what=what, for_ms=for_ms, runs=for_ms >= PATIENCE_MS)
