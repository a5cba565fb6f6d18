"""Causes that pytest's short summary has no room for: it cuts each line where the terminal ends, and ids go first."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pytest_k1n.core.text import one_line
from pytest_k1n.run.note import has_note
from pytest_k1n.run.retelling import raised

MOST = 12
"""Causes that have a line: of more the number is told."""
READABLE = 60
"""Columns that suffice for what was observed, which goes first."""


def show_cut_causes(config: pytest.Config, reporter: pytest.TerminalReporter) -> None:
    """Show the cause of each failed test of workflows that has no room beside the test's id; nothing if all have."""
    if any(map(os.environ.get, ("CI", "BUILD_NUMBER"))) or config.get_verbosity() > 1:
        return  # pytest cuts nothing then
    tests: dict[str, list[str]] = {}
    for name, cause in _cut(reporter, config.get_terminal_writer().fullwidth):
        tests.setdefault(cause, []).append(name)
    if not tests:
        return
    reporter.ensure_newline()
    reporter.section("k1n: why tests failed", sep="-")
    for cause, names in list(tests.items())[:MOST]:
        more = f" and {len(names) - 1} more" if names[1:] else ""
        reporter.write_line(f"{names[0]}{more}: {cause}")
    if len(tests) > MOST:
        reporter.write_line(f"and {len(tests) - MOST} causes more")


def _cut(reporter: pytest.TerminalReporter, columns: int) -> Iterator[tuple[str, str]]:
    for outcome, word in (("failed", "FAILED"), ("error", "ERROR")):
        for report in reporter.stats.get(outcome, []):
            cause = raised(report)
            if not has_note(report) or not cause:
                continue
            if columns - len(f"{word} {report.nodeid} - ") < min(len(cause), READABLE):
                yield one_line(report.nodeid.partition("::")[2]), one_line(cause)
