"""The director: owns the server, launches whole batches, observes every execution, decides gates, publishes the state.

It runs on a thread of its own in the controller (or the only process), so that a server start of 20 s never holds up
pytest's loop. Tests and nodes only read what it publishes; what they have to say reaches it through its inbox.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import cast

from pytest_k1n.client.errors import ConductorError
from pytest_k1n.coordination.backend import Backend
from pytest_k1n.coordination.collection import UNBATCHED, Collection, Launch
from pytest_k1n.coordination.launching import Start, again, deadline_ms, groups
from pytest_k1n.coordination.ledger import Gate, Ledger, Outcome
from pytest_k1n.coordination.registration import register
from pytest_k1n.coordination.runfolder import ExecutionState, RunFolder, RunState
from pytest_k1n.coordination.watch import Watch
from pytest_k1n.core.model import Json, WorkflowDefinition
from pytest_k1n.core.observation import LogLine
from pytest_k1n.core.plan import Plan, Template
from pytest_k1n.library import DefinitionNotFound, Library, started_workflows

TICK_S = 0.01
"""How long the director sleeps when nothing has arrived."""
LOOK_MS = 50
"""Shortest time between two looks at one execution; the longest is a fiftieth of what it may take, at most 1 s."""

Clock = Callable[[], float]
OpenBackend = Callable[[Callable[[str], None]], AbstractContextManager[Backend]]
"""Opens the backend; takes what says a line of progress."""


@dataclass(slots=True)
class BatchRun:
    """How far one batch is: its groups of starts, and the watches on what has been started."""

    number: int
    groups: tuple[tuple[Start, ...], ...]
    next_group: int = 0
    watches: list[Watch] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """Launch key -> why it could not be launched."""
    is_judged: bool = False
    is_reported: bool = False

    @property
    def is_quiet(self) -> bool:
        return all(watch.state.is_settled for watch in self.watches)

    @property
    def is_done(self) -> bool:
        return self.next_group == len(self.groups) and self.is_quiet


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the director is told once."""

    collection: Collection
    plan: Plan | None
    library: Library
    folder: RunFolder
    uid: str
    open_backend: OpenBackend
    register_policy: str | None = None
    """`None`: what suits the server."""
    gate_policy: str = "block"
    recorded_passes: frozenset[int] = frozenset()
    """Batches with a recorded pass, for the policy `require`."""
    unknown_blocks: bool = True
    sequential: bool = False
    judge: Callable[[BatchRun, Backend], Mapping[str, Json]] | None = None
    """Evaluates the quality gates of a batch that has ended; its document is kept in the run folder."""
    report: Callable[[int], None] = lambda _batch: None
    """Called with a batch's number when its executions have been judged, and when its last test has ended."""


