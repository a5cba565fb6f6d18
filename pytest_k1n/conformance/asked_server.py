"""The server that is asked: what it is, by which clock it lives, and whether it can be asked at all."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

from pytest_k1n.client.address import Address
from pytest_k1n.conformance.target import CLOCK, RealTarget


class UnfitServer(ValueError):
    """A server that no case can be put to, and why; one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedServer:
    """A server that answered."""

    url: str
    version: str
    is_here: bool
    """Whether it is on this machine, so that it can call a web server of ours."""
    ahead_ms: int = 0
    """How much its clock is ahead of this machine's."""
    moves_clock: bool = False
    """Whether it is an engine on a virtual clock that is ours to move, so that one case at a time can run."""

    def target(self) -> RealTarget:
        """Return what cases run on."""
        return RealTarget(self.url, self.url, ahead_ms=self.ahead_ms, moves_clock=self.moves_clock)


def subject_at(url: str, version: str | None = None) -> AskedServer:
    """Look at a server; `version` overrules what it says. Raises UnfitServer, OSError where nothing answers."""
    address = Address.parse(url)
    with RealTarget(url) as target:
        found = version or version_of(target)
        if found is None:
            raise UnfitServer(f"{address.url} does not say which version it is: name it with --version")
        clock = target.send("GET", CLOCK).body
        kind = clock.get("clock") if isinstance(clock, dict) else None
        if kind in ("virtual", "scaled"):
            raise UnfitServer(f"{address.url} lives by a {kind} clock of its own: serve it with --clock manual")
        moves = kind == "manual"
        ahead = 0 if moves or address.is_loopback else _ahead_ms(target)
    return AskedServer(url=url, version=found, is_here=address.is_loopback, ahead_ms=ahead, moves_clock=moves)


def version_of(target: RealTarget) -> str | None:
    """Ask for the version, also as servers before 3.22 tell it; None if it cannot be known."""
    answer = target.call("GET", "/version")
    if answer.status == 200 and isinstance(answer.body, str) and answer.body[:1].isdigit():
        return answer.body
    answer = target.call("GET", "/admin/config")
    told = answer.body.get("version") if answer.status == 200 and isinstance(answer.body, dict) else None
    return str(told) if told else None


def _ahead_ms(target: RealTarget) -> int:
    """Compare clocks by the stamp of an execution that is started for it, and removed."""
    name = f"k1n_clock_{uuid.uuid4().hex[:8]}"
    task = {"name": name, "taskReferenceName": "t", "type": "INLINE", "inputParameters": {
        "evaluatorType": "javascript", "expression": "1"}}  # fmt: skip
    target.call("PUT", "/metadata/workflow", [{"name": name, "version": 1, "schemaVersion": 2, "tasks": [task]}])
    before = time.time()
    started = target.call("POST", "/workflow", {"name": name, "version": 1})
    after = time.time()
    execution = target.call("GET", f"/workflow/{started.body}").body
    target.call("DELETE", f"/workflow/{started.body}/remove")
    target.call("DELETE", f"/metadata/workflow/{name}/1")
    stamp = execution.get("createTime") if isinstance(execution, dict) else None
    return int(stamp - 500 * (before + after)) if isinstance(stamp, int) else 0
