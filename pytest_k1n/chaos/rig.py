"""One faulted execution after another on a real server: server, fault proxy, worker, and what comes of it.

What is run are copies of the definitions under names of their own, in a task domain of their own: a server that others
use sees nothing of it but some work. Their response time-outs are shortened, so that what a fault delays is not waited
for by the hour; their retries are kept, because it is those that have to be enough.
"""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from pytest_k1n.chaos import effects
from pytest_k1n.chaos.copies import copied
from pytest_k1n.chaos.faults import KINDS, Injection, kind_named
from pytest_k1n.chaos.judging import Aftermath
from pytest_k1n.chaos.lostjoins import LostJoins
from pytest_k1n.chaos.proxy import FaultProxy
from pytest_k1n.chaos.rigworkers import RigWorkers
from pytest_k1n.chaos.trap import Trap
from pytest_k1n.client.address import urls_in
from pytest_k1n.client.api import Conductor
from pytest_k1n.client.errors import ConductorError
from pytest_k1n.client.transport import transport_for
from pytest_k1n.coordination.speed import lateness
from pytest_k1n.core.model import Execution, Json, WorkflowDefinition
from pytest_k1n.core.wire import wire
from pytest_k1n.servers.jar import JarServer
from pytest_k1n.workers.ledger import read_ledger

