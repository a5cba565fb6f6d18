"""A server at a URL, brought to the state in which latencies mean something: warm, and its capability known."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from pytest_k1n.client.address import Address, urls_in
from pytest_k1n.client.api import Conductor
from pytest_k1n.client.transport import transport_for
from pytest_k1n.core.choices import RegisterPolicy
from pytest_k1n.core.statistics.stats import quantile
from pytest_k1n.core.timing.capability import Capability
from pytest_k1n.servers.control import control_joins
from pytest_k1n.servers.errors import ServerError
from pytest_k1n.servers.probe import ask
from pytest_k1n.servers.protocol import Endpoint, Kind
from pytest_k1n.servers.warmup import warm_up

_REQUEST_WITHIN_S = 5.0
_ONCE_WARM = 2
"""Executions for a server that was warmed up when we started it: they say what it is capable of just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmed:
    """What warming up has told."""

    capability: Capability | None = None
    """What budgets follow; None where they are our own, or nothing is known."""
    fork_ms: int | None = None
    """How long the head of a fork waited for its workers."""
    is_measured: bool = False
    note: str = ""
    """For the header; empty where nothing was tried."""


def warmed(endpoint: Endpoint, *, uid: str, register: RegisterPolicy, within_s: float) -> Warmed:
    """Warm up a Conductor at a URL, if it is on this machine and we may register there: a guest measures nothing.

    One that pytest-k1n has started (`k1n server start`) has our profile, and so our budgets. A server that does not
    run the executions is none the worse for it here: the run's own will tell.
    """
    if endpoint.kind is not Kind.URL or endpoint.is_embedded or not endpoint.is_loopback or register == "never":
        return Warmed(capability=endpoint.capability)
    address = Address.parse(urls_in(endpoint.url)[0])
    is_ours = _has_our_profile(address)
    name, deadline = f"k1n_first_{uid}", time.monotonic() + within_s
    try:
        if is_ours:
            found = warm_up(address, name=name, died=lambda: None, deadline=deadline, most=_ONCE_WARM)
        else:
            found = warm_up(address, name=name, died=lambda: None, deadline=deadline)
    except ServerError as error:
        return Warmed(note=f"the server was not warmed up: {error.line}")
    if is_ours:
        note = f"{found}; pytest-k1n has started it: budgets as of a server of the run's own"
        return Warmed(fork_ms=found.fork_ms, is_measured=True, note=note)
    found = replace(found, join_ms=_join_ms(endpoint, uid) or found.join_ms)
    return Warmed(capability=found, fork_ms=found.fork_ms, is_measured=True, note=str(found))


def _has_our_profile(address: Address) -> bool:
    """Ask whether pytest-k1n has started it: `servers.configuration` has it say so."""
    try:
        document = ask(address, "GET", "/actuator/info", timeout_s=_REQUEST_WITHIN_S).json()
    except OSError:
        return False
    return isinstance(document, dict) and isinstance(document.get("k1n"), dict)


def _join_ms(endpoint: Endpoint, uid: str) -> int | None:
    """Return the median lag of JOINs without work: the few of the warm-up are late or not as chance has it."""
    client = Conductor(transport_for(endpoint.url))
    try:
        joins = control_joins(client, correlation_id=f"k1n-{uid}/control")
    finally:
        client.close()
    return quantile([join.lag.duration_ms for join in joins], 0.5) if joins else None
