"""Making the request of a HTTP task: it follows redirections and unpacks bodies as the server's client does."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pytest_k1n.engine.runtime.httpcalls import ANOTHER, CutShort, HttpAnswer

if TYPE_CHECKING:
    import urllib.request

_DROPPED: Final = ("content-encoding", "content-length", "content-md5")
"""Headers of a body that is decoded: the server does not show them."""


def call_http(method: str, uri: str, headers: dict[str, str], body: bytes | None, timeout_s: float) -> HttpAnswer:
    """Make a request with the standard library. Raises OSError, CutShort or ValueError (a bad URI).

    One that may be made twice is, where the connection ends without an answer.
    """
    if not uri.lower().startswith(("http://", "https://")):
        raise ValueError(f"not an HTTP URI: {uri}")
    try:
        return _answer(method, uri, headers, body, timeout_s)
    except ConnectionResetError:
        if method not in _REPEATABLE:
            raise
    return _answer(method, uri, headers, body, timeout_s)


def _answer(method: str, uri: str, headers: dict[str, str], body: bytes | None, timeout_s: float) -> HttpAnswer:
    import http.client  # here: with http, email and ssl it is a fifth of what the first execution of a process costs
    import urllib.error
    import urllib.request

    request = urllib.request.Request(uri, body, headers, method=method)
    try:
        with _opener().open(request, timeout=timeout_s) as response:
            return _read(response.status, response.reason, response)
    except urllib.error.HTTPError as error:
        with error:
            return _read(error.code, error.reason, error)
    except urllib.error.URLError as error:
        raise error.reason if isinstance(error.reason, ConnectionResetError) else error from None
    except http.client.BadStatusLine:  # none at all, mostly: a RemoteDisconnected
        raise ConnectionResetError(f"{urlsplit(uri).netloc} failed to respond") from None


def _read(status: int, phrase: str, response: Any) -> HttpAnswer:
    import http.client

    try:
        return _decoded(status, phrase, response.headers, response.read())
    except http.client.IncompleteRead:
        raise CutShort(str(response.headers.get("Content-Type") or "application/octet-stream")) from None


def _opener() -> urllib.request.OpenerDirector:
    """Make what opens requests: a header with several values is sent several times, as the server does.

    A POST follows a redirection as a bare GET, but for 307 and 308.
    """
    import http.client
    import urllib.request

    class Redirections(urllib.request.HTTPRedirectHandler):
        def redirect_request(
            self, req: urllib.request.Request, _fp: Any, code: int, _msg: str, _headers: Any, newurl: str
        ) -> urllib.request.Request:
            method = req.get_method()
            becomes_get = method not in ("GET", "HEAD") if code == _SEE_OTHER else method == "POST"
            if becomes_get and code in (*_MOVED, _SEE_OTHER):
                return urllib.request.Request(newurl, method="GET")
            return urllib.request.Request(newurl, req.data, dict(req.header_items()), method=method)

    class Repeating(http.client.HTTPConnection):
        def putheader(self, header: str | bytes, *values: Any) -> None:
            for value in str(values[0]).split(ANOTHER):
                super().putheader(header, value)

    class RepeatingSafely(Repeating, http.client.HTTPSConnection):
        pass

    class Plain(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Repeating, req)

    class Safe(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(RepeatingSafely, req)

    return urllib.request.build_opener(Redirections, Plain, Safe)


_REPEATABLE: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"})
_MOVED: Final = (301, 302)
_SEE_OTHER: Final = 303


def _decoded(status: int, phrase: str, message: Any, content: bytes) -> HttpAnswer:
    """Unpack a body, and drop the headers that were about the packed one."""
    headers = {name: message.get_all(name) for name in dict.fromkeys(message.keys())}
    packed = str(message.get("Content-Encoding") or "").lower()
    if packed not in ("gzip", "x-gzip", "deflate") or not content:
        return status, phrase, headers, content
    content = zlib.decompress(content) if packed == "deflate" else gzip.decompress(content)
    return status, phrase, {name: value for name, value in headers.items() if name.lower() not in _DROPPED}, content
