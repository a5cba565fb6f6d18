"""A mark misspelt in `-m` selects nothing, and pytest says no more than how many tests it left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pytest

_ARGUMENT = re.compile(r"""\b\w+\s*=\s*(?:'[^']*'|"[^"]*"|[\w.+-]+)""")
"""What stands in the brackets of a mark, as `n=2` does."""


def misspelt(config: pytest.Config, items: Iterable[pytest.Item]) -> Iterator[str]:
    """Yield a line for each name in `-m` that no registered mark has and no test, with the nearest of those."""
    from pytest_k1n.plan.toml import closest

    expression = str(config.getoption("markexpr"))
    known = {re.split(r"[:(]", line, maxsplit=1)[0].strip() for line in config.getini("markers")}
    known |= {mark.name for item in items for mark in item.iter_markers()}
    for name in dict.fromkeys(_names(expression)):
        if name not in known:
            hint = closest(name, known) or "`pytest --markers` lists those that are registered"
            yield f"-m {expression}: no mark is called {name}: {hint}"


def _names(expression: str) -> Iterator[str]:
    """Yield the names of marks; `batch(n=2)` names batch."""
    for name in re.findall(r"\b[A-Za-z_]\w*", _ARGUMENT.sub("", expression)):
        if name not in ("and", "or", "not"):
            yield name
