"""The plugin: hook functions that say in a few lines what happens when, and the default fixtures.

Start-up costs next to nothing until a feature is used: only light modules are imported here, the rest in the hooks.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_k1n.factories import (  # fixtures by name: pytest finds them in this module
    batch_execution,
    batch_quality,
    conductor,
    conductor_noproc,
    conductor_proc,
    executions_alone,
    quality_gate,
    workflow_benchmark,
    workflow_execution,
    workflow_executions,
    workflow_phase,
)
from pytest_k1n.marks import batch_of, is_ours
from pytest_k1n.run import RUN, Run, add_options, is_listing, make_run

__all__ = [
    "batch_execution",
    "batch_quality",
    "conductor",
    "conductor_noproc",
    "conductor_proc",
    "executions_alone",
    "quality_gate",
    "workflow_benchmark",
    "workflow_execution",
    "workflow_executions",
    "workflow_phase",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the option table."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read settings and plan, register the plan's markers; a user's mistake ends the run here, in one line."""
    run = config.stash[RUN] = make_run(config)
    run.show = _show
    if not run.is_node:
        config.pluginmanager.register(Controller(run), "k1n-controller")


def _show(run: Run) -> None:
    from pytest_k1n.terminal import show_lines

    show_lines(run)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove or keep the run folder, and forget the run."""
    run = config.stash.get(RUN, None)
    if run is not None:
        if run.director is not None:
            from pytest_k1n.session import settle_folder

            settle_folder(run)
        del config.stash[RUN]


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which server, time model, plan and seed this run would use, where any of it is set."""
    from pytest_k1n.header import header

    return header(config.stash[RUN])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a quality-gate test into one per batch and category."""
    if {"quality_gate", "batch_quality"} & set(metafunc.fixturenames):
        from pytest_k1n.quality import parametrize

        parametrize(metafunc, metafunc.config.stash[RUN].plan)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Have a benchmark of a workflow measured by the workflow's clock."""
    if "workflow_benchmark" in getattr(item, "fixturenames", ()) and item.config.stash[RUN].has_benchmark:
        from pytest_k1n.benchmarking import prepare

        prepare(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # outermost: sees what was there before -m and -k
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """Keep the quality gates of every batch that has a selected test."""
    before = [item for item in items if item.get_closest_marker("gate")]
    yield
    if before:
        from pytest_k1n.session import keep_gate_items

        items.extend(keep_gate_items(config.stash[RUN], before, items))


@pytest.hookimpl(tryfirst=True)  # after --ff and shuffling plugins, before xdist sends the ids
def pytest_collection_finish(session: pytest.Session) -> None:
    """Sort the selected tests by batch and readiness, and describe what they need."""
    run = session.config.stash[RUN]
    if any(is_ours(item) or batch_of(item, run.plan) for item in session.items):
        from pytest_k1n.session import describe

        describe(run, session)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist node which run it belongs to."""
    from pytest_k1n.xdist import tell_node

    tell_node(node.config.stash[RUN], node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any) -> None:
    """Start the director on what the first node has collected; the controller collects nothing itself."""
    from pytest_k1n.session import begin
    from pytest_k1n.xdist import read_collection

    run = node.config.stash[RUN]
    if run.director is None and (collection := read_collection(run, node)):
        begin(run, collection)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Start the director on what this process has collected, unless it only lists tests."""
    run = session.config.stash[RUN]
    if run.collection is not None and not run.is_node and not is_listing(session.config):
        from pytest_k1n.session import begin

        begin(run, run.collection)
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before pytest-timeout starts its clock
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Wait for the gate, the server and the execution outside the test's own time."""
    run = item.config.stash[RUN]
    if item.nodeid in run.items and not is_listing(item.config):
        from pytest_k1n.gating import await_needs

        await_needs(run, item, turn=lambda: run.show(run))
    return (yield)


@pytest.hookimpl(tryfirst=True)  # before the fixtures ask for an execution
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Launch a new execution where a test is run again."""
    run = item.config.stash[RUN]
    if item.nodeid in run.items:
        from pytest_k1n.session import relaunch_if_rerun

        relaunch_if_rerun(run, item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put our outcome and the evidence on the report."""
    report = yield
    run = item.config.stash[RUN]
    if item.nodeid in run.items:
        from pytest_k1n.outcomes import annotate

        annotate(run, item, call, report)
    return report


@pytest.hookimpl(tryfirst=True)  # before the core says "skipped" or "failed"
def pytest_report_teststatus(report: Any) -> object:
    """Name blocked and unknown tests."""
    if hasattr(report, "k1n"):
        from pytest_k1n.outcomes import status_of

        return status_of(report)
    return None


class Controller:
    """Hooks that concern the whole run: in the controller or the only process, never on a node."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @pytest.hookimpl(tryfirst=True)  # before the terminal reporter, so that the gate opens as early as it can
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Feed the gate ledger and gather evidence; a crashed node's test is reported here, too."""
        if self.run.director is not None:
            from pytest_k1n.session import feed

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
            from pytest_k1n.session import finish

            finish(self.run, session)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show executions, quality gates, where the time went, files written: one screen."""
        if self.run.director is not None:
            from pytest_k1n.terminal import summary

            summary(self.run, terminalreporter)
