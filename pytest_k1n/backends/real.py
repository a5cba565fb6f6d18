"""A real server behind the director: a process or a URL, with the run's own worker process beside it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pytest_k1n.client.api import Conductor
from pytest_k1n.client.clock import WORLD_VARIABLE
from pytest_k1n.client.errors import NotFound
from pytest_k1n.coordination.backend import ServerDescription, TimeScale
from pytest_k1n.core.choices import RegisterPolicy
from pytest_k1n.core.gates.facts import ControlJoin
from pytest_k1n.core.model import Json
from pytest_k1n.core.record.correlation import batch_correlation_id
from pytest_k1n.core.timing.weather import Weather
from pytest_k1n.run.deadline import waiting
from pytest_k1n.run.run import Run
from pytest_k1n.run.server_choice import SLOTS
from pytest_k1n.servers import control
from pytest_k1n.servers.errors import ServerError
from pytest_k1n.servers.external import defaults_for
from pytest_k1n.servers.foreign import Warmed
from pytest_k1n.servers.protocol import Endpoint, Server
from pytest_k1n.servers.supervised import Supervised, log_tail
from pytest_k1n.workers import weather_log
from pytest_k1n.workers.ledger import LedgerReader
from pytest_k1n.workers.weather_log import WeatherReader

WORKER_START_S = 60.0
"""A Python start takes half a second; a machine that is drowning takes longer."""


METERS_S = 0.5
"""How long to wait for the meters to have told of the last moment of an execution: they do every 80 ms."""


class WorkerDied(ServerError, RuntimeError):
    """The run's worker process ended before the run told it to; carries the end of its log."""


class RealBackend:
    """A server that is a process or a URL, and the run's own worker process beside it, unless workers are external."""

    def __init__(
        self,
        run: Run,
        server: Server,
        client: Conductor,
        time: TimeScale,
        worker: Supervised | None,
        warmed: Warmed,
    ) -> None:
        self.client = client
        self.time = time
        self.domain = domain_of(run) if worker else None
        self.slots = SLOTS if worker else None
        self.register_policy: RegisterPolicy = (
            "always" if server.endpoint.owned else defaults_for(server.endpoint).register
        )
        self.capability = warmed.capability
        self._notes = (*server.endpoint.notes, *([warmed.note] if warmed.note else ()))
        self._uid = run.uid
        self._controls = 0
        self._has_known_pace = not server.endpoint.is_embedded and (server.endpoint.owned or warmed.is_measured)
        self._server = server
        self._worker = worker
        self._ledger = LedgerReader(ledger_path(run))
        self._weather_log = WeatherReader(weather_path(run), run.settings.latency)
        self._handlers = run.settings.handlers
        self._hold = f"launching in run {run.uid}"
        self._is_holding = False

    @property
    def server(self) -> ServerDescription:
        """Which server it is."""
        endpoint = self._server.endpoint
        return {
            "kind": "embedded" if endpoint.is_embedded else str(endpoint.kind),
            "url": endpoint.shown_url,
            "version": endpoint.version,
            "owned": endpoint.owned,
            "notes": list(self._notes),
        }

    def announce(self, workflow_id: str, workflow: str) -> None:
        """Tell the worker of an execution that has just started; virtual time stands until all of the batch have."""
        if self.time.name == "virtual" and not self._is_holding:
            self.client.hold_clock(self._hold)
            self._is_holding = True
        if self._worker is not None and self._worker.stdin is not None:
            hint = {"launched": {"workflow_id": workflow_id, "name": workflow}}
            try:
                self._worker.stdin.write(json.dumps(hint).encode() + b"\n")
            except BrokenPipeError:
                return  # it is dead: `trouble` will say so

    def settle(self) -> None:
        """Let virtual time go on; real time does so by itself."""
        if self._is_holding:
            self._is_holding = False
            with suppress(NotFound):  # it ends by itself after a minute
                self.client.release_clock(self._hold)

    def trouble(self) -> str | None:
        """Say that server or worker has died."""
        if died := self._server.died():
            return died
        if self._worker is None or (code := self._worker.poll()) is None:
            return None
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        tail = log_tail(self._worker.log_path, 1)
        return f"the worker process has died ({how}): nothing is done any more" + (f"; its log: {tail}" if tail else "")

    def slept_ms(self) -> Mapping[str, int]:
        """Read the ledger, where real handlers may have slept for less than they said."""
        if self.time.name != "scaled" or self._worker is None or self._handlers in (None, "simulated"):
            return {}
        slept = ((str(each["task_id"]), each.get("slept_ms")) for each in self._ledger.read())
        return {task_id: ms for task_id, ms in slept if isinstance(ms, int)}

    def invocations(self) -> tuple[Mapping[str, Json], ...] | None:
        """Return the worker's ledger: one entry per handler invocation; None where the workers are not ours."""
        return self._ledger.read() if self._worker is not None else None

    def logs(self, task_id: str) -> Sequence[Mapping[str, Json]]:
        """Ask the server for a task's log. Raises ConductorError."""
        return self.client.logs(task_id)

    def control_joins(self) -> tuple[ControlJoin, ...]:
        """Run control executions on a Conductor whose pace is known: our own, or one that has been warmed up."""
        self._controls += 1
        if not self._has_known_pace:
            return ()
        correlation_id = batch_correlation_id(
            self._uid, control.NAME, batch=0, round_=self._controls, key="control"
        )  # fmt: skip
        return control.control_joins(self.client, correlation_id=correlation_id)

    def weather(self, *, until_ms: int = 0) -> Weather | None:
        """Return what the meters have told; waits a moment for them to reach an instant, unless they have died."""
        for _ in waiting(METERS_S):
            found = self._weather()
            if found is None or found.until_ms >= until_ms or self._worker is None or self._worker.poll() is not None:
                break
        return found

    def _weather(self) -> Weather | None:
        if self.time.name == "virtual":
            return None
        return self._weather_log.read()


