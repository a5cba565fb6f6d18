"""Scalars as the server's mapper (Jackson) reads them into Java's types, and its words for what it cannot (3.32.1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from pytest_k1n.engine.problems import Illegal, Problem

_WIDTHS: Final = {"int": 31, "java.lang.Integer": 31, "long": 63, "java.lang.Long": 63}
_TRUTHS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_PARSE: Final = "JSON parse error: "
NO_PLACE: Final = "\n at [Source: UNKNOWN; byte offset: #UNKNOWN]"
"""What the mapper adds where it reads a task's input and no text of a request."""


def unreadable(complaint: Problem) -> str:
    """Say what the mapper says of a task's input: with the way to what it cannot read."""
    text = complaint.message.removeprefix(_PARSE) + NO_PLACE
    return f"{text} (through reference chain: {'->'.join(complaint.chain)})" if complaint.chain else text


_COERCION: Final = "(but could if coercion was enabled using `CoercionConfig`)"


def number(value: Any, java: str) -> int | None:
    """Read a whole number: texts are parsed, fractions cut off, a blank text is none. Raises Illegal."""
    if isinstance(value, str):
        return _number_of_text(value.strip(), value, java)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise cannot(java, value)
    least, most = _bounds(java)
    if not math.isfinite(value) or not least <= value <= most:
        kind = "int" if _WIDTHS[java] == 31 else "long"
        raise Illegal(f"{_PARSE}Numeric value ({value}) out of range of {kind} ({least} - {most})")
    return int(value)


def _number_of_text(text: str, given: str, java: str) -> int | None:
    if not text:
        return None
    least, most = _bounds(java)
    what = f'{_PARSE}Cannot deserialize value of type `{java}` from String "{given}": '
    try:
        found = int(text) if text.isascii() and "_" not in text else None
    except ValueError:
        found = None
    if found is None or abs(found) >= 2**63:
        raise Illegal(f"{what}not a valid `{java}` value")
    if not least <= found <= most:
        shown = java if java == "int" else f"`{java}`"
        raise Illegal(f"{what}Overflow: numeric value ({text}) out of range of {shown} ({least} -{most})")
    return found


def _bounds(java: str) -> tuple[int, int]:
    return -(2 ** _WIDTHS[java]), 2 ** _WIDTHS[java] - 1


def truth(value: Any, java: str) -> bool | None:
    """Read true or false: of the numbers 0 is false, a blank text is none. Raises Illegal."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    if not isinstance(value, str):
        raise cannot(java, value)
    text = value.strip()
    if text and text not in _TRUTHS:
        words = '"true" or "false"' if java != "boolean" else '"true"/"True"/"TRUE" or "false"/"False"/"FALSE"'
        raise Illegal(
            f'{_PARSE}Cannot deserialize value of type `{java}` from String "{value}": only {words} recognized'
        )
    return _TRUTHS.get(text)


def text(value: Any) -> str:
    """Read a text: other scalars are written as they stand. Raises Illegal."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise cannot("java.lang.String", value)


def constant(value: Any, java: str, names: tuple[str, ...], listed: tuple[str, ...]) -> str:
    """Read one of an enum's constants, by its name or its place among `names`. Raises Illegal.

    `listed`: the names in the order in which the server's message has them.
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise cannot(java, value)
    if value == "":
        raise Illegal(f'{_PARSE}Cannot coerce empty String ("") to `{java}` value {_COERCION}')
    name = value.strip() if isinstance(value, str) else ""
    if name in names:
        return name
    if name and not name.isdecimal():
        raise Illegal(
            f'{_PARSE}Cannot deserialize value of type `{java}` from String "{value}": not one of the values accepted '
            f"for Enum class: [{', '.join(listed)}]"
        )
    place = int(name) if name else value
    if not isinstance(place, int) or not 0 <= place < len(names):
        raise Illegal(
            f"{_PARSE}Cannot deserialize value of type `{java}` from number {value}: index value outside legal index "
            f"range [0..{len(names) - 1}]"
        )
    return names[place]


def no_object(java: str, value: Any) -> Illegal:
    """Make the complaint about a value that is no object of a class."""
    if value == "":
        return Illegal(f'{_PARSE}Cannot coerce empty String ("") to `{java}` value {_COERCION}')
    if value is None or isinstance(value, Mapping | list):
        return cannot(java, value)
    if isinstance(value, str):
        given = f"no String-argument constructor/factory method to deserialize from String value ('{value}')"
    elif isinstance(value, bool):
        shown = str(value).lower()
        given = f"no boolean/Boolean-argument constructor/factory method to deserialize from boolean value ({shown})"
    else:
        kind = "int/Int" if isinstance(value, int) else "double/Double"
        given = f"no {kind}-argument constructor/factory method to deserialize from Number value ({value})"
    return Illegal(f"{_PARSE}Cannot construct instance of `{java}` (although at least one Creator exists): {given}")


def no_container(java: str, value: Any) -> Illegal:
    """Make the complaint about a value that is no map, or no list of texts."""
    plain = java.partition("<")[0]
    if value == "":
        return Illegal(f'{_PARSE}Cannot coerce empty String ("") to element of `{plain}` {_COERCION}')
    return no_object(plain, value) if isinstance(value, str) else cannot(java, value)


def cannot(java: str, value: Any) -> Illegal:
    """Make the complaint about a value of another kind."""
    if isinstance(value, Mapping):
        given, token = "Object", "START_OBJECT"
    elif isinstance(value, list):
        given, token = "Array", "START_ARRAY"
    elif isinstance(value, bool):
        given, token = "Boolean", f"VALUE_{str(value).upper()}"
    elif isinstance(value, int):
        given, token = "Integer", "VALUE_NUMBER_INT"
    elif isinstance(value, float):
        given, token = "Floating-point", "VALUE_NUMBER_FLOAT"
    elif value is None:
        given, token = "Null", "VALUE_NULL"
    else:
        given, token = "String", "VALUE_STRING"
    return Illegal(f"{_PARSE}Cannot deserialize value of type `{java}` from {given} value (token `JsonToken.{token}`)")
