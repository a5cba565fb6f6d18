"""Text from outside becomes text for people: names, reasons and logs may hold anything; a terminal obeys some of it.

A workflow named `\\x1b]0;owned\\x07` would set the window's title, one with a line break could fake a line of a
summary, and a mark that turns the reading direction could show `PASS` where `FAIL` stands.
"""

from __future__ import annotations

import json
import re
import shlex
import unicodedata
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

MOST = 500
"""Characters of one value in a message: enough to recognise it, too few to bury the message."""
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters, line breaks and the escape character among them
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # separators, invisible ones, marks of direction
    "\ufffe\uffff"  # no characters: XML must not hold them
    "\ud800-\udfff"  # lone surrogates, which no terminal's encoding can carry
    "\U000e0000-\U000e007f]"  # invisible tags
)
_YAML = re.compile(r"(?:\s*#[^\n]*\n|\s)*(?:---|%YAML|- |[A-Za-z_][\w.-]*:(?:\s|$))")
"""How a text of YAML begins, and none of JSON."""


def one_line(text: object, *, most: int = MOST) -> str:
    """Show a value as one harmless line: what a terminal would obey becomes an escape, what is too long is cut."""
    return _UNSAFE.sub(_escaped, shortened(str(text), most=most))


def counted(count: int, one: str, many: str = "") -> str:
    """Say how many there are of something, as in `1 retry`; `many` is `one` with an s where it is not given."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def columns_of(text: str) -> int:
    """Count the columns that a text takes in a terminal: two for a wide sign, none for one that stands on another."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)


def harmless(text: str) -> str:
    """Show a text of several lines as it is, but for what a terminal would obey."""
    return "\n".join(_UNSAFE.sub(_escaped, line) for line in text.expandtabs(4).split("\n"))


def as_lines(lines: Iterable[str]) -> str:
    """Join lines for people, each of which stays one: a name with a line break cannot fake a line of its own."""
    return "\n".join(_UNSAFE.sub(_escaped, line.expandtabs(4)) for line in lines)


def shortened(text: str, *, most: int = MOST) -> str:
    """Cut a text in its middle, and say how much is missing; whole where saying so would take more than is missing."""
    missing = f"[… {len(text) - most:,} characters …]"
    if len(text) <= most + len(missing):
        return text
    head = most * 2 // 3
    tail = most - head
    return f"{text[:head]}{missing}{text[-tail:]}"


def _escaped(match: re.Match[str]) -> str:
    sign = match[0]
    if sign == "\x7f":  # which `json.dumps` lets be
        return "\\u007f"
    if "\x80" <= sign <= "\x9f" or sign > "\uffff":  # the escape of JSON: it may stand in a text of JSON
        return json.dumps(sign)[1:-1]
    return sign.encode("unicode_escape").decode("ascii")


def from_json(text: str | bytes) -> Any:
    """Read JSON that others wrote. Raises ValueError, also where it is nested deeper than Python can follow."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(why_not_json(error)) from None


def why_not_json(error: Exception) -> str:
    """Say why a text is no JSON that can be read, where Python says it in words about itself."""
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return "it has a number of too many digits" if "digits" in str(error) else str(error)


def is_yaml(text: str) -> bool:
    """Whether a text begins as YAML does, and JSON never."""
    return _YAML.match(text) is not None


def no_json(text: str, name: str, error: Exception) -> str:
    """Say of a file why it is no JSON that can be read; of YAML how it becomes JSON."""
    return from_yaml(name) if is_yaml(text) else f"not JSON: {why_not_json(error)}"


def from_yaml(name: str) -> str:
    """Say of a file that it is YAML, and how it becomes JSON."""
    path = PurePath(name)
    made = path.with_suffix(".new.json" if path.suffix == ".json" else ".json") if path.name else PurePath("new.json")
    return f"is YAML, and JSON is read here: yq -p=yaml -o=json {shlex.quote(name)} > {shlex.quote(str(made))}"
