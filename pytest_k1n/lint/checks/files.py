"""What is wrong with a file before it is a definition."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k1n.lint.check import Hit
from pytest_k1n.lint.source_file import SourceFile


def not_json(source: SourceFile) -> Iterator[Hit]:
    """Find what keeps the file from being read; the place is an offset, not a path."""
    _, problem, offset = source.parsed
    if problem:
        line = source.text.count("\n", 0, offset) + 1
        column = offset - (source.text.rfind("\n", 0, offset) + 1) + 1
        yield Hit((line, column), problem)


def repeated_key(source: SourceFile) -> Iterator[Hit]:
    """Find keys that an object has twice."""
    if source.parsed[1] or not source.definitions or not source.has_repeated_keys:
        return
    for path in source.positions.repeated_keys:
        if any(path[: len(found.path)] == found.path for found in source.definitions):
            yield Hit(path, f"{path[-1]!r} is in this object twice: the earlier value is lost")
