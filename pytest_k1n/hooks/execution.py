"""A run of pytest that takes part, for it has tests of ours: a few lines for each hook that say what happens when."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_k1n.run.run import Run, is_listing


def take_part(run: Run) -> None:
    """Register the hooks of a run that has tests of ours."""
    run.show = _show
    manager = run.config.pluginmanager
    if not manager.has_plugin("k1n-items"):
        manager.register(ItemHooks(run), "k1n-items")
        if not run.is_node:
            manager.register(ControllerHooks(run), "k1n-controller")


def _show(run: Run) -> None:
    from pytest_k1n.hooks.terminal import show_lines

    show_lines(run)


class ItemHooks:
    """Hooks of every process that runs tests."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Start the director on what this process has collected, unless it only lists tests."""
        run = self.run
        if run.collection is not None and not run.is_node and not is_listing(session.config):
            from pytest_k1n.hooks.lifecycle import begin

            begin(run, run.collection)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # before pytest-timeout starts its clock
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Wait for the gate, the server and the execution outside the test's own time."""
        run = self.run
        if item.nodeid in run.items and not is_listing(item.config):
            from pytest_k1n.run.waiting import await_needs

            await_needs(run, item, turn=lambda: run.show(run))
        return (yield)

    @pytest.hookimpl(tryfirst=True)  # before the fixtures ask for an execution
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Launch a new execution where a test is run again."""
        if item.nodeid in self.run.items:
            from pytest_k1n.hooks.lifecycle import relaunch_if_rerun

            relaunch_if_rerun(self.run, item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put our outcome and the evidence on the report."""
        report = yield
        if item.nodeid in self.run.items:
            from pytest_k1n.run.outcomes import annotate

            annotate(self.run, item, call, report)
        return report

    @pytest.hookimpl(tryfirst=True)  # before the core says "skipped" or "failed"
    def pytest_report_teststatus(self, report: Any) -> object:
        """Name blocked and unknown tests."""
        if hasattr(report, "k1n"):
            from pytest_k1n.run.outcomes import status_of

            return status_of(report)
        return None


class ControllerHooks:
    """Hooks that concern the whole run: in the controller or the only process, never on a node."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @pytest.hookimpl(tryfirst=True)  # before the terminal reporter, so that the gate opens as early as it can
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Feed the gate ledger and gather evidence; a crashed node's test is reported here, too."""
        if self.run.director is not None:
            from pytest_k1n.hooks.lifecycle import feed

            feed(self.run, report)

    def pytest_enter_pdb(self) -> None:
        """Stop our deadlines while somebody sits in the debugger."""
        if self.run.director is not None:
            self.run.director.pause(True)

    def pytest_leave_pdb(self) -> None:
        """Let our deadlines run again."""
        if self.run.director is not None:
            self.run.director.pause(False)

    @pytest.hookimpl(trylast=True)  # --lf has written its list by then, the terminal has not yet summed up
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """End the director, also after Ctrl-C; settle the exit code and what --lf runs next time."""
        if self.run.director is not None:
            from pytest_k1n.hooks.lifecycle import finish

            finish(self.run, session)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show executions, quality gates, where the time went, files written: one screen."""
        if self.run.director is not None:
            from pytest_k1n.hooks.terminal import summary

            summary(self.run, terminalreporter)
