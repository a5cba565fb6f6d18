"""The transport for https and proxies: requests, one session per thread."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Mapping
from io import BufferedReader
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ReadTimeoutError

from pytest_k1n.client.address import Address, redact
from pytest_k1n.client.errors import ServerUnreachable
from pytest_k1n.client.http1 import LARGEST, TOO_LARGE, Incoming
from pytest_k1n.core.http import TIMEOUT_S, HttpRequest, HttpResponse

_AT_ONCE = 1 << 16


class _Bounded(http.client.HTTPResponse):
    """An answer that has to come within the request's timeout as a whole, as those on our own connections."""

    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        raw = self.fp.detach()  # nothing has been read yet
        incoming = _Stream(raw)
        incoming.expect(sock.gettimeout() or TIMEOUT_S)
        self.fp = BufferedReader(incoming)


class _Stream(Incoming):
    """What comes through a socket's own stream, which keeps the socket open."""

    def __init__(self, raw: Any) -> None:
        super().__init__(raw.readinto)
        self._raw = raw

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Connection(HTTPConnection):
    response_class = _Bounded


class _SecureConnection(HTTPSConnection):
    response_class = _Bounded


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    """Has every connection, a proxy's too, end an answer that drips."""

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **more: Any) -> Any:
        manager = super().proxy_manager_for(*args, **more)
        manager.pool_classes_by_scheme = _POOLS
        return manager


_POOLS = {"http": _Pool, "https": _SecurePool}


class RequestsTransport:
    """Certificates, proxies and TLS as requests handles them; never follows a redirect (it would carry our token)."""

    def __init__(self, address: Address, *, headers: Mapping[str, str] | None = None) -> None:
        self.url = address.url
        self._headers = dict(headers or {})
        if address.authorization:
            self._headers["Authorization"] = address.authorization
        self._local = threading.local()
        self._opened: list[requests.Session] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"RequestsTransport({self.url!r})"

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send one request and return whatever the server answers. Raises ServerUnreachable."""
        session = self._session()
        kind = {"Content-Type": "application/json"} if request.body is not None else {}
        try:
            answer = session.request(
                request.method,
                self.url + request.path,
                params={name: str(value) for name, value in (request.params or {}).items()},
                data=request.body,
                headers={**kind, **(request.headers or {})},
                timeout=request.timeout_s,
                allow_redirects=False,
                stream=True,
            )
            with answer:
                return HttpResponse(answer.status_code, _body(answer), answer.headers.get("Content-Type", ""))
        except requests.RequestException as error:
            self._drop(session)
            raise ServerUnreachable(
                _reason(error, request.timeout_s),
                indeterminate=_may_have_arrived(error),
                method=request.method,
                path=request.path,
                url=self.url,
            ) from None
        except BaseException:
            self._drop(session)
            raise

    def close(self) -> None:
        """Drop all sessions."""
        with self._lock:
            opened, self._opened = self._opened, []
        for session in opened:
            session.close()

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.headers.update(self._headers)
            session.auth = lambda request: request  # or a ~/.netrc would overwrite our Authorization
            for scheme in ("http://", "https://"):
                session.mount(scheme, _Adapter(pool_connections=1, pool_maxsize=1, max_retries=0))
            self._local.session = session
            with self._lock:
                self._opened.append(session)
        return session

    def _drop(self, session: requests.Session) -> None:
        self._local.session = None
        with self._lock:
            if session in self._opened:
                self._opened.remove(session)
        session.close()


def _body(answer: requests.Response) -> bytes:
    """Read an answer's body; unpacked it may have a thousand times what has come. Raises RequestException."""
    parts, size = [], 0
    for part in answer.iter_content(_AT_ONCE):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise requests.exceptions.ContentDecodingError(TOO_LARGE)
    return b"".join(parts)


def _may_have_arrived(error: requests.RequestException) -> bool:
    certain = (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError)
    return not isinstance(error, certain) and "NewConnectionError" not in repr(error)


def _reason(error: requests.RequestException, timeout_s: float) -> str:
    if isinstance(error, requests.Timeout) or any(isinstance(each, ReadTimeoutError) for each in error.args):
        return f"no answer within {timeout_s:g}s"
    return redact(" ".join(f"cannot be reached: {type(error).__name__}: {error}".split()))[:300]
