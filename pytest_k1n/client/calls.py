"""How every REST call is made: the path under `/api`, JSON both ways, errors by status, retries where harmless."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeVar, cast
from urllib.parse import quote

from pytest_k1n.client.errors import NotConductor, error_for
from pytest_k1n.client.retry import retried
from pytest_k1n.client.transport import Transport
from pytest_k1n.core.http import TIMEOUT_S, HttpRequest, HttpResponse
from pytest_k1n.core.model import Json
from pytest_k1n.core.text import from_json

JsonObject = dict[str, Json]
J = TypeVar("J", bound=Json)

_NOTHING: Mapping[str, type] = {}
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Calls:
    """The common part of the API's groups."""

    def __init__(self, transport: Transport, *, patience_s: float = 2.0) -> None:
        self._transport = transport
        self._patience_s = patience_s
        """How long a call that may be repeated is tried again while the server is unreachable or busy."""

    @property
    def url(self) -> str:
        """The server's URL, without secrets."""
        return self._transport.url

    def close(self) -> None:
        """Drop the connections."""
        self._transport.close()

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        body: object = None,
        repeatable: bool | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> HttpResponse:
        """Make one call and return its successful answer; `repeatable` defaults to: it is a GET. Raises ConductorError.

        A pop from a queue is a GET, too, and repeating it does no harm: a task whose delivery got lost stays lost.
        """
        data = None if body is None else _encode(body).encode()
        query = {name: _text(value) for name, value in params.items() if value is not None} if params else None
        request = HttpRequest(method, path, params=query, body=data, timeout_s=timeout_s)

        def once() -> HttpResponse:
            answer = self._transport.send(request)
            if answer.status >= 300:
                raise error_for(answer.status, answer.body, method=method, path=path, url=self.url)
            return answer

        if repeatable is None:
            repeatable = method == "GET"
        return retried(once, within_s=self._patience_s) if repeatable and self._patience_s else once()

    def _json(self, kind: type[J], method: str, path: str, answer: HttpResponse) -> J:
        """Parse an answer that must be JSON of one kind. Raises NotConductor."""
        try:
            document = from_json(answer.body)
        except ValueError:
            document = None
        if not isinstance(document, kind):
            raise self._foreign(method, path, answer)
        return document

    def _foreign(self, method: str, path: str, answer: HttpResponse) -> NotConductor:
        what = "a web page" if "html" in answer.content_type else "no JSON of the kind that Conductor sends"
        message = f"what answers is not Conductor's API: {what}"
        return NotConductor(message, method=method, path=path, url=self.url, status=answer.status)

    def _objects(
        self, found: object, method: str, path: str, answer: HttpResponse, *, needs: Mapping[str, type] = _NOTHING
    ) -> list[JsonObject]:
        """Take what an answer, or a part of it, has for a list of objects with some fields. Raises NotConductor."""
        listed = found if isinstance(found, list) else [None]
        for each in listed:
            if not isinstance(each, dict) or not all(isinstance(each.get(key), needs[key]) for key in needs):
                raise self._foreign(method, path, answer)
        return cast("list[JsonObject]", listed)

    def _get_object(self, path: str, **params: object) -> JsonObject:
        return cast("JsonObject", self._json(dict, "GET", path, self._call("GET", path, params=params)))

    def _get_list(self, path: str, **params: object) -> list[JsonObject]:
        answer = self._call("GET", path, params=params)
        return self._objects(self._json(list, "GET", path, answer), "GET", path, answer)

    def _text_of(self, method: str, path: str, answer: HttpResponse) -> str:
        """Read an id, which Conductor sends as bare text. Raises NotConductor for a web page."""
        text = answer.body.decode("utf-8", "replace").strip().strip('"')
        if "html" in answer.content_type or text.startswith("<") or len(text) > 200:
            message = "what answers is not Conductor's API: a web page"
            raise NotConductor(message, method=method, path=path, url=self.url, status=answer.status)
        return text


def segment(text: str) -> str:
    """Quote one segment of a path: no name can leave its place in it."""
    quoted = quote(text, safe="")
    return quoted.replace(".", "%2E") if quoted in (".", "..") else quoted


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
