"""The package's own sources, read and parsed once for all tests of the house."""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "pytest_k1n"


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def statements(name: str) -> tuple[ast.stmt, ...]:
    """Every statement of a module, those inside others too; expressions are not entered: they hold none."""
    return tuple(_inside(parsed(modules()[name].read_text(encoding="utf-8")).body))


def parsed(text: str) -> ast.Module:
    """Parse without the garbage collector: a tree has none, and to look for it takes twice as long as to parse."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(text)
    finally:
        if was_on:
            gc.enable()


def _inside(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        for name in ("body", "orelse", "finalbody"):
            yield from _inside(getattr(statement, name, []))
        for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            yield from _inside(part.body)
