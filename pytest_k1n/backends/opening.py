"""Opening what the director drives: which server, which time model, whose workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias, Union

from pytest_k1n.coordination.backend import TimeScale
from pytest_k1n.run.run import Run
from pytest_k1n.run.server_choice import overlapping, time_of
from pytest_k1n.servers.errors import NothingWorks, WrongClock
from pytest_k1n.servers.protocol import Endpoint, Kind, ServerSpec
from pytest_k1n.settings import Settings

if TYPE_CHECKING:
    from pytest_k1n.backends.embedded import EmbeddedBackend
    from pytest_k1n.backends.real import RealBackend
    from pytest_k1n.client.api import Conductor
    from pytest_k1n.servers.supervised import Supervised

Backend: TypeAlias = Union["EmbeddedBackend", "RealBackend"]
"""A running server with its workers; both have the same attributes and methods."""


def time_at(settings: Settings, endpoint: Endpoint, client: Conductor) -> TimeScale:
    """Choose the time model for a server that is ready: an embedded engine at a URL has the clock it was started with.

    Raises WrongClock where that does not suit what the settings ask for.
    """
    time = time_of(settings, endpoint.kind)
    if endpoint.kind is not Kind.URL:
        return time
    clock = str(client.clock()["clock"]) if endpoint.is_embedded else "real"
    if clock == "virtual" and settings.time in (None, "virtual"):
        return TimeScale(name="virtual")
    if clock == "real" and time.name != "virtual":
        return time
    kind = "embedded engine" if endpoint.is_embedded else "Conductor server"
    asked = f"--k1n-time={settings.time}" if settings.time else "a run of batches"
    wanted = "virtual" if settings.time == "virtual" else "real" if settings.time else "virtual or real"
    raise WrongClock(
        f"{asked} needs a {wanted} clock; the {kind} at {endpoint.shown_url} has a {clock} one",
        remedy="another --k1n-time" if settings.time else "an engine that was started with --clock virtual",
    )


@contextmanager
def open_backend(
    run: Run, spec: ServerSpec, say: Callable[[str], None], launched: Callable[[Supervised], None]
) -> Iterator[Backend]:
    """Open server and workers; end both, whatever happens. Raises ServerError.

    `launched` is told of the server's processes before they are ready.
    """
    settings = run.settings
    if spec.kind is Kind.EMBEDDED and time_of(settings, spec.kind).name == "virtual":
        yield _embedded(run)
        return
    from pytest_k1n.backends.real import RealBackend, own_worker  # brings what only servers need, half of all imports
    from pytest_k1n.client.api import Conductor
    from pytest_k1n.client.clock import in_world
    from pytest_k1n.client.transport import transport_for
    from pytest_k1n.servers.external import defaults_for
    from pytest_k1n.servers.foreign import warmed
    from pytest_k1n.servers.opening import running_server

    with ExitStack() as stack:
        try:
            server = stack.enter_context(
                running_server(
                    _with_processes(spec, settings),
                    run_uid=run.uid,
                    folder=run.folder_path / "server",
                    report=say,
                    log_path=run.folder_path / "server.log",
                    launched=launched,
                )
            )
        except NothingWorks as nothing:
            if settings.time not in (None, "virtual"):
                raise
            yield _embedded(run, nothing.notes or ("docker, jar passed over: virtual time needs the embedded engine",))
            return
        for note in server.endpoint.notes:
            say(note)
        register = settings.register or defaults_for(server.endpoint).register
        warm = warmed(server.endpoint, uid=run.uid, register=register, within_s=settings.startup_timeout_ms / 1000)
        if warm.note:
            say(warm.note)
        client = Conductor(transport_for(server.endpoint.url))
        stack.callback(client.close)
        asked = time_at(settings, server.endpoint, client)
        if server.endpoint.kind is Kind.URL:
            _clear_up(client, server.endpoint.shown_url, say)
        world = None
        if asked.name == "virtual" and server.endpoint.is_embedded:
            world = stack.enter_context(_world(client, f"k1n-{run.uid}"))
            client = Conductor(transport_for(server.endpoint.url, headers=in_world(world)))
            stack.callback(client.close)
        known = server.endpoint.fork_ms if warm.fork_ms is None else warm.fork_ms
        time = overlapping(run, asked, fork_ms=known)
        if time != asked:
            say(f"scaled time x{time.speed:g}, not x{asked.speed:g}: what the plan has side by side could not overlap")
        kind = run.settings.workers or defaults_for(server.endpoint).workers
        has_work = run.collection is not None and run.collection.launches  # tests' own executions bring a worker each
        worker = (
            stack.enter_context(own_worker(run, server.endpoint, time, world)) if kind == "own" and has_work else None
        )
        yield RealBackend(run, server, client, time, worker, warm)


def _clear_up(client: Conductor, url: str, say: Callable[[str], None]) -> None:
    """End what killed runs of this machine have left on a server."""
    from pytest_k1n.client.errors import ConductorError
    from pytest_k1n.coordination.leftovers import clear, leftovers

    try:
        for line in clear(client, [each for each in leftovers() if each.url == url]):
            say(line)
    except ConductorError as error:
        say(f"what a killed run has left could not be cleared up: {error}")


@contextmanager
def _world(client: Conductor, name: str) -> Iterator[str]:
    """Have a clock of the run's own on an engine that others use, too."""
    client.open_world(name, stands=False)
    try:
        yield name
    finally:
        from pytest_k1n.client.errors import ConductorError

        with suppress(ConductorError):  # the engine has gone, or another has been started in its place
            client.close_world(name)


def _with_processes(spec: ServerSpec, settings: Settings) -> ServerSpec:
    """Say which processes may serve: in virtual time the embedded engine needs none, and nothing else can do it."""
    tiers = spec.tiers
    if spec.kind is Kind.AUTO and settings.time in (None, "virtual"):
        tiers = () if settings.time else tuple(tier for tier in tiers if tier is not Kind.EMBEDDED)
    return replace(
        spec,
        tiers=tiers,
        engine_arguments=("--clock", "real", "--seed", str(settings.seed), "--conductor", settings.conductor),
    )


def _embedded(run: Run, notes: Sequence[str] = ()) -> Backend:
    from pytest_k1n.backends.embedded import EmbeddedBackend  # brings the engine, which a real server's run never needs

    return EmbeddedBackend(run, notes)
