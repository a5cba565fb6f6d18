"""Wait for a server to become ready, noticing its death first, by one absolute deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

from pytest_k1n.servers.errors import ServerDied, ServerStartTimeout
from pytest_k1n.servers.probe import Health, State
from pytest_k1n.servers.protocol import Report

PROGRESS_EVERY_S = 5.0
_PAUSE_S = 0.05


def wait_ready(
    *,
    what: str,
    died: Callable[[], str | None],
    probe: Callable[[], Health],
    deadline: float,
    facts: Callable[[], tuple[tuple[str, str], ...]],
    remedy: str,
    report: Report,
    name: str = "Conductor",
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Return the seconds it took until `probe` said ready.

    Every turn first asks `died`, whose answer describes the end. Raises ServerDied or ServerStartTimeout, both with
    the last probe, `facts()` (log tail) and `remedy`.
    """
    began = clock()
    last = "none was sent yet"
    next_progress = began + PROGRESS_EVERY_S
    while True:
        if ending := died():
            raise ServerDied(
                f"{name} ended before it was ready ({what}).",
                ("exited", f"{ending} after {clock() - began:.1f}s"),
                ("last probe", last),
                *facts(),
                remedy=remedy,
            )
        if clock() >= deadline:
            raise ServerStartTimeout(
                f"{name} did not become ready within {deadline - began:.0f}s ({what}).",
                ("last probe", last),
                ("still alive", "yes"),
                *facts(),
                remedy=remedy,
            )
        health = probe()
        if health.state is State.READY:
            return clock() - began
        last = health.detail
        if clock() >= next_progress:
            next_progress += PROGRESS_EVERY_S
            report(f"waiting for {name} ({what}) for {clock() - began:.0f}s: {last}")
        sleep(_PAUSE_S)
