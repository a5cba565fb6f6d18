"""Opening what the director drives: which server, which time model, whose workers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_k1n.backends.choice import time_of
from pytest_k1n.client.api import Conductor
from pytest_k1n.client.errors import NotFound
from pytest_k1n.client.transport import transport_for
from pytest_k1n.coordination.backend import Backend, TimeScale
from pytest_k1n.core.model import Json
from pytest_k1n.run.run import Run, waiting
from pytest_k1n.servers.errors import NothingWorks, WrongClock
from pytest_k1n.servers.external import defaults_for
from pytest_k1n.servers.opening import running_server
from pytest_k1n.servers.protocol import Endpoint, Kind, Server, ServerSpec
from pytest_k1n.servers.supervised import Supervised, log_tail
from pytest_k1n.settings import Settings
from pytest_k1n.workers.misbehaviour import BadFault, Fault

WORKER_START_S = 60.0
"""A Python start takes half a second; a machine that is drowning takes longer."""
SLOTS = 4
"""Tasks of one type that the run's worker does at once: T2 and T3 share task types, three T5 run side by side."""


class WorkerDied(RuntimeError):
    """The run's worker process ended although nobody told it to; carries the end of its log."""


def time_at(settings: Settings, endpoint: Endpoint, client: Conductor) -> TimeScale:
    """Choose the time model for a server that is ready: an embedded engine at a URL has the clock it was started with.

    Raises WrongClock where that does not suit what the settings ask for.
    """
    time = time_of(settings, endpoint.kind)
    if endpoint.kind is not Kind.URL:
        return time
    clock = str(client.clock()["clock"]) if endpoint.is_embedded else "real"
    if clock == "virtual" and settings.time in (None, "virtual"):
        return TimeScale(name="virtual")
    if clock == "real" and time.name != "virtual":
        return time
    kind = "embedded engine" if endpoint.is_embedded else "Conductor server"
    asked = f"--k1n-time={settings.time}" if settings.time else "a run of batches"
    wanted = "virtual" if settings.time == "virtual" else "real" if settings.time else "virtual or real"
    raise WrongClock(
        f"{asked} needs a {wanted} clock; the {kind} at {endpoint.shown_url} has a {clock} one",
        remedy="another --k1n-time" if settings.time else "an engine that was started with --clock virtual",
    )


@contextmanager
def open_backend(run: Run, spec: ServerSpec, say: Callable[[str], None]) -> Iterator[Backend]:
    """Open server and workers; end both, whatever happens. Raises ServerError."""
    settings = run.settings
    if spec.kind is Kind.EMBEDDED and time_of(settings, spec.kind).name == "virtual":
        yield _embedded(run)
        return
    with ExitStack() as stack:
        try:
            server = stack.enter_context(
                running_server(
                    _with_processes(spec, settings),
                    run_uid=run.uid,
                    folder=run.folder_path / "server",
                    report=say,
                    log_path=run.folder_path / "server.log",
                )
            )
        except NothingWorks as nothing:
            if settings.time not in (None, "virtual"):
                raise
            yield _embedded(run, nothing.notes or ("docker, jar passed over: virtual time needs the embedded engine",))
            return
        for note in server.endpoint.notes:
            say(note)
        client = Conductor(transport_for(server.endpoint.url))
        stack.callback(client.close)
        time = time_at(settings, server.endpoint, client)
        kind = run.settings.workers or defaults_for(server.endpoint).workers
        worker = stack.enter_context(_worker(run, server.endpoint, time)) if kind == "own" else None
        yield RealBackend(run, server, client, time, worker)


def _with_processes(spec: ServerSpec, settings: Settings) -> ServerSpec:
    """Say which processes may serve: in virtual time the embedded engine needs none, and nothing else can do it."""
    tiers = spec.tiers
    if spec.kind is Kind.AUTO and settings.time in (None, "virtual"):
        tiers = () if settings.time else tuple(tier for tier in tiers if tier is not Kind.EMBEDDED)
    return replace(spec, tiers=tiers, engine_arguments=("--clock", "real", "--seed", str(settings.seed)))


def _embedded(run: Run, notes: Sequence[str] = ()) -> Backend:
    from importlib.metadata import version

    from pytest_k1n.backends.embedded import EmbeddedBackend
    from pytest_k1n.servers.embedded import HandlerWorker
    from pytest_k1n.workers.registry import Handlers

    worker = HandlerWorker(
        Handlers(agents=run.settings.agents, mode="auto" if run.settings.handlers == "auto" else "simulated"),
        seed=run.settings.seed,
        estimates_ms=_estimates(run),
        faults=faults_of(run.settings),
    )
    return EmbeddedBackend(
        worker,
        run.library,
        seed=run.settings.seed,
        slots=SLOTS,
        version=f"pytest-k1n {version('pytest-k1n')}",
        notes=notes,
    )


