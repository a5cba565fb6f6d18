"""A PostgreSQL of our own for several Conductor servers: in a folder of its own, on loopback, gone with the run."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_k1n.servers.errors import PortTaken, ServerDied, ServerError, ServerStartTimeout
from pytest_k1n.servers.folders import new_run_folder
from pytest_k1n.servers.process import describe_exit, pick_port
from pytest_k1n.servers.supervised import Supervised, log_tail

_BINARIES = Path("/usr/lib/postgresql")
"""Where Debian puts them: a folder per version, none of them in PATH."""
_USER = "conductor"
_UNPRIVILEGED = ("postgres", "nobody")
"""Whom it runs as where we are root, which PostgreSQL refuses to be."""
_READY_WITHIN_S = 120.0
_PAUSE_S = 0.05
_PORT_ATTEMPTS = 5
_TAKEN = "Address already in use"
_GRACE_S = 15.0
"""It waits for its clients to be gone, which are killed at the same moment; killed itself it leaves shared memory."""
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",  # in its folder, not in /dev/shm
    "fsync": "off",  # it is thrown away; a killed Conductor loses nothing by it
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


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
    """One database server process. Use it as a context manager; several Conductor servers may share it.

    It lives beside the run's folder, not in it: where we are root it runs as another user, to whom that is closed.
    """

    def __init__(
        self,
        *,
        connections: int = 100,
        root: Path | None = None,
        launched: Callable[[Supervised], None] = lambda _process: None,
    ) -> None:
        """Its folder is made in `root`, by default the temporary folder. `launched` is told of its process at once."""
        self._root = root
        self._connections = connections
        self._launched = launched
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
        }

    @property
    def secrets(self) -> Mapping[str, str]:
        """The password, for a Conductor server's environment: everybody on the machine can read a command line."""
        return {"SPRING_DATASOURCE_PASSWORD": self._password}

    def __enter__(self) -> Self:
        """Make the database and start. Raises NoPostgres, ServerDied or ServerStartTimeout."""
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            try:
                self._start(binaries())
            except BaseException as error:
                self._close()
                if isinstance(error, PortTaken) and attempt < _PORT_ATTEMPTS:
                    continue
                raise
            break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    def _start(self, programs: Path) -> None:
        """Make the database and serve it in one process, which can be killed at any moment and leaves nothing."""
        user = _other_user()
        home = new_run_folder(secrets.token_hex(4), root=self._root)
        if user:
            _check_reach(home, user)
        data, secret, log = home / "data", home / "secret", home / "log"
        self._port = pick_port(None)
        init = [programs / "initdb", "-D", data, "-U", _USER, "-A", "scram-sha-256", f"--pwfile={secret}",
                "-E", "UTF8", "--no-locale", "--no-sync"]  # fmt: skip
        settings = {**_SETTINGS, "max_connections": str(self._connections)}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        serve = [programs / "postgres", "-D", data, "-p", str(self._port), *words]
        script = f"{shlex.join(map(str, init))} && exec {shlex.join(map(str, serve))}"
        prefix = ["setpriv", f"--reuid={user}", "--clear-groups", "--"] if user else []
        home.mkdir(mode=0o700)
        try:
            secret.touch(mode=0o600)
            secret.write_text(self._password)
            if user:
                shutil.chown(home, user)
                shutil.chown(secret, user)
            self._process = Supervised(
                [*prefix, "sh", "-c", script], folder=home, log_path=log, cwd=Path("/"), grace_s=_GRACE_S
            ).__enter__()
        except BaseException:
            shutil.rmtree(home, ignore_errors=True)
            raise
        self._launched(self._process)
        self._await_ready(self._process, data / "postmaster.pid", log)
        secret.unlink()

    def _await_ready(self, process: Supervised, state: Path, log: Path) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while not _is_ready(state):
            if (code := process.poll()) is not None:
                said = log_tail(log)
                if _TAKEN in said:
                    raise PortTaken(f"port {self._port} was taken before PostgreSQL had it", remedy="another try")
                raise ServerDied(f"PostgreSQL ended at its start ({describe_exit(code)}): {said}", remedy="its log")
            if time.monotonic() > deadline:
                raise ServerStartTimeout(
                    f"PostgreSQL was not ready within {_READY_WITHIN_S:g}s: {log_tail(log, 1)}", remedy="an idler host"
                )
            time.sleep(_PAUSE_S)


def _is_ready(state: Path) -> bool:
    """Read in the file of a postmaster whether it takes connections: the last of its lines says so."""
    try:
        return state.read_text("utf-8", "replace").split()[-1:] == ["ready"]
    except OSError:
        return False


def _other_user() -> str | None:
    """Name the user it runs as where we are root; None elsewhere. Raises NoPostgres."""
    if os.geteuid() != 0:
        return None
    user = next((name for name in _UNPRIVILEGED if _has_user(name)), None)
    if user is None or shutil.which("setpriv") is None:
        raise NoPostgres("PostgreSQL does not run as root.", remedy="another user, or installing util-linux")
    return user


def _check_reach(home: Path, user: str) -> None:
    """Make sure that another user can go where its data will be. Raises NoPostgres."""
    for parent in home.absolute().parents:
        if not parent.stat().st_mode & stat.S_IXOTH:
            raise NoPostgres(
                f"PostgreSQL runs as {user} where we are root, and {parent} is closed to it.",
                remedy="TMPDIR=/tmp, or another folder that everybody can reach",
            )


def _has_user(name: str) -> bool:
    import pwd

    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
