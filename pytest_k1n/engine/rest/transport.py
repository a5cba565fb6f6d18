"""The in-process transport: a client of the engine without a port, a thread or a byte on a wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import parse_qs

from pytest_k1n.core.http import HttpRequest, HttpResponse
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.rest.router import Routes


class InProcessTransport:
    """Hands requests to an engine's routes; has the shape of `client.Transport`.

    Not thread-safe, like the engine, unless a lock lets one request at a time in.
    """

    def __init__(
        self, engine: Engine, *, url: str = "embedded://engine", lock: AbstractContextManager[Any] | None = None
    ) -> None:
        self.engine = engine
        self.url = url
        self._lock = nullcontext() if lock is None else lock
        self._routes = Routes(engine)

    def __repr__(self) -> str:
        return f"InProcessTransport({self.url!r})"

    def send(self, request: HttpRequest) -> HttpResponse:
        """Answer a request at once."""
        path, _, query = request.path.partition("?")
        named = {name.lower(): value for name, value in (request.headers or {}).items()}
        parameters = {**parse_qs(query, keep_blank_values=True), **_query(request.params or {})}
        with self._lock:
            reply = self._routes.handle(request.method, path, parameters, request.body, named)
        return HttpResponse(reply.status, reply.body(), reply.content_type)

    def close(self) -> None:
        """Do nothing: there is no connection."""


def _query(params: Mapping[str, object]) -> dict[str, list[str]]:
    query: dict[str, list[str]] = {}
    for name, value in params.items():
        if value is None:
            continue
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
        query[name] = [_text(each) for each in values]
    return query


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
