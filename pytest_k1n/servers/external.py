"""A server that others run: used as it is or refused, never replaced by another kind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from pytest_k1n.client.address import Address, redact, urls_in
from pytest_k1n.client.credentials import token_headers
from pytest_k1n.servers.errors import NoAnswer, NotAConductor, ServerRefused
from pytest_k1n.servers.probe import NO_HEADERS, Health, State, check_version, health, reason_of, version
from pytest_k1n.servers.protocol import Endpoint, Kind, ServerSpec, parse_server
from pytest_k1n.workers.time_limit import on_a_thread

T = TypeVar("T")
URL_VARIABLE = "CONDUCTOR_SERVER_URL"
"""Conductor's own tools read it; ours count it for loopback hosts only."""
ANSWER_WITHIN_S = 5.0
"""For everything that is asked of a given URL: a wrong one is known within seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDefaults:
    """What a run does on a server unless it is told otherwise."""

    workers: Literal["own", "external"]
    """`external`: poll nothing, simulate nothing."""
    register: Literal["missing", "never"]
    reason: str = ""


def defaults_for(endpoint: Endpoint) -> RunDefaults:
    """Be a guest, not a host, on a server that is neither ours nor on loopback."""
    if endpoint.owned or endpoint.is_loopback:
        return RunDefaults(workers="own", register="missing")
    return RunDefaults(
        workers="external",
        register="never",
        reason=f"{endpoint.shown_url} is not ours: --k1n-workers=external and --k1n-register=never by default",
    )


def server_from_environment(value: str) -> ServerSpec:
    """Read `CONDUCTOR_SERVER_URL`, which counts as explicit for a loopback host only.

    Raises ServerRefused for any other host: an exported production URL must never be hit by accident. Raises
    ValueError for what is no URL.
    """
    spec = parse_server(value, source=URL_VARIABLE)
    if spec.url is None:
        raise ValueError(f"{URL_VARIABLE}: {redact(value)!r} is not a URL: write http://localhost:8080, or unset it")
    for address in map(Address.parse, urls_in(spec.url)):
        if not address.is_loopback:
            raise ServerRefused(
                f"{URL_VARIABLE} names {address.url}, which is not on this machine: it is not used by accident",
                remedy=f"--k1n-server={spec.shown_url} if you mean it, or unset {URL_VARIABLE}",
            )
    return spec


class ExternalServer:
    """A server at a given URL, or several of one Conductor: looked at once, never started and never stopped."""

    def __init__(self, spec: ServerSpec, *, environ: Mapping[str, str] | None = None) -> None:
        if spec.url is None:
            raise ValueError(f"{spec.source}: a server of kind url needs a URL")
        self._spec = spec
        self._url = spec.url
        self._addresses = tuple(map(Address.parse, urls_in(spec.url)))
        self._environ = os.environ if environ is None else environ
        self._endpoint: Endpoint | None = None

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens. Raises RuntimeError before `start`."""
        if self._endpoint is None:
            raise RuntimeError("the server was not looked at")
        return self._endpoint

    def start(self, deadline: float) -> Endpoint:
        """Make sure that it is a healthy Conductor we support, within seconds.

        Raises NoAnswer, NotAConductor or ServerTooOld, each in one line.
        """
        within_s = max(0.1, min(ANSWER_WITHIN_S, deadline - time.monotonic()))
        supported = [self._look_at(address, within_s) for address in self._addresses]
        notes = (f"from {self._spec.source}",)
        self._endpoint = Endpoint(kind=Kind.URL, url=self._url, version=supported[0], notes=notes)
        return self._endpoint

    def _look_at(self, address: Address, within_s: float) -> str:
        # Loopback servers of tests take no token: it is for guarded servers.
        headers = NO_HEADERS if address.is_loopback else token_headers(self._environ)
        try:
            self._judge(address, within(within_s, lambda: health(address, timeout_s=within_s, headers=headers)))
            text = within(within_s, lambda: version(address, timeout_s=within_s, headers=headers))
        except NoAnswer:
            raise
        except OSError as error:
            raise self._silent(address, reason_of(error)) from None
        return check_version(text, f"{address.url} ({self._spec.source})")

    def stop(self) -> None:
        """Leave it alone."""

    def died(self) -> str | None:
        """Nothing is known of its process."""
        return None

    def _judge(self, address: Address, found: Health) -> None:
        if found.state is State.SILENT:
            raise self._silent(address, found.detail)
        if found.state is State.FOREIGN:
            raise NotAConductor(
                f"{self._spec.source}: {address.url} answers, but not as a Conductor server ({found.detail})",
                remedy="the URL of Conductor's API port, with or without /api",
            )
        if found.state is State.NOT_READY:
            raise NoAnswer(
                f"{self._spec.source}: {address.url} says that it is not healthy ({found.detail})",
                remedy="waiting until it is, or another --k1n-server",
            )

    def _silent(self, address: Address, why: str) -> NoAnswer:
        return NoAnswer(
            f"{self._spec.source}: no Conductor answers at {address.url} ({why}); a URL has no fallback",
            remedy="starting it, or --k1n-server=jar",
        )


def within(seconds: float, ask: Callable[[], T]) -> T:
    """Return what `ask` returns or raise what it raises; raise TimeoutError if it takes longer.

    Name resolution and an answer that drips byte by byte know no timeout of their own: the thread is left to die.
    """
    return on_a_thread(ask, seconds, TimeoutError(f"no answer within {seconds:.0f}s"))