class Director:
    """Runs the plan of one collection; `start`, then `record` what tests report, then `close`."""

    def __init__(self, setup: Setup, *, say: Callable[[str], None], clock: Clock = time.monotonic) -> None:
        self._setup = setup
        self._say = say
        self._clock = clock
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="k1n-director", daemon=True)
        self._state = RunState()
        self._launches = {launch.key: launch for launch in setup.collection.launches}
        self._relaunched = 0
        self._paused_at: float | None = None
        self._templates: dict[str, Template] = {}
        self.ledger = Ledger(
            setup.collection, policy=setup.gate_policy, unknown_blocks=setup.unknown_blocks
        )  # fmt: skip
        self.batches = [
            BatchRun(number, groups(self._of(number), sequential=setup.sequential))
            for number in (*setup.collection.batches, UNBATCHED)
        ]

    def start(self) -> None:
        """Begin: returns at once."""
        self._thread.start()

    def record(self, node_id: str, outcome: Outcome, *, ended: bool) -> None:
        """Note what a test reported."""
        self._inbox.put(lambda: self.ledger.record(node_id, outcome, ended=ended))

    def rerun(self, node_id: str) -> None:
        """Note that a test is about to run again."""
        self._inbox.put(lambda: self.ledger.rerun(node_id))

    def pause(self, paused: bool) -> None:
        """Stop or restart the clocks of our deadlines: somebody sits in a debugger."""
        self._inbox.put(lambda: self._pause(paused))

    def close(self, *, timeout_s: float = 60.0) -> bool:
        """End what still runs, stop workers and server; False if they did not end in time."""
        self._closing.set()
        self._inbox.put(lambda: None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        has_ended = not self._thread.is_alive()
        if has_ended:
            self._read_inbox()  # what was reported while the thread was on its way out
        return has_ended

    @property
    def state(self) -> RunState:
        return self._state

    def _of(self, batch: int) -> list[Launch]:
        return [launch for launch in self._setup.collection.launches if launch.batch == batch]

    def _run(self) -> None:
        self._publish(gates=self._gates())
        try:
            if self._setup.collection.needs_server:
                with self._setup.open_backend(self._say) as backend:
                    self._prepare(backend)
                    self._loop(backend)
                    self._end(backend)
            else:
                self._loop(None)
        except Exception as error:  # whatever it was, those who wait must be told, each of them once
            self._publish(server_error=self._explain(error))
            self._loop(None)

    def _explain(self, error: Exception) -> str:
        """Say what ended the director: an expected error says it itself, any other is a defect, kept with its trace."""
        if isinstance(error, ConductorError | OSError | ValueError | LookupError):
            return _one_line(error)
        trace = self._setup.folder.path / "director.log"
        trace.parent.mkdir(parents=True, exist_ok=True)
        trace.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        return f"pytest-k1n's director has failed, which is a defect: {error!r} (--k1n-keep=always keeps {trace.name})"

    def _prepare(self, backend: Backend) -> None:
        workflows = self._wanted_definitions()
        if workflows:
            policy = self._setup.register_policy or backend.register_policy
            register(backend.client, workflows, self._setup.library.tasks, policy=policy)
        if backend.time.name == "real":
            # They would take as long again as the batch; recorded ones are compared with, or nothing is.
            for batch in self.batches:
                batch.groups = tuple(group for group in batch.groups if not group[0].alone)
        self._publish(
            server=dict(backend.server),
            time_model=backend.time.name,
            speed=backend.time.speed,
            domain=backend.domain,
            slots=backend.slots,
        )

    def _wanted_definitions(self) -> list[Mapping[str, Json]]:
        """Return the launched definitions and, over any number of levels, those they start as sub-workflows."""
        found: dict[tuple[str, str], Mapping[str, Json]] = {}
        wanted = [(launch.workflow, launch.version) for launch in self._launches.values()]
        while wanted:
            # A definition that is nowhere on disk may still be on the server; the start will tell.
            try:
                document = self._setup.library.workflow(*wanted.pop())
            except DefinitionNotFound:
                continue
            key = (str(document["name"]), str(document.get("version", 1)))
            if key not in found:
                found[key] = document
                wanted += started_workflows(document)
        return list(found.values())

    def _loop(self, backend: Backend | None) -> None:
        while not self._closing.is_set():
            self._read_inbox()
            if self._paused_at is None:
                if backend is not None and not self._state.server_error:
                    self._advance(backend)
                self._publish(gates=self._gates())

    def _read_inbox(self) -> None:
        try:
            message = self._inbox.get(timeout=TICK_S)
            while True:
                message()
                message = self._inbox.get_nowait()
        except queue.Empty:
            return

    def _advance(self, backend: Backend) -> None:
        for batch in self.batches:
            if self._may_launch(batch):
                self._launch(batch, backend)
        self._relaunch(backend)
        self._look(backend)
        for batch in self.batches:
            if batch.is_done and not batch.is_judged and batch.groups:
                self._judge(batch, backend)
            if batch.is_judged and not batch.is_reported and self.ledger.is_finished(batch.number):
                batch.is_reported = True
                self._setup.report(batch.number)

    def _may_launch(self, batch: BatchRun) -> bool:
        if batch.next_group == len(batch.groups) or not batch.is_quiet:
            return False
        if batch.number != UNBATCHED:
            return self._gate(batch.number)[0] == Gate.OPEN
        # Executions outside every batch wait until no batch is being measured.
        return all(
            other.is_done or self._gate(other.number)[0] == Gate.BLOCKED
            for other in self.batches
            if other.number != UNBATCHED
        )

    def _launch(self, batch: BatchRun, backend: Backend) -> None:
        starts = batch.groups[batch.next_group]
        if batch.next_group == 0 and batch.number != UNBATCHED and (reason := self._gate(batch.number)[1]):
            self._say(f"batch{batch.number} runs although {reason}")
        batch.next_group += 1
        self._start(batch, starts, backend)

    def _start(self, batch: BatchRun, starts: tuple[Start, ...], backend: Backend) -> None:
        """Start a group at one moment: a thread for each, so that no start waits for another's answer."""
        with ThreadPoolExecutor(max_workers=len(starts)) as pool:
            attempts = [(start, pool.submit(self._start_one, start, backend)) for start in starts]
        now_ms = self._now_ms()
        for start, attempt in attempts:
            error = attempt.exception()
            if isinstance(error, ConductorError | DefinitionNotFound):
                batch.failed[start.key] = _one_line(error)
                self._say(f"{start.workflow} could not be launched: {error}")
            elif error is not None:
                raise error
            else:
                batch.watches.append(self._watch(start, *attempt.result(), backend, now_ms))
        failed = {key: error for each in self.batches for key, error in each.failed.items()}
        self._publish(launch_errors=failed, executions=self._executions())

    def _start_one(self, start: Start, backend: Backend) -> tuple[str, str]:
        correlation_id = f"k1n-{self._setup.uid}/{start.workflow}/{start.batch}.{start.round}.{_short_hash(start.key)}"
        workflow_id = backend.client.start_once(
            start.workflow,
            version=start.version,
            input=start.input,
            correlation_id=correlation_id,
            task_to_domain={"*": backend.domain} if backend.domain else None,
        )
        backend.announce(workflow_id, start.workflow)
        return workflow_id, correlation_id

    def _watch(self, start: Start, workflow_id: str, correlation_id: str, backend: Backend, now_ms: int) -> Watch:
        definition = self._definition(start)
        template = self._template(start, definition)
        allowed_ms = deadline_ms(
            template,
            definition,
            self._setup.library.task_definitions,
            speed=backend.time.speed,
            within_ms=start.within_ms,
        )
        return Watch(
            start=start,
            workflow_id=workflow_id,
            correlation_id=correlation_id,
            template=template,
            definition=definition,
            time=backend.time,
            deadline_ms=now_ms + allowed_ms,
            look_every_ms=max(LOOK_MS, min(1000, allowed_ms // 2000)),
            say=self._say,
        )

    def _definition(self, start: Start) -> WorkflowDefinition | None:
        try:
            return self._setup.library.workflow_definition(start.workflow, start.version)
        except DefinitionNotFound:
            return None

    def _template(self, start: Start, definition: WorkflowDefinition | None) -> Template | None:
        template = self._setup.plan.template_for(start.workflow) if self._setup.plan else None
        return template.planned_on(definition) if template and definition else template

    def _relaunch(self, backend: Backend) -> None:
        requests = list(self._setup.folder.relaunch_requests())
        for _, request in requests[self._relaunched :]:
            self._relaunched += 1
            key = str(request["key"])
            known = self._state.of_key(key)
            if len(known) >= int(request["count"]):
                continue  # another test of the same execution was quicker to ask
            launch = self._launches[key]
            batch = next(each for each in self.batches if each.number == launch.batch)
            batch.is_judged = batch.is_reported = False
            self._publish(quality=tuple(number for number in self._state.quality if number != batch.number))
            self._start(batch, (again(launch, len(known)),), backend)

    def _look(self, backend: Backend) -> None:
        due = [watch for batch in self.batches for watch in batch.watches if not watch.state.is_settled]
        if not due:
            return
        backend.settle()
        trouble = backend.trouble()
        now_ms = self._now_ms()
        for watch in due:
            if now_ms < watch.next_look_ms:
                continue
            watch.next_look_ms = now_ms + watch.look_every_ms
            if watch.wants_decision(now_ms):
                backend.client.decide(watch.workflow_id)
            document = backend.client.execution(watch.workflow_id)
            if watch.see(document, now_ms):
                self._setup.folder.write_snapshot(watch.workflow_id, document)
            reason = None if watch.state.is_settled else trouble or watch.overdue(now_ms)
            if reason:
                watch.release(reason)
            if watch.state.is_settled:
                self._keep_evidence(watch, backend)
        self._publish(executions=self._executions())

    def _keep_evidence(self, watch: Watch, backend: Backend) -> None:
        """Complete an observation with what only the server and the workers know: task logs, the ledger."""
        if watch.observation is None:
            return
        logs: dict[str, tuple[LogLine, ...]] = {}
        for task in watch.observation.execution.tasks:
            if task.is_worker_task:
                lines = backend.client.logs(task.task_id)
                logs[task.task_id] = tuple((cast("int", line["createdTime"]), str(line["log"])) for line in lines)
        ledger = backend.invocations()
        own = None if ledger is None else [each for each in ledger if each.get("workflow_id") == watch.workflow_id]
        watch.complete(logs, own)
        self._setup.folder.write_json(f"evidence/{watch.workflow_id}.json", {"logs": logs, "invocations": own})

    def _judge(self, batch: BatchRun, backend: Backend) -> None:
        batch.is_judged = True
        if self._setup.judge is not None and batch.number != UNBATCHED:
            document = self._setup.judge(batch, backend)
            self._setup.folder.write_json(f"quality/{batch.number}.json", document)
            self._setup.report(batch.number)
            self._publish(quality=(*self._state.quality, batch.number))

    def _gates(self) -> dict[str, tuple[str, str]]:
        return {str(batch.number): self._gate(batch.number) for batch in self.batches if batch.number != UNBATCHED}

    def _gate(self, number: int) -> tuple[str, str]:
        if self._setup.gate_policy == "require" and self._setup.plan is not None:
            selected = self._setup.collection.batches
            for earlier in self._setup.plan.batches:
                is_met = earlier.number in selected or earlier.number in self._setup.recorded_passes
                if earlier.number < number and not is_met:
                    reason = f"{earlier.name} has no recorded pass with these definitions: run pytest -m {earlier.name}"
                    return (Gate.BLOCKED, reason)
        state = self.ledger.gate(number)
        return (state.gate, state.reason)

    def _executions(self) -> tuple[ExecutionState, ...]:
        return tuple(watch.state for batch in self.batches for watch in batch.watches)

    def _pause(self, paused: bool) -> None:
        if paused and self._paused_at is None:
            self._paused_at = self._clock()
        elif not paused and self._paused_at is not None:
            held_ms = round((self._clock() - self._paused_at) * 1000)
            self._paused_at = None
            for batch in self.batches:
                for watch in batch.watches:
                    watch.deadline_ms += held_ms
        self._publish(paused=paused)

    def _end(self, backend: Backend) -> None:
        """End our executions that still run, on a server that stays: theirs are the workers we are about to stop."""
        for batch in self.batches:
            for watch in batch.watches:
                if not watch.state.is_settled:
                    watch.release("the run ended before it was terminal")
                if watch.state.released and backend.server.get("owned") is not True:
                    try:
                        backend.client.terminate(watch.workflow_id, "the pytest-k1n run that started it has ended")
                    except ConductorError as error:
                        self._say(f"{watch.title} could not be terminated: {error}")
        self._publish(executions=self._executions())

    def _publish(self, **changes: object) -> None:
        state = replace(self._state, **changes)  # type: ignore[arg-type]  # the fields of RunState, by name
        if state != self._state:
            self._state = state
            self._setup.folder.publish(state)

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)


def _one_line(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]
