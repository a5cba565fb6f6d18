"""Which server is wanted (`ServerSpec`), what was got (`Endpoint`), and what every kind of server can do (`Server`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pytest_k1n.client.address import Address, is_on_this_machine, redact, urls_in
from pytest_k1n.core.text import one_line

if TYPE_CHECKING:
    from pytest_k1n.core.timing.capability import Capability

SERVER_VERSION = "3.32.1"
"""The release that is started unless told otherwise; every figure in this repository was measured on it."""
SERVER_IMAGE = f"conductoross/conductor:{SERVER_VERSION}"
STARTUP_TIMEOUT_S = 120.0
"""Measured starts take 6-22 s on two idle cores, and 50 s on the same two under a load of 15."""

Report = Callable[[str], None]
"""Takes one line of progress during long work."""


class Kind(StrEnum):
    """Kinds of server; `auto` means the first that works of docker, jar, embedded."""

    EMBEDDED = "embedded"
    JAR = "jar"
    DOCKER = "docker"
    URL = "url"
    AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSpec:
    """The server that is wanted, as the settings say it."""

    kind: Kind
    source: str = "default"
    """Where the choice came from, for messages: `--k1n-server`, `CONDUCTOR_SERVER_URL`."""
    url: str | None = field(default=None, repr=False)
    jar_path: Path | None = None
    java_path: Path | None = None
    version: str = SERVER_VERSION
    startup_timeout_s: float = STARTUP_TIMEOUT_S
    port: int | None = None
    """A fixed port; None lets the server's kind find a free one."""
    database: Path | None = None
    """A folder for a database that outlives the server; None keeps it in the temporary folder."""
    servers: int = 1
    """How many server processes of the jar tier make up one Conductor; several share a PostgreSQL."""
    postgres: bool = False
    """Whether the jar tier's database is a PostgreSQL of the run's own, not SQLite in a file."""
    container_cli: str | None = None
    """`docker`, `podman` or a path; None tries docker, then podman."""
    image: str = SERVER_IMAGE
    pull: bool = True
    """Whether an absent image is pulled."""
    tiers: tuple[Kind, ...] = (Kind.DOCKER, Kind.JAR, Kind.EMBEDDED)
    """What `auto` tries, in this order."""
    engine_arguments: tuple[str, ...] = ()
    """For the embedded engine as a process: what its own command line takes."""

    @property
    def shown_url(self) -> str:
        return shown_urls(self.url) if self.url else ""


def shown_urls(text: str) -> str:
    """Return a server's URL, or those of several, without secrets."""
    return ",".join(Address.parse(each).url for each in urls_in(text))


def parse_server(text: str, *, source: str = "--k1n-server") -> ServerSpec:
    """Parse `embedded`, `jar`, `docker`, `auto` or a URL. Raises ValueError in one line that lists these."""
    word = text.strip()
    if word.lower() in (Kind.EMBEDDED, Kind.JAR, Kind.DOCKER, Kind.AUTO):
        return ServerSpec(kind=Kind(word.lower()), source=source)
    if "://" not in word:
        shown = one_line(redact(word), most=100)
        raise ValueError(f"{source}: {shown!r} is not a server: use embedded, jar, docker, auto or http://host:port")
    try:
        for each in urls_in(word):
            Address.parse(each)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None
    return ServerSpec(kind=Kind.URL, url=word, source=source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A server that is ready: everything that clients, workers and headers need to know of it."""

    kind: Kind
    url: str = field(repr=False)
    """Without a trailing `/api`. May hold userinfo: print `shown_url` instead."""
    version: str | None
    pid: int | None = None
    """Leader of the server's process group, where we started it."""
    log_path: Path | None = None
    owned: bool = False
    """Whether this run started the server, and so may do with it what it likes."""
    notes: tuple[str, ...] = ()
    """For the header: which Java, how long the start took, why other tiers were passed over."""
    fork_ms: int | None = None
    """How long the head of a fork waited for its workers when the server was warmed up: what the machine lets it do."""
    capability: Capability | None = None
    """What budgets follow; None where they are our own, or nothing is known."""

    @property
    def shown_url(self) -> str:
        return shown_urls(self.url)

    @property
    def is_loopback(self) -> bool:
        return is_on_this_machine(self.url)

    @property
    def is_embedded(self) -> bool:
        """Whether the embedded engine answers there, no Conductor server, started by this run or not."""
        from pytest_k1n.client.clock import is_embedded  # here: it brings the client, and every run reads the settings

        return self.kind is Kind.EMBEDDED or is_embedded(self.version)


class Server(Protocol):
    """A server that is started, used and stopped; not thread-safe."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens. Raises RuntimeError before `start`."""

    def start(self, deadline: float) -> Endpoint:
        """Become ready before `deadline` (of `time.monotonic()`) or raise a ServerError, leaving nothing behind."""

    def stop(self) -> None:
        """End it and remove what it left; harmless when repeated."""

    def died(self) -> str | None:
        """Describe the end of its process (`signal SIGKILL`); None while it lives, or where that cannot be known."""
