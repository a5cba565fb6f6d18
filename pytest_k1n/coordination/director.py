"""The director: owns the server, launches whole batches, observes every execution, decides gates, publishes the state.

It runs on a thread of its own in the controller (or the only process), so that a server start of 20 s never holds up
pytest's loop. Tests and nodes only read what it publishes; what they have to say reaches it through its inbox.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_k1n.client.errors import ConductorError
from pytest_k1n.coordination.backend import Backend
from pytest_k1n.coordination.batch_run import BatchRun
from pytest_k1n.coordination.collection import UNBATCHED, Collection, Launch
from pytest_k1n.coordination.ledger import Gate, GateLedger, ItemOutcome
from pytest_k1n.coordination.runfolder import LaunchedExecution, RunState
from pytest_k1n.coordination.setup import Setup
from pytest_k1n.coordination.starts import Start, again, confirming, groups

if TYPE_CHECKING:  # what batches need: a run of tests that start their own executions brings none of it
    from pytest_k1n.coordination.launcher import Launcher
    from pytest_k1n.coordination.watch import Watch
    from pytest_k1n.core.capability import Capability

TICK_S = 0.01
"""How long the director sleeps when nothing has arrived."""

Clock = Callable[[], float]


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
        self.ledger = GateLedger(
            setup.collection, policy=setup.gate_policy, unknown_blocks=setup.unknown_blocks
        )  # fmt: skip
        self.batches = [
            BatchRun(number, groups(self._of(number), sequential=setup.sequential))
            for number in (*setup.collection.batches, UNBATCHED)
        ]

    def start(self) -> None:
        """Begin: returns at once."""
        self._thread.start()

    def record(self, node_id: str, outcome: ItemOutcome, *, phase: str) -> None:
        """Note what a test of a batch reported; no other's outcome is worth waking the director for."""
        if self.ledger.awaits(node_id):
            self._inbox.put(lambda: self.ledger.record(node_id, outcome, phase=phase))

    def rerun(self, node_id: str) -> None:
        """Note that a test is about to run again."""
        self._inbox.put(lambda: self.ledger.rerun(node_id))

    def pause(self, paused: bool) -> None:
        """Stop or restart the clocks of the deadlines: a person sits in a debugger."""
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

    @property
    def collection(self) -> Collection:
        return self._setup.collection

    def _of(self, batch: int) -> list[Launch]:
        return [launch for launch in self._setup.collection.launches if launch.batch == batch]

    def _run(self) -> None:
        self._publish(gates=self._gates())
        try:
            if self._setup.collection.needs_server:
                with self._setup.open_backend(self._say) as backend:
                    launcher = self._launcher(backend) if self._launches else None
                    self._prepare(backend, launcher)
                    self._loop(launcher)
                    self._judge_rest(backend)
                    self._end(backend)
            else:
                self._loop(None)
        except Exception as error:  # whatever it was, all waiting tests must be told, each of them once
            self._publish(server_error=self._explain(error))
            self._loop(None)

    def _explain(self, error: Exception) -> str:
        """Say what ended the director: an expected error says it itself, any other is a defect, kept with its trace."""
        from pytest_k1n.servers.errors import ServerError  # here: most runs meet none

        if isinstance(error, ConductorError | ServerError | OSError | ValueError | LookupError):
            return str(error) or type(error).__name__
        trace = self._setup.folder.path / "director.log"
        trace.parent.mkdir(parents=True, exist_ok=True)
        trace.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        return f"pytest-k1n's director has failed, which is a defect: {error!r} (--k1n-keep=always keeps {trace.name})"

    def _launcher(self, backend: Backend) -> Launcher:
        from pytest_k1n.coordination.launcher import Launcher

        setup = self._setup
        return Launcher(uid=setup.uid, plan=setup.plan, library=setup.library, backend=backend, say=self._say)

    def _prepare(self, backend: Backend, launcher: Launcher | None) -> None:
        if launcher is not None:
            launcher.register(self._launches.values(), policy=self._setup.register_policy)
        if backend.time.name == "real":
            # They would take as long again as the batch; recorded ones are compared with, or nothing is.
            for batch in self.batches:
                batch.groups = tuple(group for group in batch.groups if not group[0].alone)
        self._publish(
            server=backend.server,
            time_model=backend.time.name,
            speed=backend.time.speed,
            domain=backend.domain,
            slots=backend.slots,
            capability=_told(backend.capability),
        )

    def _loop(self, launcher: Launcher | None) -> None:
        while not self._closing.is_set():
            self._read_inbox()
            if self._paused_at is None:
                if launcher is not None and not self._state.server_error:
                    self._advance(launcher)
                self._publish(gates=self._gates())

    def _read_inbox(self) -> None:
        try:
            message = self._inbox.get(timeout=TICK_S)
            while True:
                message()
                message = self._inbox.get_nowait()
        except queue.Empty:
            return

    def _advance(self, launcher: Launcher) -> None:
        backend = launcher.backend
        for batch in self.batches:
            if self._may_launch(batch):
                self._launch(batch, launcher)
        self._relaunch(launcher)
        self._look(backend)
        for batch in self.batches:
            if batch.is_done and not batch.is_judged and batch.groups and not self._is_making_sure(batch, launcher):
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

    def _launch(self, batch: BatchRun, launcher: Launcher) -> None:
        starts = batch.groups[batch.next_group]
        if batch.next_group == 0 and batch.number != UNBATCHED and (reason := self._gate(batch.number)[1]):
            self._say(f"batch{batch.number} runs although {reason}")
        batch.next_group += 1
        self._start(batch, starts, launcher)

    def _start(self, batch: BatchRun, starts: tuple[Start, ...], launcher: Launcher) -> None:
        started = launcher.start(starts, self._now_ms)
        batch.watches += started.watches
        batch.failed.update(started.failed)
        failed = {key: error for each in self.batches for key, error in each.failed.items()}
        self._publish(launch_errors=failed, executions=self._executions())

    def _relaunch(self, launcher: Launcher) -> None:
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
            self._start(batch, (again(launch, len(known)),), launcher)

    def _look(self, backend: Backend) -> None:
        due = [watch for watch in self._watches() if not watch.state.is_settled]
        if due:
            from pytest_k1n.coordination.observing import look

            look(due, backend, self._setup.folder, self._now_ms)
            self._publish(executions=self._executions())

    def _is_making_sure(self, batch: BatchRun, launcher: Launcher) -> bool:
        """Start what a suspected regression wants to be run again, group after group; False once nothing is left."""
        if batch.to_confirm is None:
            batch.to_confirm = self._confirmations(batch)
        if any(not watch.state.is_settled for watch in batch.confirmations):
            return True
        if not batch.to_confirm:
            return False
        # What they find has been told of the first execution: only that one could not be started is new.
        started = replace(launcher, say=lambda _line: None).start(batch.to_confirm.pop(0), self._now_ms)
        for key, error in started.failed.items():
            self._say(f"{key} could not be run again: {error}")
        batch.confirmations += started.watches
        return True

    def _confirmations(self, batch: BatchRun) -> list[tuple[Start, ...]]:
        from pytest_k1n.core.regression import CONFIRMED_BY, doubt

        times = self._setup.confirmations
        if times is None:  # in real time a batch may take hours
            times = 0 if self._state.time_model == "real" else CONFIRMED_BY - 1
        if not times or batch.number == UNBATCHED:
            return []
        why = doubt(self._setup.compare(batch, self._state))
        if not why:
            return []
        self._say(f"batch{batch.number}: {why}: run {times} times more to make sure")
        return [
            tuple(confirming(start, turn) for start in group)
            for turn in range(1, times + 1)
            for group in batch.groups
            if group[0].is_main
        ]

    def _judge(self, batch: BatchRun, backend: Backend) -> None:
        batch.is_judged = True
        if self._setup.judge is not None and batch.number != UNBATCHED:
            batch.compared = self._setup.compare(batch, self._state)
            document = self._setup.judge(batch, backend)
            self._setup.folder.write_quality(batch.number, document)
            self._setup.report(batch.number)
            self._publish(quality=(*self._state.quality, batch.number))

    def _judge_rest(self, backend: Backend) -> None:
        """Judge what was done when the last test had ended: on a busy machine that may be before the loop looked."""
        for batch in self.batches:
            if batch.is_done and not batch.is_judged and batch.groups and not self._state.server_error:
                self._judge(batch, backend)

    def _gates(self) -> dict[str, tuple[str, str]]:
        return {str(batch.number): self._gate(batch.number) for batch in self.batches if batch.number != UNBATCHED}

    def _gate(self, number: int) -> tuple[str, str]:
        if self._setup.gate_policy == "require" and self._setup.plan is not None:
            selected = self._setup.collection.batches
            for earlier in self._setup.plan.batches:
                why = self._setup.missing_passes.get(earlier.number)
                if earlier.number < number and why and earlier.number not in selected:
                    return (Gate.BLOCKED, f"{earlier.name} must pass first: {why}; run pytest -m {earlier.name}")
        state = self.ledger.gate(number)
        return (state.gate, state.reason)

    def _executions(self) -> tuple[LaunchedExecution, ...]:
        return tuple(watch.state for batch in self.batches for watch in batch.watches)

    def _watches(self) -> Iterator[Watch]:
        return (watch for batch in self.batches for watch in (*batch.watches, *batch.confirmations))

    def _pause(self, paused: bool) -> None:
        if paused and self._paused_at is None:
            self._paused_at = self._clock()
        elif not paused and self._paused_at is not None:
            held_ms = round((self._clock() - self._paused_at) * 1000)
            self._paused_at = None
            for watch in self._watches():
                watch.deadline_ms += held_ms
        self._publish(paused=paused)

    def _end(self, backend: Backend) -> None:
        if not self._launches:
            return
        from pytest_k1n.coordination.observing import end

        end(self._watches(), backend, self._say)
        self._publish(executions=self._executions())

    def _publish(self, **changes: object) -> None:
        state = replace(self._state, **changes)  # type: ignore[arg-type]  # the fields of RunState, by name
        if state != self._state:
            self._state = state
            self._setup.folder.publish(state)

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)


def _told(found: Capability | None) -> Mapping[str, int | None] | None:
    if found is None:  # nearly always: nothing is brought for it
        return None
    from pytest_k1n.core.capability import capability_json

    return capability_json(found)
