"""The fault proxy and the trap on it, before a server that counts what it gets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pytest_k1n.chaos.faults import injection
from pytest_k1n.chaos.proxy import Asked, Deed, FaultProxy
from pytest_k1n.chaos.trap import Trap
from pytest_k1n.client.api import Conductor
from pytest_k1n.client.errors import ServerUnreachable
from pytest_k1n.client.transport import transport_for
from pytest_k1n.core.http import HttpRequest, HttpResponse


class Counting(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    got: list[tuple[str, bytes]]

    def do_GET(self) -> None:
        self.answer(json.dumps([{"taskId": "t1", "referenceTaskName": "a"}]).encode())

    def do_POST(self) -> None:
        self.answer(b"ok")

    def answer(self, body: bytes) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.got.append((f"{self.command} {self.path}", self.rfile.read(length)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def upstream() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    got: list[tuple[str, bytes]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Counting,), {"got": got}))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", got
    server.shutdown()
    server.server_close()


class Does:
    """One deed for every request, before or after the server has it."""

    def __init__(self, before: Deed = Deed.PASS, after: Deed = Deed.PASS) -> None:
        self.before, self.after = before, after

    def asked(self, request: Asked) -> Deed:
        return self.before

    def answered(self, request: Asked, response: HttpResponse) -> Deed:
        return self.after


@pytest.mark.parametrize(
    ("wire", "arrives", "answered"),
    [
        (Does(), 1, True),
        (Does(before=Deed.TWICE), 2, True),
        (Does(after=Deed.TWICE), 2, True),
        (Does(before=Deed.DROP), 0, False),
        (Does(after=Deed.DROP), 1, False),
        (Does(before=Deed.RESET), 0, False),
        (Does(after=Deed.RESET), 1, False),
        (Does(before=Deed.HOLD), 0, False),
        (Does(after=Deed.HOLD), 1, False),
    ],
)
def test_each_deed_does_what_it_says(
    upstream: tuple[str, list[tuple[str, bytes]]], wire: Does, arrives: int, answered: bool
) -> None:
    url, got = upstream
    with FaultProxy(url, wire) as proxy:
        transport = transport_for(proxy.url)
        request = HttpRequest("POST", "/api/x", body=b'{"n": 1}', timeout_s=0.3)
        if answered:
            assert transport.send(request).body == b"ok"
        else:
            with pytest.raises(ServerUnreachable) as caught:
                transport.send(request)
            assert caught.value.indeterminate
        transport.close()
    assert got == [("POST /api/x", b'{"n": 1}')] * arrives


def test_a_connection_goes_on_after_a_deed_and_a_server_that_is_down_ends_it() -> None:
    with FaultProxy("http://127.0.0.1:1", Does()) as proxy:
        transport = transport_for(proxy.url)
        for _ in range(2):
            with pytest.raises(ServerUnreachable):
                transport.send(HttpRequest("POST", "/"))
        transport.close()


def test_the_trap_waits_for_the_tasks_result_and_strikes_once(upstream: tuple[str, list[tuple[str, bytes]]]) -> None:
    url, got = upstream
    trap = Trap(injection("response-dropped", "a"), lambda: None)
    with FaultProxy(url, trap) as proxy:
        client = Conductor(transport_for(proxy.url), patience_s=0)
        client.update({"taskId": "t1", "status": "COMPLETED"})  # of a task that nobody has been given
        client.poll_batch("a", worker_id="w")
        client.update({"taskId": "t1", "status": "IN_PROGRESS", "extendLease": True})
        client.update({"taskId": "t2", "status": "COMPLETED"})
        assert not trap.sprung.is_set()
        with pytest.raises(ServerUnreachable):
            client.update({"taskId": "t1", "status": "COMPLETED"})
        assert trap.sprung.is_set()
        client.update({"taskId": "t1", "status": "COMPLETED"})
        client.close()
    assert [json.loads(body)["taskId"] for _, body in got if body] == ["t1", "t1", "t2", "t1", "t1"]


def test_a_struck_process_is_struck_at_the_phase_that_is_named(upstream: tuple[str, list[tuple[str, bytes]]]) -> None:
    url, got = upstream
    struck: list[int] = []
    trap = Trap(injection("worker-killed", "a", "report"), lambda: struck.append(len(got)))
    with FaultProxy(url, trap) as proxy:
        client = Conductor(transport_for(proxy.url), patience_s=0)
        client.poll_batch("a", worker_id="w")
        with pytest.raises(ServerUnreachable):  # nothing of a dead worker arrives any more
            client.update({"taskId": "t1", "status": "COMPLETED"})
        client.close()
    assert struck == [1]
    assert len(got) == 1
