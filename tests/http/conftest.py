"""The embedded engine as its own process: `python -m pytest_k1n.engine.serving.serve`, ended with its test."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_k1n.client import Conductor, transport_for
from pytest_k1n.client.transport import Transport
from pytest_k1n.core.http import HttpRequest

SERVE = [sys.executable, "-m", "pytest_k1n.engine.serving.serve"]


@dataclass
class Served:
    """A running engine, and ways to talk to it."""

    process: subprocess.Popen[str]
    url: str
    greeting: str
    transport: Transport = field(init=False)
    client: Conductor = field(init=False)

    def __post_init__(self) -> None:
        self.transport = transport_for(self.url, environ={})
        self.client = Conductor(self.transport, patience_s=5)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None, **query: object
    ) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        answer = self.transport.send(HttpRequest(method, path, params=query, body=data, headers=headers, timeout_s=70))
        is_json = "json" in answer.content_type
        return answer.status, json.loads(answer.body) if is_json else answer.body.decode()

    def define(self, name: str, *tasks: Mapping[str, Any], **fields: Any) -> None:
        self.client.register_workflows(
            [{"name": name, "version": 1, "ownerEmail": "x", "tasks": list(tasks), **fields}]
        )

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; return the exit code and what was said on standard error."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said


@contextmanager
def serving(*arguments: str, command: Sequence[str] | None = None) -> Iterator[Served]:
    """`command`: another way to start it."""
    process = subprocess.Popen(
        [*(command or SERVE), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )  # fmt: skip
    assert process.stdout is not None
    greeting = process.stdout.readline()
    found = re.search(r" at (http://\S+), ", greeting)
    if found is None:
        process.kill()
        raise AssertionError(f"it said {greeting!r} and {process.communicate()[1]!r}")
    served = Served(process, found[1], greeting)
    try:
        yield served
    finally:
        served.client.close()
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def serve() -> Callable[..., Any]:
    """`with serve("--clock", "real") as served:`."""
    return serving


@pytest.fixture(scope="session")
def serving_module() -> Callable[..., Any]:
    """Like `serve`, for fixtures that outlive a test."""
    return serving


@pytest.fixture(scope="session")
def session_engine() -> Iterator[Served]:
    with serving() as served:
        yield served


@pytest.fixture
def shared(session_engine: Served) -> Iterator[Served]:
    """An engine in virtual time that all tests share; what they leave running is ended: it would hold the clock."""
    yield session_engine
    for found in session_engine.client.search("status = RUNNING"):
        session_engine.client.terminate(str(found["workflowId"]))


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Wait until something holds, for ten seconds at most."""

    def wait(holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < deadline, "waited ten seconds in vain"

    return wait
