"""Values as Java writes them: what Conductor puts where an expression is embedded in text."""

from __future__ import annotations

import re
from math import inf, isfinite
from typing import Any, Final


def java_text(value: Any) -> str:
    """Write a JSON value the way `String.valueOf` would: `null`, `true`, `1.5`, `[1, 2]`, `{a=1, b=x}`."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={java_text(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(java_text(inner) for inner in value) + "]"
    return str(value)


def json_smart_text(value: Any) -> str:
    """Write JSON as the server's JSONPath library does: slashes escaped, no blanks, doubles as Java has them."""
    if isinstance(value, str):
        return f'"{_UNSAFE.sub(_escaped, value)}"'
    if isinstance(value, dict):
        return "{" + ",".join(f"{json_smart_text(key)}:{json_smart_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_smart_text, value)) + "]"
    return java_text(value)


_UNSAFE: Final = re.compile('["/\\\\\x00-\x1f\x7f-\x9f\u2000-\u20ff]')
_SHORT: Final = {
    '"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
}  # fmt: skip


def _escaped(found: re.Match[str]) -> str:
    return _SHORT.get(found[0]) or f"\\u{ord(found[0]):04X}"


def _double(value: float) -> str:
    """Write a double like `Double.toString`: plain from 1e-3 up to 1e7, else with `E`."""
    magnitude = abs(value)
    if not isfinite(value):
        return {inf: "Infinity", -inf: "-Infinity"}.get(value, "NaN")
    if magnitude == 0 or 1e-3 <= magnitude < 1e7:
        return repr(value)
    mantissa, _, exponent = f"{value!r}".partition("e")
    if not exponent:
        digits = f"{value:.17e}" if float(f"{value:.16e}") != value else f"{value:.16e}"
        mantissa, _, exponent = digits.partition("e")
        mantissa = mantissa.rstrip("0")
    if "." not in mantissa:
        mantissa += ".0"
    elif mantissa.endswith("."):
        mantissa += "0"
    return f"{mantissa}E{int(exponent)}"


def java_cast(value: Any, wanted: str, *, as_written: bool = False) -> str:
    """Say what Java says where an input is not of the class it is taken for; `as_written`: before it was resolved."""
    kind = _java_class(value)
    if not as_written:
        kind = _RESOLVED.get(kind, kind)
    return (
        f"class {kind} cannot be cast to class {wanted} ({kind} and {wanted} are in module java.base of loader "
        "'bootstrap')"
    )


_RESOLVED: Final = {"java.util.LinkedHashMap": "java.util.HashMap", "java.util.ArrayList": "java.util.LinkedList"}
"""What the server makes of containers when it resolves the expressions in them."""
_CLASSES: Final = {
    str: "java.lang.String", float: "java.lang.Double", bool: "java.lang.Boolean", dict: "java.util.LinkedHashMap",
    list: "java.util.ArrayList",
}  # fmt: skip


def _java_class(value: Any) -> str:
    if type(value) is int:
        if is_integer(value):
            return "java.lang.Integer"
        return "java.lang.Long" if -(2**63) <= value < 2**63 else "java.math.BigInteger"
    return _CLASSES[type(value)]


def is_integer(value: Any) -> bool:
    """Tell whether a JSON value is an Integer of Java."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31
