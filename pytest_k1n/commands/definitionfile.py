"""The definition that a command is about, what lies beside it, and values that its options give as text."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_k1n.core.model import Json
from pytest_k1n.plan.library import read_definitions, read_folder, read_readable
from pytest_k1n.validation.bounded import files_in, read_at_most

_MOST_FILES = 2000
"""JSON files beside a definition that are looked through for the workflows it starts."""


def chosen(definitions: Sequence[Mapping[str, Any]], arguments: argparse.Namespace) -> Mapping[str, Any]:
    """Return the definition that is meant: the first, or the newest of the given name. Raises ValueError."""
    if arguments.name is None and definitions:
        return definitions[0]
    found = [each for each in definitions if each.get("name") == arguments.name]
    if not found:
        names = ", ".join(str(each.get("name")) for each in definitions) or "no definition"
        raise ValueError(f"{arguments.file}: no workflow {arguments.name}; it has {names}")
    return max(found, key=lambda each: each.get("version") or 1)


def beside(
    arguments: argparse.Namespace, definition: Mapping[str, Any], own: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the other definitions that are at hand: of the same file, and of the given files or its folder."""
    others = [*_children(arguments), *(each for each in own if each is not definition)]
    return list({(str(each.get("name")), str(each.get("version") or 1)): each for each in others}.values())


def _children(arguments: argparse.Namespace) -> Iterator[Mapping[str, Any]]:
    if arguments.children:
        for path in arguments.children:
            yield from read_readable(files_in(path)) if path.is_dir() else read_definitions(path)
        return
    beside = files_in(arguments.file.resolve().parent, deep=False)
    yield from read_readable([each for each in beside if not each.samefile(arguments.file)][:_MOST_FILES])


def task_definitions(paths: Sequence[Path]) -> list[Mapping[str, Any]]:
    """Read the task definitions of files and folders. Raises DefinitionError."""
    return [each for path in paths for each in _task_definitions(path)]


def _task_definitions(path: Path) -> Iterator[Mapping[str, Any]]:
    if path.is_dir():
        return (each for _, each in read_folder(path, "name"))
    return (each for each in read_definitions(path, "name") if "tasks" not in each)


def pairs(option: str, words: Sequence[str], example: str) -> dict[str, str]:
    """Read an option's `KEY=VALUE` words. Raises ValueError that shows an example."""
    found = {}
    for word in words:
        key, separator, value = word.partition("=")
        if not separator or not key or not value:
            raise ValueError(f"{option} {word!r}: write {option} {example}")
        found[key] = value
    return found


def document_of(path: Path) -> Json:
    """Read a file's JSON document, whatever it is of."""
    from pytest_k1n.lint.source_file import read_source

    return read_source(path, str(path)).document


def object_of(option: str, value: str) -> Mapping[str, Json]:
    """Read a JSON object, given as text or as the name of a file."""
    from pytest_k1n.lint.source_file import SourceFile

    is_text = value.lstrip().startswith("{")
    try:
        source = SourceFile(value, value if is_text else read_at_most(Path(value), 16).decode())
    except OSError as error:
        raise ValueError(f"{option} {value}: neither a JSON object nor a file: {error.strerror}") from None
    except ValueError:
        raise ValueError(f"{option} {value}: is not UTF-8 text") from None
    read, problem, _ = source.parsed
    if problem:
        raise ValueError(f"{option}{'' if is_text else f' {value}'}: {problem}")
    if not isinstance(read, dict):
        raise ValueError(f'{option}: a JSON object is wanted, as in {{"amount": 3}}')  # noqa: TRY004
    return read
