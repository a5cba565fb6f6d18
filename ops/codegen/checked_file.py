"""Files of a cache that several processes share: what is read was written whole, or counts as not there.

A file begins with the digest of the rest. A writer that dies, a disk that is full, a machine that loses power leave
the old file or one whose digest is wrong; never half of a cache that looks like one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG


class Torn(ValueError):
    """A file that was not written whole, or is no such file; names it."""


def read_checked(path: Path) -> dict[str, object] | None:
    """Read a document; None if there is none. Raises Torn."""
    try:
        head, _, body = read_regular(path).partition(b"\n")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Torn(f"{path} cannot be read ({error.strerror})") from None
    if head != hashlib.sha256(body).hexdigest().encode():
        raise Torn(f"{path} is torn")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Torn(f"{path} is no cache") from None
    if not isinstance(document, dict):
        raise Torn(f"{path} is no cache")
    return document


def read_regular(path: Path) -> bytes:
    """Read a file, and wait for no one who would fill a pipe of that name. Raises OSError."""
    if not S_ISREG(path.stat().st_mode):
        raise OSError(f"no file: {path}")
    return path.read_bytes()


def update_checked(path: Path, change: Callable[[dict[str, object]], dict[str, object]]) -> None:
    """Replace a document by what `change` makes of it ({} if there is none or it is torn), one writer at a time."""
    with _locked(path):
        try:
            before = read_checked(path) or {}
        except Torn:
            before = {}
        body = json.dumps(change(before), sort_keys=True).encode()
        replace_bytes(path, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def replace_bytes(path: Path, data: bytes) -> None:
    """Write a file all at once: its readers see the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)  # nothing that a file could replace
    draft.replace(path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the file's lock, which the system gives back when its holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sweep(folder: Path) -> None:
    """Remove the drafts that writers left here who have died since."""
    for draft in folder.glob(".*.draft"):
        owner = draft.name.split(".")[-2]
        if not owner.isdecimal() or _is_alive(int(owner)):
            continue
        if draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            with suppress(OSError):
                draft.unlink()


def scratch(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """Make a folder for the time of a `with`, named so that it is swept away if its maker dies in it.

    It lies among the system's temporary files where nothing can be written to `folder`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=folder, prefix=".work-", suffix=f".{os.getpid()}.draft")
    except OSError:
        return tempfile.TemporaryDirectory(prefix="k1n-codegen-")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    except OverflowError:  # a number that no process could have
        return False
    return True
