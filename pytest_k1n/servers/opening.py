"""Open the server that a spec asks for: one context manager for every kind, and the choice of `auto`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from pytest_k1n.servers.errors import JarDamaged, NothingWorks, ServerError
from pytest_k1n.servers.process import ProcessServer, Site
from pytest_k1n.servers.protocol import SERVER_VERSION, Endpoint, Kind, Report, Server, ServerSpec
from pytest_k1n.servers.supervised import Supervised


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
    launched: Callable[[Supervised], None] = lambda _process: None,
) -> Iterator[Server]:
    """Do as `open_server` does, and give the server itself, which can be asked whether it lives.

    `launched` is told of its processes as soon as there are any: to kill them ends a start at once.
    """
    site = Site(
        run_uid=run_uid, folder=folder, log_path=log_path, port=spec.port, report=report, launched=launched
    )  # fmt: skip
    timed = spec if startup_timeout_s is None else replace(spec, startup_timeout_s=startup_timeout_s)
    if spec.kind is Kind.URL:
        from pytest_k1n.servers.external import ExternalServer

        external = ExternalServer(spec)
        external.start(time.monotonic() + timed.startup_timeout_s)
        yield external
        return
    with own_server(timed, site) as server:
        yield server


@contextmanager
def own_server(spec: ServerSpec, site: Site) -> Iterator[ProcessServer]:
    """Start a server of our own for `site`; any kind but `url`. Raises ServerError."""
    with ExitStack() as stack:
        if spec.kind is Kind.AUTO:
            yield _first_that_works(spec, site, stack)
        else:
            yield stack.enter_context(_started(spec, site))


def _first_that_works(spec: ServerSpec, site: Site, stack: ExitStack) -> ProcessServer:
    passed_over: list[tuple[Kind, ServerError]] = []
    for kind in spec.tiers:
        notes = _notes(passed_over)
        # Nobody asked for a container: an image that is not here is a reason, not a download of minutes.
        candidate = replace(spec, kind=kind, pull=False)
        try:
            return stack.enter_context(_started(candidate, replace(site, notes=(*site.notes, *notes))))
        except ServerError as error:
            site.report(f"{kind} passed over: {error.line}")
            passed_over.append((kind, error))
    nothing = NothingWorks(
        "No kind of server works here.",
        *((str(kind), error.line) for kind, error in passed_over),
        remedy=f"{spec.source} with the kind that you expect to work, to see its whole message",
    )
    nothing.notes = _notes(passed_over)
    raise nothing


def _notes(passed_over: list[tuple[Kind, ServerError]]) -> tuple[str, ...]:
    return tuple(f"{tier} passed over: {error.line}" for tier, error in passed_over)


def _started(spec: ServerSpec, site: Site) -> AbstractContextManager[ProcessServer]:
    return _running(_MAKERS[spec.kind](spec, site), spec.startup_timeout_s * spec.servers)


@contextmanager
def _running(server: ProcessServer, timeout_s: float) -> Iterator[ProcessServer]:
    with server:
        server.start(time.monotonic() + timeout_s)
        yield server


def _jar(spec: ServerSpec, site: Site) -> ProcessServer:
    from pytest_k1n.servers.bootjar import find_jar
    from pytest_k1n.servers.exploded import runnable
    from pytest_k1n.servers.jar import JarServer
    from pytest_k1n.servers.java import find_java
    from pytest_k1n.servers.releases import KNOWN

    java = find_java(spec.java_path)
    found = find_jar(spec.jar_path, version=spec.version, report=site.report)
    release = KNOWN.get(found.version or "")
    if release is not None and release.in_memory and (spec.database or spec.postgres):
        raise JarDamaged(
            f"Conductor {release.version} of the jar tier keeps everything in memory: it has no database.",
            remedy=f"leave out the database, or {SERVER_VERSION}",
        )
    jar = runnable(found, java, report=site.report)
    if spec.postgres:
        from pytest_k1n.servers.cluster import Cluster

        return Cluster(
            site,
            lambda own, database: JarServer(
                own, jar=jar, java=java, overrides=database.properties, secrets=database.secrets
            ),
            servers=spec.servers,
        )
    return JarServer(site, jar=jar, java=java, database=spec.database, release=release)


def _container(spec: ServerSpec, site: Site) -> ProcessServer:
    from pytest_k1n.servers.container import ContainerServer, find_engine

    return ContainerServer(site, engine=find_engine(spec.container_cli), image=spec.image, pull=spec.pull)


def _embedded(spec: ServerSpec, site: Site) -> ProcessServer:
    from pytest_k1n.servers.engineprocess import EngineServer

    return EngineServer(site, arguments=spec.engine_arguments)


_MAKERS: dict[Kind, Callable[[ServerSpec, Site], ProcessServer]] = {
    Kind.JAR: _jar,
    Kind.DOCKER: _container,
    Kind.EMBEDDED: _embedded,
}
