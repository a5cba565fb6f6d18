"""Hooks that concern the whole run: registered when its director begins, never on a node."""

from __future__ import annotations

import pytest

from pytest_k1n.coordination.collection import Collection
from pytest_k1n.hooks.lifecycle import feed, finish, make_controller, settle_folder
from pytest_k1n.run.controller import Controller
from pytest_k1n.run.note import has_note
from pytest_k1n.run.run import Run


def begin(run: Run, collection: Collection) -> None:
    """Start the director on a collection. Raises UsageError for a distribution mode or settings that cannot work."""
    if collection.items or collection.error:
        controller = make_controller(run, collection)
        run.config.pluginmanager.register(ControllerHooks(controller), "k1n-controller")
        controller.director.start()


class ControllerHooks:
    """What the controller does with reports, in the debugger and at the end."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller

    @pytest.hookimpl(tryfirst=True)  # before the terminal reporter, so that the gate opens as early as it can
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Feed the gate ledger, gather findings, tell each cause once; a crashed node's test is reported here, too."""
        feed(self.controller, report)
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
        finish(self.controller, session)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show executions, quality gates, where the time went, files written: one screen."""
        from pytest_k1n.hooks.terminal import summary

        summary(self.controller, terminalreporter)

    def pytest_unconfigure(self) -> None:
        """Remove or keep the run folder."""
        settle_folder(self.controller)
