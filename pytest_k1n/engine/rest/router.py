"""The REST interface as a pure function of the engine: request in, reply out, no socket anywhere.

Paths work with and without `/api`. What the routes do is in `rest`, a module per resource; this one finds the route,
reads parameters, and turns what is refused into Conductor's error bodies.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeVar
from urllib.parse import unquote

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.problems import Illegal, NotAllowed, Problem, Unknown
from pytest_k1n.engine.registry.catalogue import MissingChild
from pytest_k1n.engine.runtime.queues import QueueKey
from pytest_k1n.engine.values import JsonObject

JSON: Final = "application/json"
TEXT: Final = "text/plain;charset=UTF-8"
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
INSTANCE: Final = "embedded"
"""What error bodies name as the answering host: nobody shall take this engine for Conductor."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: `payload` is a JSON value, or text where the content type says so, or None for an empty body."""

    status: int = 200
    payload: Any = None
    content_type: str = JSON

    def body(self) -> bytes:
        """Encode the payload."""
        if self.payload is None:
            return b""
        text = str(self.payload) if self.content_type == TEXT else _encode(self.payload)
        return text.encode("utf-8", "replace")  # half a surrogate pair, which JSON may carry, has no bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An answer that something still has to happen for: who serves it waits, who cannot wait takes `otherwise`."""

    attempt: Callable[[], Reply | None]
    """Returns the answer if it can be given now. Raises Problem."""
    otherwise: Callable[[], Reply]
    """Returns the answer when the time is up."""
    timeout_ms: int
    """Of the wall's time: a virtual clock would end every wait by its first jump."""
    key: QueueKey | None = None
    """The queue whose deliveries are waited for; None: anything may be what it waits for."""
    is_idle: bool = True
    """Whether nothing is in the hands of who waits."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request taken apart: what the route's path names, and readers for the rest."""

    engine: Engine
    names: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: bytes | None
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    """By lower-case name."""

    def text(self, name: str) -> str | None:
        """Return a query parameter, or None."""
        values = self.query.get(name)
        return values[0] if values else None

    def number(
        self, name: str, default: int | None = None, *, of: Mapping[str, str] | None = None, java: str = "Integer"
    ) -> int | None:
        """Return a whole number from the query, or from what the path names. Raises Illegal."""
        value = self.text(name) if of is None else of.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except ValueError:
            raise Illegal(
                f"Method parameter '{name}': Failed to convert value of type 'java.lang.String' to required type "
                f"'java.lang.{java}'; For input string: \"{value}\""
            ) from None

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean from the query. Raises Illegal."""
        value = self.text(name)
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


Action = Callable[[Request], Reply | Waiting]


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path; `{name}` in the path stands for one segment."""

    method: str
    path: str
    action: Action
    reads_json: bool = True


class Routes:
    """Answers requests to one engine."""

    def __init__(self, engine: Engine) -> None:
        from pytest_k1n.engine.rest import ROUTES

        self.engine = engine
        self._by_shape: dict[tuple[int, str], list[tuple[tuple[str, ...], Route]]] = {}
        for route in ROUTES:
            segments = tuple(route.path.removeprefix("/").split("/"))
            self._by_shape.setdefault((len(segments), segments[0]), []).append((segments, route))
        for routes in self._by_shape.values():  # a literal segment wins over a name
            routes.sort(key=lambda entry: [segment.startswith("{") for segment in entry[0]])

    def handle(
        self,
        method: str,
        path: str,
        query: Mapping[str, list[str]],
        body: bytes | None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Reply:
        """Answer one request at once; never raises for what a client can send."""
        answer = self.begin(method, path, query, body, headers)
        return answer if isinstance(answer, Reply) else guarded(answer.otherwise)

    def begin(
        self,
        method: str,
        path: str,
        query: Mapping[str, list[str]],
        body: bytes | None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Reply | Waiting:
        """Answer one request, or say what its answer waits for."""
        self.engine.tick()
        return guarded(lambda: self._route(method.upper(), path, query, body, headers))

    def _route(
        self,
        method: str,
        path: str,
        query: Mapping[str, list[str]],
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> Reply | Waiting:
        segments = path.removeprefix("/").split("/")  # one at its end makes another path
        if segments[0] == "api":
            segments = segments[1:]
        found_path = False
        for pattern, route in self._by_shape.get((len(segments), segments[0] if segments else ""), ()):
            if not all(want == got or (got and want[:1] == "{") for want, got in zip(pattern, segments, strict=True)):
                continue
            found_path = True
            if route.method == method:
                names = {
                    want[1:-1]: unquote(got)
                    for want, got in zip(pattern, segments, strict=True)
                    if want.startswith("{")
                }
                if body and route.reads_json:
                    _demand_json(headers)
                return route.action(Request(self.engine, names, query, body, headers))
        if found_path:
            raise NotAllowed(f"Request method '{method}' is not supported")
        raise Unknown(f"No static resource {path.strip('/')}.")


def _demand_json(headers: Mapping[str, str]) -> None:
    """Refuse a body that is not said to be JSON. Raises Illegal.

    A request without a wire has no content type at all; one that came on a wire without saying it has an empty one.
    """
    given = headers.get("content-type", "application/json") or "application/octet-stream"
    kind = given.partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        shown = f"{kind};charset=UTF-8" if kind.startswith("text/") or kind.endswith("-urlencoded") else kind
        raise Illegal(f"Content-Type '{shown}' is not supported")


T = TypeVar("T")


def guarded(answer: Callable[[], T]) -> T | Reply:
    """Return an answer, or the server's error body for what it raises that a client can cause."""
    try:
        return answer()
    except Problem as problem:
        return Reply(problem.status, error_document(problem))
    except MissingChild as missing:
        return Reply(500, error_document(Illegal(str(missing))))


def error_document(problem: Problem) -> JsonObject:
    """Write a problem as the server's error body."""
    document: JsonObject = {"status": problem.status, "message": problem.message}
    if not problem.violations:
        document["instance"] = INSTANCE
    document["retryable"] = False
    if problem.violations:
        document["validationErrors"] = list(problem.violations)
    return document
