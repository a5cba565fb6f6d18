"""The requests of HTTP tasks, as far as the definition says what they will be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pytest_k1n.core.definition.httprequests import Refusal, refusal, request_of, unreadable
from pytest_k1n.core.model import Json
from pytest_k1n.lint.check import Fields, Hit, Level
from pytest_k1n.lint.subject import WorkflowSubject
from pytest_k1n.lint.suggest import suggestion
from pytest_k1n.lint.tree import TaskNode

_EXPRESSION: Final = re.compile(r"(?<!\$)\$\{[^${}]*\}")
_FIELDS: Final = ("uri", "method", "headers", "accept", "contentType", "readTimeOut", "body")
_FITTING: Final[Mapping[str, Json]] = {"uri": "http://1/", "method": "GET"}
"""What an expression may stand for: judged is the rest."""


def bad_request(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find requests that the server cannot read, or refuses to send, whatever their expressions come to."""
    for task in workflow.tasks:
        if task.type != "HTTP" or not ({"http_request", "uri"} & task.inputs.keys()):
            continue  # one without any is refused at registration
        given = task.inputs.get("http_request")
        if isinstance(given, str) and "${" in given:
            continue
        found = unreadable(_settled(task.inputs))
        if found is None:
            found = refusal(_settled(request_of(task.inputs)))
        if found is not None:
            yield _hit(task, found)


def _hit(task: TaskNode, found: Refusal) -> Hit:
    request = request_of(task.inputs)
    inside = ("http_request",) if request is not task.inputs else ()
    at = (found.field,) if found.field in request else ()
    path = (*task.path, "inputParameters", *(at if found.field == "http_request" else (*inside, *at)))
    fix = suggestion(str(request.get("method")).upper().strip(), ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"), 0.9)
    if (
        found.field == "uri"
        and not at
        and (near := [key for key in ("url", "URI", "URL", "endpoint") if key in request])
    ):
        fix = f"write uri instead of {near[0]}"
    elif found.field != "method":
        fix = ""
    level = Level.WARNING if task.fields.get("optional") is True else None
    return Hit(path, f"the request is never sent: {found.text}", fix, level, ref=task.ref)


def _settled(fields: Fields) -> dict[str, Json]:
    """Put something fitting where an expression stands, or leave the field out."""
    settled: dict[str, Json] = {}
    for key, value in fields.items():
        if key == "http_request" and isinstance(value, Mapping):
            settled[key] = _settled(value)
        elif key not in (*_FIELDS, "connectionTimeOut", "http_request"):
            continue
        elif isinstance(value, str) and "${" in value:
            if (text := _filled(key, value)) is not None:
                settled[key] = text
        else:
            settled[key] = value
    return settled


def _filled(key: str, value: str) -> Json:
    """Fill the expressions of a text; None where nothing can be said of it."""
    if key == "uri" and not _EXPRESSION.match(value):
        while (text := _EXPRESSION.sub("1", value)) != value:
            value = text
        return value.replace("$${", "${") if "${" not in value.replace("$${", "") else _FITTING["uri"]
    return _FITTING.get(key)
