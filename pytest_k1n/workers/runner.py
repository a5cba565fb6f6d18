"""One task from delivery to result: context, handler, faults, ledger, heartbeat, update."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar, cast

from pytest_k1n.core.model import Json, TaskRecord, TaskStatus
from pytest_k1n.core.standins.jitter import jitter_of
from pytest_k1n.core.standins.simulation import RESERVED
from pytest_k1n.core.wire import wire
from pytest_k1n.workers.delivery import ResultDelivery, epoch_ms
from pytest_k1n.workers.handler import NamedHandler, Outcome, Stopped, TaskContext, invoke
from pytest_k1n.workers.heartbeat import Heartbeat
from pytest_k1n.workers.ledger import InvocationLedger
from pytest_k1n.workers.misbehaviour import Fault, fault_of, spoiled
from pytest_k1n.workers.raising import is_for_the_test
from pytest_k1n.workers.registry import Handlers
from pytest_k1n.workers.settings import WorkerSettings

T = TypeVar("T")
_LOG_LINES, _LOG_WIDTH = 100, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A task as it was polled."""

    record: TaskRecord
    workflow_id: str
    workflow_name: str
    task_name: str = ""
    correlation_id: str | None = None
    output_schema: Mapping[str, Json] | None = None

    @classmethod
    def from_wire(cls, document: Mapping[str, Json]) -> Delivered:
        """Read a polled task. Raises WireError."""
        needed = {name: value for name, value in document.items() if name != "workflowTask"}
        record = wire.task_record(needed)  # without the definition's snapshot, half of what there is to parse
        definition = document.get("taskDefinition")
        schema = definition.get("outputSchema") if isinstance(definition, dict) else None
        data = schema.get("data") if isinstance(schema, dict) else None
        snapshot = document.get("workflowTask")
        return cls(
            record=record,
            workflow_id=str(document.get("workflowInstanceId") or ""),
            workflow_name=str(document.get("workflowType") or ""),
            task_name=str(snapshot.get("name") or "") if isinstance(snapshot, dict) else "",
            correlation_id=str(document["correlationId"]) if document.get("correlationId") else None,
            output_schema=data if isinstance(data, dict) else None,
        )


