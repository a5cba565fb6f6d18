"""The controller's part of a run, from beginning to end: hooks that come with the director, never on a node."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping

import pytest

from pytest_k1n.coordination.collection import UNBATCHED, Collection
from pytest_k1n.coordination.director import Director
from pytest_k1n.coordination.ledger import ItemOutcome
from pytest_k1n.coordination.setup import Setup
from pytest_k1n.hooks.drive import Drive
from pytest_k1n.run import xdist
from pytest_k1n.run.controller import Controller
from pytest_k1n.run.note import has_note, note_of
from pytest_k1n.run.outcomes import outcome_of
from pytest_k1n.run.recorded_passes import missing_passes, record_passes
from pytest_k1n.run.reports import check_reports, keep_reports, write_reports
from pytest_k1n.run.results import check_results_folder, contradictions, results, write_all
from pytest_k1n.run.run import Run
from pytest_k1n.run.server_choice import check_extras, faults_of, spec_of, time_of
from pytest_k1n.run.termination import end_on_sigterm, forget_sigterm
from pytest_k1n.servers.folders import sweep
from pytest_k1n.servers.protocol import Kind, ServerSpec
from pytest_k1n.settings import DEFAULT_SERVER, Settings

CONTRADICTIONS = 10
"""Lines that one batch may have: of hundreds of templates the rest is counted."""


def begin(run: Run, collection: Collection) -> None:
    """Start the director on a collection. Raises UsageError for a distribution mode or settings that cannot work."""
    if collection.items or collection.error:
        drive, controller = _prepare(run, collection)
        run.config.pluginmanager.register(ControllerHooks(controller, drive), "k1n-controller")
        drive.start()


class ControllerHooks:
    """What the controller does with reports, in the debugger and at the end."""

    def __init__(self, controller: Controller, drive: Drive) -> None:
        self.controller = controller
        self._drive = drive

    @pytest.hookimpl(tryfirst=True)  # before the terminal reporter, so that the gate opens as early as it can
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Feed the gate ledger, gather findings, tell each cause once; a crashed node's test is reported here, too."""
        _feed(self.controller, report)
        if report.when == "call" and report.longrepr is not None and has_note(report):
            self.controller.tell_once(report)

    def pytest_enter_pdb(self) -> None:
        """Stop the director's deadlines while a person sits in the debugger."""
        self.controller.director.pause(True)

    def pytest_leave_pdb(self) -> None:
        """Let the director's deadlines run again."""
        self.controller.director.pause(False)

    @pytest.hookimpl(trylast=True)  # --lf has written its list by then, the terminal has not yet summed up
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """End the director, also after Ctrl-C; settle the exit code and what --lf runs next time."""
        if not self._drive.close():
            line = "the director did not end within a minute: a server or worker may be left running"
            self.controller.fail(line)
        _finish(self.controller, session)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show executions, quality gates, where the time went, files written: one screen."""
        from pytest_k1n.hooks.terminal import summary

        summary(self.controller, terminalreporter)

    def pytest_unconfigure(self) -> None:
        """Remove or keep the run folder."""
        _settle_folder(self.controller)


def _prepare(run: Run, collection: Collection) -> tuple[Drive, Controller]:
    """Make a drive ready to start. Raises UsageError for a distribution mode or settings that cannot work."""
    if collection.error:
        raise pytest.UsageError(collection.error)
    xdist.check_mode(run.config, collection)
    run.know(collection)
    if collection.launches:
        check_results_folder(run)
        check_reports(run)
    spec = _checked_spec(run.settings)
    controller = Controller(run=run, director=_make_director(run, collection), started_ms=_epoch_ms())
    _import_for_threads(run, collection)
    sweep()
    run.folder.make()
    end_on_sigterm()
    return Drive(controller, spec), controller


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


def _import_for_threads(run: Run, collection: Collection) -> None:
    """Import before the director's thread begins what it and this one would import at the same time.

    Where another import hook has pushed `run.plain_imports` aside, pytest parses our modules to rewrite their asserts,
    and two threads that parse at once end in `SystemError: AST constructor recursion depth mismatch` on CPython before
    3.11.8 and 3.12.1 (gh-106905).
    """
    import pytest_k1n.fixtures.conductor

    if collection.launches:
        import pytest_k1n.backends.launcher
        import pytest_k1n.backends.observing
        import pytest_k1n.core.capability
        import pytest_k1n.core.gates
        import pytest_k1n.core.planned_schedule
        import pytest_k1n.fixtures.batch
        import pytest_k1n.hooks.terminal
        import pytest_k1n.run.regression
        import pytest_k1n.validation.schema
    if run.settings.server == DEFAULT_SERVER:
        import pytest_k1n.backends.embedded
        import pytest_k1n.fixtures.on_engine

        if collection.launches:
            import pytest_k1n.engine.rest.transport
            import pytest_k1n.workers.worker
    else:
        import pytest_k1n.backends.real
        import pytest_k1n.servers.foreign
        import pytest_k1n.servers.opening  # noqa: F401


def _feed(controller: Controller, report: pytest.TestReport) -> None:
    """Pass a report on to the director, and remember the worst outcome and the findings of each test."""
    node_id, director = report.nodeid, controller.director
    if node_id not in controller.run.items:
        return
    if str(report.outcome) == "rerun":  # pytest-rerunfailures
        director.rerun(node_id)
        return
    if evidence := note_of(report).evidence:
        controller.findings[node_id] = evidence["findings"]
        controller.latencies[node_id] = evidence["latencies"]
    outcome = outcome_of(report)
    known = controller.outcomes.get(node_id, ItemOutcome.PASSED)
    controller.outcomes[node_id] = max(known, outcome, key=list(ItemOutcome).index)
    director.record(node_id, outcome, phase=report.when)  # xdist says "???" where a node crashed


def _finish(controller: Controller, session: pytest.Session) -> None:
    """Write what the run has found, and give it an exit code that tells of blocked and unknown tests."""
    run, director = controller.run, controller.director
    numbers = [batch.number for batch in director.batches if batch.number != UNBATCHED]
    found = controller.results = tuple(results(controller))
    write_all(controller, found)
    finished = [number for number in numbers if director.ledger.is_finished(number)]
    contradicted: dict[int, list[str]] = {}
    for number, line in contradictions(controller, found):
        contradicted.setdefault(number, []).append(line)
    for number, lines in contradicted.items():
        for line in lines[:CONTRADICTIONS]:
            controller.fail(line)
        if len(lines) > CONTRADICTIONS:
            controller.fail(f"batch{number}: {len(lines) - CONTRADICTIONS} more of the kind, in its results files")
    record_passes(run, {number: director.ledger.outcomes(number) for number in finished}, contradicted)
    has_stopped = any(map(director.ledger.stops, controller.outcomes.values()))
    if session.exitstatus == pytest.ExitCode.OK and (has_stopped or controller.trouble):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    _keep_in_last_failed(run.config, controller.outcomes)
    failed = session.exitstatus != pytest.ExitCode.OK
    if run.settings.keep == "always" or (run.settings.keep == "failed" and failed):
        controller.kept = run.settings.results / "runs" / run.uid
    has_own = (run.folder_path / "own").is_dir()
    if director.collection.launches or has_own or run.settings.report or run.settings.html:
        _report(controller, session)


def _report(controller: Controller, session: pytest.Session) -> None:
    """Write the run's document and the reports made from it; a report that cannot be written fails the run."""
    from pytest_k1n.run.document import run_document
    from pytest_k1n.run.regression import remember

    run = controller.run
    document = controller.document = run_document(
        controller, controller.results, ended_ms=_epoch_ms(), exit_code=int(session.exitstatus)
    )
    if (baseline := remember(controller, document)) is not None:
        document["baseline"] = baseline
    try:
        controller.reports = write_reports(run, document)
        if controller.kept:
            keep_reports(run, document)
    except OSError as error:
        controller.fail(str(error))
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _keep_in_last_failed(config: pytest.Config, outcomes: Mapping[str, ItemOutcome]) -> None:
    """Put blocked and unknown tests back into what `--lf` runs: pytest takes skipped ones out of it."""
    cache = getattr(config, "cache", None)
    if cache is None or config.getoption("cacheshow", None):
        return
    unfinished = {
        node_id for node_id, outcome in outcomes.items() if outcome in (ItemOutcome.BLOCKED, ItemOutcome.UNKNOWN)
    }
    if unfinished:
        failed = dict(cache.get("cache/lastfailed", {}))
        cache.set("cache/lastfailed", {**failed, **dict.fromkeys(unfinished, True)})


def _settle_folder(controller: Controller) -> None:
    """Move the run folder to where it is kept, or remove it; says nothing: the summary has named the place."""
    folder, kept = controller.run.folder_path, controller.kept
    if not folder.exists():
        return
    forget_sigterm()
    if kept is None:
        shutil.rmtree(folder, ignore_errors=True)
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(folder, kept)


def _epoch_ms() -> int:
    return time.time_ns() // 1_000_000
