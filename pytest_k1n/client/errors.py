"""What can go wrong between us and a server.

ConductorError
 ├── ServerUnreachable (ConnectionError)   no answer; `indeterminate` if the request may have arrived
 ├── NotConductor                          something else answered: a web page, a redirect, broken JSON
 ├── BadRequest (ValueError)               400
 ├── Denied (PermissionError)              401, 403
 ├── NotFound (LookupError)                404
 ├── Conflict                              409
 ├── ServerFailure                         5xx, 429; `is_retryable` if the server says that a retry may help
 └── StartedTwice                          two executions carry a correlation id that was started once

Messages are one line and hold no secrets: URLs come without userinfo, headers never appear.
"""

from __future__ import annotations

from pytest_k1n.core.text import from_json

_SHOWN = 300
IN_PROCESS = "embedded:"
"""How the URL of an engine in this process begins: no request has gone to it that a user could look at."""


class ConductorError(Exception):
    """A request that did not get the answer it was made for."""

    def __init__(
        self, message: str, *, method: str = "", path: str = "", url: str = "", status: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.method = method
        self.path = path
        self.url = url
        """The server's, without secrets."""
        self.status = status

    def __str__(self) -> str:
        request = f"{self.method} {self.path.partition('?')[0]}"
        answer = f" -> {self.status}" if self.status else ""
        where = f" ({self.url}, {request}{answer})" if self.method and not self.url.startswith(IN_PROCESS) else ""
        return f"{self.message}{where}"


class ServerUnreachable(ConductorError, ConnectionError):
    """No answer: refused, reset, timed out, closed half-way."""

    def __init__(self, message: str, *, indeterminate: bool, method: str = "", path: str = "", url: str = "") -> None:
        super().__init__(message, method=method, path=path, url=url)
        self.indeterminate = indeterminate
        """Whether the server may have received the request and acted on it."""


class NotConductor(ConductorError):
    """The answer does not come from Conductor's REST API."""


class BadRequest(ConductorError, ValueError):
    """The server found the request itself wrong."""


class Denied(ConductorError, PermissionError):
    """The server wants (other) credentials."""


class NotFound(ConductorError, LookupError):
    """The server does not know what the request names."""


class Conflict(ConductorError):
    """The request does not fit the state that the server is in."""


class ServerFailure(ConductorError):
    """The server failed, or is too busy."""

    is_retryable = False


class StartedTwice(ConductorError):
    """More than one execution carries the correlation id of one start."""


_BY_STATUS: dict[int, type[ConductorError]] = {
    400: BadRequest,
    401: Denied,
    403: Denied,
    404: NotFound,
    409: Conflict,
}


def error_for(status: int, body: bytes, *, method: str, path: str, url: str) -> ConductorError:
    """Turn an answer that is no success into the error that says so, with the server's own message."""
    if 300 <= status < 400:
        message = "answered with a redirect: give the server's own URL"
        return NotConductor(message, method=method, path=path, url=url, status=status)
    message, retryable = _explanation(body)
    kind = _BY_STATUS.get(status, ServerFailure if status >= 500 or status == 429 else ConductorError)
    error = kind(message or f"answered {status}", method=method, path=path, url=url, status=status)
    if isinstance(error, ServerFailure):
        error.is_retryable = retryable or status in (429, 502, 503, 504)
    return error


def is_transient(error: BaseException) -> bool:
    """Say whether the same request may succeed a moment later."""
    return isinstance(error, ServerUnreachable) or (isinstance(error, ServerFailure) and error.is_retryable)


def _explanation(body: bytes) -> tuple[str, bool]:
    try:
        document = from_json(body)
    except ValueError:
        return "", False
    if not isinstance(document, dict):
        return "", False
    faults = document.get("validationErrors")
    parts = [str(document.get("message") or "")] + [
        f"{fault.get('path')}: {fault.get('message')}"
        for fault in (faults if isinstance(faults, list) else ())
        if isinstance(fault, dict)
    ]
    text = " ".join("; ".join(part for part in parts if part).split())
    return (text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"), document.get("retryable") is True
