"""What only the embedded engine answers: its clock (`/_k1n/clock`) and its worlds (`/_k1n/worlds`)."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_k1n.client.calls import Calls, JsonObject, segment

EMBEDDED = "-k1n-embedded"
"""How the version of the embedded engine ends: it must not be taken for Conductor."""
WORLD = "X-K1N-World"
"""The header of a request that is for a world beside the common one."""
WORLD_VARIABLE = "K1N_WORLD"
"""What tells a worker process of a run which world that is."""
_PATH = "/_k1n/clock"
_WORLDS = "/_k1n/worlds"
_MOVE_S = 70.0
"""More than the engine takes to answer that time is still moving: a minute."""
_STILL_MOVING = 202


def is_embedded(version: str | None) -> bool:
    """Tell the embedded engine from a Conductor server by its version."""
    return version is not None and version.endswith(EMBEDDED)


def in_world(name: str | None) -> dict[str, str]:
    """Return the headers of requests for a world; None: for the common one."""
    return {WORLD: name} if name else {}


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

    def go(
        self,
        workflow_id: str,
        ref: str | None,
        *,
        until_ms: int | None = None,
        aside: Sequence[str] = (),
        within_ms: int,
    ) -> tuple[str, int | None]:
        """Let virtual time go on until a task has been scheduled (None: until all has ended).

        Tells how that ended, and the instant of the next event: `reached`, `instant` (`until_ms` is there), `limit`
        (the time limit of somebody who does not act comes next), `task` (one is there that no worker polls), `idle`
        (nothing more happens by itself), `stuck`, or `late` after `within_ms` of real time. `aside`: tasks that the
        caller has in hand.
        """
        body = {"go": workflow_id, "ref": ref, "until": until_ms, "aside": list(aside), "for": within_ms}
        answer = self._call("POST", _PATH, body=body, timeout_s=within_ms / 1000 + 10)
        document = self._json(dict, "POST", _PATH, answer)
        next_ms = document.get("next")
        return str(document.get("arrival", "late")), next_ms if isinstance(next_ms, int) else None

    def open_world(self, name: str, *, stands: bool) -> None:
        """Open a world with a clock of its own, for requests with the header `WORLD`; `stands`: only `go` moves it."""
        self._call("POST", _WORLDS, body={"name": name, "stands": stands}, repeatable=True)

    def close_world(self, name: str) -> None:
        """Close a world; its executions end, and can be found in the common one. Raises NotFound."""
        self._call("DELETE", f"{_WORLDS}/{segment(name)}")
