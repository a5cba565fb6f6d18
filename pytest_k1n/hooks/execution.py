"""Hooks registered once tests of Conductor's workflows have been collected: what happens around each of them."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

import pytest

from pytest_k1n.run.run import Run, is_listing

_WIDER = (
    "`conductor` belongs to one test. To run a workflow once and judge it in many tests, ask for `conductor_module` "
    "in a fixture of class or module scope, for `conductor_session` in one of package or session scope."
)

_ASKS = re.compile(r"function scoped fixture conductor |\(.*\bconductor\b.*\)")
"""Finds it in pytest's words: asked for by the wider fixture itself, or by one of a test that this asks for."""


def take_part(run: Run) -> None:
    """Register the hooks of a process that has collected tests of Conductor's workflows, or whose nodes have."""
    manager = run.config.pluginmanager
    if not manager.has_plugin("k1n-items"):
        manager.register(ItemHooks(run), "k1n-items")
        if run.is_node:
            from pytest_k1n.run.termination import heed_interrupts

            heed_interrupts()


class ItemHooks:
    """Hooks of every process that runs tests."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Start the director on what this process has collected, unless it only lists tests."""
        run = self.run
        if run.collection is not None and not run.is_node and not is_listing(session.config):
            from pytest_k1n.hooks.controller import begin

            begin(run, run.collection)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # before pytest-timeout starts its clock
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Wait for the gate, the server and the execution outside the test's own time."""
        run = self.run
        run.current = item
        if item.nodeid in run.items and not is_listing(item.config):
            from pytest_k1n.run.waiting import await_needs

            await_needs(run, item, turn=run.progress.show)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # before the fixtures ask for an execution
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None]:
        """Launch a new execution where a test is run again; say what a wider fixture uses in place of `conductor`."""
        if item.nodeid in self.run.items:
            from pytest_k1n.run.waiting import relaunch_if_rerun

            relaunch_if_rerun(self.run, item)
        try:
            return (yield)
        except pytest.fail.Exception as failure:
            if "ScopeMismatch" in str(failure) and _ASKS.search(str(failure)):
                pytest.fail(f"{failure}\n\n{_WIDER}", pytrace=False)
            raise

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

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(self, report: object) -> Generator[None, Any, Any]:
        """Write the note of a report as plain values, for another process or a file."""
        from pytest_k1n.run.note import ATTRIBUTE, has_note, note_of

        data = yield
        return {**data, ATTRIBUTE: note_of(report).to_json()} if data and has_note(report) else data

    @pytest.hookimpl(wrapper=True)
    def pytest_report_from_serializable(self) -> Generator[None, object, object]:
        """Rebuild the note of a report that another process has sent."""
        from pytest_k1n.run.note import ATTRIBUTE, ReportNote

        report = yield
        if isinstance(written := getattr(report, ATTRIBUTE, None), dict):
            ReportNote.from_json(written).put_on(report)
        return report

    @pytest.hookimpl(tryfirst=True)  # before the core says "skipped" or "failed"
    def pytest_report_teststatus(self, report: Any) -> object:
        """Name blocked and unknown tests."""
        from pytest_k1n.run.note import has_note, status_of

        return status_of(report) if has_note(report) else None
