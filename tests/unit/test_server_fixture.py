"""What `conductor_proc` and `conductor_noproc` give."""

from __future__ import annotations

from typing import cast

import pytest

from pytest_k1n.coordination.backend import ServerDescription
from pytest_k1n.fixtures.server import ConductorServer


@pytest.mark.parametrize(
    ("given", "urls"),
    [
        ("http://127.0.0.1:8080", ("http://127.0.0.1:8080",)),
        ("http://127.0.0.1:8081, http://127.0.0.1:8082", ("http://127.0.0.1:8081", "http://127.0.0.1:8082")),
    ],
)
def test_each_server_of_several_has_its_url_and_the_client_reaches_them_all(given: str, urls: tuple[str, ...]) -> None:
    server = ConductorServer(cast("ServerDescription", {"kind": "url", "url": given}), given)
    assert (server.url, server.urls) == (urls[0], urls)
    client = server.client()
    assert all(url in client.url for url in urls)
    client.close()
