"""A Conductor that costs next to nothing, in a process of its own: what is measured against it is the client.

Polls answer as the server does (chunked JSON of the same size); with a backlog set by `GET /backlog/N` each task goes
out once and updates are counted; without one there is always a task.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar
from urllib.request import urlopen

TYPES = tuple(f"type_{number}" for number in range(8))
_POLL = re.compile(rb"GET /api/tasks/poll/(?:batch/)?([^? ]+)(\S*)")
_COUNT = re.compile(rb"count=(\d+)")


def _task(task_type: str, number: int) -> dict[str, object]:
    definition = {"name": task_type, "retryCount": 1, "retryDelaySeconds": 1, "responseTimeoutSeconds": 10,
                  "timeoutSeconds": 0, "timeoutPolicy": "TIME_OUT_WF", "retryLogic": "FIXED"}  # fmt: skip
    return {
        "taskType": task_type, "status": "IN_PROGRESS", "inputData": {"project": "k1n"}, "referenceTaskName": task_type,
        "retryCount": 0, "seq": number, "correlationId": "c", "pollCount": 1, "taskDefName": task_type,
        "scheduledTime": 1795233600568, "startTime": 1795233605494, "endTime": 0, "updateTime": 1795233605501,
        "startDelayInSeconds": 0, "retried": False, "executed": False, "callbackFromWorker": True,
        "responseTimeoutSeconds": 10, "workflowInstanceId": "35ce963e-b994-44d5-ae7b-72a7ad5a82d7",
        "workflowType": "STUB", "taskId": f"68007d25-00ff-42c3-ae5c-{number:012d}", "callbackAfterSeconds": 0,
        "workerId": "w", "outputData": {}, "workflowTask": {
            "name": task_type, "taskReferenceName": task_type, "inputParameters": {}, "type": "SIMPLE",
            "taskDefinition": definition,
        }, "rateLimitPerFrequency": 0, "workflowPriority": 0, "iteration": 0, "taskDefinition": definition,
        "queueWaitTime": 4926,
    }  # fmt: skip


class Stub(asyncio.Protocol):
    """One connection; the counters are shared."""

    backlog: int | None = None
    sent = 0
    updated = 0
    polled: ClassVar[set[bytes]] = set()
    instants: ClassVar[list[float]] = []
    """When 5 % and 95 % of the backlog had been updated."""

    def __init__(self) -> None:
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            at = head.lower().find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            self.transport.write(self.answer(head))
            self.buffer = self.buffer[end + 4 + length :]

    def answer(self, head: bytes) -> bytes:
        if poll := _POLL.match(head):
            Stub.polled.add(poll[1])
            wanted = int(count[1]) if (count := _COUNT.search(poll[2])) else 1
            left = wanted if Stub.backlog is None else min(wanted, Stub.backlog - Stub.sent)
            tasks = [_task(poll[1].decode(), Stub.sent + number) for number in range(left)]
            Stub.sent += left
            return _json(tasks)
        if head.startswith(b"POST /api/tasks"):
            Stub.updated += 1
            if Stub.backlog is not None and Stub.updated in (Stub.backlog // 20, Stub.backlog * 19 // 20):
                Stub.instants.append(time.perf_counter())
            return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: 2\r\n\r\nok"
        if head.startswith(b"GET /backlog/"):
            Stub.backlog, Stub.sent, Stub.updated = int(head.split()[1].rpartition(b"/")[2]), 0, 0
            Stub.instants.clear()
        if head.startswith(b"GET /polled"):
            return _json({"polled": len(Stub.polled)})
        if head.startswith(b"GET /updated"):
            return _json({"updated": Stub.updated, "instants": Stub.instants})
        if head.startswith(b"GET /api/workflow/"):
            return _json(
                {"workflowId": "35ce963e-b994-44d5-ae7b-72a7ad5a82d7", "workflowName": "STUB", "status": "RUNNING",
                 "startTime": 1, "tasks": []}
            )  # fmt: skip
        return _json({"healthy": True})


def _json(document: object) -> bytes:
    data = json.dumps(document, separators=(",", ":")).encode()
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
        % (
            len(data),
            data,
        )
    )


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def stub_server() -> Iterator[str]:
    """Run the stub and yield its URL."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.stub_server"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def set_backlog(url: str, tasks: int) -> None:
    urlopen(f"{url}/backlog/{tasks}").read()


def polled(url: str) -> int:
    """Return how many task types have been polled so far."""
    return int(json.load(urlopen(f"{url}/polled"))["polled"])


def span_s(url: str) -> float | None:
    """Return the seconds in which the middle 90 % of the backlog were updated, once they were; the stub's own clock."""
    instants = json.load(urlopen(f"{url}/updated"))["instants"]
    return instants[1] - instants[0] if len(instants) == 2 else None


if __name__ == "__main__":
    asyncio.run(_serve())
