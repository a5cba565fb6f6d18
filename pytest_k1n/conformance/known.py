"""The known differences: what servers do otherwise than the recorded Conductor, in one file, each with its reason.

`known_differences.toml` holds `[[difference]]` tables: `id`; `on`, the servers that show it (`embedded`; a version, and
those before it; `next`, those after the recorded one; `race`, every Conductor, now and then); `path`, a regular
expression that matches a difference's whole path; optional `cases`, `left`, `right`, for the case's name, the recorded
value and the other one, as JSON, and `uses`, which is found somewhere in the case's own JSON; `reason` and `upstream`
(issue, change, source file or measurement). For an older version also `before`, the first release without it where that
is known, `area`, `upgrade`, what a user has to know, and `modelled`, where the embedded engine does so too as that
version. A difference that none matches is unexplained.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_k1n.client.clock import is_embedded
from pytest_k1n.conformance.cases import Case
from pytest_k1n.conformance.compare import HistoryDifference
from pytest_k1n.conformance.corpus import folder
from pytest_k1n.validation.bounded import read_at_most, toml_in

EMBEDDED, NEXT, RACE = "embedded", "next", "race"
_PATTERNS = ("path", "cases", "uses", "left", "right", "endless")
_ANY = re.compile(".*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One explained difference."""

    id: str
    on: str
    reason: str
    upstream: str
    path: re.Pattern[str] = _ANY
    cases: re.Pattern[str] = _ANY
    left: re.Pattern[str] = _ANY
    right: re.Pattern[str] = _ANY
    uses: re.Pattern[str] | None = None
    before: str | None = None
    area: str = ""
    upgrade: str = ""
    modelled: bool = False
    """Whether the embedded engine shows it too when it is that version."""
    endless: re.Pattern[str] | None = None
    """Cases that such a server would go on with until it is stopped."""

    def never_ends(self, case: Case) -> bool:
        """Whether a server that shows this is not to be asked about a case."""
        return self.endless is not None and self.endless.fullmatch(case.name) is not None

    def explains(self, difference: HistoryDifference, case: Case) -> bool:
        return bool(
            self.path.fullmatch(difference.path)
            and self.cases.fullmatch(case.name)
            and self.left.fullmatch(_text(difference.left))
            and self.right.fullmatch(_text(difference.right))
            and (self.uses is None or self.uses.search(_text(case.document())))
        )

    def is_of(self, version: str, recorded: str) -> bool:
        """Whether a server of this version may show it, compared with the recorded one."""
        release = release_of(version)
        if self.on == EMBEDDED:
            return is_embedded(version)
        if is_embedded(version) and not self.modelled:
            return False
        if self.on == RACE:
            return True
        if self.on == NEXT:
            return release > release_of(recorded)
        return release <= release_of(self.on) or (self.before is not None and release < release_of(self.before))


def release_of(version: str) -> tuple[int, ...]:
    """Read the numbers that a version begins with, to be compared; of `3.32.0-rc.8` the same as of `3.32.0`."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def known_differences(path: Path | None = None) -> tuple[Known, ...]:
    """Read a file, by default that of the package. Raises ValueError that names a table with a missing field."""
    path = path or folder() / "known_differences.toml"
    try:
        tables = toml_in(read_at_most(path, 16).decode()).get("difference", [])
        return tuple(_known(table) for table in tables)
    except (ValueError, TypeError, AttributeError, re.error) as error:  # whatever a file holds
        raise ValueError(f"{path}: {error}") from None


def known_of(version: str, recorded: str, every: Iterable[Known]) -> tuple[Known, ...]:
    """Return those that a server of a version may show."""
    return tuple(entry for entry in every if entry.is_of(version, recorded))


def explanation(difference: HistoryDifference, case: Case, known: Iterable[Known]) -> Known | None:
    """Find what explains a difference."""
    return next((entry for entry in known if entry.explains(difference, case)), None)


def unexplained(found: Iterable[HistoryDifference], case: Case, known: tuple[Known, ...]) -> list[HistoryDifference]:
    """Leave only what no known difference explains."""
    return [one for one in found if explanation(one, case, known) is None]


def _known(table: dict[str, Any]) -> Known:
    fields: dict[str, Any] = {
        key: re.compile(value, re.DOTALL) if key in _PATTERNS else value for key, value in table.items()
    }
    try:
        return Known(**fields)
    except TypeError as error:
        raise ValueError(f"difference {table.get('id', '?')}: {error}") from None


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
