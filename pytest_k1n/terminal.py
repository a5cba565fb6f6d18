"""What the terminal shows: the header, lines of progress, the summary."""

from __future__ import annotations

from queue import Empty

import pytest

from pytest_k1n.run import Run


def header(run: Run) -> list[str]:
    """Return the header's lines: nothing where neither a plan nor an option has anything to say."""
    settings = run.settings
    if run.plan is None and not settings.chosen:
        return []
    lines = [f"k1n: server {_server(run)}, seed {settings.seed}, run {run.uid}"]
    if run.plan is not None:
        lines.append(f"k1n: plan {run.plan.source} ({run.plan_note})")
    if run.config.pluginmanager.has_plugin("dsession") and run.config.pluginmanager.has_plugin("benchmark"):
        lines.append("k1n: pytest-benchmark is off under xdist; quality gates and regression verdicts go on")
    return lines


def _server(run: Run) -> str:
    from pytest_k1n.direction import describe_server

    return describe_server(run.settings)


def show_lines(run: Run) -> None:
    """Write the lines that have come up since, from the main thread and while nothing is captured."""
    reporter: pytest.TerminalReporter | None = run.config.pluginmanager.get_plugin("terminalreporter")
    while True:
        try:
            line = run.lines.get_nowait()
        except Empty:
            return
        if reporter is not None and reporter.verbosity >= 0:
            reporter.ensure_newline()
            for each in line.splitlines():
                reporter.write_line(f"  k1n {each}")


def show_at_once(run: Run, line: str) -> None:
    """Write a line from the director's thread: under xdist the controller's main thread waits for nodes."""
    run.lines.put(line)
    show_lines(run)
