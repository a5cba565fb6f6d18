"""Every kind of server behind one face: what differs is only how time is made to pass."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_k1n.client import Conductor, transport_for
from pytest_k1n.client.transport import Transport
from pytest_k1n.core.http import HttpRequest
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.rest.transport import InProcessTransport

WITHIN_S = 30.0
WORKER = "contract-worker"


@dataclass
class Subject:
    """A server under the contract, with names of a test's own."""

    transport: Transport
    elapse_ms: Callable[[int], None]
    """Let the server's time pass."""
    uid: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    client: Conductor = field(init=False)

    def __post_init__(self) -> None:
        self.client = Conductor(self.transport, patience_s=0)

    def name(self, text: str) -> str:
        return f"{text}_{self.uid}"

    def task(self, ref: str, **fields: Any) -> dict[str, Any]:
        return {"name": self.name(ref), "taskReferenceName": ref, "type": "SIMPLE", **fields}

    def of_type(self, kind: str, ref: str, **fields: Any) -> dict[str, Any]:
        return {"name": ref, "taskReferenceName": ref, "type": kind, **fields}

    def define_tasks(self, *refs: str, **fields: Any) -> None:
        settings = {"retryCount": 0, "retryDelaySeconds": 0, "responseTimeoutSeconds": 60, "timeoutSeconds": 0,
                    "ownerEmail": "k1n@example.com", **fields}  # fmt: skip
        self.client.register_tasks([{"name": self.name(ref), **settings} for ref in refs])

    def define(self, *tasks: Mapping[str, Any], **fields: Any) -> str:
        """Register a definition of these tasks and, with defaults, the worker tasks among them; return its name."""
        name = self.name("W")
        self.client.register_workflows(
            [{"name": name, "version": 1, "ownerEmail": "k1n@example.com", "timeoutSeconds": 0, "schemaVersion": 2,
              "tasks": list(tasks), **fields}]
        )  # fmt: skip
        return name

    def chain(self, *refs: str, **fields: Any) -> str:
        self.define_tasks(*refs, **fields)
        return self.define(*map(self.task, refs))

    def poll(self, ref: str, **options: Any) -> dict[str, Any] | None:
        return self.client.poll(self.name(ref), worker_id=WORKER, **options)

    def take(self, ref: str, **options: Any) -> dict[str, Any]:
        """Poll until there is a task: a real server may need a moment."""
        found: list[dict[str, Any]] = []
        self.eventually(lambda: found.append(task) if (task := self.poll(ref, **options)) else None, lambda: found)
        return found[0]

    def report(self, task: Mapping[str, Any], status: str = "COMPLETED", **fields: Any) -> None:
        ids = {name: task[name] for name in ("taskId", "workflowInstanceId")}
        self.client.update({**ids, "status": status, "workerId": WORKER, **fields})

    def execution(self, workflow_id: str) -> dict[str, Any]:
        return self.client.execution(workflow_id)

    def tasks(self, workflow_id: str) -> dict[str, list[str]]:
        """Ref -> statuses of its attempts."""
        found: dict[str, list[str]] = {}
        for task in self.execution(workflow_id)["tasks"]:
            found.setdefault(task["referenceTaskName"], []).append(task["status"])
        return found

    def ends(self, workflow_id: str, status: str = "COMPLETED") -> dict[str, Any]:
        """Wait for the end of an execution and return it."""
        self.eventually(lambda: None, lambda: self.client.status(workflow_id) not in ("RUNNING", "PAUSED"))
        execution = self.execution(workflow_id)
        assert execution["status"] == status
        return execution

    def eventually(self, act: Callable[[], object], holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + WITHIN_S
        while True:
            act()
            if holds():
                return
            assert time.monotonic() < deadline, f"waited {WITHIN_S:g}s in vain"
            time.sleep(0.01)

    def ask(
        self, method: str, path: str, body: object = None, *, raw: bytes | None = None, **query: object
    ) -> tuple[int, Any]:
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        answer = self.transport.send(HttpRequest(method, f"/api{path}", params=query or None, body=data))
        return answer.status, json.loads(answer.body) if answer.body[:1] in (b"{", b"[") else answer.body.decode()


@pytest.fixture(scope="session")
def engine_url() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest_k1n.engine.serving.serve", "--clock", "virtual"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        found = re.search(r" at (http://\S+), ", process.stdout.readline())
        assert found
        yield found[1]
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _in_process(_request: pytest.FixtureRequest) -> Subject:
    engine = Engine()
    return Subject(InProcessTransport(engine), engine.advance)


def _over_http(request: pytest.FixtureRequest) -> Subject:
    transport = transport_for(request.getfixturevalue("engine_url"), environ={})

    def elapse_ms(ms: int) -> None:
        body = json.dumps({"advance": ms}).encode()
        assert transport.send(HttpRequest("POST", "/_k1n/clock", body=body, timeout_s=70)).status == 200

    return Subject(transport, elapse_ms)


def _live(request: pytest.FixtureRequest) -> Subject:
    transport = transport_for(request.getfixturevalue("live_server").url)
    return Subject(transport, lambda ms: time.sleep(ms / 1000))


@pytest.fixture(
    params=[
        pytest.param(_in_process, id="in-process"),
        pytest.param(_over_http, id="http"),
        pytest.param(_live, id="conductor", marks=pytest.mark.live),
    ]
)
def server(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """The embedded engine in this process, the same over HTTP, a real Conductor (jar, or the one at K1N_LIVE_URL)."""
    subject: Subject = request.param(request)
    yield subject
    for name in ("W", "other"):
        for found in subject.client.search(f"workflowType = {subject.name(name)} AND status = RUNNING"):
            subject.client.terminate(str(found["workflowId"]))
    subject.client.close()
