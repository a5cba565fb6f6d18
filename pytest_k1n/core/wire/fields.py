"""Fields of Conductor's JSON, read with their types: what is missing or mistyped is named in a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar, cast

from pytest_k1n.core.text import one_line
from pytest_k1n.core.units import FIRST_INSTANT_MS, LAST_INSTANT_MS
from pytest_k1n.core.words import Json, TaskStatus, WorkflowStatus

JsonObject = Mapping[str, Json]
_INTEGER_OR_ABSENT = frozenset({int, type(None)})
S = TypeVar("S", TaskStatus, WorkflowStatus)


class WireError(ValueError):
    """A document that is not what Conductor sends or accepts; says in a line which field and what is wrong with it."""

    def __init__(self, text: str) -> None:
        super().__init__(one_line(text, most=2000))


def object_of(document: Json, where: str) -> JsonObject:
    """Return an object of fields, such as an execution."""
    if not isinstance(document, Mapping):
        raise WireError(f"{where}: expected a JSON object, got {kind_of(document)}")
    return document


def text(fields: JsonObject, key: str, where: str) -> str:
    """Read a text that must be there, and not empty."""
    value = fields.get(key)
    if not value or not isinstance(value, str):
        raise WireError(f"{where}: {key} must be a non-empty string, got {kind_of(value)}")
    return value


def optional_text(fields: JsonObject, key: str) -> str | None:
    """Read a text; None for whatever is none, or is empty."""
    value = fields.get(key)
    return value if isinstance(value, str) and value else None


def text_or_none(fields: JsonObject, key: str, where: str) -> str | None:
    """Read a text that may be left out or empty; another type is a mistake."""
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise WireError(f"{where}: {key} must be a string, got {kind_of(value)}")
    return value or None


def flag(fields: JsonObject, key: str, where: str) -> bool:
    """Read true or false; absent is false."""
    value = fields.get(key)
    if value is not None and not isinstance(value, bool):
        raise WireError(f"{where}: {key} must be true or false, got {kind_of(value)}")
    return value is True


def integer(fields: JsonObject, key: str, where: str, default: int) -> int:
    """Read a whole number."""
    value = fields.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise WireError(f"{where}: {key} must be a whole number, got {kind_of(value)}")
    return value


def integers(fields: JsonObject, keys: Sequence[str], where: str) -> list[int]:
    """Read whole numbers, all at once because records have many; absent is 0."""
    values = list(map(fields.get, keys))
    if not _INTEGER_OR_ABSENT.issuperset(map(type, values)):
        return [integer(fields, key, where, 0) for key in keys]
    return [cast("int", value or 0) for value in values]


def stamp(fields: JsonObject, key: str, where: str) -> int | None:
    """Read an instant in epoch ms; None where it was never set."""
    instant = integer(fields, key, where, 0)
    if not FIRST_INSTANT_MS <= instant <= LAST_INSTANT_MS:
        raise WireError(f"{where}: {key} must be in epoch ms, got {instant}, which is no year from 1 to 9999")
    return instant or None


def list_of(fields: JsonObject, key: str, where: str, *, required: bool = True) -> Sequence[Json]:
    """Read a list."""
    value = fields.get(key)
    if value is None and not required:
        return ()
    if not isinstance(value, list):
        raise WireError(f"{where}: {key} must be a list, got {kind_of(value)}")
    return value


def mapping(fields: JsonObject, key: str, where: str) -> JsonObject:
    """Read an object; where there is none, an empty one."""
    value = fields.get(key)
    if type(value) is dict:  # nearly always: to ask for a Mapping takes four times as long
        return value
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise WireError(f"{where}: {key} must be an object, got {kind_of(value)}")
    return value


def status_of(kind: type[S], value: Json, where: str) -> S:
    """Read a status."""
    try:
        return kind(str(value))
    except ValueError:
        known = ", ".join(kind)
        raise WireError(f"{where}: status {value!r} is none of {known}") from None


def kind_of(value: object) -> str:
    """Say what a value is instead of what was expected."""
    names: Iterable[tuple[type | tuple[type, ...], str]] = (
        (type(None), "nothing"), (bool, "a boolean"), ((int, float), "a number"), (str, "a string"),
        (list, "a list"), (Mapping, "an object"),
    )  # fmt: skip
    kind = next((name for types, name in names if isinstance(value, types)), type(value).__name__)
    return f"{kind} ({value!r:.40})" if isinstance(value, str | int | float) and not isinstance(value, bool) else kind


def texts_of(fields: JsonObject, key: str) -> tuple[str, ...]:
    """Read a list of texts that no verdict needs: what is of another type is none."""
    value = fields.get(key)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def is_stored_elsewhere(fields: JsonObject, tasks: Sequence[Json]) -> bool:
    """Whether inputs or outputs of an execution or its tasks were too big for the record: it has their address."""
    told: list[Json] = [cast("Json", fields), *tasks]
    return any(isinstance(each, dict) and not _ADDRESSES.isdisjoint(each) for each in told)


_ADDRESSES = frozenset({"externalInputPayloadStoragePath", "externalOutputPayloadStoragePath"})
