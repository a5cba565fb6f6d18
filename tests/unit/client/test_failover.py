"""Several servers as one: who is asked when one is silent, and what is not repeated."""

from __future__ import annotations

import pytest

from pytest_k1n.client.errors import ServerUnreachable
from pytest_k1n.client.transport import FailoverTransport, transport_for
from pytest_k1n.core.http import HttpRequest, HttpResponse

GET, POST = HttpRequest("GET", "/"), HttpRequest("POST", "/")


class Server:
    """One that answers with its name, or does not answer: `refused`, or `lost` after the request was sent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.trouble = ""
        self.asked = 0

    def send(self, request: HttpRequest) -> HttpResponse:
        self.asked += 1
        if self.trouble:
            raise ServerUnreachable(self.trouble, indeterminate=self.trouble == "lost")
        return HttpResponse(200, self.url.encode())

    def close(self) -> None:
        self.trouble = "closed"


@pytest.fixture
def servers() -> list[Server]:
    return [Server("a"), Server("b"), Server("c")]


def test_it_stays_with_the_server_that_answers(servers: list[Server]) -> None:
    transport = FailoverTransport(servers)
    assert [transport.send(GET).body for _ in range(3)] == [b"a"] * 3
    servers[0].trouble = "refused"
    assert [transport.send(POST).body for _ in range(3)] == [b"b"] * 3
    servers[0].trouble = ""
    assert transport.send(GET).body == b"b"
    assert servers[0].asked == 4


def test_what_a_silent_server_may_have_done_is_not_repeated_but_goes_to_the_next_one_afterwards(
    servers: list[Server],
) -> None:
    transport = FailoverTransport(servers)
    servers[0].trouble = "lost"
    with pytest.raises(ServerUnreachable, match="lost"):
        transport.send(POST)
    assert [server.asked for server in servers] == [1, 0, 0]
    assert transport.send(POST).body == b"b"


def test_a_repeatable_request_is_asked_of_the_next_one_at_once(servers: list[Server]) -> None:
    servers[0].trouble = servers[1].trouble = "lost"
    assert FailoverTransport(servers).send(GET).body == b"c"


def test_where_none_answers_the_last_error_is_raised_after_each_was_asked_once(servers: list[Server]) -> None:
    for server in servers:
        server.trouble = f"refused by {server.url}"
    with pytest.raises(ServerUnreachable, match="refused by c"):
        FailoverTransport(servers).send(POST)
    assert [server.asked for server in servers] == [1, 1, 1]


def test_urls_with_commas_between_them_make_one_transport() -> None:
    transport = transport_for("http://127.0.0.1:1,http://127.0.0.1:2/api")
    assert isinstance(transport, FailoverTransport)
    assert transport.url == "http://127.0.0.1:1,http://127.0.0.1:2"
    with pytest.raises(ServerUnreachable):
        transport.send(POST)
    transport.close()
