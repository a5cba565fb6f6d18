"""The order in which a `java.util.HashMap` holds its keys: by their hashes, whatever they were put in."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pytest_k1n.engine.values import JsonObject


def hash_order(keys: Iterable[str]) -> list[str]:
    """Sort texts as a map iterates over them that has grown to hold them; those of one bucket stay as they are."""
    listed = list(keys)
    size = 16
    while 4 * len(listed) > 3 * size:
        size *= 2
    return sorted(listed, key=lambda key: _spread(key) & (size - 1))


def as_hash_map(value: JsonObject, written: Any) -> JsonObject:
    """Order a task's input as the server does: what its definition writes out is a HashMap, what it names is as it was.

    `written` is what the definition has in the value's place.
    """
    inner = written if isinstance(written, dict) else {}
    return {key: ordered(value[key], inner.get(key)) for key in hash_order(value)}


def ordered(value: Any, written: Any) -> Any:
    """Order the maps in a value of any kind, as far as `written` has them, too."""
    if isinstance(value, dict) and isinstance(written, dict):
        return as_hash_map(value, written)
    if isinstance(value, list) and isinstance(written, list) and len(value) == len(written):
        return [ordered(*both) for both in zip(value, written, strict=True)]
    return value


@lru_cache(4096)
def _spread(text: str) -> int:
    """Compute what `HashMap` makes of `String.hashCode`, over UTF-16: its upper half is mixed into the lower."""
    units = text.encode("utf-16-le", "surrogatepass")
    found = 0
    for at in range(0, len(units), 2):
        found = (31 * found + units[at] + (units[at + 1] << 8)) & 0xFFFFFFFF
    return found ^ found >> 16
