"""What only the embedded engine answers: its clock, and the holds on it (`/_k1n/clock`)."""

from __future__ import annotations

from pytest_k1n.client.calls import Calls, JsonObject

EMBEDDED = "-k1n-embedded"
"""How the version of the embedded engine ends: it must not be taken for Conductor."""
_PATH = "/_k1n/clock"
_MOVE_S = 70.0
"""More than the engine takes to answer that time is still moving: a minute."""
_STILL_MOVING = 202


def is_embedded(version: str | None) -> bool:
    """Tell the embedded engine from a Conductor server by its version."""
    return version is not None and version.endswith(EMBEDDED)


class ClockCalls(Calls):
    """Calls about an engine's time. Raises NotFound on a real server, which has no such path."""

    def clock(self) -> JsonObject:
        """Describe the clock: `clock` is virtual, manual, scaled or real; `holders` say why it does not jump."""
        return self._get_object(_PATH)

    def hold_clock(self, name: str) -> None:
        """Have virtual time stand for a minute at most, until it is released: for what belongs to one moment."""
        self._call("POST", _PATH, body={"hold": name}, repeatable=True)

    def advance_clock(self, ms: int) -> None:
        """Let virtual time pass, with everything that happens in it.

        Raises TimeoutError if it has not passed after a minute, Conflict where the clock moves by itself.
        """
        answer = self._call("POST", _PATH, body={"advance": ms}, timeout_s=_MOVE_S)
        if answer.status == _STILL_MOVING:
            holders = self.clock()["holders"] or "no client"
            raise TimeoutError(f"{ms}ms of virtual time have not passed within a minute; its holders: {holders}")

    def move_clock_to(self, instant_ms: int) -> None:
        """Let virtual time pass up to an instant, in epoch ms. Raises Conflict as `advance_clock` does."""
        self._call("POST", _PATH, body={"until": instant_ms}, timeout_s=_MOVE_S)

    def declare_work(self, worker_id: str) -> None:
        """Promise that a worker will say of each task how long it takes: time stands until it has."""
        self._call("POST", _PATH, body={"declares": worker_id}, repeatable=True)

    def release_clock(self, name: str) -> None:
        """Give a hold back. Raises NotFound if it has ended by itself."""
        self._call("POST", _PATH, body={"release": name})
