"""The director: decides which batch may start, keeps what is known of each execution, publishes the state.

One thread of the controller (or of the only process) asks it, step by step, and does what it decides: `hooks/drive.py`.
Tests and nodes only read what it publishes; what they have to say reaches it through its inbox.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_k1n.client.errors import ConductorError, Denied
from pytest_k1n.coordination.batch_run import BatchRun
from pytest_k1n.coordination.collection import UNBATCHED, Collection, Launch, Start, again, groups
from pytest_k1n.coordination.gate_ledger import Gate, GateLedger, ItemOutcome
from pytest_k1n.coordination.runfolder import RunState
from pytest_k1n.coordination.setup import Setup

if TYPE_CHECKING:  # what batches need: a run of tests that start their own executions brings none of it
    from pytest_k1n.coordination.watch import Watch

TICK_S = 0.01
"""How long a turn waits when nothing has arrived."""

Clock = Callable[[], float]


class Director:
    """One collection's batches, gates and state. Any thread may call `record`, `rerun`, `pause` and `close`."""

    def __init__(self, setup: Setup, *, say: Callable[[str], None], clock: Clock = time.monotonic) -> None:
        self._setup = setup
        self._say = say
        self._clock = clock
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._launches = {launch.key: launch for launch in setup.collection.launches}
        self._relaunched = 0
        self._paused_at: float | None = None
        self.left_out: Set[str] = frozenset()
        """Keys of launches that nothing observes on this server."""
        self.refusal = ""
        """Why no server could be used at all, so that nothing was started."""
        self.state = RunState()
        self.ledger = GateLedger(
            setup.collection, policy=setup.gate_policy, unknown_blocks=setup.unknown_blocks
        )  # fmt: skip
        self.batches = [
            BatchRun(number, groups(self._of(number), sequential=setup.sequential))
            for number in (*setup.collection.batches, UNBATCHED)
        ]

    def record(self, node_id: str, outcome: ItemOutcome, *, phase: str) -> None:
        """Note what a test of a batch reported; no other's outcome is worth waking the thread for."""
        if self.ledger.awaits(node_id):
            self._inbox.put(lambda: self.ledger.record(node_id, outcome, phase=phase))

    def rerun(self, node_id: str) -> None:
        """Note that a test is about to run again."""
        self._inbox.put(lambda: self.ledger.rerun(node_id))

    def pause(self, paused: bool) -> None:
        """Stop or restart the clocks of the deadlines: a person sits in a debugger."""
        self._inbox.put(lambda: self._pause(paused))

    def close(self) -> None:
        """Let no turn follow the one that is being taken."""
        self._closing.set()
        self._inbox.put(lambda: None)

    @property
    def collection(self) -> Collection:
        return self._setup.collection

    @property
    def is_paused(self) -> bool:
        """Whether a person sits in a debugger: nothing is launched, looked at or judged."""
        return self._paused_at is not None

    def turn(self) -> bool:
        """Wait for what tests have to say, at most a moment, and take it in; False once the run is being closed."""
        if self._closing.is_set():
            return False
        self.take_in(TICK_S)
        return True

    def take_in(self, within_s: float = 0) -> None:
        """Take in what has been said, and wait so long for the first of it."""
        try:
            message = self._inbox.get(timeout=within_s)
            while True:
                message()
                message = self._inbox.get_nowait()
        except queue.Empty:
            return

    def publish(self, **changes: object) -> None:
        """Change fields of the state and write it where it has changed."""
        state = replace(self.state, **changes)  # type: ignore[arg-type]  # the fields of RunState, by name
        if state != self.state:
            self.state = state
            self._setup.folder.publish(state)

    def publish_gates(self) -> None:
        """Publish which batches' gates are open, and why the others are not."""
        batches = (batch.number for batch in self.batches if batch.number != UNBATCHED)
        self.publish(gates={str(number): self._gate(number) for number in batches})

    def publish_executions(self, **changes: object) -> None:
        """Publish how far each execution is that has been launched, and what else has changed."""
        self.publish(**changes, executions=tuple(watch.state for batch in self.batches for watch in batch.watches))

    def publish_error(self, error: Exception) -> None:
        """Tell all waiting tests, each of them once, what has ended the run: nothing is launched any more."""
        from pytest_k1n.servers.errors import ServerError  # here: most runs meet none

        told = self._explain(error)
        if self.state.server is None and isinstance(error, ServerError | Denied) and not self._closing.is_set():
            self.refusal = told  # before the state is written: tests report as soon as they have read that
        self.publish(server_error=told)

    def _explain(self, error: Exception) -> str:
        """Say what ended the run: an expected error says it itself, any other is a defect, kept with its trace."""
        from pytest_k1n.servers.errors import ServerError  # here: most runs meet none

        if isinstance(error, ServerError) and self._closing.is_set():
            return "the run was interrupted"  # what ended the server
        if isinstance(error, ConductorError | ServerError | OSError | ValueError | LookupError):
            return str(error) or type(error).__name__
        trace = self._setup.folder.path / "director.log"
        trace.parent.mkdir(parents=True, exist_ok=True)
        trace.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        return f"pytest-k1n's director has failed, which is a defect: {error!r} (--k1n-keep=always keeps {trace.name})"

    def skip_references(self) -> None:
        """Launch nothing alone: recorded executions are compared with, or none are."""
        for batch in self.batches:
            batch.groups = tuple(group for group in batch.groups if not group[0].alone)

    def leave_out(self, keys: Set[str]) -> None:
        """Launch nothing under these keys: all tests that observe them are skipped on this server."""
        self.left_out = keys
        for batch in self.batches:
            kept = (tuple(start for start in group if start.key not in keys) for group in batch.groups)
            batch.groups = tuple(filter(None, kept))

    def may_launch(self, batch: BatchRun) -> bool:
        """Whether the next group of a batch is to be started now."""
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

    def next_group(self, batch: BatchRun) -> tuple[Start, ...]:
        """Take the next group of a batch, which is to be started at one moment."""
        starts = batch.groups[batch.next_group]
        if batch.next_group == 0 and batch.number != UNBATCHED and (reason := self._gate(batch.number)[1]):
            self._say(f"batch{batch.number} runs although {reason}")
        batch.next_group += 1
        return starts

    def relaunches(self) -> Iterator[tuple[BatchRun, tuple[Start, ...]]]:
        """Yield what tests that are run again have asked for since the last call, and of which batch it is."""
        requests = list(self._setup.folder.relaunch_requests())
        for _, request in requests[self._relaunched :]:
            self._relaunched += 1
            key = str(request["key"])
            known = self.state.of_key(key)
            if len(known) >= int(request["count"]):
                continue  # another test of the same execution was quicker to ask
            launch = self._launches[key]
            batch = next(each for each in self.batches if each.number == launch.batch)
            batch.is_judged = batch.is_reported = False
            self.publish(quality=tuple(number for number in self.state.quality if number != batch.number))
            yield batch, (again(launch, len(known)),)

    def note_started(self, batch: BatchRun, watches: tuple[Watch, ...], failed: Mapping[str, str]) -> None:
        """Keep the watches on what has been started, and why the rest could not be: launch key -> reason."""
        batch.watches += watches
        batch.failed.update(failed)
        errors = {key: error for each in self.batches for key, error in each.failed.items()}
        self.publish_executions(launch_errors=errors)

    def watches(self) -> Iterator[Watch]:
        """Yield the watches on all that has been started, confirmations too."""
        return (watch for batch in self.batches for watch in (*batch.watches, *batch.confirmations))

    def now_ms(self) -> int:
        """Tell the instant of the monotonic clock."""
        return round(self._clock() * 1000)

    def _of(self, batch: int) -> list[Launch]:
        return [launch for launch in self._setup.collection.launches if launch.batch == batch]

    def _gate(self, number: int) -> tuple[str, str]:
        if self._setup.gate_policy == "require" and self._setup.plan is not None:
            selected = self._setup.collection.batches
            for earlier in self._setup.plan.batches:
                why = self._setup.missing_passes.get(earlier.number)
                if earlier.number < number and why and earlier.number not in selected:
                    return (Gate.BLOCKED, f"{earlier.name} must pass first: {why}; run pytest -m {earlier.name}")
        state = self.ledger.gate(number)
        return (state.gate, state.reason)

    def _pause(self, paused: bool) -> None:
        if paused and self._paused_at is None:
            self._paused_at = self._clock()
        elif not paused and self._paused_at is not None:
            held_ms = round((self._clock() - self._paused_at) * 1000)
            self._paused_at = None
            for watch in self.watches():
                watch.deadline_ms += held_ms
        self.publish(paused=paused)
