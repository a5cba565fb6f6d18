"""Which checks are wanted: `[tool.k1n.lint]` of pyproject.toml, `[lint]` of k1n.toml, and the command line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from pytest_k1n.engine.dialect import CURRENT, DIALECTS
from pytest_k1n.lint.check import Level
from pytest_k1n.validation.bounded import toml_in

KEYS = ("select", "ignore", "per-file-ignores", "exclude", "fail-on", "conductor")


class BadSelection(ValueError):
    """A selection that cannot be: where it stands, and what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Patterns of codes (`join-*`), as of the shell's; the strongest word is the command line's."""

    select: tuple[str, ...] = ("*",)
    ignore: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Pattern of a path from the configuration's folder, and what is ignored there."""
    exclude: tuple[str, ...] = ()
    """Patterns of paths that a walk through a folder leaves out."""
    fail_on: Level = Level.ERROR
    conductor: str = CURRENT.conductor
    """The release of Conductor that is to run the definitions."""
    folder: Path | None = None
    """Where the configuration stands; patterns of paths are relative to it."""

    def wants(self, code: str, file: str) -> bool:
        """Whether findings of a code are wanted in a file."""
        if not _matches(code, self.select) or _matches(code, self.ignore):
            return False
        return not any(
            _matches(code, codes) for pattern, codes in self.per_file_ignores.items() if self._is(file, pattern)
        )

    def excludes(self, file: str) -> bool:
        """Whether a walk leaves a file out."""
        return any(self._is(file, pattern) for pattern in self.exclude)

    def _is(self, file: str, pattern: str) -> bool:
        names = {file, Path(file).name}
        if self.folder is not None:
            path = Path(os.path.realpath(file))
            if path.is_relative_to(self.folder):
                names.add(path.relative_to(self.folder).as_posix())
        return any(fnmatchcase(name, pattern) for name in names)


def read_selection(start: Path) -> Selection:
    """Find the configuration from a path upwards: the nearest file that has one. Raises BadSelection."""
    start = Path(os.path.realpath(start))  # resolve() raises for a link that leads to itself
    for folder in (start, *start.parents) if start.is_dir() else start.parents:
        for name, keys in (("k1n.toml", ("lint",)), ("pyproject.toml", ("tool", "k1n", "lint"))):
            path = folder / name
            if path.is_file() and (table := _table(path, keys)) is not None:
                return replace(_selection(table, str(path)), folder=folder)
    return Selection()


def with_command_line(
    selection: Selection,
    *,
    select: Iterable[str],
    ignore: Iterable[str],
    fail_on: str | None,
    conductor: str | None = None,
) -> Selection:
    """Apply the command line to a configuration. Raises BadSelection."""
    chosen, left_out = tuple(_split(select)), tuple(_split(ignore))
    _check_codes(chosen, "--select")
    _check_codes(left_out, "--ignore")
    return replace(
        selection,
        select=chosen or selection.select,
        ignore=(*selection.ignore, *left_out),
        fail_on=Level(fail_on) if fail_on else selection.fail_on,
        conductor=_release(conductor, "--conductor") if conductor else selection.conductor,
    )


def _table(path: Path, keys: tuple[str, ...]) -> Mapping[str, object] | None:
    try:
        found: object = toml_in(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadSelection(f"{path}: cannot be read: {error}") from None
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    if found is not None and not isinstance(found, Mapping):
        raise BadSelection(f"{path}: {'.'.join(keys)} must be a table")
    return found


def _selection(table: Mapping[str, object], where: str) -> Selection:
    for key in table:
        if key not in KEYS:
            raise BadSelection(f"{where}: lint has no key {key!r}: there are {', '.join(KEYS)}")
    fail_on = table.get("fail-on", Level.ERROR.value)
    if fail_on not in list(Level):
        raise BadSelection(f"{where}: fail-on is {fail_on!r}: write one of {', '.join(Level)}")
    per_file = table.get("per-file-ignores", {})
    if not isinstance(per_file, Mapping):
        raise BadSelection(f'{where}: per-file-ignores must be a table, as in "legacy/*" = ["no-workflow-timeout"]')
    return Selection(
        select=_codes(table.get("select", ["*"]), f"{where}: select"),
        ignore=_codes(table.get("ignore", []), f"{where}: ignore"),
        per_file_ignores={
            str(pattern): _codes(codes, f"{where}: per-file-ignores of {pattern!r}")
            for pattern, codes in per_file.items()
        },
        exclude=_texts(table.get("exclude", []), f"{where}: exclude"),
        fail_on=Level(str(fail_on)),
        conductor=_release(table.get("conductor", CURRENT.conductor), f"{where}: conductor"),
    )


def _release(value: object, where: str) -> str:
    if value not in DIALECTS:
        raise BadSelection(f"{where} is {value!r}: lint knows {' and '.join(DIALECTS)}")
    return str(value)


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadSelection(f'{where} must be a list of texts, as in ["old-type", "join-*"]')
    return tuple(value)


def _codes(value: object, where: str) -> tuple[str, ...]:
    codes = _texts(value, where)
    _check_codes(codes, where)
    return codes


def _check_codes(patterns: Iterable[str], where: str) -> None:
    from pytest_k1n.lint.suggest import suggestion
    from pytest_k1n.lint.table import BY_CODE

    for pattern in patterns:
        if not any(fnmatchcase(code, pattern) for code in BY_CODE):
            hint = suggestion(pattern, BY_CODE) or "k1n lint --checks lists them"
            raise BadSelection(f"{where}: no check is called {pattern!r}: {hint}")


def _split(patterns: Iterable[str]) -> list[str]:
    return [each.strip() for pattern in patterns for each in pattern.split(",") if each.strip()]


@lru_cache(maxsize=4096)  # asked of every check for every definition
def _matches(code: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(code, pattern) for pattern in patterns)
