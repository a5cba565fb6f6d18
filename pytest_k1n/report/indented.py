"""JSON with an indent of one, letter by letter as `json.dumps(document, indent=1, ensure_ascii=False)` writes it.

The standard library indents in Python, by a generator for each value: a run of 200 templates spent a third of its time
in it.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from typing import Any


def indented(document: object) -> str:
    """Write a document. Raises TypeError and ValueError where `json.dumps` does."""
    return _written(document, "\n ")


def _written(value: Any, margin: str) -> str:
    """Write a value; `margin` begins the lines of what it holds."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is int:
        return repr(value)
    if value is None or kind is bool:
        return _CONSTANTS[value]
    if kind is float or value in ([], {}):
        return json.dumps(value)
    if kind is dict and value and {str}.issuperset(map(type, value)):
        inner = margin + " "
        parts = [  # texts and numbers here: a call for each would cost as much as what it writes
            f"{encode_basestring(key)}: "
            f"{encode_basestring(each) if type(each) is str else each if type(each) is int else _written(each, inner)}"
            for key, each in value.items()
        ]
        return f"{{{margin}{f',{margin}'.join(parts)}{margin[:-1]}}}"
    if kind in (list, tuple) and value:
        parts = [_written(each, margin + " ") for each in value]
        return f"[{margin}{f',{margin}'.join(parts)}{margin[:-1]}]"
    return json.dumps(value, indent=1, ensure_ascii=False).replace("\n", margin[:-1])


_CONSTANTS = {None: "null", True: "true", False: "false"}
