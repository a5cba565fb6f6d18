"""Values that the server's JSON reader cannot take where they stand, and a definition without them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pytest_k1n.engine.problems import Illegal, Problem
from pytest_k1n.engine.registry import shapes
from pytest_k1n.lint.check import Fields, Hit, Path

_ORDERS = frozenset({
    "tasks", "type", "taskReferenceName", "joinOn", "defaultExclusiveJoinTask", "forkTasks", "decisionCases",
    "defaultCase", "loopOver",
})  # fmt: skip
"""Fields without which nothing is known of what runs before what."""


class Unread(LookupError):
    """A check asks for a value that the server cannot read: it has nothing to say then."""


class Sound(dict[str, Any]):
    """A definition as the server would read it without some of its fields; who asks for one of those gets `Unread`."""

    def __init__(self, fields: dict[str, Any], without: Iterable[str]) -> None:
        super().__init__(fields)
        self._without = frozenset(without)

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(self._readable(key))

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(self._readable(key), default)

    def _readable(self, key: str) -> str:
        if key in self._without:
            raise Unread(key)
        return key


def without(fields: Fields, places: Iterable[Path]) -> dict[str, Any]:
    """Copy a definition and leave out what stands at some places; in a list something empty takes its place."""
    made: dict[str, Any] = copy.deepcopy(dict(fields))
    for *within, last in places:
        holder: Any = made
        for part in within:
            holder = holder[part]
        if isinstance(holder, list):
            holder[int(last)] = [] if within[-1] == "forkTasks" else {}
        else:
            holder.pop(last, None)
    return made


def is_of_order(path: Path) -> bool:
    """Whether something that says what runs before what stands at a place, or a task, or a list of tasks."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    return not _ORDERS.isdisjoint(path[-2:])


def sound(
    fields: Fields, shape: shapes.Shape, fill_in: Callable[[Any], dict[str, Any]], path: Path,
    misfits: Callable[[], Iterable[Path]],
) -> dict[str, Any] | None:  # fmt: skip
    """Read a definition, and fill in defaults; without what the server cannot read, or None if that is not enough."""
    try:
        return fill_in(_read(fields, shape))
    except Problem:
        places = [place[len(path) :] for place in misfits() if len(place) > len(path)]
    try:
        return Sound(
            fill_in(_read(without(fields, places), shape)), [str(place[0]) for place in places if len(place) == 1]
        )
    except Problem:
        return None


def _read(fields: Fields, shape: shapes.Shape) -> Fields:
    """Read a definition that nothing can stumble over. Raises Problem."""
    made = shapes.read(fields, shape)
    if shape is shapes.WORKFLOW and (complaint := shapes.null_task(made)) is not None:
        raise Illegal(complaint)
    return made


def wrong_fields(value: Any, shape: shapes.Shape, path: Path) -> Iterator[Hit]:
    """Find what the server's JSON reader cannot make of a value, field by field."""
    if isinstance(value, str) and shape.from_text is not None:
        return
    if not isinstance(value, dict):
        yield Hit(path, f"must be an object, not {kind_of(value)}")
        return
    for field, kind in shape.fields.items():
        if field in value:
            yield from _wrong_field(value, field, kind, shape, (*path, field))


def _wrong_field(fields: Fields, field: str, kind: Any, shape: shapes.Shape, path: Path) -> Iterator[Hit]:
    value: Any = fields[field]
    inner = kind[1] if isinstance(kind, tuple) and isinstance(kind[1], shapes.Shape) else None
    if inner is not None and isinstance(value, list if kind[0] in ("list", "lists") else dict):
        yield from _wrong_inside(value, kind[0], inner, path)  # but an inline definition, which is judged by itself
        return
    try:
        shapes.read({field: value}, _only(shape, field))
    except Problem as problem:
        if kind == "definition" and isinstance(value, dict):
            return  # an inline definition is judged by itself
        yield Hit(path, _explained(problem.message, value, kind))


def _wrong_inside(value: Any, form: str, inner: shapes.Shape, path: Path) -> Iterator[Hit]:
    if form == "object":
        yield from wrong_fields(value, inner, path)
    elif form == "list" and isinstance(value, list):
        for index, each in enumerate(value):
            yield from wrong_fields(each, inner, (*path, index))
    elif form == "lists" and isinstance(value, list):
        for index, each in enumerate(value):
            if isinstance(each, list):
                yield from _wrong_inside(each, "list", inner, (*path, index))
            else:
                yield Hit((*path, index), f"must be a list of tasks, not {kind_of(each)}")
    elif form == "cases" and isinstance(value, dict):
        for case, each in value.items():
            if isinstance(each, list):
                yield from _wrong_inside(each, "list", inner, (*path, case))
            elif each is not None:
                yield Hit((*path, case), f"must be a list of tasks, not {kind_of(each)}")


def _only(shape: shapes.Shape, field: str) -> shapes.Shape:
    return shapes.Shape(shape.java, **{field: shape.fields[field]})


def _explained(message: str, value: Any, kind: Any) -> str:
    if isinstance(kind, tuple) and kind[0] == "enum":
        return f"{value!r:.60} is none of {', '.join(kind[2])}"
    if message == shapes.UNCHECKABLE:
        return "must not be null: leave it out"
    names = {"int": "a whole number", "long": "a whole number", "bool": "true or false", "text": "a text",
             "map": "an object", "text map": "an object of texts",
             "texts": "a list of texts", "definition": "a definition, or one ${…}"}  # fmt: skip
    wanted = names.get(str(kind).rstrip("?"), "an object" if kind[0] == "object" else "a list of tasks")
    return f"must be {wanted}, not {kind_of(value)}"


def kind_of(value: Any) -> str:
    """Say what a JSON value is."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {value!r:.60}"
    return "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else f"{value!r:.60}"
