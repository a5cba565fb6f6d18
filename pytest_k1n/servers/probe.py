"""Short questions to a server that may not be there, may not be ready, or may not be a Conductor at all.

Stdlib only and without retries: readiness loops own the retrying. Bodies are judged, never the status alone: Conductor
answers an unknown path with its UI, 200 and HTML.
"""

from __future__ import annotations

import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pytest_k1n.client.address import Address
from pytest_k1n.core.text import from_json
from pytest_k1n.servers.errors import ServerTooOld

OLDEST_SUPPORTED, OLDER_LINE = (3, 22), (3, 15)
"""The first line with `/api/version` and a bundled SQLite; before it only the last one of Netflix's was tried."""
_LARGEST_ANSWER = 1 << 20
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer, whatever its status."""

    status: int
    content_type: str
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> object:
        """Parse the body, or return None where it is no JSON."""
        try:
            return from_json(self.body)
        except ValueError:
            return None


class State(StrEnum):
    """What a server said of its health."""

    READY = "ready"
    NOT_READY = "not ready"
    SILENT = "silent"
    FOREIGN = "foreign"
    """It answers, but not as a Conductor does."""


@dataclass(frozen=True, slots=True)
class Health:
    """The outcome of one health probe."""

    state: State
    detail: str


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Show redirects instead of following them: a login page is no server, and credentials stay with their host."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def ask(
    address: Address,
    method: str,
    path: str,
    *,
    body: object = None,
    timeout_s: float = 2.0,
    headers: Mapping[str, str] = NO_HEADERS,
) -> HttpAnswer:
    """Send one request on a connection of its own and return the answer, errors by status included.

    Proxies of the environment are honoured, except for loopback. Raises OSError when nothing understandable answers.
    """
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address.url + path, data=data, method=method, headers=dict(headers))
    if data is not None:
        request.add_header("Content-Type", "application/json")
    if address.authorization:
        request.add_header("Authorization", address.authorization)
    proxies = [urllib.request.ProxyHandler({})] if address.is_loopback else []
    opener = urllib.request.build_opener(_NoRedirects(), *proxies)
    try:
        with opener.open(request, timeout=timeout_s) as response:
            return _answer(response.status, response.headers.get("Content-Type", ""), response)
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error.code, error.headers.get("Content-Type", ""), error)
    except urllib.error.URLError as error:
        raise (error.reason if isinstance(error.reason, OSError) else OSError(str(error.reason))) from None
    except http.client.HTTPException as error:
        raise OSError(f"no HTTP answer ({type(error).__name__})") from None


def _answer(status: int, content_type: str, stream: http.client.HTTPResponse | urllib.error.HTTPError) -> HttpAnswer:
    try:
        return HttpAnswer(status, content_type, stream.read(_LARGEST_ANSWER))
    except http.client.HTTPException as error:
        raise OSError(f"the answer broke off ({type(error).__name__})") from None


def health(address: Address, *, timeout_s: float = 2.0, headers: Mapping[str, str] = NO_HEADERS) -> Health:
    """Ask `/health` (healthy:true) and then `/actuator/health` (UP): either one means ready.

    The actuator of a jar server says DOWN for an Elasticsearch it does not have, and old servers lack `/health`.
    """
    details = []
    state = State.FOREIGN
    for path, is_ready in (("/health", _is_healthy), ("/actuator/health", _is_up)):
        try:
            answer = ask(address, "GET", path, timeout_s=timeout_s, headers=headers)
        except OSError as error:
            return Health(State.SILENT, f"GET {path} on port {address.port} -> {reason_of(error)}")
        document = answer.json()
        if answer.status == 200 and is_ready(document):
            return Health(State.READY, f"GET {path} -> {answer.status}, ready")
        if isinstance(document, dict):
            state = State.NOT_READY
        details.append(f"GET {path} -> {answer.status}, {_shape(answer, document)}")
    return Health(state, "; ".join(details))


def _is_healthy(document: object) -> bool:
    return isinstance(document, dict) and document.get("healthy") is True


def _is_up(document: object) -> bool:
    return isinstance(document, dict) and document.get("status") == "UP"


def _shape(answer: HttpAnswer, document: object) -> str:
    if isinstance(document, dict):
        return "status " + str(document["status"]) if "status" in document else "JSON without a verdict"
    if "html" in answer.content_type or b"<html" in answer.body[:2000].lower():
        return "an HTML page"
    return f"{len(answer.body)} bytes of {answer.content_type or 'unnamed content'}"


def reason_of(error: OSError) -> str:
    """Say in a few words why no answer came."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return error.strerror or str(error) or type(error).__name__


def version(address: Address, *, timeout_s: float = 2.0, headers: Mapping[str, str] = NO_HEADERS) -> str | None:
    """Return what `/api/version` says, or an older server's configuration; None where that is no version.

    Raises OSError when nothing answers.
    """
    answer = ask(address, "GET", "/api/version", timeout_s=timeout_s, headers=headers)
    if answer.status == 404:  # before 3.22
        config = ask(address, "GET", "/api/admin/config", timeout_s=timeout_s, headers=headers)
        found = config.json() if config.status == 200 and "json" in config.content_type else None
        text = str(found.get("version")) if isinstance(found, dict) else ""
        return text if version_number(text) else None
    if answer.status != 200 or "html" in answer.content_type:
        return None
    text = answer.text.strip().strip('"')
    return text if version_number(text) else None


def check_version(text: str | None, what: str) -> str:
    """Return the version if we support it. Raises ServerTooOld."""
    number = version_number(text) if text else None
    if text is None or number is None or (number < OLDEST_SUPPORTED and number != OLDER_LINE):
        oldest = ".".join(map(str, OLDEST_SUPPORTED))
        shown = f"Conductor {text}" if text else "a Conductor without /api/version"
        raise ServerTooOld(f"{what} is {shown}: older than {oldest}", remedy=f"Conductor {oldest} or newer")
    return text


def version_number(text: str) -> tuple[int, int] | None:
    """Read major and minor of `3.32.1`, `v3.24.0-rc.18`, `3.22.0.rc1`; None where there is no number."""
    match = re.match(r"v?(\d{1,4})\.(\d{1,4})(?:\D|$)", text)
    return (int(match[1]), int(match[2])) if match and len(text) <= 80 else None
