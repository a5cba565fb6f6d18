"""HTTP tasks: the request that one describes, and what comes of its answer, as measured on Conductor 3.32.1."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from json import JSONDecoder
from typing import Any, Final, NoReturn, Protocol
from urllib.parse import urlsplit

from pytest_k1n.core.definition import httprequests
from pytest_k1n.core.java_text import java_text
from pytest_k1n.engine.language import secrets
from pytest_k1n.engine.registry.coercions import number
from pytest_k1n.engine.state import TaskState
from pytest_k1n.engine.status import COMPLETED, FAILED
from pytest_k1n.engine.values import JsonObject

ANOTHER: Final = "\x00"
"""Between the values of a header that is sent more than once."""
HttpAnswer = tuple[int, str, dict[str, list[str]], bytes]
"""Status, reason phrase, headers, body."""
_SUCCESSES: Final = range(200, 300)
_FIRST_ERROR: Final = 400
_JAVA: Final = "java.lang.Exception"
_QUERY: Final = re.compile(r"\?.*", re.DOTALL)
_LINE_END: Final = re.compile("[\r\n]")
_KNOWN: Final = frozenset({*map(int, HTTPStatus), *range(400, 600)})
"""Statuses that the server has a name for, and the errors, which need none."""
_ANY_JSON: Final = "application/json"
_READ_TIMEOUT_MS: Final = 3000
_FOR_EVER_MS: Final = 86_400_000
_NULL_TIMEOUT_MS: Final = 150
"""What a null stands for, as an expression that leads nowhere does."""
_REPEATED: Final = (429, 503)
"""Statuses after which the server's HTTP client sends a request once more by itself."""
_REPEATED_AFTER_MS: Final = 1000
_SECONDS: Final = re.compile("[+-]?[0-9]{1,18}", re.ASCII)


class CutShort(Exception):
    """A body that ends before it should; its text is what content it said to be."""


class HttpCaller(Protocol):
    """Makes one HTTP request; returns status, reason phrase, headers, body. Raises OSError or CutShort.

    A header whose value holds `ANOTHER` is sent once for each part.
    """

    def __call__(
        self, method: str, uri: str, headers: dict[str, str], body: bytes | None, timeout_s: float
    ) -> HttpAnswer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingCall:
    """What a HTTP task asks for; sending it touches no task, so any thread may."""

    method: str
    uri: str
    headers: dict[str, str]
    body: bytes | None
    timeout_s: float

    def send(self, call: HttpCaller) -> HttpAnswer | Exception:
        """Make the request; return what came, or why nothing did."""
        try:
            return call(self.method, httprequests.encoded(self.uri), self.headers, self.body, self.timeout_s)
        except Exception as error:  # whatever a definition makes of a request: the task fails by it, not the engine
            return error

    def repeated_after_ms(self, answer: HttpAnswer | Exception, now_ms: int) -> int | None:
        """Tell how long after its first answer the request is sent once more; None if that answer counts.

        A client that reads for less than the usual pause, or for ever, repeats nothing, whatever the answer asks for.
        """
        if isinstance(answer, Exception) or answer[0] not in _REPEATED:
            return None
        if not _REPEATED_AFTER_MS <= self.timeout_s * 1000 < _FOR_EVER_MS:
            return None
        asked_ms = _retry_after_ms(_header(answer[2], "retry-after"), now_ms)
        return asked_ms if asked_ms > 0 else _REPEATED_AFTER_MS


def http_request(task: TaskState) -> OutgoingCall | None:
    """Read the request that a HTTP task describes; None where none is sent: the task has failed, or stays as it is."""
    given = secrets.revealed(task.input)
    if httprequests.unreadable(given) is not None:
        return None  # the server tries again and again
    fields: JsonObject = dict(httprequests.request_of(given))
    if (refused := httprequests.refusal(fields)) is not None:
        task.status, task.reason = FAILED, refused.reason
        if refused.error:
            task.output = {"response": f"{refused.error}: {refused.text}"}
        return None
    body = fields.get("body")
    payload = None if body is None else body.encode() if isinstance(body, str) else _json(body)
    return OutgoingCall(
        method=str(fields["method"]),
        uri=str(fields["uri"]),
        headers=_headers_of(fields),
        body=payload,
        timeout_s=_timeout_s(fields.get("readTimeOut", _READ_TIMEOUT_MS)),
    )


def _timeout_s(asked_ms: Any) -> float:
    """Read a timeout: a blank text is none, too, and 0 is for ever."""
    known_ms = None if asked_ms is None else number(asked_ms, "java.lang.Integer")
    if known_ms is None:
        known_ms = _NULL_TIMEOUT_MS
    return (known_ms or _FOR_EVER_MS) / 1000


