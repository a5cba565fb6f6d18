"""Definitions that a server refuses: its own words, and which of them they are about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_k1n.client.errors import ConductorError

_MOST_EXPLAINED = 3
"""Errors of lint in one message."""


def explained(error: ConductorError, documents: Sequence[Mapping[str, Any]]) -> ConductorError:
    """Put before the server's words what lint finds: the server names no task, and no place for what it cannot read."""
    from pytest_k1n.lint.check import Level
    from pytest_k1n.lint.judge import lint
    from pytest_k1n.lint.source_file import SourceFile

    found = lint([SourceFile("", json.dumps(list(documents)))]).findings
    errors = [
        f"{each.subject}: {f'{each.ref}: ' if each.ref else ''}{each.message} [{each.code}]"
        for each in found
        if each.level is Level.ERROR
    ]
    if not errors:
        return error
    more = f"; and {len(errors) - _MOST_EXPLAINED} more" if len(errors) > _MOST_EXPLAINED else ""
    message = f"{'; '.join(errors[:_MOST_EXPLAINED])}{more} (by k1n lint); the server says: {error.message}"
    return type(error)(message, method=error.method, path=error.path, url=error.url, status=error.status)
