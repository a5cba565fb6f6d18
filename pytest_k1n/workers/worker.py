"""The worker: one process that serves many task types at once.

One thread polls, never waits for a handler, and polls fast only what the definitions say can be ready next. Handlers
run on a pool, and deliver their results themselves. One thread sends heartbeats, one looks up what polling cannot tell.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from pytest_k1n.client import Conductor
from pytest_k1n.client.errors import ConductorError, NotFound
from pytest_k1n.core import wire
from pytest_k1n.core.model import SYSTEM_TASK_TYPES, Json, TaskStatus, WorkflowDefinition
from pytest_k1n.workers.delivery import Delivery
from pytest_k1n.workers.handler import Stopped
from pytest_k1n.workers.heartbeat import Heartbeat
from pytest_k1n.workers.ledger import Ledger
from pytest_k1n.workers.pool import Pool
from pytest_k1n.workers.registry import Handlers
from pytest_k1n.workers.runner import Delivered, InHand, Runner
from pytest_k1n.workers.settings import WorkerSettings
from pytest_k1n.workers.tracker import Tracker

_LONGEST_PAUSE_S = 0.05
_OUTAGE_PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)


def worker_types(definitions: Iterable[WorkflowDefinition]) -> tuple[str, ...]:
    """Name the task types of definitions that workers poll for."""
    tasks = (task for definition in definitions for task in definition.walk())
    names = (task.name if task.type == "SIMPLE" else task.type for task in tasks if task.type not in SYSTEM_TASK_TYPES)
    return tuple(dict.fromkeys(name for name in names if name != "DYNAMIC"))


class Worker:
    """Polls, runs and reports until it is told to stop. `client` should have no patience of its own."""

    def __init__(
        self,
        client: Conductor,
        definitions: Iterable[WorkflowDefinition],
        handlers: Handlers,
        settings: WorkerSettings,
        *,
        ledger: Ledger | None = None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        definitions = tuple(definitions)
        self._client = client
        self._settings = settings
        self._report = report
        self._served = frozenset(settings.types)
        self._slow_types = settings.types or worker_types(definitions)
        self._tracker = Tracker(definitions, worker_id=settings.worker_id)
        self._ledger = ledger or Ledger()
        self._give_up = threading.Event()
        self._delivery = Delivery(client, self._ledger, give_up=self._give_up, report=report)
        self._heartbeat = Heartbeat(client, worker_id=settings.worker_id, unwanted=self._unwanted, report=report)
        self._runner = Runner(
            handlers, settings, delivery=self._delivery, heartbeat=self._heartbeat, ledger=self._ledger
        )
        self._pool = Pool("k1n-task")
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._in_hand: dict[str, InHand] = {}
        self._busy: Counter[str] = Counter()
        self._emptied = threading.Condition(self._lock)
        self._outages = 0
        self._turn = 0

    @property
    def in_hand(self) -> int:
        """Tasks that are being worked on."""
        with self._lock:
            return len(self._in_hand)

    def launched(self, workflow_id: str, name: str | None = None) -> None:
        """Hear of an execution before any of its tasks is polled."""
        self._tracker.launched(workflow_id, name)
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then finish what is in hand, or hand it back after the grace period."""
        self._heartbeat.start()
        looking = threading.Thread(target=self._look_up, args=(stop,), name="k1n-look-up", daemon=True)
        looking.start()
        self._pool.submit(self._delivery.deliver_spooled)
        try:
            self._poll(stop)
        finally:
            self._wind_up()
            looking.join(5)
            self._heartbeat.stop()
            self._ledger.close()

    def _poll(self, stop: threading.Event) -> None:
        next_slow = time.monotonic()
        while not stop.is_set():
            found = False
            directed = self._tracker.types
            for task_type in directed:
                if self._poll_type(task_type):
                    found = True
            if time.monotonic() >= next_slow:
                found = self._poll_slowly(directed) or found
                next_slow = time.monotonic() + self._slow_pause_s()
            if found:
                continue
            pause_s = self._settings.tick_ms / 1000 if self._tracker.types else next_slow - time.monotonic()
            if self._outages:
                pause_s = _OUTAGE_PAUSES_S[min(self._outages, len(_OUTAGE_PAUSES_S)) - 1]
            self._wake.wait(min(max(pause_s, 0.0), _LONGEST_PAUSE_S if not self._outages else 1.0))
            self._wake.clear()

    def _poll_slowly(self, directed: tuple[str, ...]) -> bool:
        """Poll one more of the types that nothing directs us to."""
        for _ in self._slow_types:
            self._turn += 1
            task_type = self._slow_types[self._turn % len(self._slow_types)]
            if task_type not in directed:
                return self._poll_type(task_type)
        return False

    def _slow_pause_s(self) -> float:
        pause_ms = self._settings.slow_round_ms / max(len(self._slow_types), 1)
        if not self._tracker.is_active:
            pause_ms = max(pause_ms, self._settings.idle_pause_ms)
        return pause_ms / 1000

    def _poll_type(self, task_type: str) -> bool:
        """Take a task of a type if there is a slot for it and one is ready."""
        if self._served and task_type not in self._served:
            return False
        if self._busy[task_type] >= self._settings.slots:
            return False
        document = self._ask(task_type)
        return document is not None and self._accept(document)

    def _ask(self, task_type: str) -> Mapping[str, Json] | None:
        settings = self._settings
        try:
            document = self._client.poll(task_type, worker_id=settings.worker_id, domain=settings.domain)
        except ConductorError as error:
            self._outages += 1
            if self._outages == 1:
                self._report(f"polling fails: {error}")
            return None
        if self._outages:
            self._report("polling works again")
            self._outages = 0
        return document

    def _accept(self, document: Mapping[str, Json]) -> bool:
        try:
            task = Delivered.from_wire(document)
        except wire.WireError as error:
            self._report(f"a polled task cannot be read, its response timeout will bring it back: {error}")
            return False
        record = task.record
        hand = InHand(task)
        with self._lock:
            if record.task_id in self._in_hand:
                return False  # delivered twice; the first delivery is being worked on
            self._in_hand[record.task_id] = hand
            self._busy[record.type] += 1
        self._tracker.polled(record, task.workflow_id, task.workflow_name)
        self._pool.submit(lambda: self._work(hand))
        return True

    def _work(self, hand: InHand) -> None:
        """Run one task to its end; nothing that happens in it may take the worker down."""
        task, record = hand.task, hand.task.record
        status = TaskStatus.SCHEDULED
        try:
            fate, ended = self._runner.run(hand)
            if fate == "delivered":
                status = ended
        except Stopped:
            status = self._hand_back(hand)
        except Exception as error:
            self._report(f"task {record.ref} ({record.task_id}) lost to a defect of the worker: {error!r}")
        finally:
            self._tracker.updated(record.task_id, task.workflow_id, status)
            with self._lock:
                self._in_hand.pop(record.task_id, None)
                self._busy[record.type] -= 1
                self._emptied.notify_all()
            self._wake.set()

    def _hand_back(self, hand: InHand) -> TaskStatus:
        """Give an interrupted task back to its queue, unless it was interrupted because it has ended."""
        record = hand.task.record
        if not self._give_up.is_set() or hand.state == "hung":
            return TaskStatus.CANCELED
        try:
            self._client.update(
                {
                    "workflowInstanceId": hand.task.workflow_id,
                    "taskId": record.task_id,
                    "workerId": self._settings.worker_id,
                    "status": "IN_PROGRESS",
                    "callbackAfterSeconds": 0,
                }
            )
            self._report(f"handed back {record.ref} ({record.task_id})")
        except ConductorError as error:
            self._report(f"{record.ref} ({record.task_id}) could not be handed back: {error}")
        return TaskStatus.SCHEDULED

    def _unwanted(self, task_id: str) -> None:
        with self._lock:
            hand = self._in_hand.get(task_id)
        if hand is not None:
            self._report(f"{hand.task.record.ref} ({task_id}) has ended without us: its work is stopped")
            hand.stop()

    def _look_up(self, stop: threading.Event) -> None:
        while not stop.is_set():
            for workflow_id in self._tracker.due():
                try:
                    execution = wire.execution(self._client.execution(workflow_id))
                except NotFound:
                    self._tracker.gone(workflow_id)
                except (ConductorError, wire.WireError):
                    self._tracker.unreachable(workflow_id)
                else:
                    for record in self._tracker.looked(execution):
                        self._adopt(record.task_id)
                    self._wake.set()
            stop.wait(0.02)

    def _adopt(self, task_id: str) -> None:
        """Take on a task whose delivery to us got lost on the way; never one that a handler has seen."""
        if self._ledger.has_begun(task_id):
            return
        try:
            document = self._client.task(task_id)
        except ConductorError:
            return
        if document.get("status") == "IN_PROGRESS" and self._accept(document):
            self._report(f"took on {document.get('referenceTaskName')} ({task_id}), whose delivery had got lost")

    def _wind_up(self) -> None:
        """Wait for the tasks in hand, then stop them, then leave; one that hangs on purpose is not waited for."""
        with self._lock:
            self._emptied.wait_for(self._has_only_hung, self._settings.grace_s)
            left = list(self._in_hand.values())
            self._give_up.set()
        for hand in left:
            hand.stop()
        with self._lock:
            self._emptied.wait_for(lambda: not self._in_hand, 2.0)
            stuck = [hand for hand in self._in_hand.values() if hand.state == "working"]
        for hand in stuck:
            self._hand_back(hand)

    def _has_only_hung(self) -> bool:
        return all(hand.state == "hung" for hand in self._in_hand.values())
