"""Validate documents: fast when they are valid (jsonschema-rs, where installed), well explained when they are not.

Only jsonschema's `best_match` names the true leaf under a `oneOf`, and it is 150 times slower. So a document that the
fast validator refuses is first cut down to the entries at fault.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

_PACKAGE = Path(__file__).parent.parent
_FOLDERS = (_PACKAGE / "schemas", _PACKAGE.parent / "schemas")
"""Where the schemas are: the wheel carries them inside the package, a checkout has them in its top-level folder."""
MOST_PROBLEMS = 50
"""A document with more says no more."""

PathPart = str | int


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """One place where a document is not what its schema says."""

    path: str
    """JSON path: `$.tasks[3].status`."""
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(frozen=True)  # no slots: `explain` is made on first use
class Compiled:
    """A schema ready for use."""

    schema: Mapping[str, Any]
    fast: Any
    """A jsonschema-rs validator; `None` without the extra."""

    @cached_property
    def explain(self) -> Draft202012Validator:
        """The validator with good messages, imported for documents that need them only: that takes 0.1 s."""
        from jsonschema import Draft202012Validator
        from jsonschema.validators import extend
        from referencing import Registry

        # A tuple is written as an array, and the fast validator takes it for one.
        arrays = Draft202012Validator.TYPE_CHECKER.redefine("array", lambda _, each: isinstance(each, list | tuple))
        extended: Any = extend(Draft202012Validator, type_checker=arrays)  # type: ignore[no-untyped-call]
        # An empty registry: by default a reference to elsewhere would be fetched from the network.
        validator: Draft202012Validator = extended(dict(self.schema), registry=Registry())
        return validator

    def problems(self, document: object) -> list[SchemaProblem]:
        """Return what is wrong, in the order of the document; empty if it is valid."""
        if self.fast is not None and self.fast.is_valid(document):
            return []
        from referencing.exceptions import Unresolvable

        try:
            return self._problems(document)
        except Unresolvable as error:
            return [SchemaProblem("$", f"the schema refers to {error.ref!r}, which is not part of it")]

    def _problems(self, document: object) -> list[SchemaProblem]:
        if self.fast is None:
            return _explained(self.explain, document, lambda path: path)
        paths = [tuple(error.instance_path) for error in self.fast.iter_errors(document)]
        reduced, original = _cut_down(document, paths)
        # Should the two validators ever disagree about the part, the whole document decides.
        return _explained(self.explain, reduced, original) or _explained(self.explain, document, lambda path: path)


def validate(document: object, name: str) -> list[SchemaProblem]:
    """Validate a document against one of our schemas ("results", "plan"). Raises LookupError for an unknown name."""
    return _named(name).problems(document)


def problems_of(schema: Mapping[str, Any], document: object) -> list[str]:
    """Validate a document against any schema of 2020-12, such as a task definition's; one line per problem.

    A schema that is none itself is the one problem reported.
    """
    try:
        compiled = _canonical(json.dumps(schema, sort_keys=True))
    except ValueError as error:
        return [f"the schema itself is not valid: {error}"]
    return [str(problem) for problem in compiled.problems(document)]


@lru_cache(maxsize=16)
def _named(name: str) -> Compiled:
    schema = _document(name)  # a test has checked it
    return Compiled(schema, _fast(schema))


@lru_cache(maxsize=256)
def _canonical(text: str) -> Compiled:
    return compile_schema(json.loads(text))


def compile_schema(schema: Mapping[str, Any], *, fast: bool = True) -> Compiled:
    """Check and compile a schema. Raises ValueError in one line if it is not a valid schema."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        raise ValueError(f"{error.json_path}: {error.message}") from None
    return Compiled(schema, _fast(schema) if fast else None)


def _fast(schema: Mapping[str, Any]) -> Any:
    try:
        import jsonschema_rs
    except ImportError:
        return None
    try:
        return jsonschema_rs.Draft202012Validator(dict(schema), retriever=_never_fetch)
    except ValueError:
        # It cannot compile what it cannot resolve, nor some of Python's regular expressions: jsonschema then decides.
        return None


def _never_fetch(uri: str) -> Any:
    raise LookupError(uri)


def _explained(
    validator: Draft202012Validator, document: object, original: Callable[[tuple[PathPart, ...]], tuple[PathPart, ...]]
) -> list[SchemaProblem]:
    from jsonschema.exceptions import best_match

    found: dict[SchemaProblem, None] = {}
    for error in sorted(validator.iter_errors(document), key=_position):
        leaf = best_match([error]) or error
        path = original(tuple(leaf.absolute_path))
        found[SchemaProblem(_json_path(path), _message(leaf))] = None
        if len(found) == MOST_PROBLEMS:
            break
    return list(found)


def _position(error: ValidationError) -> list[tuple[bool, PathPart]]:
    return [(isinstance(part, str), part) for part in error.absolute_path]


def _message(error: ValidationError) -> str:
    """Keep jsonschema's words, without quoting a whole document back; a pattern is told by its description."""
    if error.validator == "pattern" and isinstance(error.schema, dict) and "description" in error.schema:
        return f"{error.instance!r} is not this: {error.schema['description']}"
    instance = repr(error.instance)
    if len(instance) > 120 and error.message.startswith(instance):
        return f"{instance[:100]}...{error.message[len(instance) :]}"
    return error.message if len(error.message) <= 400 else f"{error.message[:400]}..."


def _cut_down(
    document: object, paths: Iterable[tuple[PathPart, ...]]
) -> tuple[object, Callable[[tuple[PathPart, ...]], tuple[PathPart, ...]]]:
    """Keep of every long list at the top only the entries at fault, and tell how to find them in the original."""
    if not isinstance(document, dict):
        return document, lambda path: path
    kept: dict[str, list[int]] = {}
    for path in paths:
        if len(path) > 1 and isinstance(path[0], str) and isinstance(path[1], int):
            kept.setdefault(path[0], []).append(path[1])
        elif path and isinstance(path[0], str):
            kept.setdefault(path[0], []).extend(range(len(document[path[0]])) if _is_list(document, path[0]) else [])
    reduced = dict(document)
    indexes: dict[str, list[int]] = {}
    for key, value in document.items():
        if isinstance(value, list) and value:
            # One sound entry stays where none is at fault: an empty list could be a fault of its own.
            indexes[key] = sorted(set(kept.get(key, [0])))[:MOST_PROBLEMS]
            reduced[key] = [value[index] for index in indexes[key]]

    def original(path: tuple[PathPart, ...]) -> tuple[PathPart, ...]:
        if len(path) > 1 and path[0] in indexes and isinstance(path[1], int):
            return (path[0], indexes[str(path[0])][path[1]], *path[2:])
        return path

    return reduced, original


def _is_list(document: Mapping[str, object], key: str) -> bool:
    return isinstance(document.get(key), list)


def _json_path(path: Iterable[PathPart]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else _member(part) for part in path)


def _member(name: str) -> str:
    return f".{name}" if name.replace("_", "a").isalnum() else f"[{name!r}]"


def _document(name: str) -> Mapping[str, Any]:
    """Read the schema called `name` ("results", "plan"). Raises LookupError that says where it was sought."""
    for folder in _FOLDERS:
        path = folder / f"{name}.schema.json"
        if path.is_file():
            document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return document
    sought = " or ".join(str(folder) for folder in _FOLDERS)
    raise LookupError(f"no schema {name!r}: sought {name}.schema.json in {sought}; reinstall pytest-k1n")
