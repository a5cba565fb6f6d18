"""Heads of requests that Conductor's web server, Tomcat, answers by itself: with its defaults, each tried on 3.32.1."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pytest_k1n.engine.rest.request import Reply, page

_MOST_BYTES: Final = 8192
"""Of a head, from its first line to the empty one."""
_MOST_HEADERS: Final = 100
_UNENCODED: Final = re.compile(rb"[\"<>\[\\\]^`{|}]")
"""Signs that a target has only encoded."""
_VERSIONS: Final = ("1.0", "1.1")
_METHODS: Final = "GET, HEAD, POST, PUT, DELETE, OPTIONS"
_SIGNS: Final = len(b"  HTTP/1.1\r\n\r\n")
"""Of a head, beside method, target and headers; of a header, beside its name and value, four."""


def answered(scope: Mapping[str, Any]) -> Reply | None:
    """Return the answer to a request (its ASGI scope) whose head is not passed on, or None."""
    headers, path, query = scope["headers"], scope["raw_path"], scope["query_string"]
    size = sum([len(name) + len(value) + 4 for name, value in headers]) + len(path) + len(query) + bool(query)
    if size + len(scope["method"]) + _SIGNS > _MOST_BYTES or len(headers) > _MOST_HEADERS:
        return page(400, "Bad Request")
    if scope["http_version"] not in _VERSIONS:
        return page(505, "HTTP Version Not Supported")
    for name, value in headers:
        if name == b"expect" and value.lower() != b"100-continue":
            return page(417, "Expectation Failed")
    if path == b"*" and scope["method"] == "OPTIONS":
        return Reply(200, headers=(("Allow", _METHODS),))
    if _UNENCODED.search(query) or _UNENCODED.search(path):
        return page(400, "Bad Request")
    return None
