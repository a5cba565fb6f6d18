"""Every operation of the REST API, asked oddly: unknown ids, bodies missing or of other kinds, odd parameters.

Unlike a case, a sweep looks at the wire: status, content type, `Allow`, and the body byte by byte but for ids, instants
and the answering host. It is one conversation in a fixed order; each request sees what those before it have left.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

NONE = "00000000-0000-4000-8000-000000000000"
ODD_IDS = (NONE, "nothing", "a b", "ü", "%25", "null", "x" * 300)
BODIES: tuple[str | None, ...] = (None, "", "{}", "[]", "null", "5", '"text"', "{", "[{}]", "[null]", "true")
JSON = {"Content-Type": "application/json"}
P = "sweep_"


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


WORKER = {
    "name": f"{P}task",
    "taskReferenceName": "t",
    "type": "SIMPLE",
    "inputParameters": {"a": "${workflow.input.a}"},
}
DEFINITION: dict[str, Any] = {
    "name": f"{P}main", "version": 1, "schemaVersion": 2, "ownerEmail": "k1n@example.com",
    "tasks": [WORKER, {**WORKER, "taskReferenceName": "u"}],
}  # fmt: skip
TASK_DEFINITION = {"name": f"{P}task", "retryCount": 0, "ownerEmail": "k1n@example.com"}


def set_up() -> Iterator[Asked]:
    """Yield what the requests are asked of: one execution that waits for a worker, one that is over."""
    yield ask("POST", "/metadata/taskdefs", [TASK_DEFINITION])
    yield ask("PUT", "/metadata/workflow", [DEFINITION])


OPERATIONS: tuple[tuple[str, str], ...] = (
    ("GET", "/workflow/{x}"), ("GET", "/workflow/{x}/status"), ("GET", "/workflow/{x}/tasks"),
    ("DELETE", "/workflow/{x}"), ("PUT", "/workflow/{x}/pause"), ("PUT", "/workflow/{x}/resume"),
    ("POST", "/workflow/{x}/restart"), ("POST", "/workflow/{x}/retry"), ("POST", "/workflow/{x}/resetcallbacks"),
    ("PUT", "/workflow/{x}/skiptask/t"), ("DELETE", "/workflow/{x}/remove"),
    ("DELETE", "/workflow/{x}/terminate-remove"), ("PUT", "/workflow/decide/{x}"), ("GET", "/workflow/running/{x}"),
    ("GET", "/workflow/{x}/correlated/c"), ("GET", "/tasks/{x}"), ("GET", "/tasks/{x}/log"),
    ("GET", "/tasks/poll/{x}"), ("GET", "/tasks/poll/batch/{x}"), ("GET", "/metadata/workflow/{x}"),
    ("GET", "/metadata/workflow/{x}/versions"), ("DELETE", "/metadata/workflow/{x}/1"),
    ("GET", "/metadata/taskdefs/{x}"), ("DELETE", "/metadata/taskdefs/{x}"), ("GET", "/event/{x}"),
    ("DELETE", "/event/{x}"), ("GET", "/admin/task/{x}"), ("POST", "/admin/sweep/requeue/{x}"),
    ("POST", "/admin/consistency/verifyAndRepair/{x}"), ("POST", "/tasks/queue/requeue/{x}"),
    ("POST", "/tasks/{x}/COMPLETED/signal"), ("POST", "/tasks/{x}/COMPLETED/signal/sync"),
)  # fmt: skip
WITH_BODY: tuple[tuple[str, str], ...] = (
    ("POST", "/workflow"), ("POST", f"/workflow/{P}main"), ("POST", f"/workflow/{NONE}/rerun"),
    ("POST", f"/workflow/{P}main/correlated"), ("POST", "/workflow/test"), ("POST", "/workflow/bulk/search"),
    ("PUT", "/workflow/bulk/pause"), ("PUT", "/workflow/bulk/resume"), ("POST", "/workflow/bulk/restart"),
    ("POST", "/workflow/bulk/retry"), ("POST", "/workflow/bulk/terminate"), ("DELETE", "/workflow/bulk/remove"),
    ("DELETE", "/workflow/bulk/terminate-remove"), ("POST", "/tasks"), ("POST", "/tasks/update-v2"),
    ("POST", f"/tasks/{NONE}/t/COMPLETED"), ("POST", f"/tasks/{NONE}/t/COMPLETED/sync"), ("POST", f"/tasks/{NONE}/log"),
    ("POST", "/metadata/taskdefs"), ("PUT", "/metadata/taskdefs"), ("POST", "/metadata/workflow"),
    ("PUT", "/metadata/workflow"), ("POST", "/metadata/workflow/validate"), ("POST", "/event"), ("PUT", "/event"),
    ("POST", f"/queue/update/{NONE}/t/COMPLETED"), ("POST", f"/queue/update/{NONE}/task/{NONE}/COMPLETED"),
    ("POST", f"/workflow/execute/{P}main/1"),
)  # fmt: skip
COLLECTIONS = (
    "/metadata/workflow", "/metadata/workflow/names", "/metadata/workflow/names-and-versions",
    "/metadata/workflow/latest-versions", "/metadata/taskdefs", "/event", "/workflow", "/tasks", "/workflow/search",
    "/workflow/search-v2", "/workflow/search-by-tasks", "/workflow/search-by-tasks-v2", "/tasks/search",
    "/tasks/search-v2", "/tasks/queue/size", "/tasks/queue/sizes", "/tasks/queue/all", "/tasks/queue/all/verbose",
    "/tasks/queue/polldata", "/tasks/queue/polldata/all", "/admin/config", "/admin/queues", "/queue/size", "/queue/",
    "/workflow/bulk", "/workflow/bulk/search", "/workflow/test", "/tasks/poll", "/tasks/update-v2", "/nothing", "/",
)  # fmt: skip


def everything() -> list[Asked]:
    """List the requests of the sweep, in order."""
    return [*_odd_ids(), *_odd_bodies(), *_odd_types(), *_other_methods(), *_odd_parameters(), *_conversation()]


def _odd_ids() -> Iterator[Asked]:
    for method, path in OPERATIONS:
        for odd in ODD_IDS:
            yield ask(method, path.replace("{x}", quote(odd, safe="%")))


def _odd_bodies() -> Iterator[Asked]:
    for method, path in WITH_BODY:
        for body in BODIES:
            if (path, body) not in _LEAVES_SOMETHING:
                yield ask(method, path, body)


_LEAVES_SOMETHING = {(f"/workflow/execute/{P}main/1", "{}")}


def _odd_types() -> Iterator[Asked]:
    for method, path in WITH_BODY:
        for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded", "", "json"):
            yield ask(method, path, "{}", headers={"Content-Type": kind})
        yield ask(method, path, "{}", headers={**JSON, "Accept": "text/plain"})
        yield ask(method, path, "{}", headers={**JSON, "Accept": "application/xml"})
    for path in COLLECTIONS:
        yield Asked(method="GET", path=path, headers={"Accept": "application/xml"})
        yield Asked(method="GET", path=path, headers={"Accept": "text/plain"})


def _other_methods() -> Iterator[Asked]:
    paths = dict.fromkeys([*COLLECTIONS, *(path for _, path in WITH_BODY), *(path for _, path in OPERATIONS)])
    for path in paths:
        named = path.replace("{x}", NONE)
        for method in ("PATCH", "OPTIONS", "HEAD"):
            yield ask(method, named)
        if path in COLLECTIONS:
            yield from (ask(method, named) for method in ("POST", "PUT", "DELETE"))
        yield ask("GET", f"{named}/")
        yield ask("GET", f"{named}/nothing/more")


def _odd_parameters() -> Iterator[Asked]:
    none = f"workflowType={P}none"
    for path in ("/workflow/search", "/workflow/search-v2", "/workflow/search-by-tasks", "/tasks/search"):
        for sort in ("startTime:ASC", "startTime:DESC", "nonsense:ASC", "startTime", ":", "startTime:UP", "", "a:b:c"):
            yield ask("GET", path, query=none, sort=sort)
        for free in ("*", "", "nothing at all", "'", "%", "a'b", '"', "\\"):
            yield ask("GET", path, query=none, freeText=free)
        for query in (
            "", " ", none, f"{none} AND status=RUNNING", f"{none} OR status=RUNNING", f"({none})", "status=RUNNING AND",
            f"workflowType IN ({P}none,b)", "workflowType=\"a b\"", "workflowType='x'", "nonsense=1", "=", "a=b=c",
            f"{none} AND startTime>5", f"{none} AND startTime<5", f"{none} AND correlationId=c", "workflowId=x;",
            f"{none} AND version=1", f"{none} AND priority>1",
        ):  # fmt: skip
            yield ask("GET", path, query=query, freeText="*" if query else "nothing at all")
    for name in (f"{P}none", "", "a b"):
        yield ask("GET", "/tasks/queue/sizes", taskType=name)
        yield ask("GET", "/tasks/queue/size", taskType=name)
        yield ask("GET", "/tasks/queue/polldata", taskType=name)
        yield ask("GET", f"/tasks/poll/{quote(name or 'x')}", workerid="w", domain=name)
    yield ask("GET", "/tasks/queue/sizes", taskType=["a", "b"])
    yield ask("GET", "/tasks/queue/size", taskType="a", domain="d", isolationGroupId="i", executionNamespace="n")
    for given in ({"count": 0}, {"count": -1}, {"count": 1000}, {"timeout": -1}, {"timeout": 6000}, {"count": "x"}):
        yield ask("GET", f"/tasks/poll/batch/{P}none", **given)
    for version in ("0", "-1", "1", "2", "x", "1.0", ""):
        yield ask("GET", f"/metadata/workflow/{P}main", version=version)
        yield ask("DELETE", f"/metadata/workflow/{P}none/{version or 'y'}")
        yield ask("GET", f"/workflow/running/{P}none", version=version, startTime=version, endTime=version)
    for flag in ("true", "FALSE", "yes", "2", "", "x"):
        yield ask("GET", f"/workflow/{NONE}", includeTasks=flag)
        yield ask("GET", f"/workflow/{P}main/correlated/none", includeClosed=flag, includeTasks=flag)
        yield ask("DELETE", f"/workflow/{NONE}/remove", archiveWorkflow=flag)
        yield ask("POST", f"/workflow/{NONE}/restart", useLatestDefinitions=flag)
        yield ask("POST", f"/workflow/{NONE}/retry", resumeSubworkflowTasks=flag)
        yield ask("PUT", "/workflow/bulk/pause", "[]", nonsense=flag)


def _conversation() -> Iterator[Asked]:
    """What a client does to executions of its own, and what it asks of them afterwards."""
    start = {"name": f"{P}main", "input": {"a": 1}, "correlationId": f"{P}c"}
    yield ask("POST", "/workflow", start)
    yield ask("GET", "/workflow/{id}")
    yield ask("GET", "/workflow/{id}", includeTasks="false")
    yield ask("GET", "/workflow/{id}/status")
    yield ask("GET", "/workflow/{id}/status", includeOutput="true", includeVariables="true")
    yield ask("GET", "/workflow/{id}/tasks")
    yield ask("GET", "/workflow/{id}/tasks", status="SCHEDULED")
    yield ask("GET", "/workflow/{id}/tasks", status=["COMPLETED", "FAILED"])
    yield ask("GET", "/workflow/{id}/tasks", start=0, count=1)
    yield ask("GET", "/workflow/{id}/tasks", start=5, count=1)
    yield ask("GET", "/workflow/{id}/tasks", status="NONSENSE")
    yield ask("GET", f"/workflow/running/{P}main")
    yield ask("GET", f"/workflow/running/{P}main", version=1)
    yield ask("GET", f"/workflow/running/{P}main", version=2)
    yield ask("GET", f"/workflow/{P}main/correlated/{P}c")
    yield ask("GET", f"/workflow/{P}main/correlated/{P}c", includeClosed="true", includeTasks="true")
    yield ask("POST", f"/workflow/{P}main/correlated", [f"{P}c", "none"])
    yield ask("POST", f"/workflow/{P}main/correlated", [])
    yield ask("GET", "/tasks/queue/sizes", taskType=f"{P}task")
    yield ask("GET", "/tasks/queue/size", taskType=f"{P}task")
    yield ask("GET", f"/admin/task/{P}task")
    yield ask("POST", f"/tasks/queue/requeue/{P}task")
    yield ask("PUT", "/workflow/{id}/resume")
    yield ask("POST", "/workflow/{id}/retry")
    yield ask("POST", "/workflow/{id}/restart")
    yield ask("POST", "/workflow/{id}/rerun", {})
    yield ask("DELETE", "/workflow/{id}/remove")
    yield ask("PUT", "/workflow/{id}/skiptask/none")
    yield ask("PUT", "/workflow/{id}/skiptask/t")
    yield ask("PUT", "/workflow/{id}/pause")
    yield ask("PUT", "/workflow/{id}/pause")
    yield ask("PUT", "/workflow/{id}/skiptask/u")
    yield ask("GET", "/workflow/{id}/status")
    yield ask("PUT", "/workflow/{id}/resume")
    yield ask("GET", "/tasks/poll/{poll}", workerid="w1")
    yield ask("GET", "/tasks/poll/{poll}", workerid="w1")
    yield ask("GET", "/tasks/poll/batch/{poll}", workerid="w1", count=2, timeout=0)
    yield ask("GET", "/tasks/queue/polldata", taskType=f"{P}task")
    yield ask("GET", "/tasks/{task}")
    yield ask("GET", "/tasks/{task}/log")
    yield ask("POST", "/tasks/{task}/log", "a line", headers={"Content-Type": "text/plain"})
    yield ask("POST", "/tasks/{task}/log", '"quoted"')
    yield ask("GET", "/tasks/{task}/log")
    result = {"workflowInstanceId": "{id}", "taskId": "{task}"}
    yield ask("POST", "/tasks", {**result, "status": "NONSENSE"})
    yield ask("POST", "/tasks", {**result, "status": "IN_PROGRESS", "callbackAfterSeconds": 0, "outputData": {"p": 1}})
    yield ask("GET", "/tasks/{task}")
    yield ask("GET", "/tasks/poll/{poll}", workerid="w2")
    yield ask("POST", "/tasks/{id}/t/NONSENSE", {})
    yield ask("POST", "/tasks/{id}/none/COMPLETED", {})
    yield ask("POST", "/tasks/{id}/t/COMPLETED", {"b": 2}, workerid="by ref")
    yield ask("POST", "/tasks/{id}/t/COMPLETED", {"b": 3})
    yield ask("GET", "/workflow/{id}/tasks")
    yield ask("POST", "/tasks/{id}/u/FAILED/sync", {"why": "broken"})
    yield ask("GET", "/workflow/{id}")
    yield ask("PUT", "/workflow/{id}/pause")
    yield ask("DELETE", "/workflow/{id}")
    yield ask("POST", "/workflow/{id}/resetcallbacks")
    yield ask("PUT", "/workflow/decide/{id}")
    yield ask("POST", "/workflow/{id}/rerun", {"reRunFromTaskId": "nothing"})
    yield ask("POST", "/workflow/{id}/rerun", {"reRunFromTaskId": ""})
    yield ask("GET", "/workflow/{id}/status")
    yield ask("DELETE", "/workflow/{id}", reason="enough")
    yield ask("POST", "/workflow/{id}/retry")
    yield ask("GET", "/workflow/{id}/tasks")
    yield ask("DELETE", "/workflow/{id}/terminate-remove", reason="more than enough")
    yield ask("GET", "/workflow/{id}")
    yield ask("GET", "/tasks/{task}")
    yield ask("GET", "/tasks/{task}/log")
    yield from _starts()
    yield from _bulk()
    yield from _metadata()
    yield from _handlers()


def _starts() -> Iterator[Asked]:
    yield ask("POST", f"/workflow/{P}main", {"a": 2}, version=1, correlationId="c2", priority=5)
    yield ask("GET", "/workflow/{id}")
    yield ask("DELETE", "/workflow/{id}")
    yield ask("POST", f"/workflow/{P}main", {}, version=9)
    yield ask("POST", f"/workflow/{P}main", {}, version="")
    yield ask("DELETE", "/workflow/{id}")
    for fields in (
        {"version": "1"}, {"version": 9}, {"priority": 100}, {"priority": "x"}, {"input": []}, {"input": "x"},
        {"taskToDomain": []}, {"taskToDomain": {"*": 5}}, {"workflowDef": {}}, {"workflowDef": []},
        {"externalInputPayloadStoragePath": "x"}, {"idempotencyKey": "k"}, {"createdBy": 5}, {"nonsense": 1},
    ):  # fmt: skip
        yield ask("POST", "/workflow", {"name": f"{P}main", **fields})
        yield ask("DELETE", "/workflow/{id}")


def _bulk() -> Iterator[Asked]:
    yield ask("POST", "/workflow", {"name": f"{P}main"})
    one, both = ["{id}"], ["{id}", NONE, "{id}"]
    yield ask("PUT", "/workflow/bulk/pause", both)
    yield ask("PUT", "/workflow/bulk/pause", one)
    yield ask("PUT", "/workflow/bulk/resume", both)
    yield ask("PUT", "/workflow/bulk/resume", one)
    yield ask("POST", "/workflow/bulk/retry", both)
    yield ask("POST", "/workflow/bulk/restart", both)
    yield ask("DELETE", "/workflow/bulk/remove", both)
    yield ask("POST", "/workflow/bulk/search", both)
    yield ask("POST", "/workflow/bulk/search", one, includeTasks="false")
    yield ask("POST", "/workflow/bulk/terminate", both, reason="bulk")
    yield ask("POST", "/workflow/bulk/terminate", both)
    yield ask("POST", "/workflow/bulk/restart", one, useLatestDefinitions="true")
    yield ask("DELETE", "/workflow/bulk/terminate-remove", both, reason="gone")
    yield ask("DELETE", "/workflow/bulk/remove", both)
    yield ask("PUT", "/workflow/bulk/pause", [str(number) for number in range(1001)])
    yield ask("POST", "/workflow/bulk/search", [])
    yield ask("PUT", "/workflow/bulk/pause", {"a": 1})
    yield ask("PUT", "/workflow/bulk/pause", [1, True, None])


def _metadata() -> Iterator[Asked]:
    other = {**DEFINITION, "name": f"{P}versions", "tasks": [WORKER]}
    yield ask("POST", "/metadata/workflow", other)
    yield ask("POST", "/metadata/workflow", other)
    yield ask("POST", "/metadata/workflow", other, overwrite="true")
    yield ask("PUT", "/metadata/workflow", [{**other, "version": 3}, {**other, "version": 2}])
    yield ask("GET", f"/metadata/workflow/{P}versions")
    yield ask("GET", f"/metadata/workflow/{P}versions", version=2)
    yield ask("GET", f"/metadata/workflow/{P}versions", version=7)
    yield ask("GET", f"/metadata/workflow/{P}versions/versions")
    yield ask("DELETE", f"/metadata/workflow/{P}versions/3")
    yield ask("DELETE", f"/metadata/workflow/{P}versions/3")
    yield ask("GET", f"/metadata/workflow/{P}versions")
    for fields in (
        {"name": ""}, {"name": None}, {"name": "a/b"}, {"tasks": []}, {"tasks": None}, {"tasks": {}}, {"version": 0},
        {"version": -1}, {"schemaVersion": 1}, {"schemaVersion": 3}, {"timeoutSeconds": -1}, {"ownerEmail": "x"},
        {"ownerEmail": ""}, {"timeoutPolicy": "NONE"}, {"failureWorkflow": 5}, {"restartable": "x"},
        {"inputParameters": "x"}, {"outputParameters": []}, {"tasks": [WORKER, WORKER]}, {"tasks": [{}]},
        {"tasks": [{**WORKER, "type": "NONSENSE"}]}, {"tasks": [{**WORKER, "taskReferenceName": ""}]},
        {"tasks": [{**WORKER, "name": ""}]}, {"tasks": [{**WORKER, "type": ""}]}, {"tasks": [{**WORKER, "type": None}]},
        {"tasks": [{**WORKER, "inputParameters": {"a": "${none.output.x}"}}]},
        {"tasks": [{**WORKER, "taskReferenceName": "a b"}]}, {"tasks": [None]}, {"tasks": ["x"]},
    ):  # fmt: skip
        yield ask("POST", "/metadata/workflow/validate", {**other, **fields})
        yield ask("PUT", "/metadata/workflow", [{**other, "name": f"{P}odd", **fields}])
        yield ask("POST", "/metadata/workflow", {**other, "name": f"{P}odd2", **fields})
        yield ask("DELETE", f"/metadata/workflow/{P}odd/1")
        yield ask("DELETE", f"/metadata/workflow/{P}odd2/1")
    yield ask("PUT", "/metadata/workflow", [])
    for fields in (
        {"name": ""}, {"name": None}, {"name": "a/b"}, {"retryCount": -1}, {"timeoutSeconds": -1},
        {"responseTimeoutSeconds": 0}, {"responseTimeoutSeconds": 10, "timeoutSeconds": 5}, {"retryLogic": "NONE"},
        {"timeoutPolicy": "NONE"}, {"concurrentExecLimit": -1}, {"rateLimitPerFrequency": -1}, {"ownerEmail": "x"},
        {"pollTimeoutSeconds": -1}, {"backoffScaleFactor": 0}, {"inputKeys": "x"}, {"inputTemplate": []},
    ):  # fmt: skip
        yield ask("POST", "/metadata/taskdefs", [{**TASK_DEFINITION, "name": f"{P}odd", **fields}])
        yield ask("PUT", "/metadata/taskdefs", {**TASK_DEFINITION, **fields})
    yield ask("GET", f"/metadata/taskdefs/{P}task")
    yield ask("DELETE", f"/metadata/taskdefs/{P}odd")
    yield ask("DELETE", f"/metadata/taskdefs/{P}odd")


def _handlers() -> Iterator[Asked]:
    action = {"action": "start_workflow", "start_workflow": {"name": f"{P}main"}}
    handler = {"name": f"{P}handler", "event": f"conductor:{P}none:x", "actions": [action], "active": True}
    yield ask("POST", "/event", handler)
    yield ask("POST", "/event", handler)
    yield ask("GET", f"/event/conductor:{P}none:x")
    yield ask("GET", f"/event/conductor:{P}none:x", activeOnly="false")
    yield ask("PUT", "/event", {**handler, "active": False})
    yield ask("GET", f"/event/conductor:{P}none:x")
    yield ask("GET", f"/event/conductor:{P}none:x", activeOnly="false")
    for fields in (
        {"name": ""}, {"name": None}, {"event": ""}, {"event": None}, {"actions": []}, {"actions": None},
        {"actions": [{}]}, {"actions": [{"action": "nonsense"}]}, {"active": "x"}, {"condition": 5}, {"event": "x"},
        {"evaluatorType": "nonsense"},
    ):  # fmt: skip
        yield ask("POST", "/event", {**handler, "name": f"{P}odd", **fields})
        yield ask("PUT", "/event", {**handler, **fields})
        yield ask("DELETE", f"/event/{P}odd")
    yield ask("DELETE", f"/event/{P}handler")
    yield ask("DELETE", f"/event/{P}handler")


def tear_down() -> Iterator[Asked]:
    """Yield what takes the definitions away again."""
    yield ask("DELETE", f"/metadata/workflow/{P}main/1")
    yield ask("DELETE", f"/metadata/workflow/{P}versions/1")
    yield ask("DELETE", f"/metadata/workflow/{P}versions/2")
    yield ask("DELETE", f"/metadata/taskdefs/{P}task")


@dataclass(slots=True, kw_only=True)
class Sweep:
    """One conversation with a server at a URL, under a prefix of its own."""

    url: str
    prefix: str
    names: dict[str, str] = field(default_factory=dict)

    def run(self, requests: list[Asked]) -> list[dict[str, Any]]:
        """Ask everything, one after the other, and return the answers in comparable form."""
        self.names = {"{id}": NONE, "{task}": NONE, "{poll}": f"{P}task"}
        for asked in set_up():
            self.send(asked)
        answers = [{"request": asked.label, **self.send(asked)} for asked in requests]
        for asked in tear_down():
            self.send(asked)
        return answers

    def send(self, asked: Asked) -> dict[str, Any]:
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
            "body": self._comparable(text),
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
        text = _INSTANT.sub("<instant>", text)
        try:
            value = json.loads(text)
        except ValueError:
            return text
        return _plain(value, self.prefix)


_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_INSTANT = re.compile(r"\b1[789]\d{11}\b")


def _plain(value: Any, prefix: str) -> Any:
    if isinstance(value, dict):
        kept = {
            key: _plain(inner, prefix)
            for key, inner in value.items()
            if key not in ("instance", "timestamp", "queueWaitTime", "createTime", "updateTime")
        }
        if isinstance(kept.get("validationErrors"), list):
            kept["validationErrors"] = sorted(kept["validationErrors"], key=json.dumps)
        return kept
    if isinstance(value, list):
        return [_plain(inner, prefix) for inner in value]
    return value
