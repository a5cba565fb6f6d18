"""The cache folder, and checksums that are verified cheaply."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pytest_k1n.servers.locks import try_lock

_PAUSE_S = 0.05
_PROGRESS_EVERY_S = 5.0


def cache_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return `$XDG_CACHE_HOME/pytest-k1n`, by default under `~/.cache`; not created."""
    return _base(environ, "XDG_CACHE_HOME", ".cache") / "pytest-k1n"


def state_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return `$XDG_STATE_HOME/pytest-k1n`, by default under `~/.local/state`; not created."""
    return _base(environ, "XDG_STATE_HOME", ".local/state") / "pytest-k1n"


def _base(environ: Mapping[str, str] | None, variable: str, default: str) -> Path:
    given = (os.environ if environ is None else environ).get(variable, "")
    # A relative path is invalid by the XDG specification and has to be ignored.
    return Path(given) if given.startswith("/") else Path.home() / default


def sha256_of(path: Path) -> str:
    """Return the file's SHA-256 in hex (about 1 s for the boot jar)."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def record_checksum(path: Path, digest: str, *, of: Path | None = None) -> None:
    """Write `path.sha256`, readable by `sha256sum -c`, with a memo of the size and mtime that it was true for.

    `of` is the file that is about to become `path`.
    """
    side = _side(path)
    temporary = side.with_name(f".{side.name}.{os.getpid()}")
    temporary.write_text(f"# {_memo(of or path)}\n{digest}  {path.name}\n", "ascii")
    temporary.replace(side)


def recorded_checksum(path: Path) -> str | None:
    """Return the checksum that was recorded for `path`, if any."""
    try:
        lines = _side(path).read_text("ascii").splitlines()
    except (OSError, ValueError):
        return None
    return next((line.split()[0] for line in lines if line.strip() and not line.startswith("#")), None)


def is_intact(path: Path) -> bool:
    """Whether `path` still has its recorded checksum.

    Same size and mtime as when it was computed suffice; otherwise the whole file is read and the memo renewed.
    """
    digest = recorded_checksum(path)
    if digest is None:
        return False
    if _side(path).read_text("ascii").startswith(f"# {_memo(path)}\n"):
        return True
    if sha256_of(path) != digest:
        return False
    record_checksum(path, digest)
    return True


def _side(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _memo(path: Path) -> str:
    status = path.stat()
    return f"size={status.st_size} mtime_ns={status.st_mtime_ns}"


@contextmanager
def locked(path: Path, *, within_s: float, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold an exclusive lock on `path`, which the system takes back when the holder dies in whatever way.

    Raises TimeoutError when another process holds it for longer than `within_s`.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        began = time.monotonic()
        next_progress = began + 1
        while not try_lock(descriptor):
            now = time.monotonic()
            if now - began > within_s:
                raise TimeoutError(f"{path} has been locked by another process for {within_s:.0f}s")
            if now >= next_progress:
                next_progress = now + _PROGRESS_EVERY_S
                waiting(f"{now - began:.0f}s")
            time.sleep(_PAUSE_S)
        yield
    finally:
        os.close(descriptor)
