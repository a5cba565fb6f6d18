"""What a server makes of the request of a HTTP task before it is sent: the reasons of Conductor 3.32.1, in its words.

Measured one by one: `tests/unit/core/definition/test_httprequests.py` has the answers. Whether the host exists is
another matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import quote

from pytest_k1n.core.model import Json

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
_ILLEGAL: Final = "java.lang.IllegalArgumentException"
_MEDIA: Final = "org.springframework.http.InvalidMediaTypeException"
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")
_VARIABLE: Final = re.compile(r"\{([^{}:]+)(?::[^{}]*)?\}")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HIGHEST_PORT: Final = 65535
_PARTS: Final = re.compile(r"(?P<base>[^:/?#]+://[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#.*)?", re.DOTALL)
_OF_QUERY: Final = "/?:@!$'()*+,;~"
_JAVA_CLASSES: Final = {bool: "java.lang.Boolean", float: "java.lang.Double", list: "java.util.ArrayList",
                        dict: "java.util.LinkedHashMap"}  # fmt: skip
_WRITABLE: Final = re.compile(r"(application/([^;]+\+)?(json|xml)|text/xml)", re.IGNORECASE)
"""Content types that a body of any kind can be written as; a text can be written as all of them."""


class Refusal(NamedTuple):
    """Why a request is never sent, or goes nowhere."""

    field: str
    """The field at fault, such as `uri` or `contentType`; `http_request` where it is all of them."""
    text: str
    error: str = ""
    """The exception's class; empty: the text is all of the reason."""

    @property
    def reason(self) -> str:
        """The reason of the failed task."""
        return f"Failed to invoke HTTP task due to: {self.error}: {self.text}" if self.error else self.text


