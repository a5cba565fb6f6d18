"""Hooks of the controller where the coverage of definitions is asked for: gather, sum up, show, hold to a limit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_k1n.coordination.runfolder import replace_text
from pytest_k1n.coverage.document import as_text
from pytest_k1n.coverage.merging import Covered, from_json, merged, rate, unexercised
from pytest_k1n.coverage.page import page
from pytest_k1n.coverage.table import table
from pytest_k1n.plan.library import DefinitionNotFound
from pytest_k1n.run.note import note_of
from pytest_k1n.run.run import Run, is_listing


class CoverageHooks:
    """Adds up what the reports bring."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._parts: list[Covered] = []
        self._definitions: tuple[Covered, ...] = ()
        self._lines: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what the executions of a test have exercised."""
        self._parts += [from_json(each) for each in note_of(report).coverage]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports; fail a run that passed otherwise but exercised too little, or could not write them."""
        if is_listing(session.config):
            return
        self._definitions = merged([*self._of_the_plan(), *self._parts])
        settings = self.run.settings
        failures = [failure for path in settings.cov_reports if (failure := self._write(path))]
        share = 100 * rate(self._definitions) if self._definitions else 0.0
        if settings.cov_fail_under is not None and share < settings.cov_fail_under:
            failures.append(
                f"{share:.1f}% of the definitions exercised, --k1n-cov-fail-under={settings.cov_fail_under:g}"
            )
        self._lines += [f"FAIL {failure}" for failure in failures]
        if failures and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the table, and what to write next."""
        if is_listing(self.run.config):
            return
        terminalreporter.ensure_newline()
        terminalreporter.section("k1n: coverage of workflow definitions", sep="-")
        lines = table(self._definitions) if self._definitions else ["no test looked at an execution"]
        for line in (*lines, *self._unnamed(), *self._lines):
            terminalreporter.write_line(line)

    def _unnamed(self) -> Iterator[str]:
        """Say which definitions `conductor.run` does not find by the name that stands in what to write next."""
        known = {str(each.get("name")) for each in self.run.library.workflows}
        names = dict.fromkeys(each.name for each in self._definitions if each.missing)
        if lost := [name for name in names if name not in known]:
            more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
            yield f"  (no plan's folder has {', '.join(lost[:3])}{more}: give run() the dict or the file, not the name)"

    def _of_the_plan(self) -> list[Covered]:
        """Return the plan's definitions with nothing exercised: those that no test ran count, too."""
        run, found = self.run, []
        for template in run.plan.templates if run.plan else ():
            try:
                definition = run.library.workflow_definition(template.workflow, template.version)
            except DefinitionNotFound:  # on the server only
                continue
            found.append(unexercised(definition, run.library.task_definitions))
        return found

    def _write(self, path: Path) -> str | None:
        """Write one report; say so, or return why not."""
        text = page(self._definitions) if path.suffix == ".html" else as_text(self._definitions)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_text(path, text)
        except OSError as error:
            return f"{path} could not be written: {error.strerror or error}"
        self._lines.append(f"coverage {path}")
        return None
