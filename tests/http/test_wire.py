"""Requests as clients put them on the wire: Conductor 3.32.1 answers each of these as it is asserted here."""

import gzip
import json
import re
import socket
import sys
from contextlib import suppress

import pytest

WITHOUT_HTTPTOOLS = (
    "import sys; sys.modules['httptools'] = None; from pytest_k1n.engine.serving.serve import main; sys.exit(main())"
)
OFFER = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"
BODY = json.dumps([{"name": "wire", "ownerEmail": "a@b.c", "timeoutSeconds": 0, "responseTimeoutSeconds": 60}]).encode()


@pytest.fixture(scope="module", params=["httptools", "h11"])
def engine(request, serving_module):
    command = [sys.executable, "-c", WITHOUT_HTTPTOOLS] if request.param == "h11" else None
    with serving_module(command=command) as served:
        yield served


def conversation(port, *parts):
    """Send parts, each after what came for the one before; return all that came."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for number, part in enumerate(parts, 1):
            connection.sendall(part)
            connection.settimeout(10)
            with suppress(TimeoutError):
                while data := connection.recv(65_536):
                    received += data
                    connection.settimeout(0.2 if number < len(parts) or b"Connection: close" not in part else 10)
    return received


def post(body, headers="", *, length=True):
    sized = f"Content-Length: {len(body)}\r\n" if length else ""
    head = "POST /api/metadata/taskdefs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}{headers}{sized}\r\n".encode() + body


def statuses(answer):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", answer)]


def registered(engine):
    known = engine.ask("GET", "/api/metadata/taskdefs/wire")[0] == 200
    engine.ask("DELETE", "/api/metadata/taskdefs/wire")
    return known


def test_a_request_that_offers_http_2_keeps_its_body(engine):
    assert statuses(conversation(engine.port, post(BODY, OFFER + "Connection: close\r\n"))) == [200]
    assert registered(engine)


def test_it_does_so_wherever_the_network_cuts_it(engine):
    request = post(BODY, OFFER)
    with socket.create_connection(("127.0.0.1", engine.port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(request), 7):
            connection.sendall(request[at : at + 7])
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    assert registered(engine)


def test_an_offer_with_a_chunked_body_keeps_it(engine):
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    request = post(chunks, OFFER + "Transfer-Encoding: chunked\r\nConnection: close\r\n", length=False)
    assert statuses(conversation(engine.port, request)) == [200]
    assert registered(engine)


def test_offers_in_one_write_are_each_answered(engine):
    ask = f"GET /health HTTP/1.1\r\nHost: localhost\r\n{OFFER}\r\n".encode()
    last = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert statuses(conversation(engine.port, post(BODY, OFFER) + ask + last)) == [200, 200, 200]


def test_a_client_that_waits_for_leave_gets_it(engine):
    request = post(BODY, "Expect: 100-continue\r\n")
    head, body = request[: -len(BODY)], BODY
    assert statuses(conversation(engine.port, head, body)) == [100, 200]


def test_a_connection_serves_many_requests(engine):
    assert statuses(conversation(engine.port, *[post(BODY)] * 3)) == [200, 200, 200]


def test_a_compressed_body_is_not_unpacked_as_on_the_server(engine):
    answer = conversation(engine.port, post(gzip.compress(BODY), "Content-Encoding: gzip\r\nConnection: close\r\n"))
    assert statuses(answer) == [500]
    assert b"JSON parse error: Illegal character ((CTRL-CHAR, code 31))" in answer


def test_nothing_is_tunnelled(engine):
    answer = conversation(engine.port, b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n")
    assert statuses(answer)[0] >= 400


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/workflow", "POST,OPTIONS"),
        ("/api/workflow/x", "POST,GET,HEAD,DELETE,OPTIONS"),
        ("/api/metadata/taskdefs", "POST,PUT,GET,HEAD,OPTIONS"),
        ("/api/tasks/poll/x", "GET,HEAD,OPTIONS"),
        ("/api/workflow/x/pause", "PUT,OPTIONS"),
    ],
)
def test_a_path_tells_its_methods(engine, path, methods):
    ask = f"OPTIONS {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = conversation(engine.port, ask.encode())
    assert statuses(answer) == [200]
    allowed = next(line for line in answer.decode().split("\r\n") if line.lower().startswith("allow:"))
    assert set(allowed.partition(":")[2].strip().split(",")) == set(methods.split(","))


def test_a_page_of_another_site_gets_nothing_done(engine):
    """Of this engine only: Conductor lets it in, and refuses the preflight alone."""
    engine.ask("DELETE", "/api/metadata/taskdefs/wire")
    answer = conversation(engine.port, post(BODY, "Origin: http://evil.example\r\nConnection: close\r\n"))
    assert statuses(answer) == [403]
    assert not registered(engine)


@pytest.mark.parametrize("sign", '"<>[\\]^`{|}')
def test_signs_that_need_encoding_are_refused_without_it(engine, sign):
    for target in (f"/api/tasks/a{sign}b", f"/api/tasks/queue/sizes?taskType=a{sign}b"):
        request = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
        assert statuses(conversation(engine.port, request)) == [400]


CLOSING = "HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
HEADER = "X: 1\r\n"


def padded(size):
    """Return a request whose head has so many bytes."""
    begin = f"GET /health {CLOSING}X: "
    return begin + "a" * (size - len(begin) - 4) + "\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (padded(8192), 200),
        (padded(8193), 400),
        (f"GET /health?x={'a' * 8200} {CLOSING}\r\n", 400),
        (f"GET /health {CLOSING}{HEADER * 98}\r\n", 200),
        (f"GET /health {CLOSING}{HEADER * 99}\r\n", 400),
    ],
)
def test_a_head_is_bounded_as_the_servers_is(engine, head, status):
    assert statuses(conversation(engine.port, head.encode())) == [status]


@pytest.mark.parametrize("expectation", ["foo", "", "100-continue, foo"])
def test_what_a_client_expects_beside_leave_is_refused(engine, expectation):
    answer = conversation(engine.port, post(BODY, f"Expect: {expectation}\r\nConnection: close\r\n"))
    assert statuses(answer)[-1] == 417
    assert not registered(engine)


def test_the_server_as_a_whole_tells_its_methods(engine):
    answer = conversation(engine.port, f"OPTIONS * {CLOSING}\r\n".encode())
    assert statuses(answer) == [200]
    assert b": get, head, post, put, delete, options\r\n" in answer.lower()
