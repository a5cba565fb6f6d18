"""What a test says HTTP tasks are answered, instead of their requests being sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_k1n.core.model import Json

_KEYS: Final = ("status", "body", "headers")
_STATUSES: Final = range(200, 600)
"""Those that end a request."""


class BadReply(ValueError):
    """What is given as the answer of a HTTP task is none; says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """One answer to the request of a HTTP task."""

    status: int = 200
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """Return the body as it would come over the wire: a text as it is, everything else as JSON."""
        if self.body is None:
            return b""
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


Replies = Mapping[str, Sequence[HttpReply]]
"""By ref or task name: the answers to its requests one after the other, the last one again and again."""


def read_replies(given: object) -> dict[str, Sequence[HttpReply]]:
    """Read `{"fetch": {"status": 200, "body": {...}}}`, or a list of such answers. Raises BadReply."""
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise BadReply(f'http: write {{"REF": {{"status": 200, "body": {{...}}}}}}, not {given!r:.80}')
    return {
        key: [_reply(key, each) for each in (answers if isinstance(answers, list | tuple) and answers else [answers])]
        for key, answers in given.items()
    }


def _reply(key: str, given: object) -> HttpReply:
    if not isinstance(given, Mapping):
        raise BadReply(f'http: {key}: write {{"status": 200, "body": {{...}}}}, or a list of such, not {given!r:.80}')
    if unknown := [each for each in given if each not in _KEYS]:
        raise BadReply(
            f"http: {key}: unknown key {unknown[0]!r}; known: {', '.join(_KEYS)}; "
            f'what the service says goes into "body"'
        )
    status: Any = given.get("status", 200)
    if not isinstance(status, int) or status not in _STATUSES:
        raise BadReply(f"http: {key}.status is {status!r}: a number from 200 to 599")
    headers: Any = given.get("headers", {})
    if not isinstance(headers, Mapping):
        raise BadReply(f"http: {key}.headers must be a dict, not {headers!r:.80}")
    body: Any = given.get("body")
    try:
        body = json.loads(json.dumps(body, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadReply(f"http: {key}.body is not JSON: {error}") from None
    return HttpReply(status=status, body=body, headers={str(name): str(value) for name, value in headers.items()})
