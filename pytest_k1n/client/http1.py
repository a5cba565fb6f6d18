"""One kept-alive HTTP/1.1 connection: a request goes out in one write, the answer is read without guessing.

Own code, because the worker's rate hangs on it: poll + update cost 31 µs of CPU here, 171 µs with http.client (whose
answers go through the e-mail parser), 1,237 µs with requests (`python -m benchmarks P10`).
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from io import BufferedReader, RawIOBase
from time import monotonic
from typing import TYPE_CHECKING

from pytest_k1n.core.http import HttpResponse

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_LINE_LIMIT = 65_536
_HEADER_LIMIT = 200
_SLOWEST = 64 * 1024
"""Bytes a second: an answer that comes more slowly than that has to be complete within the request's timeout."""
LARGEST = 2**30
TOO_LARGE = "its answer has more than 1 GiB"
_FRESH_S = 0.5
"""A connection used this recently is not asked whether it still lives: servers keep idle ones for many seconds."""


class BrokenAnswer(ConnectionError):
    """The peer closed half-way, or what it sent is not HTTP/1.1."""


class Incoming(RawIOBase):
    """What comes on a socket, which times out between two bytes only: a byte a second would have no end."""

    def __init__(self, receive: Callable[[WriteableBuffer], int | None]) -> None:
        self._receive = receive
        self._until = 0.0
        self._left = 0

    def expect(self, timeout_s: float) -> None:
        """Begin one answer."""
        self._until, self._left = monotonic() + timeout_s, LARGEST

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        if monotonic() > self._until:
            raise TimeoutError
        received = self._receive(buffer) or 0
        self._until += received / _SLOWEST
        self._left -= received
        if self._left < 0:
            raise BrokenAnswer(TOO_LARGE)
        return received


class Connection:
    """A connection that is opened when first used. Not thread-safe: one per thread.

    After any exception the owner must `close` it: the rest of an answer may still be on the wire.
    """

    def __init__(self, host: str, port: int, *, connect_timeout_s: float) -> None:
        self._place = (host, port)
        self._connect_timeout_s = connect_timeout_s
        self._socket: socket.socket | None = None
        self._reader: BufferedReader | None = None
        self._incoming: Incoming | None = None
        self._used = 0.0
        self.has_sent = False
        """Whether the server may have got (part of) the request of the last `exchange`."""
        self.has_received = False
        """Whether any of the answer to the last `exchange` has come."""

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def exchange(self, method: str, request: bytes, timeout_s: float) -> HttpResponse:
        """Send a whole request and read its answer; raises OSError (BrokenAnswer, TimeoutError among them)."""
        self.has_sent = self.has_received = False
        if self._socket is not None and monotonic() - self._used > _FRESH_S and self._is_stale(self._socket):
            self.close()
        if self._socket is None or self._reader is None or self._incoming is None:
            self._socket = socket.create_connection(self._place, self._connect_timeout_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._incoming = Incoming(self._socket.recv_into)
            self._reader = BufferedReader(self._incoming)
        reader = self._reader
        if self._socket.gettimeout() != timeout_s:
            self._socket.settimeout(timeout_s)
        self.has_sent = True
        self._socket.sendall(request)
        self._incoming.expect(timeout_s)
        try:
            response, keep = self._read(reader, method)
        except ValueError:
            raise BrokenAnswer("another thread closed the connection") from None
        if not keep:
            self.close()
        self._used = monotonic()
        return response

    def close(self) -> None:
        """Drop the connection; the next exchange opens a new one."""
        reader, self._reader = self._reader, None
        connection, self._socket = self._socket, None
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits for an answer on it
            connection.close()
        if reader is not None:
            reader.close()

    @staticmethod
    def _is_stale(connection: socket.socket) -> bool:
        """Tell whether the server closed an idle connection (or sent something unasked)."""
        connection.settimeout(0)
        try:
            connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _read(self, reader: BufferedReader, method: str) -> tuple[HttpResponse, bool]:
        while True:
            version, status = self._status(reader)
            headers = _headers(reader)
            if status >= 200:
                break
        keep = version == b"HTTP/1.1" and b"close" not in headers.get(b"connection", b"").lower()
        if method == "HEAD" or status in (204, 304):
            body = b""
        elif headers.get(b"transfer-encoding", b"").lower() == b"chunked":
            body = _chunked(reader)
        elif (length := headers.get(b"content-length")) is not None:
            if not length.isdigit():
                raise BrokenAnswer("its Content-Length is no number")
            body = _exactly(reader, int(length))
        else:
            body, keep = reader.read(), False
        return HttpResponse(status, body, headers.get(b"content-type", b"").decode("latin-1")), keep

    def _status(self, reader: BufferedReader) -> tuple[bytes, int]:
        line = _line(reader)
        self.has_received = True
        parts = line.split(None, 2)
        if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit():
            raise BrokenAnswer("what answers does not speak HTTP/1.1")
        return parts[0], int(parts[1])


def _line(reader: BufferedReader) -> bytes:
    line = reader.readline(_LINE_LIMIT)
    if not line.endswith(b"\n"):
        raise BrokenAnswer("the connection was closed before the answer was complete")
    return line


def _headers(reader: BufferedReader) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for _ in range(_HEADER_LIMIT):
        line = _line(reader)
        if line in (b"\r\n", b"\n"):
            return headers
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    raise BrokenAnswer("its header does not end")


def _chunked(reader: BufferedReader) -> bytes:
    parts: list[bytes] = []
    while True:
        try:
            size = int(_line(reader).partition(b";")[0], 16)
        except ValueError:
            raise BrokenAnswer("the length of a chunk is no number") from None
        if size == 0:
            break
        parts.append(_exactly(reader, size))
        _line(reader)
    while _line(reader) not in (b"\r\n", b"\n"):
        pass  # trailers: Conductor sends none, and we need none
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _exactly(reader: BufferedReader, size: int) -> bytes:
    if size > LARGEST:
        raise BrokenAnswer(TOO_LARGE)
    data = reader.read(size)
    if len(data) < size:
        raise BrokenAnswer("the connection was closed before the answer was complete")
    return data
