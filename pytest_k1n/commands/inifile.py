"""Our own rows of pytest's configuration file, for commands that must not import pytest to read them."""

from __future__ import annotations

import configparser
from collections.abc import Callable, Mapping
from pathlib import Path

from pytest_k1n.validation.bounded import toml_in

Rows = Mapping[str, object]


def ini_rows(folder: Path) -> Rows:
    """Return the `k1n_…` rows of the nearest configuration file. Raises ValueError as `ini_file` does."""
    return ini_file(folder)[1]


def ini_file(folder: Path) -> tuple[Path, Rows]:
    """Return the folder of the nearest configuration file, from `folder` upwards as pytest looks for it, and its rows.

    Raises ValueError that names a file which cannot be read.
    """
    for place in (folder, *folder.parents):
        for name, read in _FILES:
            path = place / name
            if not path.is_file():
                continue
            try:
                table = read(path)
            except (configparser.Error, ValueError) as error:
                raise ValueError(f"{path}: {str(error).splitlines()[0]}") from None
            if table is not None:
                return place, {key: value for key, value in table.items() if key.startswith("k1n_")}
    return folder, {}


def words(value: object) -> tuple[str, ...]:
    """Read a list, or the words of a string."""
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, list | tuple) else tuple(str(value).split())


def _native(path: Path) -> Rows | None:
    return _table(toml_in(path.read_text("utf-8")), "pytest")


def _project(path: Path) -> Rows | None:
    tool = _table(toml_in(path.read_text("utf-8")), "tool")
    native = _table(tool or {}, "pytest")
    if native is None:
        return None
    return _table(native, "ini_options") or native


def _ini(section: str) -> Callable[[Path], Rows | None]:
    def read(path: Path) -> Rows | None:
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(path.read_text("utf-8"), source=str(path))
        return dict(parser[section]) if section in parser else None

    return read


def _table(document: Rows, key: str) -> Rows | None:
    found = document.get(key)
    return found if isinstance(found, dict) else None


_FILES: tuple[tuple[str, Callable[[Path], Rows | None]], ...] = (
    ("pytest.toml", _native),
    (".pytest.toml", _native),
    ("pytest.ini", _ini("pytest")),
    (".pytest.ini", _ini("pytest")),
    ("pyproject.toml", _project),
    ("tox.ini", _ini("pytest")),
    ("setup.cfg", _ini("tool:pytest")),
)
