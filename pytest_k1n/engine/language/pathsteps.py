"""The steps of a JSONPath: from some values to those that each step finds in them; and how filters compare."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

MISSING: Final = object()
"""Where a path leads nowhere."""
FUNCTIONS: Final = frozenset({"length", "size", "min", "max", "avg", "sum", "keys", "first", "last"})
Step = Callable[[list[Any]], list[Any]]
Test = Callable[[Any], bool]


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def both(left: Any, right: Any) -> bool:
        numbers = _is_number(left) and _is_number(right)
        return (numbers or (isinstance(left, str) and isinstance(right, str))) and compare(left, right)

    return both


def _equal(left: Any, right: Any) -> bool:
    return (left is not MISSING and type(left) is type(right) and left == right) or (_is_number(left) and left == right)


COMPARISONS: tuple[tuple[str, Callable[[Any, Any], bool]], ...] = (
    ("==", _equal),
    ("!=", lambda left, right: not _equal(left, right)),
    ("<=", _ordered(lambda left, right: left <= right)),
    (">=", _ordered(lambda left, right: left >= right)),
    ("=~", _equal),
    ("<", _ordered(lambda left, right: left < right)),
    (">", _ordered(lambda left, right: left > right)),
)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


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


def where(test: Test) -> Step:
    """Read the members that pass a test; an object is asked itself."""

    def step(values: list[Any]) -> list[Any]:
        found: list[Any] = []
        for value in values:
            candidates = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
            found.extend(candidate for candidate in candidates if test(candidate))
        return found

    return step


def _members(value: Any) -> list[Any]:
    return value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []


def _walk(value: Any) -> Iterator[Any]:
    yield value
    for inner in _members(value):
        if isinstance(inner, dict | list):
            yield from _walk(inner)


def apply(function: str, value: Any) -> Any:
    """Apply a function that ends a path to what the path found."""
    if value is MISSING:
        return MISSING
    if function in ("length", "size"):
        return len(value) if isinstance(value, list | dict) else MISSING
    if function == "keys":
        return list(value) if isinstance(value, dict) else MISSING
    if not isinstance(value, list) or not value:
        return MISSING
    if function in ("first", "last"):
        return value[0 if function == "first" else -1]
    numbers = [float(inner) for inner in value if _is_number(inner)]
    if not numbers:
        return MISSING
    if function == "avg":
        return sum(numbers) / len(numbers)
    return min(numbers) if function == "min" else max(numbers) if function == "max" else sum(numbers)
