"""The reports of this run: its document beside the results files, and what options ask for, all made from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_k1n.coordination.runfolder import replace_text
from pytest_k1n.core.extras import MissingExtra
from pytest_k1n.core.text import from_json
from pytest_k1n.report.formats import Format, for_file, named, rendered
from pytest_k1n.run.controller import Controller
from pytest_k1n.run.run import Run
from pytest_k1n.run.verdict import is_failure, run_verdict

if TYPE_CHECKING:
    from pytest_k1n.report.document import RunDocument

FILE = "run.json"
"""The document's name in the results folder and in a run folder that is kept."""
PAGE = "report.html"
"""The page's name in a run folder that is kept."""


def check_reports(run: Run) -> None:
    """Make sure that every report asked for can be made, before anything starts. Raises UsageError in one line."""
    for form, _ in _wanted(run):
        try:
            form.check()
        except MissingExtra as missing:
            raise pytest.UsageError(str(missing)) from None


def write_reports(controller: Controller, document: RunDocument) -> list[Path]:
    """Write the reports and then the document, with the verdict that is known by then; return their paths.

    What cannot be written fails the run.
    """
    run = controller.run
    controller.replaced = _other_run(run.settings.results / FILE, controller)
    written = [path for form, path in _wanted(run) if _write(controller, document, form, path)]
    if _write(controller, document, named("json"), run.settings.results / FILE):
        written.insert(0, run.settings.results / FILE)
    if controller.kept:
        for form, name in ((named("json"), FILE), (named("html"), PAGE)):
            try:
                form.check()
            except MissingExtra:
                continue
            _write(controller, document, form, run.folder_path / name)
    return written


def _other_run(path: Path, controller: Controller) -> str | None:
    """Return the id of a run that has written its document here since this one began."""
    try:
        if path.stat().st_mtime_ns // 1_000_000 < controller.started_ms:
            return None
        uid = from_json(path.read_text(encoding="utf-8"))["run"]["uid"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return str(uid) if uid != controller.run.uid else None


def _write(controller: Controller, document: RunDocument, form: Format, path: Path) -> bool:
    if is_failure(controller):  # by a history or a report that could not be written: the tests were known before
        document["verdict"] = run_verdict(controller)
        document["run"]["exit_code"] = document["run"]["exit_code"] or int(pytest.ExitCode.TESTS_FAILED)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, rendered(document, form) + "\n")
    except OSError as error:
        controller.fail(f"{path} could not be written: {error.strerror or error}")
        return False
    return True


def _wanted(run: Run) -> list[tuple[Format, Path]]:
    report, html = run.settings.report, run.settings.html
    wanted = [(for_file(report.name), report)] if report else []
    return [*wanted, (named("html"), html)] if html else wanted
