"""Which members of `$` a script names: a loop's condition is asked in every round, and gets no more than it reads.

Only what is certain counts: a script that uses `$` in any other way than `$.name` or `$['name']`, or that could make
code of text, gets everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

_WORD: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_STEP: Final = rf"(?:\s*\.\s*({_WORD})|\s*\[\s*(?:'({_WORD})'|\"({_WORD})\")\s*\])"
_NAMED: Final = re.compile(rf"(?<![\w$])\${_STEP}(?:{_STEP}(?!\s*[\w$(`]))?")
_OPAQUE: Final = re.compile(r"\\|\b(?:eval|Function|constructor|globalThis|this|with|import)\b")
"""What may reach `$` without naming it, and how the text of a script may hide a name."""

Names = Mapping[str, frozenset[str] | None]


@lru_cache(maxsize=1_000)
def named(source: str) -> Names | None:
    """Return the members of `$` that a script reads, each with the members that it reads of it (None: it may read all).

    None: the script may read anything.
    """
    if _OPAQUE.search(source):
        return None
    found: dict[str, frozenset[str] | None] = {}
    count = 0
    for match in _NAMED.finditer(source):
        count += 1
        first, second = match[1] or match[2] or match[3], match[4] or match[5] or match[6]
        known = found.get(first, frozenset())
        found[first] = None if second is None or known is None else known | {second}
    return found if count == source.count("$") else None


def members(value: Any, names: frozenset[str] | None) -> Any:
    """Return of an object only some members; anything else as it is."""
    if names is None or not isinstance(value, dict):
        return value
    return {name: value[name] for name in names if name in value}
