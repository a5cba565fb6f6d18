"""A PostgreSQL of a run's own: who may look into it, what it does where its port is taken, what a kill leaves."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pytest_k1n.servers import postgres as module
from pytest_k1n.servers.errors import PortTaken, ServerDied
from pytest_k1n.servers.postgres import NoPostgres, Postgres, binaries
from pytest_k1n.servers.supervised import Supervised

TAKEN = 'echo "LOG:  could not bind IPv4 address \\"127.0.0.1\\": Address already in use" >&2; exit 1'


def homes(root: Path) -> list[Path]:
    return list(root.glob("k1n-*"))


def test_nobody_else_can_look_into_it_and_it_leaves_nothing(open_root: Path, postgres_programs: Path) -> None:
    before = open_root.stat().st_mode
    with Postgres(root=open_root) as database:
        (home,) = homes(open_root)
        password = database.secrets["SPRING_DATASOURCE_PASSWORD"]
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert (home / "data/given").read_text() == password
        assert not (home / "secret").exists()
        assert password not in " ".join(database.properties.values())
    assert homes(open_root) == []
    assert open_root.stat().st_mode == before


def test_a_port_that_another_process_took_meanwhile_is_given_up_for_the_next(
    open_root: Path, postgres_programs: Path
) -> None:
    serve = (postgres_programs / "postgres").read_text()
    (postgres_programs / "postgres").write_text(
        f"#!/bin/sh\nif mkdir {postgres_programs}/once; then {TAKEN}; fi\n{serve}"
    )
    with Postgres(root=open_root):
        assert len(homes(open_root)) == 1
    assert homes(open_root) == []


def test_the_search_for_a_port_ends(open_root: Path, postgres_programs: Path) -> None:
    (postgres_programs / "postgres").write_text(f"#!/bin/sh\n{TAKEN}\n")
    with pytest.raises(PortTaken, match="was taken before PostgreSQL had it"), Postgres(root=open_root):
        pass
    assert homes(open_root) == []


def test_what_it_says_at_a_start_that_failed_is_told(open_root: Path, postgres_programs: Path) -> None:
    (postgres_programs / "initdb").write_text("#!/bin/sh\necho 'initdb: error: no locale' >&2; exit 3\n")
    with (
        pytest.raises(ServerDied, match=r"ended at its start \(code 3\): initdb: error: no locale"),
        Postgres(root=open_root),
    ):
        pass
    assert homes(open_root) == []


def test_a_start_ends_at_once_where_its_process_is_killed_from_another_thread(
    open_root: Path, postgres_programs: Path
) -> None:
    """A run that is interrupted does so, while the database is made, too."""
    (postgres_programs / "initdb").write_text("#!/bin/sh\nexec sleep 600\n")
    with pytest.raises(ServerDied, match="signal SIGKILL"), Postgres(root=open_root, launched=Supervised.kill):
        pass
    assert homes(open_root) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only where we are root it runs as another user")
def test_a_temporary_folder_that_is_closed_to_its_user_is_named(open_root: Path, postgres_programs: Path) -> None:
    open_root.chmod(0o700)
    with pytest.raises(NoPostgres, match=f"{open_root} is closed to it; try TMPDIR=/tmp"), Postgres(root=open_root):
        pass
    assert homes(open_root) == []


def test_where_it_is_not_installed_that_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "_BINARIES", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoPostgres, match="apt install postgresql"):
        binaries()
