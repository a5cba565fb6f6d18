"""Every operation of the REST API, asked oddly: unknown ids, bodies missing or of other kinds, odd parameters.

Unlike a case, a sweep looks at the wire: status, content type, `Allow`, and the body byte by byte but for ids, instants
and the answering host. It is one conversation in a fixed order; each request sees what those before it have left.
"""

from __future__ import annotations

import http.client
import json
import lzma
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from pytest_k1n.conformance.normalise import PARSER_WORDS

NONE = "00000000-0000-4000-8000-00000000000f"
JSON = {"Content-Type": "application/json"}
P = "sweep_"
"""What names of a sweep begin with; a prefix of its own stands in its place on the wire."""

Answer = dict[str, Any]

RECORDED = Path(__file__).parents[3] / "fixtures" / "parity" / "recorded" / "sweep.jsonl.xz"
"""What Conductor 3.32.1 answered, a request a line: `PYTHONPATH=tests/parity python -m k1n_parity.oddities URL`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request of a sweep."""

    method: str
    path: str
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        given = "" if self.body is None else f" {self.body[:80]}"
        kind = {name: value for name, value in self.headers.items() if (name, value) not in JSON.items()}
        return f"{self.method} {self.path[:120]}{given}{f' {kind}' if kind else ''}"


def ask(method: str, path: str, body: Any = None, *, headers: Mapping[str, str] = JSON, **query: Any) -> Asked:
    """Make a request; a body that is no text is written as JSON."""
    text = body if body is None or isinstance(body, str) else json.dumps(body)
    return Asked(
        method=method,
        path=path + (f"?{urlencode(query, doseq=True)}" if query else ""),
        body=text,
        headers=headers if text is not None else {},
    )


@dataclass(slots=True, kw_only=True)
class Sweep:
    """One conversation with a server at a URL, under a prefix of its own."""

    url: str
    prefix: str
    names: dict[str, str] = field(default_factory=dict)

    def run(self, requests: list[Asked]) -> list[Answer]:
        """Ask everything, one after the other, and return the answers in comparable form."""
        self.names = {"{id}": NONE, "{task}": NONE, "{poll}": f"{P}task"}
        return [{"request": asked.label, **self.send(asked)} for asked in requests]

    def send(self, asked: Asked) -> Answer:
        """Send one request."""
        path, body = self._named(asked.path), None if asked.body is None else self._named(asked.body)
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            headers = {name: value for name, value in asked.headers.items() if value}
            connection.putrequest(asked.method, f"/api{path}", skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            data = None if body is None else body.encode()
            if data is not None or asked.method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", str(len(data or b"")))
            connection.endheaders(data)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        finally:
            connection.close()
        self._remember(asked, text)
        return {
            "status": response.status,
            "type": (response.getheader("Content-Type") or "").replace(" ", "").lower(),
            "allow": sorted(part.strip() for part in (response.getheader("Allow") or "").split(",") if part.strip()),
            "body": "…" if _tells_of_all(asked) else self._comparable(text),
        }

    def _named(self, text: str) -> str:
        for mark, value in self.names.items():
            text = text.replace(mark, value)
        return text.replace(P, self.prefix)

    def _remember(self, asked: Asked, text: str) -> None:
        if (
            asked.method == "POST"
            and re.fullmatch(r"/workflow(/sweep_main(\?.*)?)?", asked.path)
            and _ID.fullmatch(text)
        ):
            self.names["{id}"] = text
        elif asked.path.startswith("/tasks/poll/{poll}") and text.startswith("{"):
            self.names["{task}"] = json.loads(text)["taskId"]

    def _comparable(self, text: str) -> Any:
        for mark in ("{id}", "{task}"):
            if self.names[mark] != NONE:
                text = text.replace(self.names[mark], mark)
        text = _ID.sub(lambda found: found[0] if found[0] == NONE else "<id>", text.replace(self.prefix, P))
        try:
            value = json.loads(text)
        except ValueError:
            return text
        return _plain(value)


_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OF_ALL = re.compile(
    r"/(metadata/workflow|metadata/workflow/(names|names-and-versions|latest-versions)|metadata/taskdefs|event|"
    r"admin/config|admin/queues|tasks/queue/(all|all/verbose|polldata/all)|(workflow|tasks)/search[^?]*)"
)


def _tells_of_all(asked: Asked) -> bool:
    """Tell whether an answer holds what others have left on a server, or the server's surroundings."""
    return asked.method in ("GET", "HEAD") and _OF_ALL.fullmatch(asked.path) is not None


_UNSTABLE = (
    "instance", "timestamp", "queueWaitTime", "createTime", "updateTime", "startTime", "endTime", "workerId",
    "scheduledTime", "lastPollTime", "createdTime", "firstScheduledTime", "executionTime", "updatedTime",
    "lastRetriedTime",
)  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _plain(inner) for key, inner in value.items() if key not in _UNSTABLE}
        if isinstance(kept.get("message"), str):
            kept["message"] = PARSER_WORDS.sub(r"\1 …", kept["message"])
        if isinstance(kept.get("validationErrors"), list):
            kept["validationErrors"] = sorted(kept["validationErrors"], key=json.dumps)
        return kept
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def write(answers: list[Answer]) -> None:
    """Keep what the real server answered."""
    lines = [json.dumps(answer, sort_keys=True, separators=(",", ":")) for answer in answers]
    RECORDED.write_bytes(lzma.compress(("\n".join(lines) + "\n").encode(), preset=9))


def read() -> list[Answer]:
    """Return what the real server answered."""
    return [json.loads(line) for line in lzma.decompress(RECORDED.read_bytes()).decode().splitlines()]


def differing(left: Answer, right: Answer) -> list[str]:
    """Name what two answers to one request differ in."""
    return [name for name in left if left[name] != right[name]]
