"""What may go unnoticed, with the reason of each: `harmless.toml` beside this module."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from k1n_support.mutations.changes import Row


@dataclass(frozen=True)
class Harmless:
    """One entry: fields of a part, the kinds of mutations of them, and the classes of tasks."""

    part: str
    fields: tuple[str, ...]
    kinds: tuple[str, ...]
    of: tuple[str, ...]
    """Classes of tasks; empty: all."""
    reason: str
    """The name of a reason."""

    def matches(self, row: Row) -> bool:
        """Whether it speaks of a row."""
        is_of = not self.of or row.of in self.of
        return self.part == row.part and row.field in self.fields and row.kind in self.kinds and is_of

    def unused(self, rows: Iterable[Row]) -> list[str]:
        """Name the fields, kinds and classes that no silent row has any more."""
        mine = [row for row in rows if self.matches(row)]
        there = {row.field for row in mine}, {row.kind for row in mine}, {row.of for row in mine}
        wanted = set(self.fields), set(self.kinds), set(self.of)
        left = [each for is_there, asked in zip(there, wanted, strict=True) for each in sorted(asked - is_there)]
        return [f"{self.part} {', '.join(self.fields)[:60]} ({self.reason}): {each}" for each in left]


def read() -> tuple[Mapping[str, str], list[Harmless]]:
    """Read the reasons by their names, and the entries."""
    told = tomllib.loads((Path(__file__).parent / "harmless.toml").read_text(encoding="utf-8"))
    entries = [
        Harmless(each["part"], tuple(each["fields"]), tuple(each["kinds"]), tuple(each.get("of", ())), each["reason"])
        for each in told["harmless"]
    ]
    return told["reasons"], entries
