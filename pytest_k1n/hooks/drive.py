"""The drive: one run's batches from the opening of the server to its end, phase by phase, in the order of this file.

It goes on a thread of its own in the controller (or the only process), so that a server start of 20 s never holds up
pytest's loop. The director decides; here it is done.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_k1n.backends.opening import Backend, open_backend
from pytest_k1n.coordination.batch_run import BatchRun
from pytest_k1n.coordination.collection import UNBATCHED, Collection, Start, confirming
from pytest_k1n.coordination.director import Director
from pytest_k1n.coordination.setup import Setup
from pytest_k1n.hooks.beforehand import check_workflows, may_have_left
from pytest_k1n.hooks.imports import import_for_threads
from pytest_k1n.run import xdist
from pytest_k1n.run.controller import Controller
from pytest_k1n.run.gate_verdicts import judge
from pytest_k1n.run.recorded_passes import missing_passes, record_passes
from pytest_k1n.run.reports import check_reports, write_reports
from pytest_k1n.run.results import check_results_folder, fail_contradictions, results, write_all, write_batch
from pytest_k1n.run.run import Run
from pytest_k1n.run.server_choice import check_extras, faults_of, spec_of, time_of
from pytest_k1n.run.termination import end_on_sigterm
from pytest_k1n.run.waiting import unsuited
from pytest_k1n.servers.folders import sweep
from pytest_k1n.servers.protocol import Kind, ServerSpec
from pytest_k1n.settings import Settings

if TYPE_CHECKING:  # what batches need: a run of tests that start their own executions brings none of it
    from pytest_k1n.backends.launcher import Launcher
    from pytest_k1n.core.gates.facts import JoinControl
    from pytest_k1n.core.timing.capability import Capability
    from pytest_k1n.servers.supervised import Supervised


def prepare(run: Run, collection: Collection) -> Drive:
    """Make a drive ready to start. Raises UsageError for a distribution mode or settings that cannot work."""
    if collection.error:
        raise pytest.UsageError(collection.error)
    xdist.check_mode(run.config, collection)
    run.know(collection)
    check_workflows(run, collection)
    if collection.launches:
        check_results_folder(run)
        check_reports(run)
    spec = _checked_spec(run.settings)
    controller = Controller(run=run, director=_make_director(run, collection), started_ms=_epoch_ms())
    import_for_threads(run, collection)
    sweep(spares=may_have_left)
    run.folder.make()
    end_on_sigterm()
    return Drive(controller, spec)


def _checked_spec(settings: Settings) -> ServerSpec:
    """Say which server is to be opened. Raises UsageError for settings that contradict each other."""
    spec = spec_of(settings)
    if spec.kind is not Kind.AUTO:
        time_of(settings, spec.kind)
    check_extras(settings, spec)
    faults_of(settings)
    return spec


def _make_director(run: Run, collection: Collection) -> Director:
    settings = run.settings
    setup = Setup(
        collection=collection,
        plan=run.plan,
        folder=run.folder,
        gate_policy=settings.gate,
        missing_passes=missing_passes(run) if settings.gate == "require" else {},
        unknown_blocks=settings.unknown == "fail",
        sequential=settings.sequential,
    )
    return Director(setup, say=run.progress.say)


class Drive:
    """Does what the director decides; `start` once, `close` at the end."""

    def __init__(self, controller: Controller, spec: ServerSpec) -> None:
        self.controller = controller
        self._run = controller.run
        self._director = controller.director
        self._say = self._run.progress.say
        self._spec = spec
        self._starting: list[Supervised] = []
        """Processes of a server that is not open yet."""
        self._thread = threading.Thread(target=self._go, name="k1n-director", daemon=True)

    def start(self) -> None:
        """Begin: returns at once."""
        self._thread.start()

    def close(self, *, timeout_s: float = 60.0) -> bool:
        """End what still runs, stop workers and server; False if they did not end in time."""
        self._director.close()
        for process in [*self._starting]:  # nobody waits for it any more, and a start may take two minutes
            process.kill()
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
                with open_backend(self._run, self._spec, self._say, self._starting.append) as backend:
                    self._starting.clear()
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
        director.leave_out(director.collection.unused(partial(unsuited, self._run, state=director.state)))
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
        return Launcher(
            uid=run.uid, plan=run.plan, library=run.library, backend=backend, say=self._say, epoch_ms=_epoch_ms
        )

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

            look(due, backend, self._run.folder, self._director.now_ms, _epoch_ms)
            self._director.publish_executions()

    def _close_batches(self, backend: Backend, launcher: Launcher) -> None:
        """Judge the batches whose executions have ended; write the results of those whose tests have."""
        director = self._director
        for batch in director.batches:
            if batch.is_done and not batch.is_judged and batch.groups and not self._is_making_sure(batch, launcher):
                self._judge(batch, backend)
            if batch.is_judged and not batch.is_reported and director.ledger.is_finished(batch.number):
                batch.is_reported = True
                write_batch(self.controller, batch.number)

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
        from pytest_k1n.core.baselines.regression import CONFIRMED_BY, doubt
        from pytest_k1n.run.regression import compared  # brings the history, which only batches have

        times = self._run.settings.confirm
        if times is None:  # in real time a batch may take hours
            times = 0 if self._director.state.time_model == "real" else CONFIRMED_BY - 1
        if not times or batch.number == UNBATCHED:
            return []
        found = compared(self.controller, batch, self._director.state)
        if not found or not (why := doubt(found)):
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
        batch.compared = compared(self.controller, batch, director.state)
        document = judge(self._run, batch, director.state, backend.capability, self._control(batch, backend))
        self._run.folder.write_quality(batch.number, document)
        write_batch(self.controller, batch.number)
        director.publish(quality=(*director.state.quality, batch.number))

    def _control(self, batch: BatchRun, backend: Backend) -> JoinControl | None:
        """See how late JOINs are that nothing holds up, where the batch has some to compare with."""
        from pytest_k1n.core.gates.facts import JoinControl

        joins = backend.control_joins() if batch.has_joins else ()
        return JoinControl(joins=joins, weather=backend.weather(until_ms=joins[-1].lag.end_ms)) if joins else None

    def _end(self, backend: Backend) -> None:
        from pytest_k1n.backends.observing import end

        end(self._director.watches(), backend, self._say)
        self._director.publish_executions()

    def write_results(self) -> None:
        """Write what is known of every template, once the drive is closed; what contradicts its tests fails the run."""
        run, director = self._run, self._director
        found = self.controller.results = tuple(results(self.controller))
        write_all(self.controller, found)
        fail_contradictions(self.controller, found)
        numbers = [batch.number for batch in director.batches if batch.number != UNBATCHED]
        finished = [number for number in numbers if director.ledger.is_finished(number)]
        record_passes(
            run, {number: director.ledger.outcomes(number) for number in finished}, self.controller.contradicted
        )

    def write_reports(self, *, exit_code: int) -> None:
        """Write the run's document and the reports made from it; one that cannot be written fails the run."""
        from pytest_k1n.run.document import run_document
        from pytest_k1n.run.regression import remember

        controller = self.controller
        document = run_document(controller, controller.results, ended_ms=_epoch_ms(), exit_code=exit_code)
        controller.document = document
        if (baseline := remember(controller, document)) is not None:
            document["baseline"] = baseline
        controller.reports = write_reports(controller, document)


def _told(found: Capability | None) -> Mapping[str, int | None] | None:
    if found is None:  # nearly always: nothing is brought for it
        return None
    from pytest_k1n.core.timing.capability import capability_json

    return capability_json(found)


def _epoch_ms() -> int:
    return time.time_ns() // 1_000_000
