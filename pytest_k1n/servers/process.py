"""What every server that is a process of this run has in common: where it lives, its death, its end."""

from __future__ import annotations

import errno
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_k1n.servers.errors import PortTaken
from pytest_k1n.servers.protocol import Endpoint, Report
from pytest_k1n.servers.supervised import Supervised, log_tail


def _silence(_told: object) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a server gets from its run, whatever its kind."""

    run_uid: str
    folder: Path
    """Temporary: the server's current folder and database are in it, and it is removed at the end."""
    log_path: Path | None = None
    """Default `server.log` in `folder`; elsewhere it outlives the server."""
    port: int | None = None
    """A fixed port on loopback; None means any that is free."""
    grace_s: float = 0.0
    """Seconds between TERM and KILL: a throw-away database needs none."""
    hold: tuple[int, ...] = ()
    """Descriptors (locks) that last as long as the server."""
    remove: tuple[Path, ...] = ()
    """Files that are removed with it."""
    notes: tuple[str, ...] = ()
    """What the header has to say beforehand: why other tiers were passed over."""
    report: Report = _silence
    launched: Callable[[Supervised], None] = _silence
    """Is told of each process: another thread may kill it, which ends a start that nobody waits for any more."""

    @property
    def log(self) -> Path:
        return self.log_path or self.folder / "server.log"


class ProcessServer:
    """A server under a supervisor; not thread-safe but for `died` and `kill`. Use it as a context manager."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._process: Supervised | None = None
        self._endpoint: Endpoint | None = None

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens. Raises RuntimeError before `start`."""
        if self._endpoint is None:
            raise RuntimeError("the server was not started")
        return self._endpoint

    @property
    def process(self) -> Supervised:
        """Its process group. Raises RuntimeError before `start` and after `stop`."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process

    def start(self, deadline: float) -> Endpoint:
        """Become ready before `deadline` or raise a ServerError, leaving nothing behind."""
        try:
            self._endpoint = self._start(deadline)
        except BaseException:
            self.stop()
            raise
        return self._endpoint

    def stop(self) -> None:
        """End the server and remove its folder; harmless when repeated."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def died(self) -> str | None:
        """Describe the end of its process (`signal SIGKILL`), or None while it lives."""
        code = self.process.poll()
        return None if code is None else describe_exit(code)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to its process group: a fault, on purpose."""
        self.process.kill(number)

    def release(self) -> int:
        """Let the server outlive this process; return the pid of its supervisor, which SIGTERM ends."""
        supervisor = self.process.release()
        self._process = None
        return supervisor

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, deadline: float) -> Endpoint:
        raise NotImplementedError

    def _launch(
        self, argv: Sequence[str], *, env: Mapping[str, str], at_end: Sequence[Sequence[str]] = (), grace_s: float = 0.0
    ) -> Supervised:
        site = self.site
        self._process = Supervised(
            argv,
            folder=site.folder,
            log_path=site.log,
            env=env,
            cwd=site.folder,
            grace_s=max(grace_s, site.grace_s),
            at_end=at_end,
            remove=site.remove,
            hold=site.hold,
        )
        entered = self._process.__enter__()
        site.launched(entered)
        return entered

    def _facts(self) -> tuple[tuple[str, str], ...]:
        return (("log tail", f"{self.site.log}: {log_tail(self.site.log) or 'empty'}"),)


def describe_exit(code: int) -> str:
    """Say how a process ended: `code 1`, `signal SIGKILL`."""
    if code >= 0:
        return f"code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def pick_port(fixed: int | None) -> int:
    """Return the fixed port or let the system pick one; another process may take either before the server does.

    Raises PortTaken if the fixed one is in use already.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for a listener
        try:
            probe.bind(("127.0.0.1", fixed or 0))
        except OSError as error:
            why = "is in use" if error.errno != errno.EACCES else "needs more rights than ours"
            raise PortTaken(f"port {fixed} {why}", remedy="another --port, or stop the process that uses it") from None
        return int(probe.getsockname()[1])


def elapsed_note(began: float) -> str:
    """Say for the header how long a start took."""
    return f"ready after {time.monotonic() - began:.1f}s"
