"""What differs between two canonical histories, each difference with its path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MISSING = "<missing>"


@dataclass(frozen=True, slots=True)
class HistoryDifference:
    """One value that two servers disagree on; `path` is `/`-separated keys into the canonical history."""

    path: str
    left: Any
    right: Any

    def __str__(self) -> str:
        return f"{self.path}: {_short(self.left)} != {_short(self.right)}"


def differences(left: Any, right: Any, path: str = "") -> Iterator[HistoryDifference]:
    """Yield what differs, depth first. A list of other length differs as a whole."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            yield from differences(left.get(key, MISSING), right.get(key, MISSING), f"{path}|{key}" if path else key)
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from differences(one, other, f"{path}|{index}")
    elif left != right or type(left) is not type(right):
        yield HistoryDifference(path, left, right)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}…"
