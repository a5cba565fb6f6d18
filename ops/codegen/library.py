"""Patterns and templates, as they lie on disk."""

from __future__ import annotations

import hashlib
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
        values = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadLibrary(f"{path}: {error}") from None
    template = values.get("template")
    if not isinstance(template, str) or not path.stem.isidentifier():
        raise BadLibrary(f"{path}: a pattern names its template, and its file is named as a module may be")
    return Pattern(name=path.stem, template=template, values=values | {"name": path.stem})


def read_templates(folder: Path) -> dict[str, Template]:
    """Read all templates of a folder, by name."""
    names = {path.name.removesuffix(".py.tmpl"): path for path in sorted(folder.glob("*.py.tmpl"))}
    return {name: Template(name=name, text=path.read_text("utf-8")) for name, path in names.items()}


def compile_template(template: Template) -> Compiled:
    """Split a template into literals and names, once, so that rendering only joins. Raises BadLibrary."""
    lines: Compiled = []
    for number, line in enumerate(template.text.splitlines(keepends=True), 1):
        each = None
        if line.startswith("@each "):
            _, each, line = line.split(" ", 2)
        try:
            lines.append([each, [[text, name] for text, name, _, _ in string.Formatter().parse(line)]])
        except ValueError as error:
            raise BadLibrary(f"template {template.name}, line {number}: {error}") from None
    return lines


def render(compiled: Compiled, pattern: Pattern) -> str:
    """Make a module's source of a compiled template. Raises BadLibrary for a value that the pattern lacks."""
    try:
        return "".join(
            _line(pieces, values)
            for each, pieces in compiled
            for values in ([pattern.values] if each is None else pattern.values[each])  # type: ignore[index]
        )
    except (KeyError, TypeError) as error:
        raise BadLibrary(f"pattern {pattern.name} lacks {error} that template {pattern.template} asks for") from None


def _line(pieces: list[Piece], values: Mapping[str, object]) -> str:
    return "".join(f"{text}{'' if name is None else values[name]}" for text, name in pieces)
