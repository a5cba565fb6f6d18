"""What a misspelt name was meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

MOST_NAMES = 500
"""Among more, looking for a similar one takes longer than it helps."""


def suggestion(name: str, known: Iterable[str], cutoff: float = 0.75) -> str:
    """Return `did you mean X?`, or "" if nothing resembles the name."""
    names = tuple(each for each in known if each)
    return "" if len(names) > MOST_NAMES or len(name) > 100 else _suggestion(name, names, cutoff)


@lru_cache(maxsize=4096)
def _suggestion(name: str, names: tuple[str, ...], cutoff: float) -> str:
    folded = {each.casefold().replace("_", ""): each for each in names}
    same = folded.get(name.casefold().replace("_", ""))
    close = [same] if same else get_close_matches(name, names, n=1, cutoff=cutoff)
    return f"did you mean {close[0]}?" if close and close[0] != name else ""