def _headers_of(fields: Mapping[str, Any]) -> dict[str, str]:
    """Write the headers of a request; one given beside `accept` or `contentType`, set or not, is sent as well."""
    asked = fields.get("accept")
    accept = asked if isinstance(asked, list) else [asked or _ANY_JSON]
    headers = {
        "Accept": ", ".join(str(each).replace("; ", ";") for each in accept),
        "Content-Type": str(fields.get("contentType") or _ANY_JSON).replace("; ", ";"),
    }
    for name, value in (fields.get("headers") or {}).items():
        if value is None:
            continue
        known = next((own for own in headers if own.lower() == str(name).lower()), str(name))
        text = java_text(value)
        headers[known] = f"{headers[known]}{ANOTHER}{text}" if known in headers else text
    return headers


def take_answer(task: TaskState, request: OutgoingCall, answer: HttpAnswer | Exception) -> None:
    """End a HTTP task by what came of its request; anything but 2xx fails it, with the server's words."""
    asked = f'{request.method} request for "{_QUERY.sub("", request.uri)}"'
    if isinstance(answer, CutShort):
        _fail(task, f"Error while extracting response for type [class java.lang.String] and content type [{answer}]")
        return
    if isinstance(answer, Exception):
        _fail(task, f"I/O error on {asked}: {_said(answer, request.uri)}")
        return
    status, phrase, received, content = answer
    if status not in _KNOWN:
        _fail(task, f"No matching constant for [{status}]", error="java.lang.IllegalArgumentException")
        return
    if status >= _FIRST_ERROR:
        text = _LINE_END.sub("<EOL>", content.decode(_charset(received), "replace"))
        shown = f'"{text}"' if content else "[no body]"
        _fail(task, f"{status} {phrase} on {asked}: {shown}")
        return
    is_good = status in _SUCCESSES
    body = parsed(content.decode(_charset(received), "replace")) if is_good else None
    named = HTTPStatus(status).phrase  # whatever the answer has called it
    task.output = {"response": {"headers": received, "reasonPhrase": named, "body": body, "statusCode": status}}
    if is_good:
        task.status = COMPLETED
    else:  # a redirection that leads nowhere
        task.status, task.reason = FAILED, "No response from the remote service"


def parsed(text: str) -> Any:
    """Read a body: JSON if it begins with some, as numbers with a fraction and words as text; else the text itself."""
    if not text:
        return None
    begin = text.lstrip(" \t\r\n")
    if not begin:
        return ""
    try:
        value, end = _DECODER.raw_decode(begin)
    except ValueError:
        return text
    if isinstance(value, dict | list | str):
        return value
    if begin[end : end + 1].strip():
        return text
    if isinstance(value, bool) or value is None:
        return java_text(value)
    return float(value)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER: Final = JSONDecoder(parse_constant=_no_constant)


def _header(received: Mapping[str, list[str]], wanted: str) -> str:
    return next((values[0] for name, values in received.items() if name.lower() == wanted and values), "")


def _retry_after_ms(said: str, now_ms: int) -> int:
    """Read seconds or an HTTP date; 0 of anything else."""
    if _SECONDS.fullmatch(said):
        return int(said) * 1000
    try:
        instant = parsedate_to_datetime(said)
    except ValueError:
        return 0
    return int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp() * 1000) - now_ms


def _charset(received: Mapping[str, list[str]]) -> str:
    """Return the encoding of a body: as it says, UTF-8 of JSON, ISO-8859-1 of anything else that says what it is."""
    kind = _header(received, "content-type")
    if not kind:  # of an answer that a test has given in a file, which is UTF-8
        return "utf-8"
    message = Message()
    message["Content-Type"] = kind
    said = message.get_content_charset()
    subtype = message.get_content_subtype()
    return said or ("utf-8" if subtype == "json" or subtype.endswith("+json") else "iso-8859-1")


def _json(value: Any) -> bytes:
    """Write JSON as the server does: without blanks, in UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _said(error: Exception, uri: str) -> str:
    """Say what went wrong, in the server's words where nobody listened, answered or was known by that name."""
    cause = getattr(error, "reason", error)  # a URLError's
    address = urlsplit(uri)
    if "@" in address.netloc:
        return "Request URI authority contains deprecated userinfo component"
    if isinstance(cause, ConnectionRefusedError):
        return f"Connect to {address.scheme}://{address.netloc} failed: Connection refused"
    if isinstance(cause, socket.gaierror):
        return f"{address.hostname}: Name or service not known"
    if isinstance(cause, TimeoutError):
        return "Read timed out"
    if isinstance(cause, ConnectionResetError) and cause.errno is not None:
        return "Connection reset"
    return str(error)


def _fail(task: TaskState, problem: str, *, error: str = _JAVA) -> None:
    task.status = FAILED
    task.output = {"response": f"{error}: {problem}"}
    task.reason = f"Failed to invoke HTTP task due to: {error}: {problem}"