def request_of(inputs: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the fields of the request: those of `http_request`, else the inputs themselves."""
    request = inputs.get("http_request")
    return request if isinstance(request, Mapping) else inputs


def refusal(request: Mapping[str, Json]) -> Refusal | None:
    """Say why a request with these values is not sent; None for one that is."""
    method = request.get("method")
    if request.get("uri") is None:
        return Refusal("uri", "Missing HTTP URI.  See documentation for HttpTask for required input parameters")
    if method is None:
        return Refusal("method", "No HTTP method specified")
    if str(method) not in METHODS:
        return Refusal("method", f"Invalid HTTP method: {method}", _ILLEGAL)
    if "headers" in request and request["headers"] is None:
        return Refusal(
            "headers",
            'Cannot invoke "java.util.Map.forEach(java.util.function.BiConsumer)" because "input.headers" is null',
            "java.lang.NullPointerException",
        )
    for field in ("contentType", "accept"):
        if field in request and (found := _of_media_type(field, request[field])) is not None:
            return found
    wait = request.get("readTimeOut")
    if isinstance(wait, int) and wait < 0:
        return Refusal("readTimeOut", f"duration must not be negative: {wait}", _ILLEGAL)
    return _of_uri(str(method), str(request["uri"])) or _of_body(request)


def encoded(uri: str) -> str:
    """Write a URI as it is sent: what a part may not hold is encoded, also the percent signs of what was already."""
    parts = _PARTS.fullmatch(uri)
    if parts is None:
        return uri
    base, path, query = parts["base"], parts["path"], parts["query"]
    made = base + quote(path, safe="/!$&'()*+,;=:@~")
    if query is not None:
        pairs = (pair.partition("=") for pair in query.split("&"))
        made += "?" + "&".join(
            quote(name, safe=_OF_QUERY) + equals + quote(value, safe=_OF_QUERY) for name, equals, value in pairs
        )
    return made


def unreadable(inputs: Mapping[str, Json]) -> Refusal | None:
    """Say why the server cannot read the request of a HTTP task at all; None if it can.

    It tries again and again then: the task stays SCHEDULED.
    """
    given = inputs.get("http_request")
    if given is not None and not isinstance(given, Mapping):
        return _never("http_request", "an object", given)
    request = request_of(inputs)
    for field in ("uri", "method", "contentType"):
        if isinstance(request.get(field), list | dict):
            return _never(field, "a text", request[field])
    headers = request.get("headers")
    if headers is not None and not isinstance(headers, Mapping):
        return _never("headers", "an object", headers)
    for field in ("readTimeOut", "connectionTimeOut"):
        value = request.get(field)
        is_number = not isinstance(value, str) or not value.strip() or value.strip().lstrip("+-").isdecimal()
        if isinstance(value, list | dict) or not is_number:
            return _never(field, "a number of milliseconds", value)
    return None


def _never(field: str, wanted: str, value: Json) -> Refusal:
    shown = repr(value)
    return Refusal(field, f"{field} must be {wanted}, not {shown if len(shown) < 40 else shown[:37] + '...'}: the "
                          "server cannot read the request, and tries again and again")  # fmt: skip


def _of_media_type(field: str, value: Json) -> Refusal | None:
    if field == "accept" and (value is None or isinstance(value, list)):
        return None
    name = "null" if value is None else str(value)
    said = f'Invalid mime type "{name}": '
    essence = name.partition(";")[0].strip()
    if value is None or not essence:
        return Refusal(field, f"{said}'mimeType' must not be empty", _MEDIA)
    kind, slash, subtype = essence.partition("/")
    if not slash and essence != "*":
        return Refusal(field, f"{said}does not contain '/'", _MEDIA)
    if not subtype and essence != "*":
        return Refusal(field, f"{said}does not contain subtype after '/'", _MEDIA)
    for token in (kind, subtype):
        if token and _TOKEN.fullmatch(token) is None:
            odd = _TOKEN.sub("", token)[0]
            return Refusal(field, f"{said}Invalid token character '{odd}' in token \"{token}\"", _MEDIA)
    if field == "contentType" and (kind == "*" or subtype == "*" or subtype.startswith("*+")):
        which = "type" if kind == "*" else "subtype"
        return Refusal(field, f"Content-Type cannot contain wildcard {which} '*'", _ILLEGAL)
    return None


def _of_uri(method: str, uri: str) -> Refusal | None:
    if (variable := _VARIABLE.search(uri)) is not None:
        return Refusal("uri", f"Not enough variable values available to expand '{variable[1]}'", _ILLEGAL)
    scheme, colon, rest = uri.partition(":")
    is_absolute = bool(colon) and "/" not in scheme and "?" not in scheme and "#" not in scheme
    if not is_absolute:
        if uri.startswith("//"):
            return _io(method, uri, "Protocol scheme is not specified")
        shown = uri if uri.startswith("/") or not uri else f"/{uri}"
        return _io(method, shown, "Target host is not specified")
    if _SCHEME.fullmatch(scheme) is None:
        shown = uri.replace(" ", "%20") if rest.startswith("/") else f"{scheme}:"
        return Refusal("uri", f"Illegal character in scheme name at index {_bad_index(scheme)}: {shown}", _ILLEGAL)
    if not rest.startswith("/"):
        return Refusal("uri", f"Expected scheme-specific part at index {len(scheme) + 1}: {scheme}:", _ILLEGAL)
    authority = re.split(r"[/?#]", rest[2:], maxsplit=1)[0] if rest.startswith("//") else ""
    if not authority:
        return _io(method, uri, "Target host is not specified")
    if scheme.lower() not in ("http", "https"):
        return _io(method, uri, f"Unroutable protocol scheme: {scheme}://{authority}")
    host = authority.rpartition("@")[2]
    _, colon, port = host.rpartition("]")[2].rpartition(":")
    if " " in authority or (colon and port and not port.isdecimal()):
        return Refusal("uri", "Bad authority", "org.springframework.web.util.InvalidUrlException")
    if colon and port and int(port[:9]) > _HIGHEST_PORT:
        text = f"Port number(Use -1 to specify the scheme default port): {port} is out of range [-1, 65535]"
        return Refusal("uri", text, _ILLEGAL)
    if host.partition(":")[0].lower() == "null":  # of an expression without a value
        return _io(method, uri, "null: Name or service not known")
    return None


def _of_body(request: Mapping[str, Json]) -> Refusal | None:
    """Say why a body cannot be written as what it is said to be."""
    body, given = request.get("body"), str(request.get("contentType", "application/json"))
    if body is None or isinstance(body, str) or _WRITABLE.fullmatch(given.partition(";")[0].strip()):
        return None
    number = "java.lang.Integer" if isinstance(body, int) and -(2**31) <= body < 2**31 else "java.lang.Long"
    kind = _JAVA_CLASSES.get(type(body), number)
    return Refusal("body", f'No HttpMessageConverter for {kind} and content type "{given}"', "java.lang.Exception")


def _bad_index(scheme: str) -> int:
    """Return where the first character stands that no scheme may have."""
    allowed = re.match(r"[A-Za-z][A-Za-z0-9+.\-]*", scheme)
    return allowed.end() if allowed else 0


def _io(method: str, uri: str, said: str) -> Refusal:
    return Refusal("uri", f'I/O error on {method} request for "{uri}": {said}', "java.lang.Exception")
