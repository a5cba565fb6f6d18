"""Which files of a project a test module rests on: itself, the conftest files above it, and what these import of it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

MOST = 500
"""Files that are followed."""
_LARGEST_BYTES = 2_000_000


def files_behind(config: pytest.Config, modules: Iterable[str]) -> list[str]:
    """Return the files behind test modules, all relative to the root folder; without what is installed."""
    root = config.rootpath
    folders = [root, *(root / folder for folder in config.getini("pythonpath"))]
    waiting = [root / module for module in modules]
    waiting += [folder / "conftest.py" for path in list(waiting) for folder in path.parents if _is_in(folder, root)]
    found: dict[Path, None] = {}
    while waiting and len(found) < MOST:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found[path] = None
        waiting += [each for each in _imported(path, [path.parent, *folders]) if _is_in(each, root)]
    return sorted(path.relative_to(root).as_posix() for path in found)


def _is_in(path: Path, root: Path) -> bool:
    inside = path.is_relative_to(root)
    return inside and not {"site-packages", ".venv", "venv"} & set(path.relative_to(root).parts)


def _imported(path: Path, folders: Sequence[Path]) -> Iterator[Path]:
    """Yield the files that the imports of a module may stand for, by name: nothing is imported."""
    try:
        tree = ast.parse(path.read_bytes()) if path.stat().st_size <= _LARGEST_BYTES else None
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            for each in node.names:
                yield from _named(each.name, folders)
        elif isinstance(node, ast.ImportFrom):
            above = [path.parents[node.level - 1]] if 0 < node.level <= len(path.parents) else folders
            name = node.module or ""
            yield from _named(name, above)
            for each in node.names:
                yield from _named(f"{name}.{each.name}".lstrip("."), above)


def _named(name: str, folders: Sequence[Path]) -> Iterator[Path]:
    parts = [part for part in name.split(".") if part]
    for folder in folders if parts else ():
        for depth in range(1, len(parts) + 1):
            place = folder.joinpath(*parts[:depth])
            yield place.with_suffix(".py")
            yield place / "__init__.py"
