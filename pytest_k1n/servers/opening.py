"""Open the server that a spec asks for: one context manager for every kind, and the choice of `auto`."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from .errors import ServerError, TierUnavailable
from .protocol import Endpoint, Kind, Report, Server, ServerSpec

AUTO_ORDER = (Kind.DOCKER, Kind.JAR, Kind.EMBEDDED)
_EMBEDDED = "pytest_k1n.servers.embedded"


@contextmanager
def open_server(
    spec: ServerSpec,
    *,
    run_uid: str,
    folder: Path,
    startup_timeout_s: float | None = None,
    report: Report = lambda _text: None,
    log_path: Path | None = None,
) -> Iterator[Endpoint]:
    """Start (or look at) the server of `spec` and give its endpoint; stop it at the end, whatever ends us.

    `folder` is temporary: made if absent, removed with the server. `log_path` outside it survives. Fetching software
    does not count against the start-up timeout (default: the spec's). Raises ServerError.
    """
    with running_server(
        spec, run_uid=run_uid, folder=folder, startup_timeout_s=startup_timeout_s, report=report, log_path=log_path
    ) as server:
        yield server.endpoint


@contextmanager
def running_server(
    spec: ServerSpec,
    *,
    run_uid: str,
    folder: Path,
    startup_timeout_s: float | None = None,
    report: Report = lambda _text: None,
    log_path: Path | None = None,
    hold: tuple[int, ...] = (),
    grace_s: float = 0.0,
) -> Iterator[Server]:
    """Do as `open_server` does, and give the server itself, which can be asked whether it lives, killed, released."""
    site = Site(
        run_uid=run_uid,
        folder=folder,
        log_path=log_path,
        report=report,
        timeout_s=spec.startup_timeout_s if startup_timeout_s is None else startup_timeout_s,
        hold=hold,
        grace_s=grace_s,
    )
    with ExitStack() as stack:
        if spec.kind is Kind.AUTO:
            yield _first_that_works(spec, site, stack)
        else:
            yield stack.enter_context(_OPENERS[spec.kind](spec, site))


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a server gets from its run, whatever its kind."""

    run_uid: str
    folder: Path
    log_path: Path | None
    report: Report
    timeout_s: float
    hold: tuple[int, ...] = ()
    grace_s: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def deadline(self) -> float:
        """The start-up deadline, counted from now."""
        return time.monotonic() + self.timeout_s


def _first_that_works(spec: ServerSpec, site: Site, stack: ExitStack) -> Server:
    passed_over: list[tuple[Kind, ServerError]] = []
    for kind in AUTO_ORDER:
        notes = tuple(f"{tier} passed over: {error.line}" for tier, error in passed_over)
        # Pulling an image or fetching a jar takes minutes; a tier that would need the former is not at hand.
        candidate = replace(spec, kind=kind, pull=False)
        try:
            return stack.enter_context(_OPENERS[kind](candidate, replace(site, notes=notes)))
        except ServerError as error:
            site.report(f"{kind} passed over: {error.line}")
            passed_over.append((kind, error))
    raise TierUnavailable(
        "No kind of server works here.",
        *((str(kind), error.line) for kind, error in passed_over),
        remedy=f"{spec.source} with the kind you expect to work, to see its whole message",
    )


@contextmanager
def _open_jar(spec: ServerSpec, site: Site) -> Iterator[Server]:
    from .bootjar import find_jar
    from .exploded import runnable
    from .jar import JarServer, JarSettings
    from .java import find_java

    java = find_java(spec.java_path)
    jar = find_jar(spec.jar_path, version=spec.version, report=site.report)
    settings = JarSettings(
        jar=runnable(jar, java, report=site.report),
        java=java,
        folder=site.folder,
        run_uid=site.run_uid,
        log_path=site.log_path,
        port=spec.port,
        database=spec.database,
        grace_s=site.grace_s,
        hold=site.hold,
        notes=site.notes,
    )
    with JarServer(settings, report=site.report) as server:
        server.start(site.deadline)
        yield server


@contextmanager
def _open_external(spec: ServerSpec, site: Site) -> Iterator[Server]:
    from .external import ExternalServer

    server = ExternalServer(spec)
    server.start(site.deadline)
    yield server


@contextmanager
def _open_container(spec: ServerSpec, site: Site) -> Iterator[Server]:
    from .container import ContainerServer, ContainerSettings, find_engine

    settings = ContainerSettings(
        engine=find_engine(spec.container_cli),
        image=spec.image,
        pull=spec.pull,
        folder=site.folder,
        run_uid=site.run_uid,
        log_path=site.log_path,
        port=spec.port,
        hold=site.hold,
        notes=site.notes,
    )
    with ContainerServer(settings, report=site.report) as server:
        server.start(site.deadline)
        yield server


@contextmanager
def _open_embedded(spec: ServerSpec, site: Site) -> Iterator[Server]:
    if importlib.util.find_spec(_EMBEDDED) is None:
        raise TierUnavailable(
            "this installation has no embedded engine", remedy="pip install --force-reinstall pytest-k1n"
        )
    opened: AbstractContextManager[Endpoint] = importlib.import_module(_EMBEDDED).open_embedded(
        spec,
        run_uid=site.run_uid,
        folder=site.folder,
        startup_timeout_s=site.timeout_s,
        report=site.report,
        log_path=site.log_path,
    )
    with opened as endpoint:
        yield _Opened(replace(endpoint, notes=(*site.notes, *endpoint.notes)))


class _Opened:
    """A server that is started and stopped by a context manager of its own."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    @property
    def endpoint(self) -> Endpoint:
        return self._endpoint

    def start(self, deadline: float) -> Endpoint:
        """Return the endpoint: it runs already."""
        del deadline
        return self._endpoint

    def stop(self) -> None:
        """Leave it to its context manager."""

    def died(self) -> str | None:
        """It lives in a process that would have died with it."""
        return None


_OPENERS: dict[Kind, Callable[[ServerSpec, Site], AbstractContextManager[Server]]] = {
    Kind.JAR: _open_jar,
    Kind.URL: _open_external,
    Kind.DOCKER: _open_container,
    Kind.EMBEDDED: _open_embedded,
}
