"""What the chosen, older release of Conductor does not know of the definitions that it is to run."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_k1n.run.run import Run


class OlderConductor(UserWarning):
    """A definition uses what the release that runs it does not know."""


def warn_of_newer(run: Run, documents: Iterable[Mapping[str, Any]], *, url: str | None) -> None:
    """Warn of what the chosen release, or that of a URL, drops of definitions without a word."""
    settings = run.settings if run.is_anything_set else None
    if settings is None:
        return
    server = run.folder.state().server if url is not None else None
    release = str((server and server["version"]) or settings.conductor or "")
    from pytest_k1n.engine.dialect import CURRENT, DIALECTS

    if release == CURRENT.conductor or release not in DIALECTS:
        return
    from pytest_k1n.lint.check_selection import Selection
    from pytest_k1n.lint.judge import lint
    from pytest_k1n.lint.source_file import SourceFile

    chosen = Selection(select=("newer-*",), conductor=release)
    for found in lint([SourceFile("", json.dumps(list(documents)))], chosen).findings:
        where = f"{found.subject}: {found.ref}" if found.ref else found.subject
        warnings.warn(OlderConductor(f"{where}: {found.message} [{found.code}]"), stacklevel=2)