def faults_of(settings: Settings) -> list[Fault]:
    """Parse the faults that the run's own worker commits. Raises UsageError for one that is none."""
    try:
        return [Fault.parse(text) for text in settings.faults]
    except BadFault as error:
        raise pytest.UsageError(f"--k1n-fault: {error}") from None


class RealBackend:
    """A server that is a process or a URL, and the run's own worker process beside it, unless workers are external."""

    def __init__(self, run: Run, server: Server, client: Conductor, time: TimeScale, worker: Supervised | None) -> None:
        self.client = client
        self.time = time
        self.domain = domain_of(run) if worker else None
        self.slots = SLOTS if worker else None
        self.register_policy: str = "always" if server.endpoint.owned else defaults_for(server.endpoint).register
        self._server = server
        self._worker = worker
        self._ledger = ledger_path(run)
        self._hold = f"launching in run {run.uid}"
        self._is_holding = False

    @property
    def server(self) -> Mapping[str, Json]:
        """kind, url, version, owned, notes: for headers and results."""
        endpoint = self._server.endpoint
        return {
            "kind": "embedded" if endpoint.is_embedded else str(endpoint.kind),
            "url": endpoint.shown_url,
            "version": endpoint.version,
            "owned": endpoint.owned,
            "notes": list(endpoint.notes),
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

    def invocations(self) -> tuple[Mapping[str, Json], ...] | None:
        """Return the worker's ledger: one entry per handler invocation; None where the workers are not ours."""
        from pytest_k1n.workers.ledger import read_ledger

        return read_ledger(self._ledger) if self._worker is not None else None


@contextmanager
def _worker(run: Run, endpoint: Endpoint, time: TimeScale) -> Iterator[Supervised]:
    """Run `k1n worker` beside the server, in a process of its own: no GIL shared with pytest, and it can be killed."""
    run.folder.make()
    estimates = run.folder.write_json("estimates.json", [[*key, ms] for key, ms in _estimates(run).items()])
    plan = run.plan
    argv = [sys.executable, "-m", "pytest_k1n", "worker", "--domain", domain_of(run)]
    argv += ["--speed", str(time.speed), "--seed", str(run.settings.seed), "--slots", str(SLOTS)]
    argv += ["--handlers", run.settings.handlers or ("auto" if time.name == "real" else "simulated")]
    ready = run.folder_path / "worker.ready"
    argv += ["--estimates", str(estimates), "--ledger", str(ledger_path(run)), "--ready", str(ready)]
    for folder in plan.definitions if plan else ():
        argv += ["--definitions", folder]
    if run.settings.agents:
        argv += ["--agents", str(run.settings.agents)]
    for fault in run.settings.faults:
        argv += ["--fault", fault]
    log = run.folder_path / "worker.log"
    # The URL may hold a password: it goes through the environment, not the process list.
    environment = {**_environment(), "K1N_SERVER": endpoint.url, "K1N_RUN_UID": run.uid}
    with Supervised(argv, log_path=log, env=environment, grace_s=5.0, stdin=True) as worker:
        _await_worker(worker, ready)
        yield worker


def _await_worker(worker: Supervised, ready: Path) -> None:
    """Wait until the worker polls: an execution launched before that would wait for it in the queue."""
    for _ in waiting(WORKER_START_S):
        if ready.exists():
            return
        if (code := worker.poll()) is not None:
            raise WorkerDied(f"the worker process ended at its start (exit code {code}): {log_tail(worker.log_path)}")
    raise WorkerDied(
        f"the worker process did not start to poll within {WORKER_START_S:g}s: {log_tail(worker.log_path)}"
    )


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)


def _estimates(run: Run) -> dict[tuple[str, str], int]:
    templates = run.plan.templates if run.plan else ()
    return {(each.workflow, ref): ms for each in templates for ref, ms in each.estimates_ms.items()}


def domain_of(run: Run) -> str:
    """Name the run's task domain: what keeps two runs on one server from stealing each other's tasks."""
    return f"k1n-{run.uid}"


def ledger_path(run: Run) -> Path:
    """Name the worker's ledger of invocations."""
    return run.folder_path / "invocations.jsonl"
