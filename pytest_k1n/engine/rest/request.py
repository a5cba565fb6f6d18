"""What a route is given and what it answers: values that the resources share, however the route was found."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.language import jsontext
from pytest_k1n.engine.problems import Illegal, Invalid
from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.runtime.queues import QueueKey

JSON: Final = "application/json"
TEXT: Final = "text/plain;charset=UTF-8"
HTML: Final = "text/html;charset=utf-8"
T = TypeVar("T")
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: `payload` is a JSON value, or text where the content type says so, or None for an empty body."""

    status: int = 200
    payload: Any = None
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()

    def body(self) -> bytes:
        """Encode the payload."""
        if self.payload is None:
            return b""
        text = str(self.payload) if self.content_type in (TEXT, HTML) else jsontext.write(self.payload)
        return text.encode("utf-8", "replace")  # half a surrogate pair, which JSON may carry, has no bytes


def page(status: int, words: str) -> Reply:
    """Answer as Tomcat does where Conductor is not asked: with a page that has the status as its title."""
    title = f"HTTP Status {status} \u2013 {words}"
    document = f'<!doctype html><html lang="en"><head><title>{title}</title></head><body><h1>{title}</h1></body></html>'
    return Reply(status, document, HTML)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An answer for which something has to happen first; a caller that cannot wait takes `otherwise`."""

    attempt: Callable[[], Reply | None]
    """Returns the answer if it can be given now. Raises Problem."""
    otherwise: Callable[[], Reply]
    """Returns the answer when the time is up."""
    timeout_ms: int
    """Of the wall's time: a virtual clock would end every wait by its first jump."""
    key: QueueKey | None = None
    """The queue whose deliveries are waited for; None: anything may be what it waits for."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request taken apart: what the route's path names, and readers for the rest."""

    engine: Engine
    names: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: bytes | None
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    """By lower-case name."""

    def json(self) -> Any:
        """Return the body's document. Raises Illegal or Invalid; of a route that never asks, a body may be anything."""
        if self.body:
            _demand_json(*content_kind(self.headers))
        return shapes.parse(self.body)

    def text(self, name: str) -> str | None:
        """Return a query parameter, or None; one given several times is joined by commas, as Spring does."""
        values = self.query.get(name)
        return ",".join(values) if values else None

    def _first(self, name: str) -> str | None:
        values = self.query.get(name)
        return values[0] if values else None

    def constant(self, name: str, java: str, constants: Collection[str]) -> str:
        """Return one of an enum's constants, which the path names. Raises Illegal."""
        value = self.names[name]
        if value not in constants:
            raise Illegal(
                f"Method parameter '{name}': Failed to convert value of type 'java.lang.String' to required type "
                f"'{java}'; Failed to convert from type [java.lang.String] to type "
                f"[@org.springframework.web.bind.annotation.PathVariable {java}] for value [{value}]"
            )
        return value

    def texts(self, name: str) -> list[str] | None:
        """Return a list of query parameters, or None; a single one is cut at its commas."""
        values = self.query.get(name)
        if values is None or len(values) > 1:
            return values
        return [part.strip() for part in values[0].split(",")] if values[0] else []

    def required(self, name: str) -> str:
        """Return a query parameter. Raises Illegal if there is none; an empty one will do."""
        value = self.text(name)
        if value is None:
            raise Illegal(f"Required request parameter '{name}' for method parameter type String is not present")
        return value

    def number(
        self,
        name: str,
        default: int | None = None,
        *,
        of: Mapping[str, str] | None = None,
        java: str = "java.lang.Integer",
    ) -> int | None:
        """Return a whole number of a Java type from the query, or from what the path names. Raises Illegal."""
        value = self._first(name) if of is None else of.get(name)
        if value is None or value == "":
            return default
        width = 63 if java in ("long", "java.lang.Long") else 31
        try:
            number = int("".join(value.split())) if value.isascii() and "_" not in value else None
        except ValueError:
            number = None
        if number is None or not -(2**width) <= number < 2**width:
            raise Illegal(
                f"Method parameter '{name}': Failed to convert value of type 'java.lang.String' to required type "
                f"'{java}'; For input string: \"{value}\""
            )
        return number

    def count(self, name: str, default: int) -> int:
        """Return a whole number from the query where Java has an `int`. Raises Illegal."""
        number = self.number(name, default, java="int")
        return default if number is None else number

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean from the query. Raises Illegal."""
        value = self._first(name)
        if value is None or value == "":
            return default
        if value.lower() in ("true", "on", "yes", "1"):
            return True
        if value.lower() in ("false", "off", "no", "0"):
            return False
        raise Illegal(
            f"Method parameter '{name}': Failed to convert value of type 'java.lang.String' to required type "
            f"'boolean'; Invalid boolean value [{value}]"
        )


def content_kind(headers: Mapping[str, str]) -> tuple[str, list[str]]:
    """Read what a body is said to be, and with which parameters; empty if nothing is said. Raises Illegal.

    A request without a wire has no content type at all; one that came on a wire without saying it has an empty one.
    """
    given = headers.get("content-type", "application/json")
    kind, *parameters = (part.strip() for part in given.split(";"))
    if given and "/" not in kind:
        raise Illegal(f"Invalid mime type \"{given}\": does not contain '/'")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.lower() == "charset" and not _is_charset(value.strip("\"'")):
            raise Illegal(f"Invalid mime type \"{given}\": unsupported charset '{value}'")
    return kind, parameters


def _is_charset(name: str) -> bool:
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True


def _demand_json(kind: str, parameters: list[str]) -> None:
    """Refuse a body that is not said to be JSON. Raises Illegal or Invalid."""
    if not kind:
        raise Illegal("Content-Type 'application/octet-stream' is not supported")
    type_, _, subtype = kind.lower().partition("/")
    if "*" in (type_, subtype):
        raise Invalid(f"Content-Type cannot contain wildcard {'type' if type_ == '*' else 'subtype'} '*'")
    if subtype == "xml" or subtype.endswith("+xml"):
        raise Illegal("JSON parse error: this engine reads no XML")
    if type_ == "application" and (subtype in ("json", "yaml") or subtype.endswith("+json")):
        return  # JSON is YAML, and no other YAML is read here
    if not any(parameter.lower().startswith("charset=") for parameter in parameters):
        parameters.append("charset=UTF-8")  # as the server's filter does
    raise Illegal(f"Content-Type '{';'.join((kind.lower(), *parameters))}' is not supported")


def sliced(members: list[T], start: int, count: int) -> list[T]:
    """Return a part of a list as Java's `subList` does. Raises Illegal for a start, Invalid for a count below 0."""
    start = min(start, len(members))
    if start < 0:
        raise Illegal(f"fromIndex = {start}")
    if count < 0:
        raise Invalid(f"fromIndex({start}) > toIndex({start + count})")
    return members[start : start + count]


Action = Callable[[Request], Reply | Waiting]


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path; `{name}` in the path stands for one segment."""

    method: str
    path: str
    action: Action
