"""Fetch the boot jar by its Maven coordinates, with the user's own Maven and its settings."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pytest_k1n.servers.errors import JarNotFound
from pytest_k1n.servers.protocol import Report
from pytest_k1n.servers.releases import OLDER, PINNED, release
from pytest_k1n.servers.supervised import Supervised

ARTIFACT, CLASSIFIER = "conductor-server", "boot"
FETCH_WITHIN_S = 1800.0
"""458 MB: 40 s on a fast line, most of half an hour at 2 Mbit/s."""
_PROGRESS_EVERY_S = 5.0
_ABSENT = re.compile(r"Could not find artifact|Failure to find")
_OFFLINE = re.compile(
    r"offline|Unknown host|UnknownHost|Connection refused|Connect timed out|Could not transfer|Network is unreachable",
    re.IGNORECASE,
)


def jar_name(version: str) -> str:
    """Return the file name that Maven gives the boot jar."""
    return f"{ARTIFACT}-{version}-{CLASSIFIER}.jar"


def coordinates(version: str) -> str:
    """Return the jar's Maven coordinates."""
    return f"{release(version).group}:{ARTIFACT}:{version}:jar:{CLASSIFIER}"


def copy_command(version: str, folder: Path | str) -> list[str]:
    """Return the Maven call that puts the jar into `folder`, as one would type it."""
    return ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={coordinates(version)}", f"-DoutputDirectory={folder}"]


@contextmanager
def fetched(version: str, folder: Path, *, report: Report, environ: Mapping[str, str] | None = None) -> Iterator[Path]:
    """Let Maven copy the jar into `folder`, made for this and removed afterwards; give the jar's path there.

    Maven runs supervised: a Ctrl-C or the death of this process ends it and removes the folder. Raises JarNotFound
    with Maven's reason.
    """
    environment = dict(os.environ if environ is None else environ)
    maven = shutil.which("mvn", path=environment.get("PATH", ""))
    by_hand = f"download {coordinates(version)} elsewhere and name it with --k1n-jar=FILE"
    if maven is None:
        raise JarNotFound(
            f"The Conductor server {version} cannot be fetched: no `mvn` (Maven) on PATH.",
            remedy=f"install Maven, {by_hand}, or use --k1n-server=embedded",
        )
    target = folder / jar_name(version)
    log = folder / "maven.log"
    command = [maven, *copy_command(version, folder)[1:]]
    report(f"fetching the Conductor server {version} with Maven ({release(version).size_mb} MB, once)")
    began = time.monotonic()
    with Supervised(command, folder=folder, log_path=log, env=environment, cwd=folder, grace_s=2.0) as running:
        next_progress = began + _PROGRESS_EVERY_S
        while (code := running.wait(0.2)) is None:
            now = time.monotonic()
            if now - began > FETCH_WITHIN_S:
                raise JarNotFound(
                    f"Maven did not fetch the Conductor server {version} within {FETCH_WITHIN_S / 60:.0f} minutes.",
                    remedy=by_hand,
                )
            if now >= next_progress:
                next_progress += _PROGRESS_EVERY_S
                report(f"fetching the Conductor server {version} with Maven for {now - began:.0f}s")
        if code != 0 or not target.is_file():
            raise _failure(version, code, log, by_hand)
        yield target


def _failure(version: str, code: int, log: Path, by_hand: str) -> JarNotFound:
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("[ERROR]").strip() for line in lines if line.startswith("[ERROR]")]
    said = next(filter(None, errors or lines[-1:]), "nothing")
    offline = bool(_OFFLINE.search(text))
    if _ABSENT.search(text) and not offline:
        return JarNotFound(
            f"There is no Conductor server {version} in the Maven repository ({coordinates(version)}).",
            ("maven said", said[:300]),
            remedy=f"{PINNED}, the default, or {OLDER}, which are there, {by_hand}, or use --k1n-server=embedded",
        )
    return JarNotFound(
        f"Maven could not fetch the Conductor server {version}" + (" (is this machine offline?)." if offline else "."),
        ("exit code", str(code)),
        ("maven said", said[:300]),
        ("command", " ".join(copy_command(version, "DIR"))),
        remedy=f"a connection to a Maven repository, {by_hand}, or use --k1n-server=embedded",
    )
