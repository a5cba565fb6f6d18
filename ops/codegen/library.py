"""Patterns and templates, as they lie on disk."""

from __future__ import annotations

import hashlib
import string
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path

from checked_file import read_regular

_FORMAT = 1
"""Of what `compile_template` makes: raise it with every change there, or old caches would be taken for new ones."""
Piece = list[str | None]
"""A literal, and the name of the value that follows it (None at the end)."""
Compiled = list[list[object]]
"""Lines of a template: [None, pieces], or [name of a list, pieces] for a line that each of its items gets."""


class BadLibrary(ValueError):
    """A pattern or template that cannot be used; names the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What one module is generated from."""

    name: str
    template: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The text of a template; its digest tells whether something compiled from it still holds."""

    name: str
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{_FORMAT}\0{self.text}".encode()).hexdigest()


def read_pattern(path: Path) -> Pattern:
    """Read one pattern. Raises BadLibrary."""
    try:
        values = tomllib.loads(_text_of(path))
    except tomllib.TOMLDecodeError as error:
        raise BadLibrary(f"{path}: {error}") from None
    template, name = values.get("template"), path.stem
    if not isinstance(template, str) or not name.isidentifier() or iskeyword(name) or name.startswith("__"):
        raise BadLibrary(f"{path}: a pattern names its template, and its file is named as a module may be")
    return Pattern(name=path.stem, template=template, values=values | {"name": path.stem})


def check_names(patterns: Sequence[Pattern]) -> None:
    """Raise BadLibrary for two patterns whose modules Python, or a disk without capitals, would not tell apart."""
    known: dict[str, str] = {}
    for pattern in patterns:
        other = known.setdefault(unicodedata.normalize("NFKC", pattern.name).casefold(), pattern.name)
        if other != pattern.name:
            raise BadLibrary(f"patterns {other} and {pattern.name} name one module: rename one of them")


def read_templates(folder: Path, asked_for: Sequence[Pattern]) -> dict[str, Template]:
    """Read the templates that patterns ask for, by name. Raises BadLibrary."""
    paths = {path.name.removesuffix(".py.tmpl"): path for path in sorted(folder.glob("*.py.tmpl"))}
    for pattern in asked_for:
        if pattern.template not in paths:
            raise BadLibrary(f"pattern {pattern.name} asks for template {pattern.template}, which is not there")
    names = sorted({pattern.template for pattern in asked_for})
    return {name: Template(name=name, text=_text_of(paths[name])) for name in names}


def _text_of(path: Path) -> str:
    try:
        return read_regular(path).decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise BadLibrary(f"{path}: {error}") from None
    except OSError as error:
        raise BadLibrary(f"{path} cannot be read: {error.strerror or error}") from None


def compile_template(template: Template) -> Compiled:
    """Split a template into literals and names, once, so that rendering only joins. Raises BadLibrary."""
    lines: Compiled = []
    for number, line in enumerate(template.text.splitlines(keepends=True), 1):
        each = None
        try:
            if line.startswith("@each "):
                _, each, line = line.split(" ", 2)
            pieces = list(string.Formatter().parse(line))
        except ValueError as error:
            said = "write @each LIST TEXT" if line.startswith("@each ") else str(error)
            raise BadLibrary(f"template {template.name}, line {number}: {said}") from None
        if more := next((name for _, name, spec, conversion in pieces if spec or conversion), None):
            said = f"{{{more}}} is all that can be said of a value, no format"
            raise BadLibrary(f"template {template.name}, line {number}: {said}")
        lines.append([each, [[text, name] for text, name, _, _ in pieces]])
    return lines


def render(compiled: Compiled, pattern: Pattern) -> str:
    """Make a module's source of a compiled template. Raises BadLibrary for a value that the pattern lacks."""
    try:
        return "".join(
            _line(pieces, values)
            for each, pieces in compiled
            for values in ([pattern.values] if each is None else pattern.values[each])  # type: ignore[index]
        )
    except KeyError as error:
        raise BadLibrary(f"pattern {pattern.name} lacks {error} that template {pattern.template} asks for") from None
    except TypeError:
        asked = ", ".join(sorted({str(each) for each, _ in compiled if each is not None}))
        raise BadLibrary(
            f"pattern {pattern.name}: template {pattern.template} asks for a list of tables, [[{asked}]]"
        ) from None


def _line(pieces: list[Piece], values: Mapping[str, object]) -> str:
    return "".join(f"{text}{'' if name is None else values[name]}" for text, name in pieces)
