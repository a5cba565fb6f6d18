"""Which test modules a project has, and on which of its files one rests: itself, the conftest files above, and what
these import of it.

Paths are plain texts here: a large project's names may stand for ten thousand places, and as many `Path`s took ten
seconds.
"""
# ruff: noqa: PTH116, PTH118, PTH120, PTH206

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatch
from functools import cache, lru_cache
from os.path import isdir, isfile, join
from pathlib import Path

import pytest

MOST = 500
"""Files that are followed."""
_LARGEST_BYTES = 2_000_000
_INSTALLED = frozenset({"site-packages", ".venv", "venv"})
_OURSELVES = str(Path(__file__).parents[1])
"""This package: installed, also where a project has it in its own folder."""
_Exists = Callable[[str], bool]


def test_modules(config: pytest.Config) -> Iterator[str]:
    """Yield the test modules of a project, whether or not this run collects them, relative to the root folder."""
    root, patterns = str(config.rootpath), config.getini("python_files")
    passed_over = [*config.getini("norecursedirs"), *_INSTALLED]
    for start in config.getini("testpaths") or ["."]:
        for folder, folders, files in os.walk(join(root, start)):
            folders[:] = [each for each in folders if not any(fnmatch(each, pattern) for pattern in passed_over)]
            for name in files:
                if name.endswith(".py") and any(fnmatch(name, pattern) for pattern in patterns):
                    yield os.path.relpath(join(folder, name), root).replace(os.sep, "/")


def files_behind(config: pytest.Config, modules: Iterable[str]) -> list[str]:
    """Return the files behind test modules, all relative to the root folder; without what is installed."""
    root = str(config.rootpath)
    folders = [root, *(join(root, folder) for folder in config.getini("pythonpath"))]
    waiting = [join(root, module) for module in modules]
    waiting += [join(folder, "conftest.py") for path in waiting for folder in _above(path, root)]
    found: dict[str, None] = {}
    is_file, is_folder = cache(isfile), cache(isdir)  # most names are asked for by many files
    while waiting and len(found) < MOST:
        path = waiting.pop()
        if path in found or not is_file(path):
            continue
        found[path] = None
        for level, name in _imported(path):
            places = [_up(path, level)] if level else [os.path.dirname(path), *folders]
            waiting += [each for each in _named(name, places, is_file, is_folder) if _is_in(each, root)]
    return sorted(os.path.relpath(path, root).replace(os.sep, "/") for path in found)


def _above(path: str, root: str) -> Iterator[str]:
    """Yield the folders of a file up to the root folder."""
    folder = os.path.dirname(path)
    while folder.startswith(root):
        yield folder
        if folder == root:
            return
        folder = os.path.dirname(folder)


def _up(path: str, level: int) -> str:
    for _ in range(level):
        path = os.path.dirname(path)
    return path


def _is_in(path: str, root: str) -> bool:
    if not path.startswith(root + os.sep) or path.startswith(_OURSELVES + os.sep):
        return False
    return _INSTALLED.isdisjoint(path[len(root) :].split(os.sep))


def _imported(path: str) -> Sequence[tuple[int, str]]:
    """Return what a module imports, with the number of dots before it: nothing is imported."""
    try:
        status = os.stat(path)
        return _imports(path, status.st_mtime_ns, status.st_size) if status.st_size <= _LARGEST_BYTES else ()
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


@lru_cache(maxsize=2 * MOST)
def _imports(path: str, _mtime_ns: int, _size: int) -> Sequence[tuple[int, str]]:
    found: dict[tuple[int, str], None] = {}
    for node in ast.walk(ast.parse(Path(path).read_bytes())):
        if isinstance(node, ast.Import):
            found.update(dict.fromkeys((0, each.name) for each in node.names))
        elif isinstance(node, ast.ImportFrom):
            name = node.module or ""
            found[node.level, name] = None
            found.update(dict.fromkeys((node.level, f"{name}.{each.name}".lstrip(".")) for each in node.names))
    return tuple(found)


def _named(name: str, folders: Sequence[str], is_file: _Exists, is_folder: _Exists) -> Iterator[str]:
    """Yield the files that a name may stand for, with those of the packages it is in."""
    parts = [part for part in name.split(".") if part]
    for folder in folders:
        place = folder
        for part in parts:
            place = join(place, part)
            if is_file(f"{place}.py"):
                yield f"{place}.py"
            if not is_folder(place):
                break
            yield join(place, "__init__.py")
