"""What a test author gives an expectation: a value of another kind is refused where it is written.

A judge would take it for something else: a text for the list of its letters, an execution for its name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.record.paths import shown

MAKES: Final = "makes_expectation"
"""Attribute of what makes an expectation."""


def refuse_other_kinds(make: Callable[..., object], args: tuple[object, ...], keywords: Mapping[str, object]) -> None:
    """Raise TypeError for an argument that is not what its annotation says, with what to write instead.

    Annotations that are none of `KINDS` are not looked at. What the function does not take, it refuses itself.
    """
    try:
        bound = _signature(make).bind(*args, **keywords).arguments
    except TypeError:
        return
    for parameter, value in _given(_signature(make), bound):
        wanted, has_kind = KINDS.get(str(parameter.annotation).removesuffix(" | None"), _ANYTHING)
        is_left_out = value is None and str(parameter.annotation).endswith(" | None")
        if not (is_left_out or has_kind(value)):
            told = f"{make.__name__}: {parameter.name} must be {wanted}, not {shown(value)}"
            raise TypeError(f"{told}{_instead(make.__name__, parameter, value)}")


def bracketed(value: object) -> str:
    """Return how an expectation that was not called is to be written; empty for anything else."""
    return f"{getattr(value, '__name__', value)}(…)" if getattr(value, MAKES, False) else ""


@cache
def _signature(make: Callable[..., object]) -> inspect.Signature:
    return inspect.signature(make)


def _given(signature: inspect.Signature, bound: Mapping[str, object]) -> Iterator[tuple[inspect.Parameter, object]]:
    for name, value in bound.items():
        parameter = signature.parameters[name]
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL and isinstance(value, tuple):
            yield from ((parameter, each) for each in value)
        else:
            yield parameter, value


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_texts(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes) and all(map(_is_text, value))


KINDS: Final[Mapping[str, tuple[str, Callable[[object], bool]]]] = {
    "str": ("a text", _is_text),
    "int": ("a whole number", _is_number),
    "int | str": ("a text or a number", lambda value: _is_text(value) or _is_number(value)),
    "Sequence[str]": ("a list of texts", _are_texts),
    "Other": (
        "another execution",
        lambda value: isinstance(value, Observation) or hasattr(type(value), "observation"),
    ),
    "Expectation": ("an expectation", lambda value: callable(getattr(value, "judge", None))),
}
"""Of every annotation that a constructor of this package has: what it is called, and what is of its kind."""
_ANYTHING: Final[tuple[str, Callable[[object], bool]]] = ("", lambda _: True)


def _instead(name: str, parameter: inspect.Parameter, value: object) -> str:
    """Say what was probably meant."""
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL and isinstance(value, list | tuple | set):
        return f"; write {name}({', '.join(map(repr, value))})"
    if parameter.annotation.startswith("Sequence") and isinstance(value, str):
        return f"; write {parameter.name}=[{value!r}]"
    if parameter.name == "path" and isinstance(value, Mapping) and value:
        key = next(iter(value))
        return f"; write the path, then equals=, as in {key!r}, equals={shown(value[key])}"
    if parameter.annotation == "Expectation" and (called := bracketed(value)):
        return f"; write {called}, with its brackets"
    return ""
