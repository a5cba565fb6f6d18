"""What a case runs on: a transport to Conductor's REST API and the clock that server lives by."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from pytest_k1n.core.http import HttpRequest

IDLE_LIMIT_S = 10  # Tomcat closes a kept-alive connection after 20 s without a request


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: its status and its body, as JSON where it is JSON, else as text (None: empty)."""

    status: int
    body: Any


class Target(Protocol):
    """A server under comparison."""

    name: str
    is_immediate: bool
    """Whether all that follows from a request has happened when it answers: no threads of its own."""

    def call(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Answer:
        """Send one request; `path` is below `/api`, a `bytes` body goes as it is."""

    def now_ms(self) -> int:
        """Read the clock that the server's stamps come from."""

    def wait_until(self, instant_ms: int) -> None:
        """Let that clock reach an instant."""


class RealTarget:
    """A Conductor on this host (its clock is ours), over one kept-alive connection per thread; `with` closes them."""

    def __init__(self, url: str, name: str = "real") -> None:
        self.name = name
        self.is_immediate = False
        self._address = urlsplit(url).netloc
        self._local = threading.local()
        self._opened: list[http.client.HTTPConnection] = []

    def __enter__(self) -> RealTarget:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._opened:
            connection.close()

    def call(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Answer:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        url = f"/api{path}" + (f"?{urlencode(query)}" if query else "")
        connection = self._connection()
        try:
            connection.request(method, url, body=data, headers=headers)
            response = connection.getresponse()
            return answer(response.status, response.read())
        except BaseException:
            connection.close()
            raise

    def now_ms(self) -> int:
        return int(time.time() * 1000)

    def wait_until(self, instant_ms: int) -> None:
        time.sleep(max(0, instant_ms - self.now_ms()) / 1000)

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection(self._address, timeout=60)
            self._opened.append(connection)
        elif time.monotonic() - self._local.used > IDLE_LIMIT_S:
            connection.close()
        self._local.used = time.monotonic()
        return connection


def answer(status: int, body: bytes) -> Answer:
    """Read a response's body: JSON where it is JSON, else text; empty is None."""
    if not body:
        return Answer(status, None)
    text = body.decode()
    if text[0] not in '{["' and not text[0].isdigit():
        return Answer(status, text)
    try:
        return Answer(status, json.loads(text))
    except ValueError:
        return Answer(status, text)


class EngineTarget:
    """The embedded engine, in this process, on a clock that moves only when the driver says so."""

    def __init__(self, name: str = "engine", seed: int = 0) -> None:
        from pytest_k1n.engine.engine import Engine
        from pytest_k1n.engine.rest.transport import InProcessTransport
        from pytest_k1n.engine.runtime.clock import ManualClock

        self.name = name
        self.is_immediate = True
        self.engine = Engine(clock=ManualClock(), seed=seed)
        self._transport = InProcessTransport(self.engine)

    def call(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Answer:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        response = self._transport.send(HttpRequest(method, f"/api{path}", params=query, body=data))
        return answer(response.status, response.body)

    def now_ms(self) -> int:
        return self.engine.now_ms

    def wait_until(self, instant_ms: int) -> None:
        self.engine.advance(max(0, instant_ms - self.engine.now_ms))
