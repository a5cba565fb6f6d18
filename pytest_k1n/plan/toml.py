"""A TOML table read key by key: each value is checked, each mistake becomes one line, what was not read is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import TYPE_CHECKING, TypeVar, cast

from pytest_k1n.core.plan import Band
from pytest_k1n.core.text import one_line, shortened
from pytest_k1n.core.units import duration_ms, percent

if TYPE_CHECKING:
    from pytest_k1n.core.model import Json

T = TypeVar("T")
_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"), ((int, float), "a number"), (str, "a string"), (list, "a list"), (dict, "a table"),
    ((date, datetime, time), "a date"),
)  # fmt: skip
_MOST = 1_000_000
_DURATION = 'write a duration with its unit, as in "6.5m" or "150ms"'


class Table:
    """One table of a TOML document; mistakes go to `problems`, and reading goes on with a harmless value."""

    def __init__(self, fields: Mapping[str, object], *, path: str, source: str, problems: list[str]) -> None:
        self._fields = fields
        self._path = path
        self._source = source
        self._problems = problems
        self._read: set[str] = set()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that it has, in their order."""
        return tuple(self._fields)

    def problem(self, key: str, what: str, instead: str) -> None:
        """Note a mistake at a key of this table."""
        parts = (self._source, one_line(self._path_of(key), most=120), one_line(what, most=200), one_line(instead))
        self._problems.append(": ".join(parts))

    def refuse_unknown(self) -> None:
        """Note every key that nothing has read."""
        for key in sorted(self._fields.keys() - self._read):
            known = ", ".join(sorted(self._read))
            self.problem(key, "unknown key", closest(key, self._read) or f"known here: {known}")

    def text(self, key: str, *, required: bool = False) -> str:
        """Read a non-empty string; "" if it is missing."""
        value = self._take(key, str, 'write a string, as in "name"', required=required)
        if value is not None and not value.strip():
            self.problem(key, "is empty", "write a name, or leave the key out")
        return value or ""

    def whole(self, key: str, *, required: bool = False, least: int = 0) -> int:
        """Read a whole number; 0 if it is missing."""
        value = self._take(key, int, "write a whole number", required=required)
        if value is not None and not least <= value <= _MOST:
            self.problem(key, f"is {value}", f"write a whole number from {least} to {_MOST}")
            return least
        return value or 0

    def number(self, key: str) -> float | None:
        """Read a positive number."""
        value = self._take(key, (int, float), "write a number, as in 1.5")
        if value is not None and not 0 < value < float("inf"):
            self.problem(key, f"is {value}", "write a positive number")
        return float(value) if value is not None else None

    def fraction(self, key: str, default: float) -> float:
        """Read a percentage ("10%") as a fraction."""
        value = self._take(key, str, 'write a percentage, as in "10%"')
        if value is None:
            return default
        try:
            return percent(value)
        except ValueError as error:
            self.problem(key, str(error), 'write it as in "10%"')
            return default

    def duration(self, key: str, default_ms: int = 0, *, required: bool = False) -> int:
        """Read a duration ("6.5m") in milliseconds."""
        value = self._take(key, str, _DURATION, required=required)
        return default_ms if value is None else self._milliseconds(key, value)

    def optional_duration(self, key: str) -> int | None:
        """Read a duration longer than zero; `None` if it is missing."""
        value = self.duration(key)
        if value == 0 and key in self._fields:
            self.problem(key, "must be longer than 0", _DURATION)
        return value or None

    def durations(self, key: str) -> dict[str, int]:
        """Read a table of durations, such as the estimates by ref."""
        table = self.table(key)
        return {name: table.duration(name) for name in table._fields} if table else {}

    def band(self, key: str, *, required: bool = False) -> Band | None:
        """Read `[low, high]`, two durations in that order."""
        how = 'write [low, high], as in ["25m", "40m"]'
        value = self._take(key, list, how, required=required)
        if value is None:
            return None
        if len(value) != 2 or not all(isinstance(end, str) for end in value):
            self.problem(key, f"is {value!r}", how)
            return None
        low_ms, high_ms = (self._milliseconds(key, end) for end in value)
        if low_ms > high_ms:
            self.problem(key, f"{value[0]} is longer than {value[1]}", how)
        return low_ms, high_ms

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """Read a list of distinct, non-empty strings; not empty if required."""
        how = 'write a list of strings, as in ["task_1", "task_2"]'
        value = self._take(key, list, how, required=required)
        if value is None:
            return ()
        return self._strings(key, value, how, allow_empty=not required)

    def groups(self, key: str) -> tuple[tuple[str, ...], ...]:
        """Read a list of lists of at least two strings."""
        how = 'write lists of two refs or more, as in [["task_3", "task_4"]]'
        value = self._take(key, list, how)
        groups = []
        for group in value or ():
            if not isinstance(group, list) or len(group) < 2:
                self.problem(key, f"{group!r} is no group", how)
            else:
                groups.append(self._strings(key, group, how, allow_empty=False))
        return tuple(groups)

    def table(self, key: str) -> Table | None:
        """Read a table within this one."""
        value = self._take(key, dict, f"write a table, as in [{self._path_of(key)}]")
        return None if value is None else self._inner(self._path_of(key), value)

    def tables(self, key: str) -> tuple[Table, ...]:
        """Read an array of tables; one that is no table is noted and left out."""
        how = f"write [[{self._path_of(key)}]] tables"
        found = []
        for index, value in enumerate(self._take(key, list, how) or (), start=1):
            path = f"{self._path_of(key)}[{index}]"
            if isinstance(value, dict):
                found.append(self._inner(path, value))
            else:
                self.problem(key, f"entry {index} is {kind(value)}", how)
        return tuple(found)

    def document(self, key: str) -> dict[str, Json]:
        """Read a table that becomes JSON as it is; TOML's dates have no form there."""
        value = self._take(key, dict, f"write a table, as in [{self._path_of(key)}]") or {}
        if any(isinstance(leaf, (date, datetime, time)) for leaf in _leaves(value)):
            self.problem(key, "holds a date, which JSON cannot carry", 'write it as a string, as in "2026-11-21"')
        return cast("dict[str, Json]", value)

    def _take(
        self, key: str, expected: type[T] | tuple[type[T], ...], instead: str, *, required: bool = False
    ) -> T | None:
        self._read.add(key)
        value = self._fields.get(key)
        if value is None:
            if required:
                self.problem(key, "is missing", instead)
            return None
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            self.problem(key, f"is {kind(value)}", instead)
            return None
        return value

    def _inner(self, path: str, fields: Mapping[str, object]) -> Table:
        return Table(fields, path=path, source=self._source, problems=self._problems)

    def _milliseconds(self, key: str, text: str) -> int:
        try:
            return duration_ms(text)
        except ValueError:
            self.problem(key, f"{text!r} is no duration", _DURATION)
            return 0

    def _strings(self, key: str, value: list[object], how: str, *, allow_empty: bool) -> tuple[str, ...]:
        strings = tuple(entry for entry in value if isinstance(entry, str) and entry)
        if len(strings) != len(value) or len(set(strings)) != len(strings) or not (strings or allow_empty):
            self.problem(key, f"is {value!r}", f"{how}, each once")
        return strings

    def _path_of(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key


def closest(word: str, known: Iterable[str]) -> str:
    """Return `did you mean "x"?` for the nearest known word, else ""."""
    from difflib import get_close_matches

    folded = {each.casefold(): each for each in known}
    matches = get_close_matches(word[:200].casefold(), folded, n=1)
    return f'did you mean "{folded[matches[0]]}"?' if matches else ""


def kind(value: object) -> str:
    """Name a TOML value's kind with the value: `a number (5)`."""
    name = next((name for types, name in _KINDS if isinstance(value, types)), type(value).__name__)
    return name if isinstance(value, (list, dict)) else f"{name} ({shortened(repr(value), most=40)})"


def _leaves(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value
