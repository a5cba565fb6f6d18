"""Secrets: an input keeps `${workflow.secrets.NAME}` as it is written, and who works with it gets the value instead.

A secret is an environment variable `CONDUCTOR_SECRET_NAME`, as on the server; one that there is not is null, and
nothing within a longer text. Switches, sub-workflows and outputs get no values (measured on 3.32.1).
"""

from __future__ import annotations

import os
import re
from typing import Any, Final

_MARK: Final = "${workflow.secrets."
_SECRET: Final = re.compile(r"\$\{workflow\.secrets\.([^}]*)\}")


def revealed(value: Any) -> Any:
    """Return a value with the secrets in it; the value itself where it names none."""
    return _revealed(value) if _names_any(value) else value


def _names_any(value: Any) -> bool:
    if isinstance(value, str):
        return _MARK in value
    if isinstance(value, dict):
        return any(map(_names_any, value.values()))
    return isinstance(value, list) and any(map(_names_any, value))


def _revealed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _revealed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_revealed(inner) for inner in value]
    if not isinstance(value, str):
        return value
    if whole := _SECRET.fullmatch(value):
        return _secret(whole)
    return _SECRET.sub(lambda found: _secret(found) or "", value)


def _secret(found: re.Match[str]) -> str | None:
    return os.environ.get(f"CONDUCTOR_SECRET_{found[1]}")