LEASE_S = 2
WORK_MS = 300.0
_LOOK_S = 0.05
_DECIDE_EVERY_S = 0.5
_SLOW = 12
"""How many times its usual work a task that outlasts its lease takes."""
_RESTART_WITHIN_S = 240.0
_GONE_WITHIN_S = 5.0
_UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What came of one run: the evidence of each of its executions, and how long they took."""

    evidence: tuple[Aftermath, ...]
    struck: bool
    """Whether the fault happened: a task that is never reached cannot be struck at."""
    took_s: float
    """From the start to the end of the last execution."""
    put_back: int = 0
    """How many JOINs a dead server had lost, whose messages were pushed again as an operator would."""


class Rig:
    """Runs executions of one definition through faults. Use it as a context manager; not thread-safe."""

    def __init__(
        self,
        url: str,
        definition: Mapping[str, Json],
        tasks: Sequence[Mapping[str, Json]],
        *,
        folder: Path,
        server: JarServer | None = None,
        lease_s: int | None = None,
        work_ms: float = WORK_MS,
        handler: str = "once",
        worker: Sequence[str] = (sys.executable, "-m", "pytest_k1n", "worker"),
    ) -> None:
        """`server` is the one at `url`, or one of those at `URL,URL`, if it may be killed.

        `lease_s` is by default what a heartbeat needs on an idle machine, and more where `server` was late when it
        was warmed up: no fault but the machine would let a living worker's lease run out.

        A killed one is started again, unless there are others. `handler` names one of `chaos.effects`; `worker`
        is the command that serves tasks, with the options of `k1n worker`.

        Raises ValueError for a definition with tasks that no worker of its own can be given.
        """
        self.uid = uuid.uuid4().hex[:8]
        if lease_s is None:
            lease_s = LEASE_S * lateness(server.endpoint.fork_ms if server else None)
        self.definition, self.tasks = copied(definition, tasks, uid=self.uid, lease_s=lease_s)
        self._url = url
        self._server = server
        self._folder = folder
        self._lease_s, self._work_ms = lease_s, work_ms
        self._client = Conductor(transport_for(url), patience_s=0)
        names = [str(task["name"]) for task in self.tasks]
        self._workers = RigWorkers(tuple(worker), names, folder=folder, uid=self.uid, handler=handler, work_ms=work_ms)
        self._runs = 0

    @property
    def refs(self) -> tuple[str, ...]:
        """The refs of the tasks that faults can strike at."""
        return tuple(dict.fromkeys(task.ref for task in self.parsed.walk() if task.type == "SIMPLE"))

    @property
    def parsed(self) -> WorkflowDefinition:
        """The definition that is run."""
        return wire.workflow_definition(cast("Json", self.definition))

    def __enter__(self) -> Self:
        self._workers.effects.mkdir(parents=True)
        (self._folder / "definitions").mkdir()
        (self._folder / "definitions" / "definition.json").write_text(json.dumps(self.definition), "utf-8")
        self._client.register_tasks(self.tasks)
        self._client.register_workflows([self.definition])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._workers.end()
        with contextlib.suppress(ConductorError):
            self._client.unregister_workflow(str(self.definition["name"]), 1)
            for task in self.tasks:
                self._client.unregister_task(str(task["name"]))
        self._client.close()

    def run(self, injection: Injection | None = None, *, count: int = 1, within_s: float = 240.0) -> Passed:
        """Start `count` executions at once, let the fault strike at the first that gets there, and see it through.

        The budget leaves a server on SQL the two minutes after which a message comes back that a dead one had popped.
        """
        self._runs += 1
        lost = LostJoins(self._client)
        trap = Trap(injection, lambda: self._strike(injection), work_s=self._work_ms / 1000)
        with contextlib.ExitStack() as stack:
            proxies = [stack.enter_context(FaultProxy(each, trap)) for each in urls_in(self._url)]
            proxy = ",".join(each.url for each in proxies)
            self._workers.start(proxy, faults=self._slowed(injection))
            began = time.monotonic()
            ids = [self._start(number) for number in range(count)]
            executions, given_up = self._see_through(ids, injection, trap, proxy, began + within_s, lost)
            took_s = time.monotonic() - began
            orphans = self._workers.end()
        spared = injection is None or kind_named(injection.kind).spares
        evidence = tuple(self._evidence(each, orphans, given_up, spared) for each in executions)
        for workflow_id in ids:
            with contextlib.suppress(ConductorError):
                self._client.remove(workflow_id)
        return Passed(evidence=evidence, struck=trap.sprung.is_set(), took_s=took_s, put_back=len(lost.put_back))

    def _start(self, number: int) -> str:
        workflow_id = self._client.start_once(
            str(self.definition["name"]),
            correlation_id=f"{self.uid}-{self._runs}-{number}",
            task_to_domain={"*": self.uid},
        )
        self._workers.announce(workflow_id, str(self.definition["name"]))
        return workflow_id

    def _see_through(
        self,
        ids: Sequence[str],
        injection: Injection | None,
        trap: Trap,
        proxy: str,
        deadline: float,
        lost: LostJoins,
    ) -> tuple[list[Execution], str | None]:
        """Look at the executions until all have ended; start again what was killed when its time has come."""
        seen: dict[str, Execution] = {}
        struck_at: float | None = None
        is_over, next_decide = False, 0.0
        has_server_failed = injection is not None and kind_named(injection.kind).victim == "server"
        while True:
            now = time.monotonic()
            if injection is not None and trap.sprung.is_set() and not is_over:
                struck_at = struck_at or now
                if now - struck_at >= injection.lasts * self._lease_s:
                    self._replace(injection, proxy)
                    trap.is_over = is_over = True
                    deadline += time.monotonic() - now  # how long a server takes to start is none of the workflow's
            with contextlib.suppress(ConductorError):
                for workflow_id in ids:
                    if workflow_id not in seen or not seen[workflow_id].is_terminal:
                        seen[workflow_id] = wire.execution(self._client.execution(workflow_id))
                        if trap.sprung.is_set() and now >= next_decide and not seen[workflow_id].is_terminal:
                            self._client.decide(workflow_id)  # the server's own sweep may be a minute late
                        if is_over and has_server_failed:
                            lost.look(seen[workflow_id])
                if now >= next_decide:
                    next_decide = now + _DECIDE_EVERY_S
            if len(seen) == len(ids) and all(each.is_terminal for each in seen.values()):
                if injection is None or is_over or not trap.sprung.is_set():
                    return list(seen.values()), None
            elif now > deadline:
                if injection is not None and trap.sprung.is_set() and not is_over:
                    self._replace(injection, proxy)
                return list(seen.values()), "its budget is used up"
            time.sleep(_LOOK_S)

    def _strike(self, injection: Injection | None) -> None:
        """Do to a process what the fault is; called from a thread of the proxy."""
        assert injection is not None
        worker = self._workers.latest
        match injection.kind:
            case "worker-killed":
                worker.kill(signal.SIGKILL)
            case "worker-frozen":
                worker.kill(signal.SIGSTOP)
                self._later(injection, lambda: worker.kill(signal.SIGCONT))
            case "server-killed":
                self._own_server().kill(signal.SIGKILL)
            case "server-frozen":
                self._own_server().kill(signal.SIGSTOP)
                self._later(injection, lambda: self._own_server().kill(signal.SIGCONT))
            case "disk-full":
                self._limit_files((0, resource.RLIM_INFINITY))
                self._later(injection, lambda: self._limit_files(_UNLIMITED))

    def _slowed(self, injection: Injection | None) -> Sequence[str]:
        """Return the fault that the worker itself commits: to outlast the lease of one task."""
        if injection is None or injection.kind != "work-slow":
            return ()
        return (f"{self.definition['name']}/{injection.ref}#0:slow={_SLOW}",)

    def _later(self, injection: Injection, undo: Callable[[], None]) -> None:
        """End a fault in a thread of its own: the one that looks may be waiting for a server that stands still."""
        threading.Timer(injection.lasts * self._lease_s, undo).start()

    def _replace(self, injection: Injection, proxy: str) -> None:
        """Start again what was killed."""
        if injection.kind == "worker-killed":
            self._workers.latest.wait(10)
            self._workers.start(proxy)
        elif injection.kind == "server-killed":
            self._own_server().process.wait(10)
            if len(urls_in(self._url)) > 1:
                return  # the others go on without it
            self._own_server().restart(time.monotonic() + _RESTART_WITHIN_S)

    def _limit_files(self, limit: tuple[int, int]) -> None:
        """Let the server write no file beyond a size: to it, that is a disk that is full (EFBIG instead of ENOSPC)."""
        resource.prlimit(self._own_server().process.pid, resource.RLIMIT_FSIZE, limit)

    def _own_server(self) -> JarServer:
        if self._server is None:
            raise ValueError("the server is not ours: no fault may strike at it")
        return self._server

    def _evidence(self, execution: Execution, orphans: Sequence[str], given_up: str | None, spared: bool) -> Aftermath:
        """Gather what is left; the execution is read once more, for its tasks may have been older than its end."""
        workflow_id = execution.workflow_id
        document = cast("Json", self._client.execution(workflow_id))
        execution = wire.execution(document) if execution.is_terminal else execution
        entries = [entry for entry in read_ledger(self._workers.ledger) if entry.get("workflow_id") == workflow_id]
        names = {f"{self.uid}:{task['name']}" for task in self.tasks}
        queues = {name: size for name, size in self._sizes().items() if name in names}
        return Aftermath(
            execution=execution,
            effects=effects.effects_in(self._workers.effects, workflow_id),
            begun=Counter(str(entry["task_id"]) for entry in entries),
            queued=queues,
            orphans=orphans,
            spared=spared,
            given_up=None if execution.is_terminal else given_up,
            document={"execution": document, "invocations": cast("Json", entries)},
        )

    def _sizes(self) -> Mapping[str, int]:
        deadline = time.monotonic() + _GONE_WITHIN_S
        while True:
            try:
                return self._client.queue_sizes()
            except ConductorError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK_S)


def kinds_on(server: JarServer | None) -> tuple[str, ...]:
    """Name the kinds of fault that can be committed: a server that is not ours is left alone."""
    return tuple(name for name in KINDS if server is not None or kind_named(name).victim != "server")
