"""Conductor 3.15.0 from its own boot jar: it starts, and shows the differences that are known and no others."""

from __future__ import annotations

import os

import pytest

from pytest_k1n import cli
from pytest_k1n.servers.opening import open_server
from pytest_k1n.servers.protocol import Kind, ServerSpec
from pytest_k1n.servers.releases import OLDER

pytestmark = [pytest.mark.live, pytest.mark.long]

ASKED = os.environ.get("K1N_OLDER_CASES", "60")
"""Some minutes of a busy machine, so `K1N_LONG=1` asks for it.

What was recorded is compared without a server in every `make test`.
"""


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    spec = ServerSpec(kind=Kind.JAR, version=OLDER, startup_timeout_s=300)
    folder = tmp_path_factory.mktemp("older") / "server"
    with open_server(spec, run_uid=f"older{os.getpid()}", folder=folder, report=print) as endpoint:
        yield endpoint


def test_it_says_which_one_it_is(older):
    assert older.version == OLDER
    assert older.kind is Kind.JAR


def test_it_shows_what_is_known_of_it_and_nothing_else(older, capsys):
    code = cli.main(["conformance", older.url, "--only", "catalogue/", "--sample", ASKED, "--show", "20"])
    told = capsys.readouterr()
    assert code == 0, told.out + told.err
    assert "fields-of-executions" in told.out
