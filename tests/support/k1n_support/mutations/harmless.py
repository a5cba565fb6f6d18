"""What may go unnoticed, with the reason of each: `harmless.toml` beside this module."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
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
    places: tuple[str, ...] = ()
    """Executions and tasks of them (`failed: b`) that alone it speaks of; empty: all."""
    is_of_alike: bool = False
    """Whether it speaks of records of which an alike one is mutated already: only `--alike` needs it."""

    def matches(self, row: Row, place: str) -> bool:
        """Whether it speaks of a row, at a place of it."""
        is_of = (not self.of or row.of in self.of) and (not self.places or place in self.places)
        return self.part == row.part and row.field in self.fields and row.kind in self.kinds and is_of

    def unused(self, silent: Mapping[Row, Sequence[str]]) -> list[str]:
        """Name the fields, kinds, classes and places that nothing silent has any more."""
        mine = [(row, place) for row, places in silent.items() for place in places if self.matches(row, place)]
        rows = {row for row, _ in mine}
        there = (
            {row.field for row in rows},
            {row.kind for row in rows},
            {row.of for row in rows},
            {at for _, at in mine},
        )
        wanted = set(self.fields), set(self.kinds), set(self.of), set(self.places)
        left = [each for is_there, asked in zip(there, wanted, strict=True) for each in sorted(asked - is_there)]
        return [f"{self.part} {', '.join(self.fields)[:60]} ({self.reason}): {each}" for each in left]


def read() -> tuple[Mapping[str, str], list[Harmless]]:
    """Read the reasons by their names, and the entries."""
    told = tomllib.loads((Path(__file__).parent / "harmless.toml").read_text(encoding="utf-8"))
    entries = [
        Harmless(
            each["part"],
            tuple(each["fields"]),
            tuple(each["kinds"]),
            tuple(each.get("of", ())),
            each["reason"],
            tuple(each.get("places", ())),
            each.get("is_of_alike", False),
        )
        for each in told["harmless"]
    ]
    return told["reasons"], entries
