"""Unpack the boot jar once, which halves every start after that.

Spring Boot's own `jarmode=tools extract` lays the jar out as a small jar with its 485 libraries beside it, so that the
JVM's own class loader serves instead of one that reads jars within a jar. Measured on two idle cores: unpacking 3 s,
start 6.3 s instead of 13.0 s: it pays from the first start on. (An AppCDS archive on top would give 4.2 s, but costs a
training start of 15-20 s and a slow exit.)
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from pytest_k1n.servers.bootjar import KNOWN_SHA256, BootJar
from pytest_k1n.servers.cache import cache_folder, locked, sha256_of
from pytest_k1n.servers.errors import ServerError
from pytest_k1n.servers.java import Java
from pytest_k1n.servers.protocol import Report
from pytest_k1n.servers.releases import KNOWN
from pytest_k1n.servers.supervised import Supervised

_WITHIN_S = 120.0
_FOLDER = "exploded"


def runnable(jar: BootJar, java: Java, *, report: Report) -> Path:
    """Return the jar file to start: the unpacked one where that is possible, else the boot jar itself.

    Only a released jar is unpacked, since the copy (440 MB) is kept under the version's name. Never raises for a copy
    that cannot be made (read-only cache, full disk): the boot jar is slower, not worse.
    """
    if jar.version is None or not (jar.is_cached or _is_released(jar)) or _is_older(jar.version):
        return jar.path
    folder = cache_folder() / jar.version
    final = folder / _FOLDER / jar.path.name
    if final.is_file():
        return final
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(
            folder / ".lock", within_s=_WITHIN_S, waiting=lambda waited: report(f"waiting for {folder}: {waited}")
        ):
            if not final.is_file():
                report(f"unpacking the Conductor server {jar.version} (once; halves the time of every start)")
                _unpack(jar.path, java, folder)
    except (OSError, ServerError, subprocess.SubprocessError) as error:
        report(f"starting from the boot jar itself, since it could not be unpacked: {str(error).splitlines()[0]}")
        return jar.path
    return final


def _is_older(version: str) -> bool:
    """Whether its Spring Boot cannot unpack it."""
    return version in KNOWN and KNOWN[version].in_memory


def _is_released(jar: BootJar) -> bool:
    return jar.version in KNOWN_SHA256 and sha256_of(jar.path) == KNOWN_SHA256[jar.version]


def _unpack(jar: Path, java: Java, folder: Path) -> None:
    """Unpack into a temporary folder beside the final one, which then appears in one step."""
    for leftover in folder.glob(".unpack-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary = folder / f".unpack-{os.getpid()}"
    destination = temporary / _FOLDER
    command = [str(java.path), "-Djarmode=tools", "-jar", str(jar), "extract", "--destination", str(destination)]
    with Supervised(command, folder=temporary, log_path=temporary / "unpack.log", grace_s=0) as running:
        code = running.wait(_WITHIN_S)
        if code != 0 or not (destination / jar.name).is_file():
            raise OSError(f"java -Djarmode=tools extract: {'no end' if code is None else f'exit code {code}'}")
        stale = folder / _FOLDER
        if stale.exists():  # without its jar, or we would not be here
            shutil.rmtree(stale)
        destination.replace(stale)
