"""Definitions that a server takes for one and the same."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k1n.lint.check import Hit, Level
from pytest_k1n.lint.subject import TaskSubject, WorkflowSubject


def duplicate_definition(subject: WorkflowSubject | TaskSubject) -> Iterator[Hit]:
    """Find definitions that are defined twice: by name and version, of tasks by name. Copies are but remarked."""
    if not subject.name or (isinstance(subject, WorkflowSubject) and subject.is_inline):
        return
    twins = list(subject.library.twins(subject))
    if not twins:
        return
    others = [file for other, file in twins if other.fields != subject.fields]
    files = list(dict.fromkeys(others or [file for _, file in twins]))
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    how = "differently in" if others else "as well in"
    level = Level.WARNING if others else Level.INFO
    yield Hit((*subject.path, "name"), f"{subject.identity} is defined {how} {files[0]}{more}", level=level)
