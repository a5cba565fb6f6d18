"""A server that others run, brought to the state in which latencies mean something: warm, and its capability known."""

from __future__ import annotations

import time
from dataclasses import dataclass

from pytest_k1n.client.address import Address, urls_in
from pytest_k1n.core.capability import Capability
from pytest_k1n.core.choices import RegisterPolicy
from pytest_k1n.servers.errors import ServerError
from pytest_k1n.servers.protocol import Endpoint, Kind
from pytest_k1n.servers.warmup import warm_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmed:
    """What warming up has told."""

    capability: Capability | None = None
    note: str = ""
    """For the header; empty where nothing was tried."""


def warmed(endpoint: Endpoint, *, uid: str, register: RegisterPolicy, within_s: float) -> Warmed:
    """Warm up a Conductor at a URL, if it is on this machine and we may register there: a guest measures nothing.

    A server that does not run the executions is none the worse for it here: the run's own will tell.
    """
    if endpoint.kind is not Kind.URL or endpoint.is_embedded or not endpoint.is_loopback or register == "never":
        return Warmed()
    try:
        found = warm_up(
            Address.parse(urls_in(endpoint.url)[0]),
            name=f"k1n_first_{uid}",
            died=lambda: None,
            deadline=time.monotonic() + within_s,
        )
    except ServerError as error:
        return Warmed(note=f"the server was not warmed up: {error.line}")
    return Warmed(capability=found, note=str(found))
