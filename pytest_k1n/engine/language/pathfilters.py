"""How a JSONPath's filters compare, and the functions that end a path: Jayway's, as measured on Conductor 3.32.1."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from pytest_k1n.core.java_text import java_text


class LeadsNowhere(Exception):
    """The library breaks: the whole path leads nowhere."""


class Unfit(Exception):
    """An operator cannot be asked about such a value: the member that was filtered does not pass."""


Comparison = Callable[[Any, Any], bool]
Function = Callable[[Any], Any]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: Any, right: Any) -> bool:
    """Compare by value: a number and a text as the left one's kind, anything else within its kind."""
    if _is_number(left):
        number = _decimal(right)
        return number is not None and number == _decimal(left)
    if isinstance(left, str):
        return left == right if isinstance(right, str) else _is_number(right) and left == java_text(right)
    return type(left) is type(right) and bool(left == right)


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return Decimal(java_text(value))
    except InvalidOperation:
        return None


def _same(left: Any, right: Any) -> bool:
    """Compare within one kind only."""
    return (
        _is_number(left) == _is_number(right) and isinstance(left, str) == isinstance(right, str) and equal(left, right)
    )


def _ordered(compare: Comparison) -> Comparison:
    def both(left: Any, right: Any) -> bool:
        numbers = _is_number(left) and _is_number(right)
        return (numbers or (isinstance(left, str) and isinstance(right, str))) and compare(left, right)

    return both


def _listed(value: Any) -> list[Any] | None:
    """Return a list's members; None for an object's. Raises Unfit."""
    if isinstance(value, dict):
        return None
    if not isinstance(value, list):
        raise Unfit
    return value


def _among(value: Any, members: list[Any]) -> bool:
    return any(equal(value, member) for member in members)


def _in(left: Any, right: Any) -> bool:
    members = _listed(right)
    return members is not None and _among(left, members)


def _of_lists(test: Callable[[list[Any], list[Any]], bool]) -> Comparison:
    def both(left: Any, right: Any) -> bool:
        wanted, members = _listed(right), _listed(left)
        return wanted is not None and members is not None and test(members, wanted)

    return both


def _contains(left: Any, right: Any) -> bool:
    if isinstance(left, str):
        return isinstance(right, str) and right in left
    return isinstance(left, list) and _among(right, left)


def _size(left: Any, right: Any) -> bool:
    return _is_number(right) and isinstance(left, str | list) and len(left) == int(right)


def _empty(left: Any, right: Any) -> bool:
    if isinstance(left, dict):
        raise LeadsNowhere
    if not isinstance(left, str | list):
        return False
    if not isinstance(right, bool):
        raise Unfit
    return (not left) == right


def _never(_left: Any, _right: Any) -> bool:
    return False


SIGNS: Final[tuple[tuple[str, Comparison], ...]] = (
    ("===", _same),
    ("!==", lambda left, right: not _same(left, right)),
    ("==", equal),
    ("!=", lambda left, right: not equal(left, right)),
    ("<=", _ordered(lambda left, right: left <= right)),
    (">=", _ordered(lambda left, right: left >= right)),
    ("<", _ordered(lambda left, right: left < right)),
    (">", _ordered(lambda left, right: left > right)),
)
"""Operators that are signs, longer ones first; `=~` takes a pattern and is not among them."""
WORDS: Final[dict[str, Comparison]] = {
    "in": _in,
    "nin": lambda left, right: not _in(left, right),
    "subsetof": _of_lists(lambda members, wanted: all(_among(each, wanted) for each in members)),
    "anyof": _of_lists(lambda members, wanted: any(_among(each, wanted) for each in members)),
    "noneof": _of_lists(lambda members, wanted: not any(_among(each, wanted) for each in members)),
    "contains": _contains,
    "size": _size,
    "empty": _empty,
    "type": _never,
    "matches": _never,
    "all": _never,
}
"""Operators that are words, in any case."""


def matchable(value: Any) -> str | None:
    """Return the text that a pattern is matched against; None for what matches none."""
    if value is None:
        return ""
    return None if isinstance(value, list | dict) else java_text(value)


def _length(value: Any) -> int | None:
    return len(value) if isinstance(value, list | dict) else None


def _keys(value: Any) -> list[str] | None:
    return list(value) if isinstance(value, dict) else None


def _concat(value: Any) -> str:
    return "".join(each for each in value if isinstance(each, str)) if isinstance(value, list) else ""


def at(position: int) -> Function:
    """Make the function that reads one place of a list; counted from its end it never reads the first."""

    def read(value: Any) -> Any:
        place = position if position >= 0 else len(value) + position if isinstance(value, list) else 0
        if not isinstance(value, list) or place >= len(value) or (position < 0 and place <= 0):
            raise LeadsNowhere
        return value[place]

    return read


def unknown(_value: Any) -> Any:
    """Be a function that there is not, or that takes no arguments. Raises Unfit."""
    raise Unfit


def _aggregate(compute: Callable[[list[float]], float]) -> Function:
    def of(value: Any) -> float:
        numbers = [float(each) for each in value if _is_number(each)] if isinstance(value, list) else []
        if not numbers:
            raise LeadsNowhere
        return compute(numbers)

    return of


def _deviation(numbers: list[float]) -> float:
    count = len(numbers)
    variance = sum(each * each for each in numbers) / count - sum(numbers) * sum(numbers) / count / count
    return math.sqrt(variance) if variance >= 0 else math.nan  # of equal fractions, as Java's


FUNCTIONS: Final[dict[str, Function]] = {
    "length": _length,
    "size": _length,
    "keys": _keys,
    "concat": _concat,
    "first": at(0),
    "last": at(-1),
    "min": _aggregate(min),
    "max": _aggregate(max),
    "sum": _aggregate(sum),
    "avg": _aggregate(lambda numbers: sum(numbers) / len(numbers)),
    "stddev": _aggregate(_deviation),
}
