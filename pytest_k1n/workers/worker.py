"""The worker: one process that serves many task types at once.

One thread polls what the definitions say can be ready next, and never waits for a handler. Handlers run on a pool; the
thread that has delivered a result polls for the successor itself, which saves the hand-over. A thread in the background
polls everything else, slowly, and looks up what polling cannot tell; another one sends heartbeats.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from pytest_k1n.client import Conductor
from pytest_k1n.client.errors import ConductorError, NotFound
from pytest_k1n.core.model import TaskStatus, WorkflowDefinition, worker_types
from pytest_k1n.core.record.family import led_to
from pytest_k1n.core.wire import wire
from pytest_k1n.workers.delivery import ResultDelivery
from pytest_k1n.workers.handler import Stopped
from pytest_k1n.workers.heartbeat import Heartbeat
from pytest_k1n.workers.intake import Intake
from pytest_k1n.workers.ledger import InvocationLedger
from pytest_k1n.workers.pool import Pool
from pytest_k1n.workers.queue_lengths import FEW, QueueLengths
from pytest_k1n.workers.registry import Handlers
from pytest_k1n.workers.runner import HeldTask, Runner
from pytest_k1n.workers.settings import WorkerSettings
from pytest_k1n.workers.tracker import Tracker

_LONGEST_PAUSE_S = 0.05
_OUTAGE_PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)
_FIRST_ROUND_PAUSE_S = 0.005
"""Between two polls of the first slow round: what waited for a worker is found soon after it has come."""
_SLOW_POLL_S = 0.02
_SIDE_BY_SIDE = 4
"""Polls that take so long are made so many at once: ten types in turn took 1.0 s at a load of 33, 0.6 s so.

