"""A Conductor server of our own in a container, by whatever docker-compatible command there is."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass

from pytest_k1n.client.address import Address
from pytest_k1n.core.text import from_json
from pytest_k1n.servers.configuration import RUN_UID, properties, sqlite_url
from pytest_k1n.servers.errors import ServerStartTimeout, TierUnavailable
from pytest_k1n.servers.probe import check_version, health, reason_of, version
from pytest_k1n.servers.process import ProcessServer, Site, elapsed_note
from pytest_k1n.servers.protocol import Endpoint, Kind
from pytest_k1n.servers.readiness import wait_ready
from pytest_k1n.servers.supervised import log_tail
from pytest_k1n.servers.warmup import warm_up

ENGINES = ("docker", "podman")
API_PORT = 8080
LABEL = "k1n.run"
_ANSWER_WITHIN_S = 20.0
_REMOVE_GRACE_S = 2.0
_NOT_HERE = "use --k1n-server=jar or --k1n-server=embedded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerEngine:
    """A container engine whose daemon (if it needs one) answers."""

    command: str
    version: str


def find_engine(option: str | None = None) -> ContainerEngine:
    """Return the first engine that answers; `option` is final if given.

    Raises TierUnavailable with the reason of each: no such command, or a daemon that does not answer.
    """
    checked: list[tuple[str, str]] = []
    for name in (option,) if option else ENGINES:
        path = shutil.which(name)
        if path is None:
            checked.append((name, "not on PATH"))
            continue
        outcome = _call([path, "version", "--format", "json"])
        found = _server_version(outcome.stdout) if outcome.ok else None
        if found:
            return ContainerEngine(command=path, version=found)
        checked.append((name, f"{path} does not reach its engine ({outcome.reason})"))
    reasons = "; ".join(f"{name}: {reason}" for name, reason in checked)
    raise TierUnavailable(f"no container engine answers ({reasons})", remedy=f"start one, or {_NOT_HERE}")


def running_containers(engine: ContainerEngine) -> tuple[str, ...]:
    """Return the names of all running containers. Raises TierUnavailable."""
    outcome = _call([engine.command, "ps", "--format", "{{.Names}}"])
    if not outcome.ok:
        raise TierUnavailable(
            f"{engine.command} ps failed ({outcome.reason})", remedy=f"start the engine, or {_NOT_HERE}"
        )
    return tuple(outcome.stdout.split())


class ContainerServer(ProcessServer):
    """One container, whose attached client runs supervised, so that its end is ours to notice."""

    def __init__(self, site: Site, *, engine: ContainerEngine, image: str, pull: bool = True) -> None:
        super().__init__(site)
        self._engine = engine
        self._image = image
        self._pull = pull
        self._name = f"k1n-{site.run_uid}"

    def _start(self, deadline: float) -> Endpoint:
        """Run the container, ask the engine for its port, wait, and run a first execution."""
        began = time.monotonic()
        self._have_image(deadline)
        self.site.report(f"starting a container of {self._image} with {self._engine.command}")
        removal = [self._engine.command, "rm", "--force", "--volumes", self._name]
        process = self._launch(
            run_command(self.site, engine=self._engine, image=self._image, name=self._name),
            env={**os.environ, RUN_UID: self.site.run_uid},
            grace_s=_REMOVE_GRACE_S,
            # Twice: a client that was killed while the engine created the container leaves one a moment later.
            at_end=[removal, ["sleep", "0.5"], removal],
        )
        address = self._await_port(deadline)
        wait_ready(
            what=f"container {self._name} of {self._image}",
            died=self.died,
            probe=lambda: health(address),
            deadline=deadline,
            facts=self._facts,
            remedy=_NOT_HERE,
            report=self.site.report,
        )
        try:
            supported = check_version(version(address, timeout_s=15), self._image)
        except OSError as error:
            raise ServerStartTimeout(f"Conductor became ready and fell silent ({reason_of(error)}).") from None
        warm = warm_up(address, name=f"k1n_first_{self.site.run_uid}", died=self.died, deadline=deadline)
        by = f"container {self._name} by {self._engine.command} {self._engine.version}"
        self.site.report(f"Conductor {supported} is ready, {warm}")
        return Endpoint(
            kind=Kind.DOCKER,
            url=address.url,
            version=supported,
            fork_ms=warm.fork_ms,
            pid=process.pid,
            log_path=self.site.log,
            owned=True,
            notes=(*self.site.notes, by, elapsed_note(began)),
        )

    def _have_image(self, deadline: float) -> None:
        command = self._engine.command
        if _call([command, "image", "inspect", self._image]).ok:
            return
        if not self._pull:
            raise TierUnavailable(f"the image {self._image} is not here", remedy=f"{command} pull {self._image}")
        self.site.report(f"pulling {self._image} with {command}")
        outcome = _call([command, "pull", "--quiet", self._image], within_s=max(1.0, deadline - time.monotonic()))
        if not outcome.ok:
            raise TierUnavailable(
                f"the image {self._image} is not here and cannot be pulled ({outcome.reason})",
                remedy=f"another image with --k1n-image, or {_NOT_HERE}",
            )

    def _await_port(self, deadline: float) -> Address:
        """Ask the engine which port it chose; the container exists a moment after its client started."""
        while True:
            outcome = _call([self._engine.command, "port", self._name, f"{API_PORT}/tcp"])
            if outcome.ok and (port := outcome.stdout.strip().rpartition(":")[2]).isdigit():
                return Address.parse(f"http://127.0.0.1:{port}")
            if ending := self.died():
                raise TierUnavailable(
                    f"the container of {self._image} did not start ({ending}): {log_tail(self.site.log, 2)}",
                    remedy=_NOT_HERE,
                )
            if time.monotonic() >= deadline:
                raise ServerStartTimeout(
                    f"the container {self._name} got no port in time ({outcome.reason}).",
                    *self._facts(),
                    remedy=_NOT_HERE,
                )
            time.sleep(0.05)


def run_command(site: Site, *, engine: ContainerEngine, image: str, name: str) -> list[str]:
    """Return the command that runs the container attached, its port on loopback only."""
    own = {
        **properties(run_uid=site.run_uid),
        "spring.datasource.url": sqlite_url("/tmp/conductor.db"),
        "user.timezone": "UTC",
    }
    options = " ".join(f"-D{key}={value}" for key, value in own.items())
    return [
        engine.command,
        "run",
        "--rm",
        f"--name={name}",
        f"--label={LABEL}={site.run_uid}",
        f"--publish=127.0.0.1:{site.port or ''}:{API_PORT}",
        f"--env=JAVA_OPTS=-Xmx1g {options}",
        f"--env={RUN_UID}={site.run_uid}",
        image,
    ]


@dataclass(frozen=True, slots=True)
class _Outcome:
    ok: bool
    stdout: str
    reason: str


def _call(argv: list[str], *, within_s: float = _ANSWER_WITHIN_S) -> _Outcome:
    """Run a short command of the engine; never raises."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=within_s, check=False)
    except subprocess.TimeoutExpired:
        return _Outcome(False, "", f"no answer within {within_s:.0f}s")
    except OSError as error:
        return _Outcome(False, "", error.strerror or str(error))
    stderr = done.stderr.decode("utf-8", "replace").strip()
    reason = stderr.splitlines()[-1][:200] if stderr else f"exit code {done.returncode}"
    return _Outcome(done.returncode == 0, done.stdout.decode("utf-8", "replace"), reason)


def _server_version(text: str) -> str | None:
    """Read the engine's version: docker tells its daemon's beside its own, podman (no daemon) only its own."""
    try:
        document = from_json(text)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    part = document.get("Server") or (document.get("Client") if "Server" not in document else None)
    return str(part["Version"]) if isinstance(part, dict) and part.get("Version") else None
