"""Values as Java writes them: what Conductor puts where an expression is embedded in text."""

from __future__ import annotations

from math import inf, isfinite
from typing import Any


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
