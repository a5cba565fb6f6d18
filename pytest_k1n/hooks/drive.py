"""The drive: one run's batches from the opening of the server to its end, phase by phase, in the order of this file.

It goes on a thread of its own in the controller (or the only process), so that a server start of 20 s never holds up
pytest's loop. The director decides; here it is done.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_k1n.backends.opening import Backend, open_backend
from pytest_k1n.coordination.batch_run import BatchRun
from pytest_k1n.coordination.collection import UNBATCHED
from pytest_k1n.coordination.starts import Start, confirming
from pytest_k1n.run.controller import Controller
from pytest_k1n.run.gate_verdicts import judge
from pytest_k1n.run.results import write_batch
from pytest_k1n.servers.protocol import ServerSpec

if TYPE_CHECKING:  # what batches need: a run of tests that start their own executions brings none of it
    from pytest_k1n.backends.launcher import Launcher
    from pytest_k1n.core.capability import Capability


class Drive:
    """Does what the director decides; `start` once, `close` at the end."""

    def __init__(self, controller: Controller, spec: ServerSpec) -> None:
        self._controller = controller
        self._run = controller.run
        self._director = controller.director
        self._say = self._run.progress.say
        self._spec = spec
        self._thread = threading.Thread(target=self._go, name="k1n-director", daemon=True)

    def start(self) -> None:
        """Begin: returns at once."""
        self._thread.start()

    def close(self, *, timeout_s: float = 60.0) -> bool:
        """End what still runs, stop workers and server; False if they did not end in time."""
        self._director.close()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        has_ended = not self._thread.is_alive()
        if has_ended:
            self._director.take_in()  # what was reported while the thread was on its way out
        return has_ended

    def _go(self) -> None:
        director = self._director
        director.publish_gates()
        try:
            if director.collection.needs_server:
                with open_backend(self._run, self._spec, self._say) as backend:
                    self._serve(backend)
        except Exception as error:  # whatever it was, all waiting tests must be told
            director.publish_error(error)
        while director.turn():  # where there is no server, or none any more: gates go on
            if not director.is_paused:
                director.publish_gates()

    def _serve(self, backend: Backend) -> None:
        """Go through the phases of all batches on a backend, until the run is closed."""
        director = self._director
        launcher = self._launcher(backend) if director.collection.launches else None
        if launcher is not None:
            launcher.register(director.collection.launches, policy=self._run.settings.register)
        if backend.time.name == "real":  # a reference would take as long again as the batch
            director.skip_references()
        self._publish(backend)
        while director.turn():
            if not director.is_paused:
                if launcher is not None:
                    self._launch(launcher)
                    self._look(backend)
                    self._close_batches(backend, launcher)
                director.publish_gates()
        for batch in director.batches:  # on a busy machine the last test may end before the loop has looked
            if batch.is_done and not batch.is_judged and batch.groups:
                self._judge(batch, backend)
        if launcher is not None:
            self._end(backend)

    def _launcher(self, backend: Backend) -> Launcher:
        from pytest_k1n.backends.launcher import Launcher

        run = self._run
        return Launcher(uid=run.uid, plan=run.plan, library=run.library, backend=backend, say=self._say)

    def _publish(self, backend: Backend) -> None:
        self._director.publish(
            server=backend.server,
            time_model=backend.time.name,
            speed=backend.time.speed,
            domain=backend.domain,
            slots=backend.slots,
            capability=_told(backend.capability),
        )

    def _launch(self, launcher: Launcher) -> None:
        """Start the groups whose turn it is, then what tests that are run again have asked for."""
        director = self._director
        for batch in director.batches:
            if director.may_launch(batch):
                started = launcher.start(director.next_group(batch), director.now_ms)
                director.note_started(batch, started.watches, started.failed)
        for batch, starts in director.relaunches():
            started = launcher.start(starts, director.now_ms)
            director.note_started(batch, started.watches, started.failed)

    def _look(self, backend: Backend) -> None:
        """Look at the executions whose turn it is."""
        due = [watch for watch in self._director.watches() if not watch.state.is_settled]
        if due:
            from pytest_k1n.backends.observing import look

            look(due, backend, self._run.folder, self._director.now_ms)
            self._director.publish_executions()

    def _close_batches(self, backend: Backend, launcher: Launcher) -> None:
        """Judge the batches whose executions have ended; write the results of those whose tests have."""
        director = self._director
        for batch in director.batches:
            if batch.is_done and not batch.is_judged and batch.groups and not self._is_making_sure(batch, launcher):
                self._judge(batch, backend)
            if batch.is_judged and not batch.is_reported and director.ledger.is_finished(batch.number):
                batch.is_reported = True
                write_batch(self._controller, batch.number)

    def _is_making_sure(self, batch: BatchRun, launcher: Launcher) -> bool:
        """Start what a suspected regression wants to be run again, group after group; False once nothing is left."""
        if batch.to_confirm is None:
            batch.to_confirm = self._confirmations(batch)
        if any(not watch.state.is_settled for watch in batch.confirmations):
            return True
        if not batch.to_confirm:
            return False
        # What they find has been told of the first execution: only that one could not be started is new.
        quiet = replace(launcher, say=lambda _line: None)
        started = quiet.start(batch.to_confirm.pop(0), self._director.now_ms)
        for key, error in started.failed.items():
            self._say(f"{key} could not be run again: {error}")
        batch.confirmations += started.watches
        return True

    def _confirmations(self, batch: BatchRun) -> list[tuple[Start, ...]]:
        from pytest_k1n.core.regression import CONFIRMED_BY, doubt
        from pytest_k1n.run.regression import compared  # brings the history, which only batches have

        times = self._run.settings.confirm
        if times is None:  # in real time a batch may take hours
            times = 0 if self._director.state.time_model == "real" else CONFIRMED_BY - 1
        if not times or batch.number == UNBATCHED:
            return []
        why = doubt(compared(self._controller, batch, self._director.state))
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
        """Compare a batch with its baseline, judge its quality gates, write its results, in this order."""
        batch.is_judged = True
        if batch.number == UNBATCHED:
            return
        from pytest_k1n.run.regression import compared

        director = self._director
        batch.compared = compared(self._controller, batch, director.state)
        document = judge(self._run, batch, director.state, backend.capability)
        self._run.folder.write_quality(batch.number, document)
        write_batch(self._controller, batch.number)
        director.publish(quality=(*director.state.quality, batch.number))

    def _end(self, backend: Backend) -> None:
        from pytest_k1n.backends.observing import end

        end(self._director.watches(), backend, self._say)
        self._director.publish_executions()


def _told(found: Capability | None) -> Mapping[str, int | None] | None:
    if found is None:  # nearly always: nothing is brought for it
        return None
    from pytest_k1n.core.capability import capability_json

    return capability_json(found)
