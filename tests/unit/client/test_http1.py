"""The transport against a peer that answers byte by byte what a test says."""

import gzip
import socket
import threading
import time
from contextlib import suppress

import pytest

from pytest_k1n.client import Conductor, requests_transport
from pytest_k1n.client.address import Address
from pytest_k1n.client.errors import NotConductor, ServerUnreachable
from pytest_k1n.client.requests_transport import RequestsTransport
from pytest_k1n.client.transport import HttpTransport
from pytest_k1n.core.http import HttpRequest


class Peer:
    """A server that answers the n-th request with the n-th text; None closes the connection instead."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.closed = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while self.answers:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                while self.answers:
                    data = connection.recv(65536)
                    if not data:
                        break
                    self.requests.append(data)
                    answer = self.answers.pop(0)
                    if answer is None:
                        break
                    connection.sendall(answer)
                    if b"close" in answer or answer.endswith(b"half"):
                        break
            self.closed.set()

    def close(self):
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        self.listener.close()
        self.thread.join(5)


@pytest.fixture
def peer():
    peers = []

    def build(*answers):
        peers.append(Peer(*answers))
        return peers[-1]

    yield build
    for one in peers:
        one.close()


@pytest.fixture
def transport():
    opened = []

    def build(peer, **options):
        opened.append(HttpTransport(Address.parse(peer.url), **options))
        return opened[-1]

    yield build
    for one in opened:
        one.close()


def ok(body=b"x"):
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (ok(b"hello"), 200, b"hello"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\nT: 1\r\n\r\n",
            200,
            b"abcde",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end", 200, b"until the end"),
        (b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nold", 200, b"old"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + ok(b"after"), 200, b"after"),
        (b"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", 404, b""),
    ],
)
def test_answers_are_read_however_they_are_framed(peer, transport, answer, status, body):
    response = transport(peer(answer)).send(HttpRequest("GET", "/"))
    assert (response.status, response.body) == (status, body)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"SSH-2.0-close\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nContent-Length: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nclose\r\n",
        b"HTTP/1.1 200 OK\r\nX: half",
    ],
)
def test_a_broken_answer_is_unreachable_and_of_unknown_fate(peer, transport, answer):
    with pytest.raises(ServerUnreachable) as caught:
        transport(peer(answer)).send(HttpRequest("POST", "/api/workflow", body=b"{}"))
    assert caught.value.indeterminate


def test_a_refused_connection_is_certain_not_to_have_arrived(peer, transport):
    gone = peer()
    gone.close()
    with pytest.raises(ServerUnreachable, match="Connection refused") as caught:
        transport(gone).send(HttpRequest("POST", "/"))
    assert not caught.value.indeterminate


def test_silence_ends_at_the_timeout(peer, transport):
    with pytest.raises(ServerUnreachable, match=r"no answer within 0\.05s") as caught:
        transport(peer(b"", b"")).send(HttpRequest("GET", "/", timeout_s=0.05))
    assert caught.value.indeterminate


@pytest.mark.parametrize(
    "head", [b"Content-Length: 9999\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n3e8\r\n", b"X: "]
)
@pytest.mark.parametrize("kind", [HttpTransport, RequestsTransport])
def test_an_answer_that_drips_ends_at_the_timeout(kind, head):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip():
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n" + head)
                for _ in range(100):
                    connection.sendall(b" ")
                    time.sleep(0.05)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        transport = kind(Address.parse(f"http://127.0.0.1:{listener.getsockname()[1]}"))
        began = time.monotonic()
        with pytest.raises(ServerUnreachable, match=r"no answer within 0\.2s"):
            transport.send(HttpRequest("GET", "/api/x", timeout_s=0.2))
        assert time.monotonic() - began < 3
        transport.close()
        thread.join(5)


def test_an_answer_of_a_length_that_nothing_has_is_refused(peer, transport):
    one = peer(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}")
    with pytest.raises(ServerUnreachable, match="more than 1 GiB"):
        transport(one).send(HttpRequest("GET", "/api/x"))


def test_one_connection_carries_many_requests_each_in_one_piece(peer, transport):
    server = peer(*[ok()] * 3)
    client = transport(server, headers={"X-Authorization": "t"})
    for _ in range(3):
        client.send(HttpRequest("POST", "/api/tasks", params={"a": "b c"}, body=b'{"k":1}'))
    assert server.connections == 1
    assert all(
        request.startswith(b"POST /api/tasks?a=b+c HTTP/1.1\r\n") and request.endswith(b'\r\n\r\n{"k":1}')
        for request in server.requests
    )
    assert b"X-Authorization: t\r\n" in server.requests[0]


def test_a_kept_connection_that_died_is_replaced_for_a_read(peer, transport):
    server = peer(ok(b"1"), None, ok(b"2"))
    client = transport(server)
    assert client.send(HttpRequest("GET", "/")).body == b"1"
    assert client.send(HttpRequest("GET", "/")).body == b"2"
    assert len(server.requests) == 3


def test_a_start_on_a_connection_that_died_is_not_repeated(peer, transport):
    server = peer(ok(b"1"), None, ok(b"2"))
    client = transport(server)
    client.send(HttpRequest("GET", "/"))
    with pytest.raises(ServerUnreachable) as caught:
        client.send(HttpRequest("POST", "/api/workflow", body=b"{}"))
    assert caught.value.indeterminate
    assert len(server.requests) == 2


def test_an_idle_connection_that_the_server_closed_is_noticed_before_a_start_is_sent(peer, transport, monkeypatch):
    monkeypatch.setattr("pytest_k1n.client.http1._FRESH_S", 0)
    server = peer(ok(b"1 close"), ok(b"2"))
    client = transport(server)
    client.send(HttpRequest("GET", "/"))
    assert server.closed.wait(5)
    assert client.send(HttpRequest("POST", "/api/workflow", body=b"{}")).body == b"2"


def test_a_read_under_way_when_all_connections_are_dropped_opens_no_other(peer, transport, monkeypatch):
    server = peer(ok(b"1"), ok(b"lost"), ok(b"2"))
    client = transport(server)
    client.send(HttpRequest("GET", "/"))

    def dropped(*_):
        monkeypatch.undo()
        client.close()
        raise ConnectionResetError

    monkeypatch.setattr("pytest_k1n.client.http1.Connection._read", dropped)
    with pytest.raises(ServerUnreachable):
        client.send(HttpRequest("GET", "/"))
    assert server.connections == 1


def test_an_answer_after_an_interrupted_request_is_never_given_to_the_next_one(peer, transport, monkeypatch):
    """SIGALRM or Ctrl-C in the middle of a request leaves its answer on the wire."""
    server = peer(ok(b"for the first"), ok(b"for the second"))
    client = transport(server)

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pytest_k1n.client.http1.Connection._read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            client.send(HttpRequest("GET", "/"))
    assert client.send(HttpRequest("GET", "/")).body == b"for the second"
    assert server.connections == 2


def test_a_web_page_is_not_taken_for_conductor(peer, transport):
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"
    conductor = Conductor(transport(peer(page, page, page, page)), patience_s=0)
    assert conductor.health() is False
    with pytest.raises(NotConductor, match="web page"):
        conductor.version()
    with pytest.raises(NotConductor, match="web page"):
        conductor.execution("w")


def test_a_redirect_is_not_followed(peer, transport):
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(NotConductor, match="redirect"):
        Conductor(transport(peer(moved)), patience_s=0).version()


def test_a_dot_segment_cannot_leave_its_place_in_a_path(peer, transport):
    server = peer(ok(b"{}"))
    Conductor(transport(server)).workflow_definition("../../secrets")
    assert server.requests[0].startswith(b"GET /api/metadata/workflow/..%2F..%2Fsecrets HTTP")


def test_an_update_whose_answer_was_lost_is_sent_again(peer, transport):
    server = peer(None, ok(b"t-1"))
    Conductor(transport(server)).update({"taskId": "t-1", "workflowInstanceId": "w"})
    assert len(server.requests) == 2
    assert server.requests[0] == server.requests[1]


# The same through requests: what https and proxies use.


@pytest.fixture
def through_requests():
    opened = []

    def build(url):
        opened.append(RequestsTransport(Address.parse(url), headers={"X-Authorization": "t0k3n"}))
        return opened[-1]

    yield build
    for one in opened:
        one.close()


def test_requests_carries_body_query_and_secrets_as_we_do(peer, through_requests):
    server = peer(ok(b"hello"))
    client = through_requests(server.url.replace("//", "//me:hunter2@"))
    response = client.send(HttpRequest("POST", "/api/tasks", params={"a": "b"}, body=b"{}"))
    assert (response.status, response.body, response.content_type) == (200, b"hello", "text/plain")
    assert server.requests[0].startswith(b"POST /api/tasks?a=b HTTP/1.1")
    assert b"X-Authorization: t0k3n" in server.requests[0]
    assert b"Authorization: Basic bWU6aHVudGVyMg==" in server.requests[0]
    assert "hunter2" not in repr(client)


def test_requests_tells_what_certainly_did_not_arrive_from_what_may_have(peer, through_requests):
    gone, mute = peer(), peer(b"", b"")
    gone.close()
    with pytest.raises(ServerUnreachable) as refused:
        through_requests(gone.url).send(HttpRequest("POST", "/"))
    with pytest.raises(ServerUnreachable) as silent:
        through_requests(mute.url).send(HttpRequest("POST", "/", body=b"{}", timeout_s=0.05))
    assert (refused.value.indeterminate, silent.value.indeterminate) == (False, True)
    assert "t0k3n" not in f"{refused.value} {silent.value}"


def test_requests_does_not_follow_a_redirect_with_our_token(peer, through_requests):
    server = peer(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", ok())
    assert through_requests(server.url).send(HttpRequest("GET", "/")).status == 302
    assert len(server.requests) == 1


def test_requests_drops_its_connection_with_an_interrupted_request(peer, through_requests, monkeypatch):
    server = peer(ok(b"first"), ok(b"second"))
    client = through_requests(server.url)
    client.send(HttpRequest("GET", "/"))

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("requests.Session.request", interrupted)
        with pytest.raises(KeyboardInterrupt):
            client.send(HttpRequest("GET", "/"))
    assert client.send(HttpRequest("GET", "/")).body == b"second"
    assert server.connections == 2


def test_requests_unpacks_no_more_of_an_answer_than_it_may_have(peer, through_requests, monkeypatch):
    packed = gzip.compress(b" " * 1_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    monkeypatch.setattr(requests_transport, "LARGEST", 500_000)
    with pytest.raises(ServerUnreachable, match="more than 1 GiB"):
        through_requests(peer(head + packed).url).send(HttpRequest("GET", "/"))


def test_requests_keeps_a_connection_whose_answer_is_read(peer, through_requests):
    server = peer(ok(), ok())
    client = through_requests(server.url)
    assert [client.send(HttpRequest("GET", "/")).status for _ in range(2)] == [200, 200]
    assert server.connections == 1
