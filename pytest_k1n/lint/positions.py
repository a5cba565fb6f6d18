"""Line and column of every value and key of a JSON text, which the parser of the standard library does not tell."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from pytest_k1n.lint.check import Path

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


class _Open(NamedTuple):
    """An object or list that has been opened and not closed."""

    path: Path
    keys: set[str] | None
    """The keys so far; None for a list."""


class Positions:
    """Where things are in a text that has been parsed already, so that it is known to be JSON. Read once, on demand."""

    def __init__(self, text: str) -> None:
        self._text = text

    def line_and_column(self, path: Path) -> tuple[int, int]:
        """Count both from 1; a path that is not there is where the nearest thing around it is."""
        values, _ = self._scanned
        while path and path not in values:
            path = path[:-1]
        offset = values.get(path, 0)
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    @property
    def repeated_keys(self) -> list[Path]:
        """Keys that an object has more than once: every occurrence after the first."""
        return self._scanned[1]

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self._text))]

    @cached_property
    def _scanned(self) -> tuple[dict[Path, int], list[Path]]:
        """Map each path to the offset of its key, in a list of its value; the last one of a repeated key counts."""
        values: dict[Path, int] = {}
        repeated: list[Path] = []
        for path, offset, is_repeated in _places(self._text):
            if is_repeated:
                repeated.append(path)
            values[path] = offset
        return values, repeated


def _places(text: str) -> Iterator[tuple[Path, int, bool]]:
    stack: list[_Open] = []
    index = 0
    key: str | None = None
    indexes: list[int] = []
    for match in _TOKEN.finditer(text):
        token, offset = match[0], match.start()
        if token in (",", ":"):
            continue
        if token in ("}", "]"):
            stack.pop()
            index = indexes.pop()
            key = None
            continue
        here = stack[-1] if stack else None
        if here is not None and here.keys is not None and key is None:
            key = json.loads(token)
            yield (*here.path, key), offset, key in here.keys
            here.keys.add(key)
            continue
        if here is None:
            path: Path = ()
            yield path, offset, False
        elif here.keys is None:
            path = (*here.path, index)
            index += 1
            yield path, offset, False
        else:
            path = (*here.path, key or "")
        key = None
        if token in ("{", "["):
            stack.append(_Open(path, set() if token == "{" else None))
            indexes.append(index)
            index = 0
