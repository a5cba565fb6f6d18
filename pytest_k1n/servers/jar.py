"""A Conductor server of our own from its boot jar: SQLite, loopback, tuned for low latency."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pytest_k1n.client.address import Address
from pytest_k1n.core.timing.capability import Capability
from pytest_k1n.servers.configuration import JVM_FLAGS, environment, properties, sqlite_url
from pytest_k1n.servers.errors import PortTaken, ServerDied, ServerStartTimeout
from pytest_k1n.servers.java import Java
from pytest_k1n.servers.probe import ask, check_version, health, reason_of, version
from pytest_k1n.servers.process import ProcessServer, Site, elapsed_note, pick_port
from pytest_k1n.servers.protocol import Endpoint, Kind
from pytest_k1n.servers.readiness import wait_ready
from pytest_k1n.servers.releases import Release
from pytest_k1n.servers.supervised import Supervised
from pytest_k1n.servers.warmup import warm_up

_PORT_ATTEMPTS = 5
_WARM_UPS = 9
"""Executions at least: the first proves that it works, and the JVM still loads and compiles on the next few.

Without them the first fork of a run waited 163 to 213 ms for its workers, above its budget of 150. The first ones take
150 ms each, from about the eighth on 80.
"""
_FAILED = "APPLICATION FAILED TO START"
_TAKEN = ("Address already in use", "was already in use", "BindException")
_REQUEST_WITHIN_S = 15.0
_REMEDY = "--k1n-server=embedded, or a longer --k1n-startup-timeout"


class JarServer(ProcessServer):
    """One server process from a boot jar, and the same again on the same database after a fault.

    `database` is a folder that outlives the server; by default its database is in the site's folder. `overrides` are
    Spring properties that go before our own, such as those of a database server, `secrets` variables of its environment
    that no command line may show. `release` is what is known of the jar.
    """

    def __init__(
        self,
        site: Site,
        *,
        jar: Path,
        java: Java,
        database: Path | None = None,
        overrides: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        release: Release | None = None,
    ) -> None:
        super().__init__(site)
        self._overrides = overrides or {}
        self._secrets = secrets or {}
        self._jar = jar
        self._release = release
        self._java = java
        self._database = database
        self._version = ""
        self._log_offset = 0
        self.capability: Capability | None = None
        """What it was capable of when it was warmed up; None before."""

    def restart(self, deadline: float) -> Endpoint:
        """Start it again on the same port and database, after its death. Raises ServerError."""
        began = time.monotonic()
        process = self.process
        process.kill()
        self._mark_log()
        process.again()
        port = Address.parse(self.endpoint.url).port
        self._await_ready(process, port, deadline)
        self._endpoint = replace(self._describe(process, port, began), fork_ms=self.endpoint.fork_ms)
        return self._endpoint

    def _start(self, deadline: float) -> Endpoint:
        """Start it, on another port if the picked one turns out to be taken, and run a first execution."""
        began = time.monotonic()
        fixed = self.site.port
        attempts = 1 if fixed else _PORT_ATTEMPTS
        while True:
            port = pick_port(fixed)
            try:
                return self._start_on(port, began, deadline)
            except PortTaken:
                self.stop()
                attempts -= 1
                if attempts == 0:
                    raise
                self.site.report(f"port {port} was taken in the meantime: trying another")

    def _start_on(self, port: int, began: float, deadline: float) -> Endpoint:
        self.site.report(f"starting Conductor ({self._jar.name}, Java {self._java.major}) on port {port}")
        self._mark_log()
        argv = command(
            self.site, port, jar=self._jar, java=self._java, database=self._database, overrides=self._overrides,
            release=self._release,
        )  # fmt: skip
        process = self._launch(argv, env={**environment(os.environ, self.site.run_uid), **self._secrets})
        self._await_ready(process, port, deadline)
        name = f"k1n_first_{self.site.run_uid}"
        warm = warm_up(_address(port), name=name, died=self.died, deadline=deadline, least=_WARM_UPS)
        self.capability = warm
        endpoint = replace(self._describe(process, port, began), fork_ms=warm.fork_ms)
        self.site.report(f"Conductor {endpoint.version} is {endpoint.notes[-1]}, {warm}")
        return endpoint

    def _await_ready(self, process: Supervised, port: int, deadline: float) -> None:
        try:
            wait_ready(
                what=f"jar: {self._jar.name}, pid {process.pid}",
                died=lambda: self.died() or self._start_failure(),
                probe=lambda: health(_address(port)),
                deadline=deadline,
                facts=self._facts,
                remedy=_REMEDY,
                report=self.site.report,
            )
        except ServerDied as error:
            if any(sign in self._log_since_start() for sign in _TAKEN):
                raise PortTaken(f"port {port} is in use by another process", remedy="another port") from error
            raise
        self._check_identity(port)

    def _check_identity(self, port: int) -> None:
        """Make sure that the answer came from our process, not from one that took the port while the JVM started."""
        try:
            document = ask(_address(port), "GET", "/actuator/info", timeout_s=_REQUEST_WITHIN_S).json()
            found = version(_address(port), timeout_s=_REQUEST_WITHIN_S)
        except OSError as error:
            raise ServerStartTimeout(
                f"Conductor became ready and fell silent ({reason_of(error)}).",
                *self._facts(),
                remedy=_REMEDY,
            ) from None
        match document:
            case {"k1n": {"run": self.site.run_uid}}:
                self._version = check_version(found, f"the jar {self._jar}")
            case _:
                raise PortTaken(f"another server answers on port {port}", remedy="another port")

    def _start_failure(self) -> str | None:
        """Read in the log that the start failed: the JVM lives on then, kept by the sweeper's threads (3.32.1)."""
        return "the application failed to start" if _FAILED in self._log_since_start() else None

    def _log_since_start(self) -> str:
        with self.site.log.open("rb") as stream:
            stream.seek(self._log_offset)
            return stream.read().decode("utf-8", "replace")

    def _mark_log(self) -> None:
        """Remember where the log ends, so that signs of an earlier start are not taken for signs of this one."""
        self._log_offset = self.site.log.stat().st_size if self.site.log.exists() else 0

    def _describe(self, process: Supervised, port: int, began: float) -> Endpoint:
        java = f"Java {self._java.version} from {self._java.origin}"
        return Endpoint(
            kind=Kind.JAR,
            url=_address(port).url,
            version=self._version,
            pid=process.pid,
            log_path=self.site.log,
            owned=True,
            notes=(*self.site.notes, java, elapsed_note(began)),
        )


def command(
    site: Site,
    port: int,
    *,
    jar: Path,
    java: Java,
    database: Path | None = None,
    overrides: Mapping[str, str] | None = None,
    release: Release | None = None,
) -> list[str]:
    """Return the command line of a server on `port`, loopback only."""
    folder = site.folder.absolute()
    own = {
        "server.port": str(port),
        "server.address": "127.0.0.1",
        **(
            {}
            if release and release.in_memory
            else {"spring.datasource.url": sqlite_url((database.absolute() if database else folder) / "conductor.db")}
        ),
        **properties(run_uid=site.run_uid),
        **(release.properties if release else {}),
        **(overrides or {}),
    }
    return [
        str(java.path),
        *JVM_FLAGS,
        f"-Djava.io.tmpdir={folder}",  # native libraries, payload folders, Tomcat's own
        "-jar",
        str(jar),
        *(f"--{key}={value}" for key, value in own.items()),
    ]


def _address(port: int) -> Address:
    return Address.parse(f"http://127.0.0.1:{port}")
