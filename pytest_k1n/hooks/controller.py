"""The controller's part of a run, from beginning to end: hooks that come with the director, never on a node."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping

import pytest

from pytest_k1n.coordination.collection import Collection
from pytest_k1n.coordination.gate_ledger import ItemOutcome
from pytest_k1n.core.text import one_line
from pytest_k1n.hooks.drive import Drive, prepare
from pytest_k1n.run.controller import Controller
from pytest_k1n.run.junit import add_case
from pytest_k1n.run.note import has_note, note_of, outcome_of
from pytest_k1n.run.retelling import MOST_TEXT, raised
from pytest_k1n.run.run import Run
from pytest_k1n.run.termination import forget_sigterm
from pytest_k1n.run.verdict import is_failure


def begin(run: Run, collection: Collection) -> None:
    """Start the director on a collection. Raises UsageError for a distribution mode or settings that cannot work."""
    if collection.items or collection.error:
        drive = prepare(run, collection)
        run.config.pluginmanager.register(ControllerHooks(drive), "k1n-controller")
        drive.start()


class ControllerHooks:
    """What the controller does with reports, in the debugger and at the end."""

    def __init__(self, drive: Drive) -> None:
        self.controller = drive.controller
        self._drive = drive
        self._session: pytest.Session | None = None

    @pytest.hookimpl(tryfirst=True)  # before the terminal reporter, so that the gate opens as early as it can
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Feed the gate ledger, gather findings, tell each cause once; a crashed node's test is reported here, too.

        Raises UsageError where no server could be used: nothing was started, and one line says more than each test.
        """
        refusal = self.controller.director.refusal
        if refusal and report.outcome not in ("passed", "skipped") and report.nodeid in self.controller.run.items:
            raise pytest.UsageError(refusal)
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
        self._session = session
        try:
            if not self._drive.close():
                self.controller.fail("the director did not end within a minute: a server or worker may be left running")
            _finish(self.controller, self._drive, session)
        except KeyboardInterrupt:  # pytest looks out for it before this only
            pytest.exit("k1n: interrupted while the run was being ended", returncode=pytest.ExitCode.INTERRUPTED)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show executions, quality gates, where the time went, files written, why tests failed: one screen."""
        from pytest_k1n.hooks.terminal import summary

        if self.controller.director.refusal:  # pytest says it
            return
        summary(self.controller, terminalreporter)
        if terminalreporter.stats.keys() & {"failed", "error"}:
            from pytest_k1n.hooks.causes import show_cut_causes

            show_cut_causes(self.controller.run.config, terminalreporter)

    def pytest_unconfigure(self) -> None:
        """Remove or keep the run folder; a run whose evidence could not be kept has failed."""
        is_settled = _settle_folder(self.controller)
        if not is_settled and self._session and self._session.exitstatus == pytest.ExitCode.OK:
            self._session.exitstatus = pytest.ExitCode.TESTS_FAILED  # pytest reads it once more after this


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
    if report.failed and (first := raised(report)):
        controller.messages.setdefault(node_id, one_line(first.removeprefix("AssertionError: "), most=MOST_TEXT))
    outcome = outcome_of(report)
    known = controller.outcomes.get(node_id, ItemOutcome.PASSED)
    controller.outcomes[node_id] = max(known, outcome, key=list(ItemOutcome).index)
    director.record(node_id, outcome, phase=report.when)  # xdist says "???" where a node crashed


def _finish(controller: Controller, drive: Drive, session: pytest.Session) -> None:
    """Write what the run has found, and give it an exit code that tells of blocked and unknown tests."""
    run, director = controller.run, controller.director
    drive.write_results()
    if session.exitstatus == pytest.ExitCode.OK and is_failure(controller):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    _keep_in_last_failed(run.config, controller.outcomes)
    failed = session.exitstatus != pytest.ExitCode.OK
    if run.settings.keep == "always" or (run.settings.keep == "failed" and failed):
        controller.kept = run.settings.results / "runs" / run.uid
    has_own = (run.folder_path / "own").is_dir()
    if director.collection.launches or has_own or run.settings.report or run.settings.html:
        drive.write_reports(exit_code=int(session.exitstatus))
        if session.exitstatus == pytest.ExitCode.OK and is_failure(controller):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    add_case(run.config, controller.trouble or ([] if session.testsfailed else _blocked(controller)))


def _blocked(controller: Controller) -> list[str]:
    """Say that tests never ran, which fails the run: to pytest they are skipped ones."""
    count = sum(outcome is ItemOutcome.BLOCKED for outcome in controller.outcomes.values())
    return [f"blocked: {count} of {len(controller.outcomes)} tests did not run; each says by what"] if count else []


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


def _settle_folder(controller: Controller) -> bool:
    """Move the run folder to where it is kept, or remove it; says nothing: the summary has named the place.

    What cannot be moved, because the disk is full or the place is gone, is said: the summary is over by then. Whether
    all is as it should be.
    """
    folder, kept = controller.run.folder_path, controller.kept
    if not folder.exists():
        return True
    forget_sigterm()
    if kept is None:
        shutil.rmtree(folder, ignore_errors=True)
        return True
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder, kept)
    except OSError as error:
        reason = error.strerror or "not all of it could be copied"  # shutil gathers the errors of a whole tree
        line = f"k1n: the evidence could not be kept in {kept} ({reason}); the next run removes {folder}"
        print(one_line(line, most=500), file=sys.stderr)
        return False
    return True
