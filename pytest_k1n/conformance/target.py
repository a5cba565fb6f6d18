"""What a case runs on: a transport to Conductor's REST API and the clock that server lives by."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from pytest_k1n.client.address import Address

CLOCK = "/_k1n/clock"
IDLE_LIMIT_S = 10  # Tomcat closes a kept-alive connection after 20 s without a request


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """A response: its status and its body, as JSON where it is JSON, else as text (None: empty)."""

    status: int
    body: Any


class CaseStopped(Exception):
    """Nobody waits for the rest of a case any more."""


class CaseTarget(Protocol):
    """A server under comparison."""

    name: str
    is_immediate: bool
    """Whether all that follows from a request has happened when it answers: no threads of its own."""

    def call(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> ServerAnswer:
        """Send one request; `path` is below `/api`, a `bytes` body goes as it is."""

    def now_ms(self) -> int:
        """Read the clock that the server's stamps come from."""

    def wait_until(self, instant_ms: int) -> None:
        """Let that clock reach an instant. Raises CaseStopped where a case is not to be gone on with."""


class RealTarget:
    """A server at a URL, over one kept-alive connection per thread; `with` closes them.

    `ahead_ms` is how much its clock is ahead of this machine's. On a virtual clock that it lets us move (the embedded
    engine, served with `--clock manual`) time passes by `wait_until` only.
    """

    def __init__(self, url: str, name: str = "real", *, ahead_ms: int = 0, moves_clock: bool = False) -> None:
        self.name = name
        self.is_immediate = moves_clock
        self._at = Address.parse(url)
        self._ahead_ms = ahead_ms
        self._local = threading.local()
        self._opened: list[http.client.HTTPConnection] = []
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Have every case that waits end here: it takes away what it has started, and waits for nothing."""
        self._stopped.set()

    @property
    def is_stopped(self) -> bool:
        """Whether nobody waits for its cases any more."""
        return self._stopped.is_set()

    def __enter__(self) -> RealTarget:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._opened:
            connection.close()

    def call(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> ServerAnswer:
        return self.send(method, f"/api{path}" + (f"?{urlencode(query)}" if query else ""), body)

    def now_ms(self) -> int:
        if self.is_immediate:
            now: int = self.send("GET", CLOCK).body["now"]
            return now
        return int(time.time() * 1000) + self._ahead_ms

    def wait_until(self, instant_ms: int) -> None:
        if not self.is_immediate:
            if self._stopped.wait(max(0, instant_ms - self.now_ms()) / 1000):
                raise CaseStopped
        elif instant_ms > self.now_ms():
            self.send("POST", CLOCK, {"until": instant_ms})

    def send(self, method: str, path: str, body: Any = None) -> ServerAnswer:
        """Send one request; `path` is the whole path."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self._at.authorization:
            headers["Authorization"] = self._at.authorization
        connection = self._connection()
        try:
            connection.request(method, f"{self._at.prefix}{path}", body=data, headers=headers)
            response = connection.getresponse()
            return answer(response.status, response.read())
        except http.client.HTTPException as error:
            connection.close()
            raise ConnectionError(f"{self._at.url} answered {method} {path} with what is no HTTP: {error!r}") from error
        except BaseException:
            connection.close()
            raise

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            kind = http.client.HTTPSConnection if self._at.scheme == "https" else http.client.HTTPConnection
            connection = self._local.connection = kind(self._at.host, self._at.port, timeout=60)
            self._opened.append(connection)
        elif time.monotonic() - self._local.used > IDLE_LIMIT_S:
            connection.close()
        self._local.used = time.monotonic()
        return connection


def answer(status: int, body: bytes) -> ServerAnswer:
    """Read a response's body: JSON where it is JSON, else text; empty is None."""
    if not body:
        return ServerAnswer(status, None)
    text = body.decode()
    if text[0] not in '{["' and not text[0].isdigit():
        return ServerAnswer(status, text)
    try:
        return ServerAnswer(status, json.loads(text))
    except ValueError:
        return ServerAnswer(status, text)
