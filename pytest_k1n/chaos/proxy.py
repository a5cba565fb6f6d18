"""A proxy between workers and a server that does to their requests what it is told: drop, reset, repeat, hold, delay.

It speaks HTTP/1.1, because what matters is which request is struck: a result, the delivery of a task.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from io import BufferedReader
from typing import Protocol

from pytest_k1n.client.address import Address
from pytest_k1n.client.http1 import Connection
from pytest_k1n.core.http import HttpResponse

_UPSTREAM_TIMEOUT_S = 60.0
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on with no time: closing sends RST."""


class Deed(Enum):
    """What is done to an exchange."""

    PASS = "pass"
    DROP = "drop"
    """Close the connection without an answer."""
    RESET = "reset"
    """Reset the connection without an answer."""
    TWICE = "twice"
    """Send the request (once more), and answer with the second answer."""
    HOLD = "hold"
    """Say nothing and keep the connection open until its peer closes it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request on its way to the server."""

    method: str
    target: str
    body: bytes
    raw: bytes


class Wire(Protocol):
    """Decides what is done to each exchange; called from many threads, and may block to delay."""

    def asked(self, request: Asked) -> Deed:
        """Decide before the server gets a request; TWICE, DROP, RESET and HOLD keep it from the usual way."""

    def answered(self, request: Asked, response: HttpResponse) -> Deed:
        """Decide after the server has answered, before the peer gets the answer."""


class FaultProxy:
    """Listens on a free port of loopback, a thread per connection; use it as a context manager."""

    def __init__(self, upstream: str, wire: Wire) -> None:
        self.wire = wire
        """May be exchanged while it runs."""
        self._address = Address.parse(upstream)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_over = False

    @property
    def url(self) -> str:
        """Where workers find it."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> FaultProxy:
        threading.Thread(target=self._accept, name="k1n-fault-proxy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        with self._lock:
            for peer in self._open:
                with suppress(OSError):
                    peer.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._is_over:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(peer)
            threading.Thread(target=self._serve, args=(peer,), name="k1n-fault-proxy", daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        upstream = Connection(self._address.host, self._address.port, connect_timeout_s=5)
        reader = peer.makefile("rb")
        try:
            while (request := _read(reader)) is not None:
                if not self._exchange(peer, upstream, request):
                    break
        except (OSError, ValueError):
            pass  # the server is down or the peer is gone: to the other side, that is a connection that ends
        finally:
            upstream.close()
            with self._lock:
                self._open.discard(peer)
            with suppress(OSError):
                reader.close()
            peer.close()

    def _exchange(self, peer: socket.socket, upstream: Connection, request: Asked) -> bool:
        """Carry one request; False if the connection ends with it."""

        def forward() -> HttpResponse:
            return upstream.exchange(request.method, request.raw, _UPSTREAM_TIMEOUT_S)

        before = self.wire.asked(request)
        if before in (Deed.DROP, Deed.RESET, Deed.HOLD):
            return _refuse(peer, before)
        response = forward()
        if before is Deed.TWICE:
            response = forward()
        after = self.wire.answered(request, response)
        if after in (Deed.DROP, Deed.RESET, Deed.HOLD):
            return _refuse(peer, after)
        if after is Deed.TWICE:
            response = forward()
        peer.sendall(_bytes(response))
        return True


def _refuse(peer: socket.socket, deed: Deed) -> bool:
    if deed is Deed.HOLD:
        with suppress(OSError):
            peer.recv(1)  # nothing comes until the peer has had enough
    elif deed is Deed.RESET:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    return False


def _read(reader: BufferedReader) -> Asked | None:
    """Read a whole request; None at the end of the connection. Raises ValueError for what is none."""
    first = reader.readline(65_536)
    if not first:
        return None
    head, length = [first], 0
    while (line := reader.readline(65_536)) not in (b"\r\n", b"\n"):
        if not line:
            return None
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
        elif name.strip().lower() == b"transfer-encoding":
            raise ValueError("a request in chunks is not carried")
        head.append(line)
    body = reader.read(length) if length else b""
    method, target, *_ = first.decode("latin-1").split(" ")
    return Asked(method, target, body, b"".join([*head, b"\r\n", body]))


def _bytes(response: HttpResponse) -> bytes:
    kind = f"Content-Type: {response.content_type}\r\n" if response.content_type else ""
    # A 204 says nothing of a length, because it has no body.
    length = "" if response.status == 204 else f"Content-Length: {len(response.body)}\r\n"
    return f"HTTP/1.1 {response.status} -\r\n{kind}{length}\r\n".encode("latin-1") + response.body
