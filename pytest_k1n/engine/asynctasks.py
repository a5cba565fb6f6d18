"""EVENT, START_WORKFLOW and HTTP: system tasks that reach beyond their execution (conductor.md 8)."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any, Protocol

from pytest_k1n.engine.state import JsonObject, TaskState
from pytest_k1n.engine.status import COMPLETED, FAILED


class HttpCaller(Protocol):
    """Makes one HTTP request; returns status, reason phrase, headers, body. Raises OSError."""

    def __call__(
        self, method: str, uri: str, headers: dict[str, str], body: bytes | None, timeout_s: float
    ) -> tuple[int, str, dict[str, list[str]], bytes]: ...


def run_event(task: TaskState) -> None:
    """Publish to the internal queue: there is nobody else to hear it, so that is all."""
    execution = task.execution
    sink = str(task.input.get("sink"))
    task.output = {
        **task.input,
        "workflowInstanceId": execution.workflow_id,
        "workflowType": execution.definition.name,
        "workflowVersion": execution.definition.version,
        "correlationId": execution.correlation_id,
        "taskToDomain": execution.domains,
        "event_produced": sink,
    }
    kind, _, name = sink.partition(":")
    if kind != "conductor":
        problem = f"Unknown queue type {kind}" if ":" in sink else f"Illegal event {sink}"
        task.status = FAILED
        task.reason = f"Error loading queue:{sink}, for task:{task.task_id}, error: {problem}"
        return
    task.output["event_produced"] = f"conductor:{execution.definition.name}:{name or task.ref}"
    task.status = COMPLETED


def run_http(task: TaskState, call: HttpCaller) -> None:
    """Make the request a HTTP task describes; anything but 2xx fails it, with the server's words."""
    request = task.input.get("http_request")
    fields: JsonObject = request if isinstance(request, dict) else task.input
    uri, method = fields.get("uri"), str(fields.get("method") or "GET").upper()
    if not uri:
        task.status, task.reason = (
            FAILED,
            "Missing HTTP URI.  See documentation for HttpTask for required input parameters",
        )
        return
    body = fields.get("body")
    payload = None if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    headers = {str(name): str(value) for name, value in (fields.get("headers") or {}).items()}
    headers.setdefault("Accept", str(fields.get("accept") or "application/json"))
    if payload is not None:
        headers.setdefault("Content-Type", str(fields.get("contentType") or "application/json"))
    timeout_s = float(fields.get("readTimeOut") or 3000) / 1000
    try:
        status, phrase, received, content = call(method, str(uri), headers, payload, timeout_s)
    except (OSError, http.client.HTTPException, ValueError) as error:
        _fail(task, f'I/O error on {method} request for "{uri}": {error}')
        return
    text = content.decode("utf-8", "replace")
    if not 200 <= status < 300:
        _fail(task, f'{status}  on {method} request for "{uri}": "{text}"')
        return
    task.output = {
        "response": {"headers": received, "reasonPhrase": phrase, "body": _parsed(text), "statusCode": status}
    }
    task.status = COMPLETED


def call_http(
    method: str, uri: str, headers: dict[str, str], body: bytes | None, timeout_s: float
) -> tuple[int, str, dict[str, list[str]], bytes]:
    """Make one request with the standard library. Raises OSError, HTTPException or ValueError (a bad URI)."""
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


def _fail(task: TaskState, problem: str) -> None:
    task.status = FAILED
    task.output = {"response": f"java.lang.Exception: {problem}"}
    task.reason = f"Failed to invoke HTTP task due to: java.lang.Exception: {problem}"
