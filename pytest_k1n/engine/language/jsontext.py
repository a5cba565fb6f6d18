"""JSON as Conductor's mapper (Jackson) reads and writes it, and how deep a document may be.

It ignores what follows a document, takes UTF-16 and UTF-32 too, puts a `?` in place of half a surrogate pair, and
writes numbers that JSON does not have as texts: `"NaN"`, `"Infinity"`. Its own limit of depth is 1,000; with it a
definition of 240 SWITCHes within each other takes it half a minute to start. This engine's limit is what every part of
it can walk within Python's own limit of recursion, wherever its caller stands.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from json.decoder import WHITESPACE  # type: ignore[attr-defined]
from typing import Any, Final

from pytest_k1n.engine.language import badjson

DEPTH_LIMIT: Final = 150


class BadJson(ValueError):
    """A text that is no JSON document; says why in the server's words where it has any."""


class TooDeep(ValueError):
    """A document that this engine does not take, though the server might."""


def read(body: bytes) -> Any:
    """Read a document. Raises BadJson or TooDeep."""
    text, halves = _decoded(body)
    start = WHITESPACE.match(text, 0).end()
    if start < len(text) and text[start] < " ":
        raise BadJson(
            f"Illegal character ((CTRL-CHAR, code {ord(text[start])})): only regular white space (\\r, \\n, \\t) is "
            "allowed between tokens"
        )
    try:
        value, _ = _DECODER.raw_decode(text, start)
    except RecursionError:
        raise TooDeep(_TOO_DEEP) from None
    except ValueError as error:
        raise BadJson(badjson.complaint(text) or str(error)) from None
    if text.count("[") + text.count("{") > DEPTH_LIMIT and is_deeper(value, DEPTH_LIMIT):
        raise TooDeep(_TOO_DEEP)
    return _whole(value) if halves or "\\ud" in text or "\\uD" in text else value


def write(value: Any) -> str:
    """Write a document."""
    try:
        return _encode(value)
    except ValueError:
        return _encode(_finite(value))


def is_deeper(value: Any, limit: int) -> bool:
    """Tell whether a document is nested more than `limit` deep, without recursion."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(limit):
        level = [
            member
            for each in level
            for member in (each.values() if isinstance(each, dict) else each)
            if isinstance(member, dict | list)
        ]
    return bool(level)


def excess(value: Any, limit: int) -> int:
    """Return how many bytes a document takes if it takes more than a limit, else 0.

    What is in it many times is counted so, but looked at once: a dozen lists that hold each other twice over are small
    until they are written. Far above the limit the count is a rough one, and too high.
    """
    rough = _rough(value, {})
    if rough <= limit:
        return 0
    size = rough if rough > 32 * limit > 0 else len(write(value).encode("utf-8", "replace"))
    return size if size > limit else 0


def _rough(value: Any, known: dict[int, int]) -> int:
    """Count at least the bytes that a value takes."""
    if isinstance(value, str):
        return 2 * (len(value) if value.isascii() else len(value.encode("utf-8", "replace"))) + 3
    if not isinstance(value, dict | list):
        return value.bit_length() if isinstance(value, int) and abs(value) > 2**64 else 26
    found = known.get(id(value))
    if found is not None:
        return found
    total = 2
    if isinstance(value, dict):
        total += sum(map(len, value)) * 2 + 5 * len(value)
        for key in value:
            if not key.isascii():
                total += 4 * len(key)
    for inner in value.values() if isinstance(value, dict) else value:
        if type(inner) is int:
            total += 27 if -(2**64) < inner < 2**64 else inner.bit_length() + 1
        else:
            total += _rough(inner, known) + 1
    known[id(value)] = total
    return total


_TOO_DEEP: Final = f"Document nesting depth exceeds the maximum allowed ({DEPTH_LIMIT}) by this embedded engine"


def _refuse_constant(token: str) -> None:
    raise ValueError(f"Non-standard token '{token}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def _decoded(body: bytes) -> tuple[str, bool]:
    """Decode a text; tell whether there are halves of surrogate pairs in it, which Java's reader lets through."""
    encoding = json.detect_encoding(body)
    with suppress(UnicodeDecodeError):
        return body.decode(encoding), False
    try:
        return body.decode(encoding, "surrogatepass"), True
    except UnicodeDecodeError as error:
        if error.reason == "invalid continuation byte" and error.end < len(body):
            raise BadJson(f"Invalid UTF-8 middle byte 0x{body[error.end]:02x}") from None
        if error.reason == "invalid start byte" and body[:1] >= b" ":
            raise BadJson(f"Invalid UTF-8 start byte 0x{body[error.start]:02x}") from None
        return body.decode(encoding, "replace"), False  # refused for its first character


def _whole(value: Any) -> Any:
    """Put a `?` in place of halves of surrogate pairs."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