@contextmanager
def own_worker(run: Run, endpoint: Endpoint, time: TimeScale, world: str | None = None) -> Iterator[Supervised]:
    """Run `k1n worker` beside the server, in a process of its own: no GIL shared with pytest, and it can be killed."""
    run.folder.make()
    plan = run.plan
    estimates = run.folder.write_json("estimates.json", [[*key, ms] for key, ms in run.estimates_ms.items()])
    argv = [sys.executable, "-m", "pytest_k1n", "worker", "--domain", domain_of(run)]
    argv += ["--speed", str(time.speed), "--seed", str(run.settings.seed), "--slots", str(SLOTS)]
    argv += ["--handlers", run.settings.handlers or ("auto" if time.name == "real" else "simulated")]
    ready = run.folder_path / "worker.ready"
    jitters = run.folder.write_json("jitters.json", dict(run.jitters))
    argv += ["--estimates", str(estimates), "--jitters", str(jitters)]
    argv += ["--ledger", str(ledger_path(run)), "--ready", str(ready)]
    if run.settings.latency == "weather" and endpoint.is_loopback:  # elsewhere neither clock nor machine is the same
        argv += ["--weather", str(weather_path(run))]
    for folder in plan.definitions if plan else ():
        argv += ["--definitions", folder]
    if run.settings.agents:
        argv += ["--agents", str(run.settings.agents)]
    for fault in run.settings.faults:
        argv += ["--fault", fault]
    log = run.folder_path / "worker.log"
    # The URL may hold a password: it goes through the environment, not the process list.
    environment = {**os.environ, "K1N_SERVER": endpoint.url, "K1N_RUN_UID": run.uid}
    environment |= {WORLD_VARIABLE: world} if world else {}
    with Supervised(argv, log_path=log, env=environment, grace_s=5.0, stdin=True) as worker:
        _await_polling(worker, ready)
        yield worker


def _await_polling(worker: Supervised, ready: Path) -> None:
    """Wait until the worker polls: an execution launched before that would wait for it in the queue."""
    for _ in waiting(WORKER_START_S):
        if ready.exists():
            return
        if (code := worker.poll()) is not None:
            raise WorkerDied(f"the worker process ended at its start (exit code {code}): {log_tail(worker.log_path)}")
    raise WorkerDied(
        f"the worker process did not start to poll within {WORKER_START_S:g}s: {log_tail(worker.log_path)}"
    )


def domain_of(run: Run) -> str:
    """Name the run's task domain: what keeps two runs on one server from stealing each other's tasks."""
    return f"k1n-{run.uid}"


def weather_path(run: Run) -> Path:
    """Name what the meters of the weather write."""
    return run.folder_path / weather_log.NAME


def ledger_path(run: Run) -> Path:
    """Name the worker's ledger of invocations."""
    return run.folder_path / "invocations.jsonl"
