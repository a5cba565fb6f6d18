"""What the director drives: a server, a client on it, and the workers that do the work there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypedDict

if TYPE_CHECKING:
    from pytest_k1n.client.api import Conductor
    from pytest_k1n.core.capability import Capability
    from pytest_k1n.core.choices import RegisterPolicy, TimeName
    from pytest_k1n.core.model import Json
    from pytest_k1n.core.weather import Weather


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeScale:
    """How simulated work relates to workflow time (docs/explanation/workflow-time.md)."""

    name: TimeName
    speed: float = 1.0
    """By how much simulated work is shortened; 1 unless scaled."""


class ServerDescription(TypedDict):
    """Which server a run is on, for headers and results."""

    kind: str
    """jar, docker, url or embedded."""
    url: str | None
    """Without secrets; None for the engine in this process."""
    version: str | None
    owned: bool
    """Whether this run has started it, and ends it."""
    notes: list[str]
    """What was passed over, and why."""


class Backend(Protocol):
    """A running server with its workers; opened and closed as a context manager."""

    time: TimeScale
    domain: str | None
    """Task domain that keeps this run's tasks to its own workers."""
    slots: int | None
    """Tasks that one worker runs at once per task type; None where the workers are not ours."""
    capability: Capability | None
    """How fast a server that is not ours has shown itself to be; None for one of our own, or where it is not known."""

    register_policy: RegisterPolicy
    """What is registered unless the settings say otherwise: always on a server of our own, never on a foreign host."""

    @property
    def client(self) -> Conductor:
        """A client on the server."""
        ...

    @property
    def server(self) -> ServerDescription:
        """Which server it is."""

    def announce(self, workflow_id: str, workflow: str) -> None:
        """Tell the workers of an execution that has just started, so that they need not find it by polling."""

    def settle(self) -> None:
        """Let everything happen that needs no real time; returns at once where time is real."""

    def trouble(self) -> str | None:
        """Say why no more work will be done, such as a dead worker; None while all is well."""

    def slept_ms(self) -> Mapping[str, int]:
        """Return, by task id, how long handlers slept of declared work in raw time; empty where none is shortened."""

    def invocations(self) -> tuple[Mapping[str, Json], ...] | None:
        """Return the workers' ledger: one entry per handler invocation; None where the workers are not ours."""

    def weather(self, *, until_ms: int = 0) -> Weather | None:
        """Return when machine and server stood still, told up to an instant; None where it is not measured."""
