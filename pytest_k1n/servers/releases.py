"""Releases of Conductor that can be started from a boot jar: by which coordinates, and what each needs.

The last of Netflix's line keeps everything in memory (there was no SQLite yet), takes its lock only when told to, and
cannot be unpacked: it is of Spring Boot 2. Tried on Java 17 and 25.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pytest_k1n.servers.probe import OLDEST_SUPPORTED, version_number

PINNED, OLDER = "3.32.1", "3.15.0"


class UnknownRelease(ValueError):
    """A version that is none, or that cannot be started here; one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release."""

    version: str
    group: str = "org.conductoross"
    sha256: str | None = None
    """What a jar fetched under this version has to have; None where it is not known."""
    size_mb: int = 458
    in_memory: bool = False
    """Whether it has no database of its own: what it holds is gone with its process."""
    properties: dict[str, str] = field(default_factory=dict)
    """Spring properties that it needs beside everybody's."""


KNOWN = {
    each.version: each
    for each in (
        Release(version=PINNED, sha256="f3699a34bb72c35c10469a063392e5de4900bc4568c8a4357a711186d6269d3f"),
        Release(
            version=OLDER,
            group="com.netflix.conductor",
            sha256="0d6e4d00604cd05f3577689294ebd13435f097850831f1b31f7434cd29d68e63",
            size_mb=109,
            in_memory=True,
            properties={
                "conductor.db.type": "memory",
                "conductor.queue.type": "memory",
                "conductor.indexing.enabled": "false",
                "conductor.app.workflowExecutionLockEnabled": "true",
                "conductor.app.ownerEmailMandatory": "false",
                "loadSample": "false",
            },
        ),
    )
}
_OLDEST = ".".join(map(str, OLDEST_SUPPORTED))


def release(version: str, *, source: str = "") -> Release:
    """Return what is known of a release. Raises UnknownRelease that says which there are; `source` names the option."""
    known = KNOWN.get(version)
    if known is not None:
        return known
    number = version_number(version) if re.fullmatch(r"\d+\.\d+\.\d+([-.]?rc[-.]?\d+)?", version) else None
    if number is None or number < OLDEST_SUPPORTED:
        prefix = f"{source}: " if source else ""
        raise UnknownRelease(
            f"{prefix}{version[:60]!r} is no Conductor that can be started from its boot jar: use {PINNED} (the "
            f"default), {OLDER} (the last of Netflix's), or another release from {_OLDEST} on"
        )
    return Release(version=version)
