"""The reports of this run: its document beside the results files, and what options ask for, all made from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_k1n.coordination.runfolder import replace_text
from pytest_k1n.core.extras import MissingExtra
from pytest_k1n.report.formats import Format, for_file, named, rendered
from pytest_k1n.run.run import Run

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


def write_reports(run: Run, document: RunDocument) -> list[Path]:
    """Write the document and the reports; what cannot be written is said and makes the run fail by `Unwritten`."""
    wanted = [(named("json"), run.settings.results / FILE), *_wanted(run)]
    written, errors = [], []
    for form, path in wanted:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_text(path, rendered(document, form) + "\n")
            written.append(path)
        except OSError as error:
            errors.append(f"{path} could not be written: {error.strerror or error}")
    if errors:
        raise OSError("; ".join(errors))
    return written


def keep_reports(run: Run, document: RunDocument) -> None:
    """Put the document into a run folder that is kept, and the page where jinja2 is installed. Raises OSError."""
    for form, name in ((named("json"), FILE), (named("html"), PAGE)):
        try:
            form.check()
        except MissingExtra:
            continue
        run.folder_path.mkdir(parents=True, exist_ok=True)
        replace_text(run.folder_path / name, rendered(document, form) + "\n")


def _wanted(run: Run) -> list[tuple[Format, Path]]:
    report, html = run.settings.report, run.settings.html
    wanted = [(for_file(report.name), report)] if report else []
    return [*wanted, (named("html"), html)] if html else wanted
