"""Which server and which time model the settings ask for; light, for every header shows it."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_k1n.coordination.backend import TimeScale
from pytest_k1n.core.choices import TimeName
from pytest_k1n.core.extras import MissingExtra, require
from pytest_k1n.engine.dialect import dialect_of
from pytest_k1n.run.mistakes import told
from pytest_k1n.servers.protocol import SERVER_VERSION, Kind, ServerSpec, parse_server
from pytest_k1n.settings import Settings
from pytest_k1n.workers.misbehaviour import BadFault, Fault

if TYPE_CHECKING:
    from pytest_k1n.run.run import Run

SLOTS = 100
"""Tasks of one type that the run's worker does at once: workflows of one batch share task types."""


def spec_of(settings: Settings) -> ServerSpec:
    """Say which server the settings ask for. Raises UsageError, also for a foreign host in the environment."""
    try:
        if settings.server_source == "CONDUCTOR_SERVER_URL":
            from pytest_k1n.servers.external import server_from_environment

            spec = server_from_environment(settings.server)
        else:
            spec = parse_server(settings.server, source=settings.server_source)
    except (ValueError, PermissionError) as error:
        raise told(error) from None
    if spec.kind is Kind.EMBEDDED:
        try:
            dialect_of(settings.conductor)
        except ValueError as error:
            raise told(f"--k1n-conductor: {error}; --k1n-server=jar starts others") from None
    is_postgres = settings.database == "postgres" or (settings.database is None and settings.servers > 1)
    if settings.servers > 1 and not is_postgres:
        raise pytest.UsageError(
            f"--k1n-servers={settings.servers}: SQLite has one server only; use --k1n-database=postgres"
        )
    if is_postgres and spec.kind is not Kind.JAR:
        raise pytest.UsageError(f"--k1n-servers and --k1n-database are the jar tier's; the server is {spec.kind}")
    return replace(
        spec,
        servers=settings.servers,
        postgres=is_postgres,
        jar_path=settings.jar,
        version=settings.conductor,
        java_path=settings.java,
        startup_timeout_s=settings.startup_timeout_ms / 1000,
        image=settings.image or spec.image,
        container_cli=settings.container_cli,
    )


def time_of(settings: Settings, kind: Kind) -> TimeScale:
    """Choose the time model that suits a server. Raises UsageError for one that it cannot have."""
    suited: dict[Kind, TimeName] = {Kind.EMBEDDED: "virtual", Kind.URL: "real"}
    name = settings.time or suited.get(kind, "scaled")
    if name == "virtual" and kind in (Kind.JAR, Kind.DOCKER):
        raise pytest.UsageError(
            f"--k1n-time=virtual needs the embedded engine: the clock of a {kind} server cannot be accelerated; "
            "use --k1n-time=scaled, or --k1n-server=embedded"
        )
    return TimeScale(name=name, speed=settings.speed if name == "scaled" else 1.0)


def own_time(settings: Settings, model: str) -> TimeScale:
    """Choose the time model of executions that tests start themselves, on a server whose batches run in `model` time.

    Where nothing was asked for, work is scaled there too: a test has no two hours, and a plan measures nothing of it.
    """
    if model == "virtual":
        return TimeScale(name="virtual")
    return TimeScale(name="real") if settings.time == "real" else TimeScale(name="scaled", speed=settings.speed)


def overlapping(run: Run, time: TimeScale, *, fork_ms: int | None = None) -> TimeScale:
    """Slow scaled time down to where what the plan has side by side can overlap, unless a speed was asked for.

    `fork_ms` is what the head of a fork waited for its workers when the server was warmed up.
    """
    if time.name != "scaled" or run.collection is None or "speed" in run.settings.chosen:
        return time
    from pytest_k1n.coordination.speed import overlap_speed

    launches, sequential = run.collection.launches, run.settings.sequential
    fastest = overlap_speed(run.plan, launches, sequential=sequential, fork_ms=fork_ms)
    return replace(time, speed=min(time.speed, fastest))


def longest_speed(run: Run) -> float:
    """Return the speed at which a run takes longest, as far as is known before a server is there."""
    kind = spec_of(run.settings).kind
    return 1.0 if kind is Kind.AUTO else overlapping(run, time_of(run.settings, kind), fork_ms=sys.maxsize).speed


def other_release(settings: Settings, kind: Kind) -> str:
    """Name the release of Conductor that the settings ask this kind for; "" where it is the usual one, or has none."""
    is_asked = kind in (Kind.EMBEDDED, Kind.JAR) and settings.conductor != SERVER_VERSION
    return settings.conductor if is_asked else ""


def describe_server(settings: Settings) -> str:
    """Describe the server that the settings ask for, for the header: `jar, scaled time x600`."""
    spec = spec_of(settings)
    if spec.kind is Kind.AUTO:
        return "auto (docker, then jar, then embedded)"
    if spec.kind is Kind.URL and settings.time is None:
        own = f"tests' own executions x{settings.speed:g}"
        return f"{spec.shown_url}, real time ({own}), or virtual if it is an embedded engine's"
    time = time_of(settings, spec.kind)
    where = spec.shown_url if spec.kind is Kind.URL else str(spec.kind)
    if spec.kind is Kind.EMBEDDED:
        where = "embedded engine"
    if spec.postgres:
        where = f"{spec.servers} x jar on one PostgreSQL"
    if release := other_release(settings, spec.kind):
        where += f" {'as' if spec.kind is Kind.EMBEDDED else 'of'} Conductor {release}"
    why = "" if settings.server_source == "default" else f" (from {settings.server_source})"
    return f"{where}{why}, {time.name} time" + (f" x{time.speed:g}" if time.name == "scaled" else "")


def faults_of(settings: Settings) -> list[Fault]:
    """Parse the faults that the run's own worker commits. Raises UsageError for one that is none."""
    try:
        return [Fault.parse(text) for text in settings.faults]
    except BadFault as error:
        raise told(f"--k1n-fault: {error}") from None


def check_extras(settings: Settings, spec: ServerSpec) -> None:
    """Make sure that the chosen server has the libraries it needs. Raises UsageError with the command to type."""
    if spec.kind is Kind.EMBEDDED and time_of(settings, spec.kind).name != "virtual":
        try:
            require("uvicorn", extra="serve", use=f"the embedded engine in {settings.time} time")
        except MissingExtra as missing:
            raise told(missing) from None
