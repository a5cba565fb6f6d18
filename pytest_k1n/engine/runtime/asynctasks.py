"""EVENT, START_WORKFLOW and HTTP: system tasks that reach beyond their execution."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from pytest_k1n.core import httprequests
from pytest_k1n.engine.language import secrets
from pytest_k1n.engine.state import TaskState
from pytest_k1n.engine.status import COMPLETED, FAILED
from pytest_k1n.engine.values import JsonObject


class HttpCaller(Protocol):
    """Makes one HTTP request; returns status, reason phrase, headers, body. Raises OSError."""

    def __call__(
        self, method: str, uri: str, headers: dict[str, str], body: bytes | None, timeout_s: float
    ) -> tuple[int, str, dict[str, list[str]], bytes]: ...


def run_event(task: TaskState) -> None:
    """Write down what is published to the internal queue; there is no other, and a task that names one fails."""
    execution = task.execution
    sink = task.input.get("sink")
    task.output = {
        **task.input,
        "workflowInstanceId": execution.workflow_id,
        "workflowType": execution.definition.name,
        "workflowVersion": execution.definition.version,
        "correlationId": execution.correlation_id,
        "taskToDomain": execution.domains,
    }
    if sink is None:  # of a dynamic task the server resolves no sink
        task.status = FAILED
        task.reason = 'Cannot invoke "String.startsWith(String)" because "sinkValue" is null'
        return
    sink = str(sink)
    task.output["event_produced"] = sink
    kind, _, name = sink.partition(":")
    if kind != "conductor":
        problem = f"Unknown queue type {kind}" if ":" in sink else f"Illegal event {sink}"
        task.status = FAILED
        task.reason = f"Error loading queue:{sink}, for task:{task.task_id}, error: {problem}"
        return
    task.output["event_produced"] = f"conductor:{execution.definition.name}:{name or task.ref}"
    task.status = COMPLETED


HttpAnswer = tuple[int, str, dict[str, list[str]], bytes]
"""Status, reason phrase, headers, body."""


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
            return call(self.method, self.uri, self.headers, self.body, self.timeout_s)
        except Exception as error:  # whatever a definition makes of a request: the task fails by it, not the engine
            return error


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
    body, given_headers = fields.get("body"), fields.get("headers")
    payload = None if body is None else body.encode() if isinstance(body, str) else _json(body)
    headers = {str(name): str(value) for name, value in (given_headers or {}).items()}
    headers.setdefault("Accept", str(fields.get("accept") or "application/json"))
    headers.setdefault("Content-Type", str(fields.get("contentType") or "application/json"))
    timeout_s = float(fields.get("readTimeOut") or 3000) / 1000
    return OutgoingCall(
        method=str(fields["method"]), uri=str(fields["uri"]), headers=headers, body=payload, timeout_s=timeout_s
    )


def take_answer(task: TaskState, request: OutgoingCall, answer: HttpAnswer | Exception) -> None:
    """End a HTTP task by what came of its request; anything but 2xx fails it, with the server's words."""
    if isinstance(answer, Exception):
        _fail(task, f'I/O error on {request.method} request for "{request.uri}": {_said(answer, request.uri)}')
        return
    status, phrase, received, content = answer
    text = content.decode("utf-8", "replace")
    if not 200 <= status < 300:
        _fail(task, f'{status} {phrase} on {request.method} request for "{request.uri}": "{text}"')
        return
    task.output = {
        "response": {"headers": received, "reasonPhrase": phrase, "body": _parsed(text), "statusCode": status}
    }
    task.status = COMPLETED


def call_http(
    method: str, uri: str, headers: dict[str, str], body: bytes | None, timeout_s: float
) -> tuple[int, str, dict[str, list[str]], bytes]:
    """Make one request with the standard library. Raises OSError, HTTPException or ValueError (a bad URI)."""
    import urllib.error  # here: with http, email and ssl it is a fifth of what the first execution of a process costs
    import urllib.request

    if not uri.lower().startswith(("http://", "https://")):
        raise ValueError(f"not an HTTP URI: {uri}")
    request = urllib.request.Request(uri, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            return response.status, response.reason, _headers(response.headers), response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.reason, _headers(error.headers), error.read()


def _headers(message: Any) -> dict[str, list[str]]:
    return {name: message.get_all(name) for name in dict.fromkeys(message.keys())}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text or None


def _json(value: Any) -> bytes:
    """Write JSON as the server does: without blanks, in UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _said(error: Exception, uri: str) -> str:
    """Say what went wrong, in the server's words where no server listened."""
    if isinstance(getattr(error, "reason", None), ConnectionRefusedError):  # a URLError's
        address = urlsplit(uri)
        return f"Connect to {address.scheme}://{address.netloc} failed: Connection refused"
    return str(error)


def _fail(task: TaskState, problem: str, *, error: str = "java.lang.Exception") -> None:
    task.status = FAILED
    task.output = {"response": f"{error}: {problem}"}
    task.reason = f"Failed to invoke HTTP task due to: {error}: {problem}"
