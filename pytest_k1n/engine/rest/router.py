"""The REST interface as a pure function of the engine: request in, reply out, no socket anywhere.

Paths work with and without `/api`. What the routes do is in a module per resource; this one finds the route, and turns
what is refused into Conductor's error bodies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar
from urllib.parse import unquote

from pytest_k1n.core.units import iso_utc
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.ids import INSTANCE
from pytest_k1n.engine.problems import Illegal, InvalidInput, NestedTooDeeply, NotAllowed, Problem, Unknown
from pytest_k1n.engine.registry.catalogue import MissingChild
from pytest_k1n.engine.rest.request import NO_HEADERS, Reply, Request, Route, Waiting, content_kind, page
from pytest_k1n.engine.rest.table import ROUTES
from pytest_k1n.engine.values import JsonObject

_SLASHES: Final = re.compile("/+")
_UNREADABLE_PATH: Final = re.compile("%(?:2f|5c|00|(?![0-9a-f]{2}))", re.IGNORECASE)
"""What Tomcat refuses before Conductor is asked: an encoded slash, backslash or NUL, and what is no encoding."""


class Routes:
    """Answers requests to one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._by_shape: dict[tuple[int, str], list[tuple[tuple[str, ...], Route]]] = {}
        for route in ROUTES:
            if f"{route.method} {route.path}" in engine.dialect.unknown_routes:
                continue
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
        """Answer one request at this instant; never raises for what a client can send."""
        self.engine.tick()
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
        """Answer one request at the engine's instant, or say what its answer waits for; the caller reads the clock."""

        def answer() -> Reply | Waiting:
            if "%" in path and _UNREADABLE_PATH.search(path):
                return page(400, "Bad Request")
            route, names = self._find(method.upper(), path)
            if body:
                content_kind(headers)
            return route.action(Request(self.engine, names, query, body, headers))

        return guarded(answer)

    def _find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Find a route, and what the path names. Raises NotAllowed or NotFound."""
        is_told = self.engine.dialect.words_unknown_paths
        segments = path.removeprefix("/").split("/")  # a slash at its end makes another path, but for an older release
        if not is_told and segments[-1] == "" and segments[-2:-1] != ["queue"]:
            del segments[-1]
        if ";" in path:
            segments = [segment.partition(";")[0] for segment in segments]  # parameters that nobody asks for
        if segments[0] == "api":
            segments = segments[1:]
        methods: list[str] = []
        for pattern, route in self._by_shape.get((len(segments), segments[0] if segments else ""), ()):
            pairs = list(zip(pattern, segments, strict=True))
            if not all(want == got or (got and want[:1] == "{") for want, got in pairs):
                continue
            if route.method == method:
                return route, {want[1:-1]: unquote(got) for want, got in pairs if want.startswith("{")}
            methods += (route.method, "HEAD") if route.method == "GET" else (route.method,)
        if methods and method == "OPTIONS":
            return _options(path, methods), {}
        if methods:
            refused = f"Request method '{method}' is not supported"
            raise NotAllowed(refused) if is_told else Illegal(refused.replace("is not", "not"))
        if not is_told:
            return Route(method, path, lambda request: _not_found(request, path)), {}
        raise Unknown(f"No static resource {_SLASHES.sub('/', path.strip('/'))}.")


def _options(path: str, methods: list[str]) -> Route:
    """Make the route that every path has on the server: it tells the methods of the others."""
    headers = (("allow", ",".join((*dict.fromkeys(methods), "OPTIONS"))), ("accept-patch", ""))
    return Route("OPTIONS", path, lambda _request: Reply(headers=headers))


def _not_found(request: Request, path: str) -> Reply:
    """Answer as Spring does where an older release does not answer itself."""
    stamp = iso_utc(request.engine.now_ms).replace("Z", "+00:00")
    return Reply(404, {"timestamp": stamp, "status": 404, "error": "Not Found", "path": path})


T = TypeVar("T")


def guarded(answer: Callable[[], T]) -> T | Reply:
    """Return an answer, or the server's error body for what it raises that a client can cause."""
    try:
        return answer()
    except Problem as problem:
        return Reply(problem.status, error_document(problem))
    except (MissingChild, InvalidInput) as refused:
        return Reply(500, error_document(Illegal(str(refused))))
    except RecursionError:
        return Reply(
            400, error_document(NestedTooDeeply("it is nested too deeply: nothing in it may be 150 levels deep"))
        )


def error_document(problem: Problem) -> JsonObject:
    """Write a problem as the server's error body."""
    document: JsonObject = {"status": problem.status, "message": problem.message}
    if not problem.violations:
        document["instance"] = INSTANCE
    document["retryable"] = problem.is_retryable
    if problem.violations:
        document["validationErrors"] = list(problem.violations)
    return document
