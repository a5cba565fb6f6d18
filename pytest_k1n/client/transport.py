"""Ways to carry a request to a server: plain HTTP ourselves, TLS and proxies through requests.

A transport may be used from many threads: each has its own connection. On *any* exception in the middle of a request,
KeyboardInterrupt and a test's timeout included, that connection is dropped, or the next request would read this answer.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import urlencode

from pytest_k1n.client.address import Address, urls_in
from pytest_k1n.client.credentials import token_headers
from pytest_k1n.client.errors import ServerUnreachable
from pytest_k1n.client.http1 import Connection
from pytest_k1n.core.http import HttpRequest, HttpResponse

REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""Methods that a transport may send again by itself when a kept-alive connection turns out dead."""


class Transport(Protocol):
    """Carries requests; knows nothing of what they mean."""

    @property
    def url(self) -> str:
        """The server's URL, without secrets."""
        ...

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send one request and return whatever the server answers. Raises ServerUnreachable."""
        ...

    def close(self) -> None:
        """Drop all connections."""
        ...


class HttpTransport:
    """Plain HTTP/1.1, one kept-alive connection per thread."""

    def __init__(
        self, address: Address, *, headers: Mapping[str, str] | None = None, connect_timeout_s: float = 5.0
    ) -> None:
        self.url = address.url
        self._address = address
        self._connect_timeout_s = connect_timeout_s
        self._head = _head(address, headers or {})
        self._local = threading.local()
        self._opened: list[Connection] = []
        self._closings = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"HttpTransport({self.url!r})"

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send one request in one write; once more on a new connection if the kept one was dead and it does no harm."""
        sent = self._bytes(request)
        connection = self._connection()
        kept, closings = connection.is_open, self._closings
        try:
            try:
                return connection.exchange(request.method, sent, request.timeout_s)
            except ConnectionError:
                is_dropped = self._closings != closings  # by `close`, and nobody would close another one
                if not kept or is_dropped or connection.has_received or request.method not in REPEATABLE:
                    raise
                connection.close()
                return connection.exchange(request.method, sent, request.timeout_s)
        except OSError as error:
            connection.close()
            raise ServerUnreachable(
                _reason(error, request.timeout_s),
                indeterminate=connection.has_sent,
                method=request.method,
                path=request.path,
                url=self.url,
            ) from None
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Drop all connections; threads in the middle of a request get ServerUnreachable."""
        with self._lock:
            self._closings += 1
            for connection in self._opened:
                connection.close()

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = Connection(self._address.host, self._address.port, connect_timeout_s=self._connect_timeout_s)
            self._local.connection = connection
            with self._lock:
                self._opened.append(connection)
        return connection

    def _bytes(self, request: HttpRequest) -> bytes:
        body, headers = request.body, request.headers
        head = f"{request.method} {self._address.prefix}{_target(request)} HTTP/1.1\r\n{self._head}"
        if headers:
            head += _lines(headers)
        if body is None:
            return (head + ("\r\n" if request.method == "GET" else "Content-Length: 0\r\n\r\n")).encode("latin-1")
        kind = "" if headers and "Content-Type" in headers else "Content-Type: application/json\r\n"
        return f"{head}{kind}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


class FailoverTransport:
    """Several servers of one Conductor, on one database, as one: when one does not answer, the next one is asked.

    Stays with the server that answered last. Thread-safe as its transports are.
    """

    def __init__(self, transports: Sequence[Transport]) -> None:
        """At least one, in the order in which they are tried."""
        self._transports = tuple(transports)
        self._current = 0
        self._lock = threading.Lock()
        self.url = ",".join(each.url for each in transports)

    def __repr__(self) -> str:
        return f"FailoverTransport({self.url!r})"

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send a request to the first server that answers.

        One that may have been acted on is not repeated here unless its method is repeatable: whoever asked knows
        whether a repetition does harm, and it then goes to the next server. Raises the last ServerUnreachable.
        """
        first = self._current
        for turn in range(len(self._transports)):
            index = (first + turn) % len(self._transports)
            try:
                response = self._transports[index].send(request)
            except ServerUnreachable as error:
                self._leave(index)
                is_last = turn == len(self._transports) - 1
                if is_last or (error.indeterminate and request.method not in REPEATABLE):
                    raise
            else:
                return response
        raise AssertionError("every turn returns or raises")

    def close(self) -> None:
        """Drop all connections."""
        for transport in self._transports:
            transport.close()

    def _leave(self, index: int) -> None:
        """Ask the next server from now on, unless another thread has moved on already."""
        with self._lock:
            if self._current == index:
                self._current = (index + 1) % len(self._transports)


def transport_for(
    url: str, *, headers: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
) -> Transport:
    """Choose the transport for a server's URL, or for several with commas between them, which are one Conductor.

    Adds the token of `K1N_TOKEN` or `K1N_TOKEN_FILE`.

    Raises BadAddress and BadToken, both ValueErrors of one line.
    """
    environ = os.environ if environ is None else environ
    if len(urls := urls_in(url)) > 1:
        return FailoverTransport([transport_for(each, headers=headers, environ=environ) for each in urls])
    address = Address.parse(url)
    secret = {**token_headers(environ), **(headers or {})}
    if address.scheme == "http" and (address.is_loopback or not _has_proxy(environ)):
        return HttpTransport(address, headers=secret)
    from pytest_k1n.client.requests_transport import RequestsTransport  # costs 70 ms to import

    return RequestsTransport(address, headers=secret)


def _has_proxy(environ: Mapping[str, str]) -> bool:
    """Tell whether a proxy may be meant for us; requests then heeds `no_proxy` as everyone does."""
    return any(environ.get(name) for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"))


def _head(address: Address, headers: Mapping[str, str]) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    lines = {"Host": f"{host}:{address.port}", "Accept": "*/*", "User-Agent": "pytest-k1n"}
    if address.authorization:
        lines["Authorization"] = address.authorization
    return _lines({**lines, **headers})


def _lines(headers: Mapping[str, str]) -> str:
    for name, value in headers.items():
        if "\r" in name + value or "\n" in name + value:
            raise ValueError(f"header {name!r} must be one line")
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def _target(request: HttpRequest) -> str:
    return f"{request.path}?{urlencode(request.params)}" if request.params else request.path


def _reason(error: OSError, timeout_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g}s"
    return f"cannot be reached: {error.strerror or str(error) or type(error).__name__}"
