"""Getting results to the server: tried until answered, spooled in the ledger before the worker gives up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Literal

from pytest_k1n.client import Conductor
from pytest_k1n.client.errors import ConductorError, NotFound, is_transient
from pytest_k1n.client.retry import Backoff
from pytest_k1n.core.model import Json
from pytest_k1n.workers.ledger import InvocationLedger

Fate = Literal["delivered", "gone", "refused", "spooled"]

_BACKOFF = Backoff(first_s=0.05, limit_s=2.0)
_REFUSALS = 3
"""How often a result may be refused for what it is before a failure is reported in its place."""


class ResultDelivery:
    """Delivers results. Updates are idempotent by task id, so a lost answer is no reason to hold back."""

    def __init__(
        self,
        client: Conductor,
        ledger: InvocationLedger,
        *,
        give_up: threading.Event,
        report: Callable[[str], None],
        backoff: Backoff = _BACKOFF,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._give_up = give_up
        self._report = report
        self._backoff = backoff

    def deliver(self, result: Mapping[str, Json]) -> Fate:
        """Try until the server answers; `gone` if the task no longer exists, `spooled` if told to give up."""
        task_id = str(result["taskId"])
        refusals = 0
        spooled = False
        for pause in self._backoff.pauses():
            try:
                while not self._client.update(result):
                    if self._give_up.is_set():
                        return "delivered"  # the engine has it, and counts it when its time has come
            except NotFound:
                fate: Fate = "gone"
                break
            except ConductorError as error:
                if not spooled:
                    self._ledger.spool(result)
                    self._report(f"result of task {task_id} not delivered yet: {error}")
                    spooled = True
                if not is_transient(error):
                    refusals += 1
                    if refusals == _REFUSALS:
                        fate = self._report_refusal(result, error)
                        break
                if self._give_up.wait(pause):
                    return "spooled"
            else:
                fate = "delivered"
                break
        if spooled:
            self._ledger.settle(task_id, fate)
        return fate

    def deliver_spooled(self) -> None:
        """Deliver what an earlier worker with this ledger could not."""
        for result in self._ledger.undelivered():
            task_id = str(result["taskId"])
            self._ledger.settle(task_id, fate := self.deliver(result))
            self._report(f"result of task {task_id}, left by an earlier worker: {fate}")

    def _report_refusal(self, result: Mapping[str, Json], error: ConductorError) -> Fate:
        """Fail the task in place of a result that the server does not take, such as one too large."""
        self._report(f"result of task {result['taskId']} refused: {error}")
        failure = {name: result[name] for name in ("taskId", "workflowInstanceId", "workerId") if name in result}
        reason = f"the server refused the result: {error.message}"
        try:
            self._client.update({**failure, "status": "FAILED", "reasonForIncompletion": reason})
        except ConductorError as second:
            self._report(f"nor does the server take its failure: {second}")
        return "refused"


def epoch_ms() -> int:
    """Read the worker's clock."""
    return time.time_ns() // 1_000_000
