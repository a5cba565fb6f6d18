"""Who may ask a served engine: programs on this machine, not the pages that a browser on it shows.

A page of another site can have a browser send requests here, and can make its own name point to 127.0.0.1 (DNS
rebinding). Conductor lets both in; it stands behind gateways. This engine stands on developers' machines and in
pipelines, so a request must name the engine by a name of loopback, or one given with `--allow-host`, and must not come
from another origin. Requests of programs say nothing of an origin.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import ip_address
from typing import Final

from pytest_k1n.engine.problems import Forbidden, Invalid, Problem
from pytest_k1n.engine.rest.request import TEXT, Reply
from pytest_k1n.engine.rest.router import error_document

HEADERS: Final = frozenset({b"host", b"origin", b"sec-fetch-site", b"access-control-request-method"})
"""What of a request's headers decides."""


class Admission:
    """Decides by a request's headers; decisions are kept, because a client's headers hardly change."""

    _MOST: Final = 1000

    def __init__(self, names: Collection[str] = ()) -> None:
        self._names = frozenset(name.lower() for name in names)
        self._known: dict[tuple[str, tuple[tuple[bytes, bytes], ...]], Reply | None] = {}

    def refusal(self, headers: Iterable[tuple[bytes, bytes]], http_version: str = "1.1") -> Reply | None:
        """Return the answer to a request that is not let in, or None."""
        key = (http_version, tuple([each for each in headers if each[0] in HEADERS]))
        try:
            return self._known[key]
        except KeyError:
            if len(self._known) >= self._MOST:
                self._known.clear()
            refusal = self._known[key] = self._judge(key[1], http_version)
            return refusal

    def _judge(self, headers: tuple[tuple[bytes, bytes], ...], http_version: str) -> Reply | None:
        given = {name: value.decode("latin-1").strip() for name, value in headers}
        hosts = sum(name == b"host" for name, _ in headers)
        if hosts > 1 or (hosts == 0 and http_version == "1.1"):
            return _refusal(Invalid(f"a request of HTTP/1.1 has one Host header, this one has {hosts}"))
        host = given.get(b"host")
        if host is not None and not self._is_ours(host):
            return _refusal(
                Forbidden(
                    f"Host: {host[:200]} is no name of this machine's loopback; if it leads here on purpose, start the "
                    f"engine with --allow-host {_name(host)[:200]}"
                )
            )
        origin = given.get(b"origin")
        if origin is not None and origin.lower() != f"http://{host}".lower():
            if b"access-control-request-method" in given:
                return Reply(403, "Invalid CORS request", TEXT)  # Conductor's own words: it allows no origin either
            return _refusal(Forbidden(f"Origin: {origin[:200]}: pages of other origins may not use this engine"))
        if given.get(b"sec-fetch-site", "none") not in ("none", "same-origin"):
            return _refusal(Forbidden("Sec-Fetch-Site: pages of other sites may not use this engine"))
        return None

    def _is_ours(self, host: str) -> bool:
        name = _name(host)
        if name == "localhost" or name.endswith(".localhost") or name in self._names:
            return True
        try:
            return ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
        except ValueError:
            return False


def _name(host: str) -> str:
    """Cut off the port."""
    name, colon, port = host.lower().rpartition(":")
    return (name if colon and port.isdigit() else host.lower()).removesuffix(".")


def _refusal(problem: Problem) -> Reply:
    return Reply(problem.status, error_document(problem))
