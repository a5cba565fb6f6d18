"""The PostgreSQL of a run's own: reachable with its password only, and gone with its folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pytest_k1n.servers.postgres import Postgres, binaries

pytestmark = pytest.mark.live


def query(url: str, password: str) -> subprocess.CompletedProcess[str]:
    host, _, port = url.removeprefix("jdbc:postgresql://").partition("/")[0].partition(":")
    argv = [str(binaries() / "psql"), "-h", host, "-p", port, "-U", "conductor", "-tAc", "select 6 * 7", "postgres"]
    return subprocess.run(
        argv, env={**os.environ, "PGPASSWORD": password}, capture_output=True, text=True, timeout=60, check=False
    )


def test_it_answers_who_knows_the_password_and_leaves_nothing(tmp_path: Path) -> None:
    with Postgres(tmp_path / "postgres") as database:
        url = database.properties["spring.datasource.url"]
        assert query(url, database.properties["spring.datasource.password"]).stdout == "42\n"
        assert "password authentication failed" in query(url, "guessed").stderr
    assert list(tmp_path.iterdir()) == []
    assert "refused" in query(url, "any").stderr
