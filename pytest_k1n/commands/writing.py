"""How values are written into the files of `k1n init`: durations, names, comments, JSON as Python has it. Pure."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping

from pytest_k1n.core.units import HOUR_MS, MINUTE_MS, SECOND_MS

WIDTH = 100


def duration(ms: int) -> str:
    """Write a duration as plans do, exactly, in the largest unit that takes two decimals: `6.5m`, `412ms`."""
    for unit_ms, unit in ((HOUR_MS, "h"), (MINUTE_MS, "m"), (SECOND_MS, "s")):
        whole, rest = divmod(ms * 100, unit_ms)
        if rest == 0 and ms >= (3 * HOUR_MS if unit == "h" else unit_ms):
            return f"{whole / 100:.2f}".rstrip("0").rstrip(".") + unit
    return f"{ms}ms"


def quoted(text: str) -> str:
    """Quote for Python and TOML alike: both read JSON's escapes, of the characters that names hold."""
    return json.dumps(text, ensure_ascii=False)


def comment(text: str, *, indent: str = "    ") -> Iterator[str]:
    """Write a comment on as many lines as it needs, no word of it cut; a text that begins with a space is moved in."""
    plain = " ".join(text.split()) if text[:1].strip() else f"  {' '.join(text.split())}"
    yield from textwrap.wrap(plain, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ",
                             break_long_words=False, break_on_hyphens=False)  # fmt: skip


def python(value: Mapping[str, object]) -> str:
    """Write JSON values as Python does, in double quotes where no text of it has a quote or a backslash."""
    plain = repr(dict(value))
    return plain if re.search(r"[\\\"]", plain) else plain.replace("'", '"')
