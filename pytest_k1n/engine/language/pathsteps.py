"""The steps of a JSONPath: from some values to those that each step finds in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from pytest_k1n.engine.language.pathfilters import Function, LeadsNowhere, Unfit

MISSING: Final = object()
"""Where a path leads nowhere."""
Step = Callable[[list[Any]], list[Any]]
Test = Callable[[Any], bool]


def child(name: str) -> Step:
    """Read one key of each object."""
    return lambda values: [value[name] for value in values if isinstance(value, dict) and name in value]


def pick(names: tuple[str, ...]) -> Step:
    """Read some keys of each object, as an object of these."""
    return lambda values: [
        {name: value[name] for name in names if name in value} for value in values if isinstance(value, dict)
    ]


def index(position: int) -> Step:
    """Read one place of each list, from its end if negative."""
    return lambda values: [
        value[position] for value in values if isinstance(value, list) and -len(value) <= position < len(value)
    ]


def indices(positions: tuple[int, ...]) -> Step:
    """Read some places of each list."""
    return lambda values: [
        value[position]
        for value in values
        if isinstance(value, list)
        for position in positions
        if -len(value) <= position < len(value)
    ]


def slice_(low: int | None, high: int | None) -> Step:
    """Read a range of each list.

    With both ends given the server counts up from one to the other, through negative positions as well, which are
    those from the list's end: `[-1:2]` is the last, the first and the second (measured on 3.32.1).
    """
    if low is None or high is None:
        return lambda values: [inner for value in values if isinstance(value, list) for inner in value[low:high]]

    def step(values: list[Any]) -> list[Any]:
        found: list[Any] = []
        for value in values:
            if isinstance(value, list):
                size = len(value)
                found.extend(value[at] for at in range(max(low, -size), min(high, size)))
        return found

    return step


def wildcard(values: list[Any]) -> list[Any]:
    """Read all members of each object and list."""
    return [inner for value in values for inner in _members(value)]


def descend(values: list[Any]) -> list[Any]:
    """Read everything inside, at any depth, and the values themselves."""
    return [inner for value in values for inner in _walk(value)]


def where(test: Test, *, is_definite: bool) -> Step:
    """Read the members that pass a test; an object is asked itself, anything else breaks a path that was definite."""

    def step(values: list[Any]) -> list[Any]:
        found: list[Any] = []
        for value in values:
            if is_definite and not isinstance(value, list | dict):
                raise LeadsNowhere
            candidates = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
            found.extend(candidate for candidate in candidates if _passes(test, candidate))
        return found

    return step


def _passes(test: Test, value: Any) -> bool:
    try:
        return test(value)
    except Unfit:
        return False


def call(function: Function) -> Step:
    """Apply a function to each value."""
    return lambda values: [function(value) for value in values]


def _members(value: Any) -> list[Any]:
    return value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []


def _walk(value: Any) -> Iterator[Any]:
    yield value
    for inner in _members(value):
        if isinstance(inner, dict | list):
            yield from _walk(inner)
