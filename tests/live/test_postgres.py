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


def shared_memory() -> set[str]:
    """What servers leave that are killed where they might have ended: segments of both kinds."""
    listed = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return {line.split()[1] for line in listed} | {path.name for path in Path("/dev/shm").glob("PostgreSQL.*")}


def test_it_answers_who_knows_the_password_and_leaves_nothing() -> None:
    before = shared_memory()
    with Postgres() as database:
        url = database.properties["spring.datasource.url"]
        assert query(url, database.secrets["SPRING_DATASOURCE_PASSWORD"]).stdout == "42\n"
        assert "password authentication failed" in query(url, "guessed").stderr
    assert shared_memory() == before  # and no folder: the session itself looks at the end
    assert "refused" in query(url, "any").stderr
