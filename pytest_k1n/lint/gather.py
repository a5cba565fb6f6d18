"""Which files are meant: those that are named, and those of folders that hold definitions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pytest_k1n.core.text import from_yaml, is_yaml
from pytest_k1n.lint.check_selection import Selection
from pytest_k1n.lint.source_file import NoDefinition, SourceFile, Unreadable, read_source

_NOT_WALKED = frozenset({"node_modules", "__pycache__", "venv", "site-packages", "target", "build", "dist"})
EVERYTHING = Selection()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What the paths on the command line lead to."""

    sources: tuple[SourceFile, ...]
    mistakes: tuple[str, ...]
    """Paths that are not there, that cannot be read, or that hold no definition: a line each."""
    skipped: int
    """JSON files of folders that hold no definition."""
    unread: tuple[str, ...] = ()
    """Definitions in YAML, which folders hold beside the JSON files: a line each."""


def gather(paths: Iterable[str], selection: Selection) -> Gathered:
    """Read the files that paths name, and those in the folders that they name."""
    sources: dict[str, SourceFile] = {}
    mistakes: list[str] = []
    unread: list[str] = []
    skipped = 0
    for name in paths:
        path = Path(name)
        is_folder = path.is_dir()
        found = list(_walk(path, selection)) if is_folder else [path]
        unread += in_yaml(path, selection)
        if is_folder and not found:
            mistakes.append(f"{name}: no .json file in this folder")
        for each in found:
            shown = each.as_posix()
            if shown in sources:
                continue
            try:
                source = read_source(each, shown)
            except NoDefinition as error:
                skipped += is_folder
                mistakes += [] if is_folder else [str(error)]
                continue
            except Unreadable as error:
                mistakes.append(str(error))
                continue
            if source.definitions or (source.parsed[1] and (not is_folder or source.mentions_conductor)):
                sources[shown] = source
            elif is_folder:
                skipped += 1
            else:
                mistakes.append(f"{name}: no workflow or task definition in it")
    return Gathered(sources=tuple(sources.values()), mistakes=tuple(mistakes), skipped=skipped, unread=tuple(unread))


def in_yaml(folder: Path, selection: Selection = EVERYTHING) -> list[str]:
    """Say of each YAML file in a folder that holds definitions what is to be done with it."""
    found = []
    for path in _walk(folder, selection, (".yaml", ".yml")):
        with suppress(Unreadable):
            source = read_source(path, path.as_posix())
            if "taskReferenceName" in source.text and is_yaml(source.text):
                found.append(f"{source.name}: {from_yaml(source.name)}")
    return found


def _walk(folder: Path, selection: Selection, suffixes: tuple[str, ...] = (".json",)) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        if "run.json" in files and "runs" in folders:  # what runs of tests have written: copies of what they ran
            folders.clear()
            continue
        folders[:] = sorted(each for each in folders if not each.startswith(".") and each not in _NOT_WALKED)
        for name in sorted(files):
            path = Path(root) / name
            if name.endswith(suffixes) and not selection.excludes(path.as_posix()) and path.is_file():
                yield path