Quick ones are not: two that write at one moment to SQLite may cost one of them 50 ms.
"""
_STOP_S = 2.0
"""How long stopped handlers may take to notice."""


class Worker:
    """Polls, runs and reports until it is told to stop. `client` should have no patience of its own."""

    def __init__(
        self,
        client: Conductor,
        definitions: Iterable[WorkflowDefinition],
        handlers: Handlers,
        settings: WorkerSettings,
        *,
        ledger: InvocationLedger | None = None,
        report: Callable[[str], None] = lambda _: None,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        """Nothing is done before `run`; `ready` is called once, when the server has answered the first poll."""
        definitions = tuple(definitions)
        self._client = client
        self._settings = settings
        self._report = report
        self._ready = ready
        self._handlers = handlers
        self._slow_types = settings.types or worker_types(definitions)
        self._followed: set[str] = set()
        """Executions that others have led to."""
        self._tracker = Tracker(definitions, worker_id=settings.worker_id)
        self._lengths = QueueLengths(client.lengths_of, pause_s=settings.later_tick_ms / 1000, domain=settings.domain)
        self._intake = Intake(client, settings, report=report)
        self._ledger = ledger or InvocationLedger()
        self._give_up = threading.Event()
        self._delivery = ResultDelivery(client, self._ledger, give_up=self._give_up, report=report)
        self._heartbeat = Heartbeat(client, worker_id=settings.worker_id, unwanted=self._unwanted, report=report)
        self._runner = Runner(
            handlers, settings, delivery=self._delivery, heartbeat=self._heartbeat, ledger=self._ledger
        )
        if settings.only_handled:
            self._slow_types = ()
            tasks = [task for definition in definitions for task in definition.walk() if task.type != "DYNAMIC"]
            for task in tasks:
                self._serve_if_handled(task.ref, task.name if task.type == "SIMPLE" else task.type, task.name)
        self._pool = Pool("k1n-task")
        self._pollers = ThreadPoolExecutor(_SIDE_BY_SIDE, "k1n-poll")
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._turn = 0

    @property
    def in_hand(self) -> int:
        """Tasks that are being worked on."""
        return len(self._intake.in_hand())

    def hands(self) -> list[HeldTask]:
        """Return the tasks in hand."""
        return self._intake.in_hand()

    @property
    def is_active(self) -> bool:
        """Whether executions are known to be under way."""
        return self._tracker.is_active

    def launched(self, workflow_id: str, name: str | None = None) -> None:
        """Hear of an execution before any of its tasks is polled."""
        self._tracker.launched(workflow_id, name)
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then finish what is in hand, or hand it back after the grace period."""
        self._heartbeat.start()
        background = threading.Thread(target=self._look_around, name="k1n-background", daemon=True)
        background.start()
        self._pool.submit(self._delivery.deliver_spooled)
        try:
            self._poll(stop)
        finally:
            self._stopping.set()
            self._pollers.shutdown(wait=False, cancel_futures=True)
            self._wind_up()
            background.join(5)
            self._heartbeat.stop()
            self._ledger.close()

    def _poll(self, stop: threading.Event) -> None:
        while not stop.is_set():
            hot = self._intake.hot
            types = tuple(name for name in self._tracker.types if name not in hot)
            later = () if self._intake.outages else self._tracker.later
            known = dict.fromkeys((*hot, *self._lengths.due(later)), 1) | self._lengths.among(types)
            if self._take_all(known):
                continue
            self._wake.wait(self._pause_s(bool(hot or types), bool(later)))
            self._wake.clear()

    def _take_all(self, known: Mapping[str, int]) -> bool:
        """Poll each type once, those with many tasks known to wait for as many."""
        takes = map if self._intake.poll_s < _SLOW_POLL_S or len(known) < 2 else self._pollers.map
        return any([*takes(self._take, known, known.values())])

    def _pause_s(self, is_directed: bool, is_later: bool) -> float:
        if self._intake.outages:
            return _LONGEST_PAUSE_S
        settings = self._settings
        return min(
            settings.tick_ms / 1000 if is_directed else _LONGEST_PAUSE_S,
            settings.later_tick_ms / 1000 if is_later else _LONGEST_PAUSE_S,
        )

    def _take(self, task_type: str, known: int = 1) -> bool:
        """Poll a type once and start what came."""
        hands = self._intake.take(task_type, known)
        for hand in hands:
            self._start(hand)
        return bool(hands)

    def _start(self, hand: HeldTask) -> None:
        self._note(hand)
        self._pool.submit(lambda: self._work(hand))

    def _note(self, hand: HeldTask) -> None:
        self._tracker.polled(hand.task.record, hand.task.workflow_id, hand.task.workflow_name)

    def _work(self, first: HeldTask) -> None:
        """Run a task, then its successors as far as this thread comes by them; nothing may take the worker down."""
        hand: HeldTask | None = first
        while hand is not None:
            status = TaskStatus.SCHEDULED
            try:
                status = self._runner.run(hand)
            except Stopped:
                status = self._hand_back(hand)
            except Exception as error:
                self._report(f"{hand} lost to a defect of the worker, its response timeout will tell: {error!r}")
            types = self._tracker.updated(hand.task.record.task_id, hand.task.workflow_id, status)
            self._intake.release(hand)
            following = types or tuple(name for name in self._intake.hot if name == hand.task_type)
            if len(following) != 1:
                self._wake.set()
            hand = self._successor(following) if len(following) <= FEW else None

    def _successor(self, types: Iterable[str]) -> HeldTask | None:
        """Poll for the first of the types that can follow; several are the polling thread's business as well."""
        if self._stopping.is_set():
            return None
        for task_type in types:
            if hands := self._intake.take(task_type):
                for hand in hands[1:]:
                    self._start(hand)
                self._note(hands[0])
                return hands[0]
            if self._intake.is_drained_by_another(task_type):
                return None
            break
        self._wake.set()
        return None

    def _hand_back(self, hand: HeldTask) -> TaskStatus:
        """Give an interrupted task back to its queue, unless it was interrupted because it has ended."""
        if not self._give_up.is_set() or hand.state == "hung":
            return TaskStatus.CANCELED
        result = {
            "workflowInstanceId": hand.task.workflow_id,
            "taskId": hand.task.record.task_id,
            "workerId": self._settings.worker_id,
            "status": "IN_PROGRESS",
            "callbackAfterSeconds": 0,
        }
        try:
            self._client.update(result)
            self._report(f"{hand} handed back")
        except ConductorError as error:
            self._report(f"{hand} could not be handed back: {error}")
        return TaskStatus.SCHEDULED

    def _unwanted(self, task_id: str) -> None:
        if (hand := self._intake.find(task_id)) is not None:
            self._report(f"{hand} has ended without us: its work is stopped")
            hand.stop()

    def _look_around(self) -> None:
        next_slow = time.monotonic()
        is_ready = False
        while not self._stopping.is_set():
            for workflow_id in self._tracker.due():
                self._look_at(workflow_id)
            if time.monotonic() >= next_slow:
                self._poll_slowly()
                if not is_ready and not self._intake.outages:
                    is_ready = True
                    self._ready()
                next_slow = time.monotonic() + self._slow_pause_s()
            self._stopping.wait(min(max(next_slow - time.monotonic(), 0.002), 0.02))

    def _poll_slowly(self) -> None:
        """Poll one more of the types that nothing directs us to."""
        # An outage ends with a poll that works, and what follows a wait is not polled otherwise while it lasts.
        directed = () if self._intake.outages else (*self._tracker.types, *self._tracker.later)
        for _ in self._slow_types:
            self._turn += 1
            task_type = self._slow_types[self._turn % len(self._slow_types)]
            if task_type not in directed:
                if self._take(task_type):
                    self._intake.heat(task_type)  # there may be more; the first empty poll cools it
                    self._wake.set()
                return

    def _slow_pause_s(self) -> float:
        if outages := self._intake.outages:
            return _OUTAGE_PAUSES_S[min(outages, len(_OUTAGE_PAUSES_S)) - 1]
        settings = self._settings
        if self._turn < len(self._slow_types):
            return _FIRST_ROUND_PAUSE_S
        round_ms = settings.slow_round_ms if self._tracker.is_certain else settings.uncertain_round_ms
        pause_ms = round_ms / max(len(self._slow_types), 1)
        return max(pause_ms, settings.least_slow_pause_ms) / 1000

    def _look_at(self, workflow_id: str) -> None:
        began = time.monotonic()
        try:
            execution = wire.execution(self._client.execution(workflow_id))
        except NotFound:
            self._tracker.gone(workflow_id)
        except (ConductorError, wire.WireError):
            self._tracker.unreachable(workflow_id)
        else:
            for started in led_to(execution):
                if started not in self._followed:
                    self._followed.add(started)
                    self._tracker.launched(started)
            if self._settings.only_handled:
                for task in execution.tasks:
                    if task.is_worker_task and not task.status.is_terminal:
                        name = task.workflow_task.name if task.workflow_task else ""
                        self._serve_if_handled(task.ref, task.type, name, task.iteration)
            for record in self._tracker.looked(execution, time.monotonic() - began):
                if hand := self._intake.adopt(record.task_id, has_begun=self._ledger.has_begun):
                    self._start(hand)
            self._wake.set()

    def _serve_if_handled(self, ref: str, task_type: str, name: str, iteration: int = 0) -> None:
        if self._handlers.has(ref, task_type, name=name, iteration=iteration):
            self._intake.serve(task_type)
            if task_type not in self._slow_types:
                self._slow_types = (*self._slow_types, task_type)

    def _wind_up(self) -> None:
        """Wait for the tasks in hand, then stop them, then leave; one that hangs on purpose is not waited for."""
        left = self._intake.wait_until(_only_hung, self._settings.grace_s)
        self._give_up.set()
        for hand in left:
            hand.stop()
        for hand in self._intake.wait_until(lambda hands: not hands, _STOP_S):
            if hand.state == "working":
                self._hand_back(hand)


def _only_hung(hands: list[HeldTask]) -> bool:
    return all(hand.state == "hung" for hand in hands)
