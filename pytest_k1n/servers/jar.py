"""A Conductor server of our own from its boot jar: SQLite, loopback, tuned for low latency."""

from __future__ import annotations

import os
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_k1n.client.address import Address

from .errors import PortTaken, ServerDied, ServerStartTimeout
from .java import Java
from .probe import ask, check_version, health, reason_of, version
from .profile import JVM_FLAGS, environment, properties, sqlite_url
from .protocol import Endpoint, Kind, Report
from .readiness import wait_ready
from .supervised import Supervised, log_tail
from .warmup import run_once

_PORT_ATTEMPTS = 5
_FAILED = "APPLICATION FAILED TO START"
_TAKEN = ("Address already in use", "was already in use", "BindException")
_REQUEST_WITHIN_S = 15.0
_REMEDY = "--k1n-server=embedded, or a longer --k1n-startup-timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class JarSettings:
    """What a jar server is started from."""

    jar: Path
    java: Java
    folder: Path
    """Temporary: current folder, `java.io.tmpdir` and database are in it, and it is removed at the end."""
    run_uid: str
    log_path: Path | None = None
    """Default `server.log` in `folder`; elsewhere it outlives the server."""
    port: int | None = None
    database: Path | None = None
    grace_s: float = 0.0
    """Seconds between TERM and KILL: a throw-away database needs none."""
    hold: tuple[int, ...] = ()
    """Descriptors (locks) that last as long as the server."""
    notes: tuple[str, ...] = ()


class JarServer:
    """One server process, and the same again on the same database after a fault. Use it as a context manager."""

    def __init__(self, settings: JarSettings, *, report: Report = lambda _text: None) -> None:
        self._settings = settings
        self._report = report
        self._process: Supervised | None = None
        self._endpoint: Endpoint | None = None
        self._version = ""
        self._log_offset = 0
        self._log = settings.log_path or settings.folder / "server.log"

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens. Raises RuntimeError before `start`."""
        if self._endpoint is None:
            raise RuntimeError("the jar server was not started")
        return self._endpoint

    def start(self, deadline: float) -> Endpoint:
        """Start it, on another port if the picked one turns out to be taken, and run a first execution.

        Raises ServerDied, ServerStartTimeout, PortTaken or ServerTooOld, with nothing left behind.
        """
        began = time.monotonic()
        fixed = self._settings.port
        if fixed and _is_taken(fixed):
            raise PortTaken(f"port {fixed} is in use", remedy="another port, or stop who uses it")
        for attempt in range(_PORT_ATTEMPTS):
            port = fixed or _free_port()
            try:
                return self._start_on(port, began, deadline)
            except PortTaken:
                self.stop()
                if fixed or attempt + 1 == _PORT_ATTEMPTS:
                    raise
                self._report(f"port {port} was taken in the meantime: trying another")
            except BaseException:
                self.stop()
                raise
        raise AssertionError("unreachable")

    def stop(self) -> None:
        """End the server and remove its folder; harmless when repeated."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def died(self) -> str | None:
        """Describe the end of the server process, or None while it lives."""
        code = self._running().poll()
        return None if code is None else describe_exit(code)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the server's process group: a fault, on purpose."""
        self._running().kill(number)

    def restart(self, deadline: float) -> Endpoint:
        """Start it again on the same port and database, after its death."""
        began = time.monotonic()
        process = self._running()
        process.kill()
        process.again()
        port = Address.parse(self.endpoint.url).port
        self._await_ready(process, port, deadline)
        self._endpoint = self._describe(process, port, time.monotonic() - began)
        return self._endpoint

    def release(self) -> int:
        """Let the server outlive this process; return the pid of its supervisor, which SIGTERM ends."""
        process, self._process = self._running(), None
        return process.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _running(self) -> Supervised:
        if self._process is None:
            raise RuntimeError("the jar server was not started")
        return self._process

    def _start_on(self, port: int, began: float, deadline: float) -> Endpoint:
        settings = self._settings
        self._report(f"starting Conductor ({settings.jar.name}, Java {settings.java.major}) on port {port}")
        self._log_offset = self._log.stat().st_size if self._log.exists() else 0
        self._process = Supervised(
            command(settings, port),
            folder=settings.folder,
            log_path=self._log,
            env=environment(os.environ, settings.run_uid),
            cwd=settings.folder,
            grace_s=settings.grace_s,
            hold=settings.hold,
        )
        process = self._process.__enter__()
        self._await_ready(process, port, deadline)
        name = f"k1n_first_{settings.run_uid}"
        first_s = run_once(_address(port), name=name, died=self.died, deadline=deadline)
        self._endpoint = self._describe(process, port, time.monotonic() - began)
        self._report(f"{self._endpoint.notes[-1]}, first execution in {first_s:.1f}s")
        return self._endpoint

    def _await_ready(self, process: Supervised, port: int, deadline: float) -> None:
        settings = self._settings
        try:
            wait_ready(
                what=f"jar: {settings.jar.name}, pid {process.pid}",
                died=lambda: self.died() or self._start_failure(),
                probe=lambda: health(_address(port)),
                deadline=deadline,
                facts=lambda: (("log tail", f"{self._log}: {log_tail(self._log) or 'empty'}"),),
                remedy=_REMEDY,
                report=self._report,
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
                ("log tail", f"{self._log}: {log_tail(self._log) or 'empty'}"),
                remedy=_REMEDY,
            ) from None
        match document:
            case {"k1n": {"run": self._settings.run_uid}}:
                self._version = check_version(found, f"the jar {self._settings.jar}")
            case _:
                raise PortTaken(f"another server answers on port {port}", remedy="another port")

    def _start_failure(self) -> str | None:
        """Read in the log that the start failed: the JVM lives on then, kept by the sweeper's threads (3.32.1)."""
        return "the application failed to start" if _FAILED in self._log_since_start() else None

    def _log_since_start(self) -> str:
        with self._log.open("rb") as stream:
            stream.seek(self._log_offset)
            return stream.read().decode("utf-8", "replace")

    def _describe(self, process: Supervised, port: int, took_s: float) -> Endpoint:
        java = self._settings.java
        return Endpoint(
            kind=Kind.JAR,
            url=_address(port).url,
            version=self._version,
            pid=process.pid,
            log_path=self._log,
            owned=True,
            notes=(*self._settings.notes, f"Java {java.version} from {java.origin}", f"ready after {took_s:.1f}s"),
        )


def command(settings: JarSettings, port: int) -> list[str]:
    """Return the command line of a server on `port`, loopback only."""
    own = {
        "server.port": str(port),
        "server.address": "127.0.0.1",
        "spring.datasource.url": sqlite_url((settings.database or settings.folder).absolute() / "conductor.db"),
        **properties(run_uid=settings.run_uid),
    }
    return [
        str(settings.java.path),
        *JVM_FLAGS,
        f"-Djava.io.tmpdir={settings.folder.absolute()}",  # native libraries, payload folders, Tomcat's own
        "-jar",
        str(settings.jar),
        *(f"--{key}={value}" for key, value in own.items()),
    ]


def describe_exit(code: int) -> str:
    """Say how a process ended: `code 1`, `signal SIGKILL`."""
    if code >= 0:
        return f"code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def _address(port: int) -> Address:
    return Address.parse(f"http://127.0.0.1:{port}")


def _free_port() -> int:
    """Let the system pick a port; somebody may take it before the JVM does, hence the attempts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for a listener
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
