"""Paths into JSON documents (`a.b[0].c`), and equality as JSON means it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import lru_cache

from pytest_k1n.core.model import Json

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\[(['\"])(.*?)\3\]")


class Missing(Enum):
    """The type of `MISSING`: there is nothing at a path. Distinct from a JSON null that is."""

    MISSING = "missing"


MISSING = Missing.MISSING


@lru_cache(4096)
def steps(path: str) -> tuple[str | int, ...]:
    """Split `a.b[0]['c d']` into keys and indexes. Raises ValueError for anything else."""
    found: list[str | int] = []
    position = 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise ValueError(f"{path!r} is not a path: write keys and indexes, as in order.items[0].price")
        name, index, _, quoted = step.groups()
        found.append(int(index) if index is not None else name if name is not None else quoted)
        position = step.end()
    return tuple(found)


def lookup(document: Json | Mapping[str, Json], path: str) -> Json | Mapping[str, Json] | Missing:
    """Return what is at a path of a document, `MISSING` where there is nothing. Raises ValueError for a bad path."""
    value: Json | Mapping[str, Json] = document
    for step in steps(path):
        if isinstance(value, Mapping) and step in value:
            value = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return MISSING
    return value


def equal(first: object, second: object) -> bool:
    """Whether two JSON values are the same: 1 equals 1.0 as in JSON, but `true` is not 1 as it is in Python."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(equal(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(equal, first, second))
    return first == second


def leaves(document: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield every (path, value) of a document that is neither an object nor a list."""
    if isinstance(document, Mapping):
        for key, value in document.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(document, list | tuple):
        for index, value in enumerate(document):
            yield from leaves(value, f"{path}[{index}]")
    else:
        yield path, document


def shown(value: object, limit: int = 80) -> str:
    """Show a value in a finding, shortened in the middle of nowhere rather than filling the screen."""
    text = "nothing" if value is MISSING else repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