@dataclass(slots=True)
class HeldTask:
    """A task that is being worked on, and the way to stop that."""

    task: Delivered
    task_type: str
    """The type that was polled: whose slot it takes."""
    poll_ms: tuple[int, int] | None = None
    """From when to when the poll that brought it was with the server, epoch ms; None where none did."""
    state: Literal["working", "delivering", "hung"] = "working"
    declares: bool = False
    """Whether sleeping takes no time here, but is added up and declared with the result."""
    speed: float = 1.0
    """By how much sleeping is shortened."""
    declared_ms: float = 0.0
    slept_ms: float = 0.0
    """How long it really slept: the part of its work that follows the time model."""
    _stopped: threading.Event = field(default_factory=threading.Event)
    _callbacks: list[Callable[[], None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __str__(self) -> str:
        return f"{self.task.record.ref} of {self.task.workflow_name} ({self.task.record.task_id})"

    def stop(self) -> None:
        """Interrupt the work."""
        with self._lock:
            self._stopped.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def on_stop(self, callback: Callable[[], None]) -> None:
        """Call back at a stop; at once if it has come already."""
        with self._lock:
            if not self._stopped.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def sleep(self, ms: float) -> None:
        """Let workflow time pass, unless stopped. Raises Stopped."""
        pause_ms = max(0.0, ms) / self.speed
        if not self.declares:
            self.slept_ms += pause_ms
        self.pause(pause_ms)

    def pause(self, ms: float) -> None:
        """Take time of the worker's own clock, as real work does. Raises Stopped."""
        if self.declares:
            self.declared_ms += ms
            ms = 0.0
        if self._stopped.wait(ms / 1000):
            raise Stopped

    def measure(self, work: Callable[[], T]) -> tuple[T, int]:
        """Do something that may sleep; return what came of it and the ms it took, those it declared included."""
        began, declared_ms = time.perf_counter(), self.declared_ms
        result = work()
        took_ms = (time.perf_counter() - began) * 1000
        return result, round(took_ms + self.declared_ms - declared_ms)

    def wait_until_stopped(self) -> None:
        """Do nothing for as long as it is allowed, then raise Stopped."""
        self._stopped.wait()
        raise Stopped


class Runner:
    """Runs tasks, each on the thread that calls `run`."""

    def __init__(
        self,
        handlers: Handlers,
        settings: WorkerSettings,
        *,
        delivery: ResultDelivery,
        heartbeat: Heartbeat,
        ledger: InvocationLedger,
    ) -> None:
        self._handlers = handlers
        self._settings = settings
        self._delivery = delivery
        self._heartbeat = heartbeat
        self._ledger = ledger
        self._last_output: dict[str, Mapping[str, Json]] = {}
        """Workflow name -> output of its last task here: what a `leak` writes where it does not belong."""

    def run(self, hand: HeldTask) -> TaskStatus:
        """Work on a task, deliver its result, and return how it ended. Raises Stopped."""
        task, record = hand.task, hand.task.record
        handler = self._handlers.find(record.ref, record.type, name=task.task_name, iteration=record.iteration)
        fault = fault_of(self._settings.faults, task.workflow_name, record.ref, record.attempt)
        self._heartbeat.keep(record.task_id, task.workflow_id, record.response_timeout_s)
        try:
            begin_ms = epoch_ms()
            logs: list[dict[str, Json]] = []
            outcome = self._invoke(handler, hand, fault, logs)
            if fault is not None and fault.kind == "twice":
                outcome = self._invoke(handler, hand, None, logs)
            result = self._result(hand, handler, outcome, logs, begin_ms)
            self._last_output[task.workflow_name] = outcome.output
            hand.state = "delivering"
            fate = self._delivery.deliver(result)
        finally:
            self._heartbeat.drop(record.task_id)
        return TaskStatus.FAILED if fate == "refused" else TaskStatus(outcome.status)

    def _invoke(
        self, handler: NamedHandler, hand: HeldTask, fault: Fault | None, logs: list[dict[str, Json]]
    ) -> Outcome:
        task = hand.task.record
        number = self._ledger.begin(
            {
                "task_id": task.task_id,
                "workflow_id": hand.task.workflow_id,
                "workflow": hand.task.workflow_name,
                "ref": task.ref,
                "iteration": task.iteration,
                "attempt": task.attempt,
                "handler": handler.name,
                "worker_id": self._settings.worker_id,
                "begin_ms": epoch_ms(),
                **({"poll_ms": list(hand.poll_ms)} if hand.poll_ms else {}),
            }
        )
        status = "STOPPED"
        try:
            if fault is not None and fault.kind == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if fault is not None and fault.kind == "hang":
                self._heartbeat.drop(task.task_id)
                hand.state = "hung"
                hand.wait_until_stopped()
            outcome, took_ms = hand.measure(lambda: invoke(handler.call, self._context(hand, logs)))
            if outcome.error is not None and is_for_the_test(outcome.error):
                self._handlers.raised.append(outcome.error)
            if outcome.work_ms is None or hand.declared_ms:
                outcome = replace(outcome, work_ms=took_ms)
            outcome = self._distort(outcome, hand, fault)
            if outcome.simulated and hand.declared_ms:
                outcome = replace(outcome, work_ms=round(hand.declared_ms))  # what the machine took is not part of it
            status = outcome.status
        finally:
            ended: dict[str, Json] = {"task_id": task.task_id, "ref": task.ref, "end_ms": epoch_ms(), "status": status}
            if hand.slept_ms:
                ended["slept_ms"] = round(hand.slept_ms)
            self._ledger.end(number, ended)
        for line in outcome.logs:
            _log(logs, line)
        return outcome

    def _distort(self, outcome: Outcome, hand: HeldTask, fault: Fault | None) -> Outcome:
        """Commit what a fault does to work that is done."""
        if fault is None:
            return outcome
        if fault.kind == "slow":
            work_ms, more = outcome.work_ms or 0, fault.factor - 1
            slept_ms = min(hand.slept_ms, work_ms)
            hand.sleep(slept_ms * more * hand.speed)
            hand.pause((work_ms - slept_ms) * more)
            return replace(outcome, work_ms=round(work_ms * fault.factor))
        return spoiled(outcome, fault, self._last_output.get(fault.value, {}))

    def _context(self, hand: HeldTask, logs: list[dict[str, Json]]) -> TaskContext:
        task = hand.task.record
        return TaskContext(
            workflow_id=hand.task.workflow_id,
            workflow_name=hand.task.workflow_name,
            correlation_id=hand.task.correlation_id,
            ref=task.ref,
            iteration=task.iteration,
            task_id=task.task_id,
            task_type=task.type,
            task_name=hand.task.task_name,
            attempt=task.attempt,
            input=task.input,
            estimate_ms=self._settings.estimate_ms(hand.task.workflow_name, task.ref, hand.task.task_name, task.type),
            speed=self._settings.speed,
            seed=self._settings.seed,
            jitter=jitter_of(hand.task.workflow_name, self._settings.jitters),
            output_schema=hand.task.output_schema,
            log=lambda line: _log(logs, line),
            sleep=hand.sleep,
            on_stop=hand.on_stop,
        )

    def _result(
        self, hand: HeldTask, handler: NamedHandler, outcome: Outcome, logs: list[dict[str, Json]], begin_ms: int
    ) -> dict[str, Json]:
        task = hand.task
        end_ms = epoch_ms()
        about: dict[str, Json] = {}
        if outcome.simulated:  # what real handlers return is the user's data: nothing of ours is put among it
            about = {"simulated": True, "work_ms": outcome.work_ms, "handler": handler.name}
            about |= {"begin_ms": begin_ms, "end_ms": end_ms}
        elif hand.slept_ms and self._settings.tells_sleep:
            about["slept_ms"] = round(hand.slept_ms)
        if hand.declared_ms:
            is_measured = self._settings.adds_real and not outcome.simulated
            about["virtual_ms"] = round(hand.declared_ms) + (end_ms - begin_ms if is_measured else 0)
        if outcome.steps:
            about["steps"] = [{"name": step.name, "ms": step.ms} for step in outcome.steps]
        if not logs:
            _log(logs, f"{handler.name}: {outcome.status}" + (f": {outcome.reason}" if outcome.reason else ""))
        result: dict[str, Json] = {
            "workflowInstanceId": task.workflow_id,
            "taskId": task.record.task_id,
            "workerId": self._settings.worker_id,
            "status": outcome.status,
            "outputData": {**outcome.output, RESERVED: about} if about else dict(outcome.output),
            "logs": cast("list[Json]", logs[-_LOG_LINES:]),
        }
        if outcome.status == "IN_PROGRESS":
            result["callbackAfterSeconds"] = outcome.callback_s
        if outcome.reason:
            result["reasonForIncompletion"] = outcome.reason
        return result


def _log(logs: list[dict[str, Json]], line: str) -> None:
    logs.append({"log": line[:_LOG_WIDTH], "createdTime": epoch_ms()})
