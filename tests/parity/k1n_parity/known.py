"""The known differences between the real server and the embedded engine: one file, each with its reason.

`fixtures/parity/known_differences.toml` holds `[[difference]]` tables: `id`, `path` (a regular expression that matches
a difference's whole path), optional `cases`, `left`, `right` (regular expressions for the case's name and the values as
JSON), `reason` and `upstream` (issue, source file or measurement). A difference that none matches is unexplained.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k1n_parity.compare import Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One explained difference."""

    id: str
    path: re.Pattern[str]
    reason: str
    upstream: str
    cases: re.Pattern[str] = re.compile(".*")
    left: re.Pattern[str] = re.compile(".*", re.DOTALL)
    right: re.Pattern[str] = re.compile(".*", re.DOTALL)

    def explains(self, difference: Difference, case: str) -> bool:
        return bool(
            self.path.fullmatch(difference.path)
            and self.cases.fullmatch(case)
            and self.left.fullmatch(_text(difference.left))
            and self.right.fullmatch(_text(difference.right))
        )


def known_differences(path: Path) -> tuple[Known, ...]:
    """Read the file. Raises ValueError that names a table with a missing or unknown field."""
    tables = tomllib.loads(path.read_text(encoding="utf-8")).get("difference", [])
    return tuple(_known(table, path) for table in tables)


def unexplained(found: list[Difference], case: str, known: tuple[Known, ...]) -> list[Difference]:
    """Leave only what no known difference explains."""
    return [one for one in found if not any(entry.explains(one, case) for entry in known)]


def _known(table: dict[str, Any], path: Path) -> Known:
    patterns = ("path", "cases", "left", "right")
    fields: dict[str, Any] = {
        key: re.compile(value, re.DOTALL) if key in patterns else value for key, value in table.items()
    }
    try:
        return Known(**fields)
    except TypeError as error:
        raise ValueError(f"{path}: difference {table.get('id', '?')}: {error}") from None


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
