"""The workers of a rig, one after another: each a process that serves its tasks until it is killed or ended."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

from pytest_k1n.chaos import effects
from pytest_k1n.servers.supervised import Supervised, log_tail

_LOOK_S = 0.05
_POLLING_WITHIN_S = 60.0


class RigWorkers:
    """Starts workers on one folder, and knows which of them live."""

    def __init__(
        self, command: Sequence[str], tasks: Sequence[str], *, folder: Path, uid: str, handler: str, work_ms: float
    ) -> None:
        """`command` takes the options of `k1n worker`; `handler`, one of `chaos.effects`, serves all `tasks`."""
        self.effects = folder / "effects"
        """Where handlers write down what they have done."""
        self.ledger = folder / "invocations.jsonl"
        self._folder = folder
        self._uid = uid
        self._command = [*command, "--definitions", str(folder / "definitions"), "--domain", uid, "--slots", "20"]
        self._command += ["--ledger", str(self.ledger), "--grace", "100ms"]
        for task in tasks:
            self._command += ["--handler", f"{task}=pytest_k1n.chaos.effects:{handler}"]
        self._work_ms = work_ms
        self._living: list[Supervised] = []
        self._started = 0

    @property
    def latest(self) -> Supervised:
        """The one that was started last."""
        return self._living[-1]

    def start(self, url: str, *, faults: Sequence[str] = ()) -> None:
        """Start one more on a server, and wait until it polls. Raises ChildProcessError."""
        name = f"{self._uid}-{self._started}"
        ready = self._folder / f"ready-{self._started}"
        self._started += 1
        argv = [*self._command, "--ready", str(ready), "--worker-id", name]
        for fault in faults:
            argv += ["--fault", fault]
        environment = {
            **os.environ,
            "K1N_SERVER": url,
            effects.FOLDER: str(self.effects),
            effects.WORK_MS: str(self._work_ms),
        }
        log = self._folder / "worker.log"
        worker = Supervised(argv, log_path=log, env=environment, grace_s=2.0, stdin=True)
        self._living.append(worker.__enter__())
        deadline = time.monotonic() + _POLLING_WITHIN_S
        while not ready.exists():
            if worker.poll() is not None or time.monotonic() > deadline:
                raise ChildProcessError(f"the worker did not start to poll: {log_tail(log)}")
            time.sleep(_LOOK_S)

    def announce(self, workflow_id: str, workflow: str) -> None:
        """Tell the latest of an execution that has just started."""
        if self.latest.stdin is not None:
            hint = {"launched": {"workflow_id": workflow_id, "name": workflow}}
            with contextlib.suppress(BrokenPipeError):  # the fault may have killed it by now
                self.latest.stdin.write(json.dumps(hint).encode() + b"\n")

    def end(self) -> tuple[str, ...]:
        """End all; name those that live on all the same."""
        workers, self._living = self._living, []
        for worker in workers:
            worker.close()
        return tuple(f"worker {worker.pid}" for worker in workers if _lives(worker.pid))


def _lives(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
