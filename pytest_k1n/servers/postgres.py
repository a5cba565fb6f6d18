"""A PostgreSQL of our own for several Conductor servers: in a temporary folder, on loopback, gone with the run."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_k1n.servers.errors import ServerDied, ServerError, ServerStartTimeout
from pytest_k1n.servers.process import describe_exit, pick_port
from pytest_k1n.servers.supervised import Supervised, log_tail

_BINARIES = Path("/usr/lib/postgresql")
"""Where Debian puts them: a folder per version, none of them in PATH."""
_USER = "conductor"
_UNPRIVILEGED = ("postgres", "nobody")
"""Whom it runs as where we are root, which PostgreSQL refuses to be."""
_INIT_WITHIN_S = 120.0
_PAUSE_S = 0.1


class NoPostgres(ServerError):
    """PostgreSQL's programs are not here, or cannot be run."""


def binaries() -> Path:
    """Find the folder with `initdb` and `postgres`, the newest first. Raises NoPostgres."""
    versions = sorted(_BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]), reverse=True)
    found = versions[0] if versions else Path(shutil.which("initdb") or "")
    if not (found.parent / "postgres").exists():
        raise NoPostgres("PostgreSQL is not here.", remedy="installing it: apt install postgresql")
    return found.parent


class Postgres:
    """One database server process. Use it as a context manager; several Conductor servers may share it."""

    def __init__(self, folder: Path, *, connections: int = 100) -> None:
        """`folder` is made, and removed at the end."""
        self._folder = folder
        self._connections = connections
        self._password = secrets.token_hex(16)
        self._port = 0
        self._process: Supervised | None = None

    @property
    def properties(self) -> Mapping[str, str]:
        """Spring properties of a Conductor server on it; the lock is the database's, because servers share it."""
        return {
            "conductor.db.type": "postgres",
            "conductor.queue.type": "postgres",
            "conductor.indexing.type": "postgres",
            "conductor.elasticsearch.version": "0",
            "conductor.workflow-execution-lock.type": "postgres",
            "spring.datasource.url": f"jdbc:postgresql://127.0.0.1:{self._port}/postgres",
            "spring.datasource.username": _USER,
            "spring.datasource.password": self._password,
        }

    def __enter__(self) -> Self:
        """Make the database and start. Raises NoPostgres, ServerDied or ServerStartTimeout."""
        programs = binaries()
        self._folder.mkdir(parents=True)
        data, secret = self._folder / "data", self._folder / "secret"
        secret.write_text(self._password)
        data.mkdir(mode=0o700)
        prefix = self._as_unprivileged(data, secret)
        self._run([*prefix, str(programs / "initdb"), "-D", str(data), "-U", _USER, "-A", "scram-sha-256",
                   f"--pwfile={secret}", "-E", "UTF8", "--no-locale", "--no-sync"])  # fmt: skip
        secret.unlink()
        self._port = pick_port(None)
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": str(self._connections),
            "fsync": "off",  # it is thrown away; a killed Conductor loses nothing by it
            "synchronous_commit": "off",
            "full_page_writes": "off",
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        argv = [*prefix, str(programs / "postgres"), "-D", str(data), "-p", str(self._port), *words]
        log = self._folder.parent / f"{self._folder.name}.log"
        self._process = Supervised(argv, folder=self._folder, log_path=log, cwd=Path("/"), grace_s=5.0, remove=[log])
        try:
            self._process.__enter__()
            self._await_ready(programs, log)
        except BaseException:
            self._process.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    def _as_unprivileged(self, *owned: Path) -> list[str]:
        """Return the words that make a command run as another user than root, who then owns its files."""
        if os.geteuid() != 0:
            return []
        user = next((name for name in _UNPRIVILEGED if _has_user(name)), None)
        if user is None or shutil.which("setpriv") is None:
            raise NoPostgres("PostgreSQL does not run as root.", remedy="another user, or installing util-linux")
        for path in owned:
            shutil.chown(path, user)
        for parent in [self._folder, *self._folder.parents]:
            if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)  # to reach the data, and no more
        return ["setpriv", f"--reuid={user}", "--clear-groups", "--"]

    def _run(self, argv: list[str]) -> None:
        done = subprocess.run(argv, cwd="/", capture_output=True, text=True, timeout=_INIT_WITHIN_S, check=False)
        if done.returncode:
            said = " ".join(done.stderr.split())[-300:]
            raise NoPostgres(f"PostgreSQL's {Path(argv[-1]).name} failed: {said}", remedy="the reason given")

    def _await_ready(self, programs: Path, log: Path) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _INIT_WITHIN_S
        asked = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self._port)]
        while subprocess.run(asked, check=False).returncode:
            if (code := self._process.poll()) is not None:
                raise ServerDied(
                    f"PostgreSQL ended at its start ({describe_exit(code)}): {log_tail(log)}", remedy="its log"
                )
            if time.monotonic() > deadline:
                raise ServerStartTimeout(f"PostgreSQL was not ready within {_INIT_WITHIN_S:g}s", remedy="an idler host")
            time.sleep(_PAUSE_S)


def _has_user(name: str) -> bool:
    import pwd

    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
