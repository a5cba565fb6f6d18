"""The one server that `k1n server start` leaves running for a project: found by a state file, known alive by a lock.

The supervisor of the server holds the lock for as long as it lives, so liveness never rests on a process number that
may have been given to another process.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pytest_k1n.core.text import from_json
from pytest_k1n.servers.cache import state_folder
from pytest_k1n.servers.errors import ServerError
from pytest_k1n.servers.locks import try_lock
from pytest_k1n.servers.opening import own_server
from pytest_k1n.servers.process import Site
from pytest_k1n.servers.protocol import Report, ServerSpec

FORMAT = 1
GRACE_S = 10.0
"""A user's server drains (SIGTERM) for this long before it is killed."""
_STOP_WITHIN_S = 60.0
_PAUSE_S = 0.05
_ROOTS = ("k1n.toml", "pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", ".git")


class AlreadyRunning(ServerError, FileExistsError):
    """Another `k1n server start` holds the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What is known of the server in the background."""

    kind: str
    url: str
    version: str | None
    pid: int
    supervisor: int
    log: str
    started_ms: int
    notes: tuple[str, ...] = ()
    v: int = FORMAT


@dataclass(frozen=True, slots=True)
class Place:
    """Where the background server keeps its state file, lock, log and temporary folder."""

    folder: Path

    @classmethod
    def of_project(cls, folder: Path, environ: Mapping[str, str] | None = None) -> Place:
        """Return the place of the project that a folder belongs to, so that two projects have two servers."""
        root = project_root(folder)
        digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
        return cls(state_folder(environ) / f"{root.name or 'root'}-{digest}")

    @property
    def state(self) -> Path:
        return self.folder / "server.json"

    @property
    def lock(self) -> Path:
        return self.folder / "server.lock"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"


def project_root(folder: Path) -> Path:
    """Return the nearest folder upwards that a project begins in; the folder itself if there is none."""
    folder = folder.resolve()
    return next((each for each in (folder, *folder.parents) if any((each / name).exists() for name in _ROOTS)), folder)


def start(spec: ServerSpec, place: Place, *, run_uid: str, report: Report, now_ms: Callable[[], int]) -> Background:
    """Start a server that outlives this process. Until it is ready, our end is its end.

    Raises AlreadyRunning if there is one, or whatever ServerError its start meets.
    """
    place.folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _claim(place, lock)
        os.ftruncate(lock, 0)
        for stale in (place.state, place.log):
            stale.unlink(missing_ok=True)
        site = Site(
            run_uid=run_uid,
            folder=place.folder / f"server-{run_uid}",
            log_path=place.log,
            port=spec.port,
            grace_s=GRACE_S,
            hold=(lock,),
            remove=(place.state,),
            report=report,
        )
        with own_server(spec, site) as server:
            endpoint = server.endpoint
            found = Background(
                kind=str(endpoint.kind),
                url=endpoint.url,
                version=endpoint.version,
                pid=server.process.pid,
                supervisor=0,
                log=str(place.log),
                started_ms=now_ms(),
                notes=endpoint.notes,
            )
            _write(place, found)  # before the release: a server without a record could not be stopped
            found = replace(found, supervisor=server.release())
            _write(place, found)
            return found
    finally:
        os.close(lock)


def current(place: Place) -> Background | None:
    """Return the server in the background if it lives."""
    if not place.lock.exists() or not _is_locked(place):
        return None
    return _recorded(place.state) or _recorded(place.lock)


def _recorded(path: Path) -> Background | None:
    try:
        raw = from_json(path.read_text("utf-8"))
        found = Background(**{**raw, "notes": tuple(raw["notes"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    is_whole = all(isinstance(raw[key], kind) for key, kind in (("supervisor", int), ("pid", int), ("url", str)))
    return found if is_whole and found.v == FORMAT and found.supervisor else None


def stop(place: Place) -> Background | None:
    """End the server in the background and wait until everything of it is gone; None if there was none.

    Raises TimeoutError if its supervisor does not end.
    """
    found = current(place)
    if found is None:
        place.state.unlink(missing_ok=True)
        return None
    with contextlib.suppress(ProcessLookupError):
        os.kill(found.supervisor, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_WITHIN_S
    while _is_locked(place):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the supervisor {found.supervisor} did not end within {_STOP_WITHIN_S:.0f}s: kill it")
        time.sleep(_PAUSE_S)
    place.state.unlink(missing_ok=True)
    return found


def follow(path: Path, *, lines: int, goes_on: Callable[[], bool]) -> Iterator[str]:
    """Give the last lines of a log, then new ones while `goes_on` says so; a line without its end counts at the end."""
    with path.open("r", encoding="utf-8", errors="replace") as stream:
        yield from stream.readlines()[-lines:] if lines else ()
        while goes_on():
            while line := stream.readline():
                yield line
            time.sleep(_PAUSE_S)
        yield from stream.readlines()


def _claim(place: Place, lock: int) -> None:
    """Take the lock. Raises AlreadyRunning; tries for a moment, since a look at the lock takes it for an instant."""
    for _ in range(10):
        if try_lock(lock):
            return
        time.sleep(_PAUSE_S)
    found = current(place)
    what = f"{found.url} ({found.kind}, pid {found.pid})" if found else "another `k1n server start` is at it"
    raise AlreadyRunning(
        f"a server is in the background already: {what}", remedy="k1n server stop, or K1N_PROJECT=FOLDER for one more"
    )


def _write(place: Place, found: Background) -> None:
    text = json.dumps(asdict(found), indent=1) + "\n"
    temporary = place.state.with_suffix(f".{os.getpid()}")
    temporary.write_text(text, "utf-8")
    temporary.chmod(0o600)
    temporary.replace(place.state)
    place.lock.write_text(text, "utf-8")  # should the other be damaged, nobody could stop a server that goes on


def _is_locked(place: Place) -> bool:
    with _opened(place.lock) as descriptor:
        return descriptor is not None and not try_lock(descriptor)


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)
