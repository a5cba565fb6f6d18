"""The worlds behind one address: each has executions, queues and a clock of its own, so that no client moves another's.

`POST /_k1n/worlds {"name": NAME, "stands": true}` opens one, `DELETE /_k1n/worlds/NAME` closes it, and its executions
become the common world's. A request is for the world that its header `X-K1N-World` names. Without one it is for the
common world; but executions and tasks are found by their ids wherever they are, and a poll gets what any world has for
it. Definitions, event handlers and the workers that declare their work are common to all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from hashlib import blake2b
from typing import Any, Final

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.problems import Invalid, NotAllowed, Unknown
from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.rest.request import Reply, Waiting
from pytest_k1n.engine.runtime.clock import ElasticClock
from pytest_k1n.engine.runtime.guards import Guards
from pytest_k1n.engine.serving.clock_control import PREFIX
from pytest_k1n.engine.serving.outgoing import Outgoing
from pytest_k1n.engine.serving.turns import Turns
from pytest_k1n.engine.serving.world import World
from pytest_k1n.engine.status import TERMINAL_WORKFLOW

HEADER: Final = b"x-k1n-world"
PATH: Final = f"{PREFIX}worlds"
_ID_LENGTH: Final = 36
_LISTS: Final = ("search", "running", "correlated")


class Worlds:
    """Finds the world that a request is for."""

    def __init__(self, engine: Engine, turns: Turns, outgoing: Outgoing) -> None:
        self._turns = turns
        self._outgoing = outgoing
        self._declarers: set[str] = set()
        self.common = World(engine, turns, outgoing, declarers=self._declarers)
        self._named: dict[str, World] = {}

    def all(self) -> tuple[World, ...]:
        """Return every world, the common one first."""
        return (self.common, *self._named.values())

    def named(self, headers: Iterable[tuple[bytes, bytes]]) -> World | None:
        """Return the world that a request names, None if it names none. Raises Unknown."""
        name = next((value for key, value in headers if key == HEADER), None)
        if name is None:
            return None
        world = self._named.get(name.decode("latin-1"))
        if world is None:
            raise Unknown(f"No world of the name {name.decode('latin-1')[:100]!r}: it was closed, or never opened")
        world.asked()
        return world

    def serving(self, method: str, path: str, body: bytes | None) -> World | None:
        """Return the world that a request without a name is for; None: for all of them."""
        if not self._named:
            return self.common
        if method == "GET" and ("/poll/" in path or any(word in path for word in _LISTS)):
            return None
        ids = {part for part in path.split("/") if len(part) == _ID_LENGTH} or _ids_in(body)
        found = (world for world in self._named.values() if any(_has(world.engine, id_) for id_ in ids))
        return next(found, self.common) if ids else self.common

    def everywhere(self, path: str, ask: Callable[[World], Reply | Waiting]) -> Reply | Waiting:
        """Answer a request that is for all worlds: a poll, or a list of executions or tasks."""
        if "/poll/" not in path:
            return self._over_all(ask)
        waiting: list[Waiting] = []
        answer: Reply | Waiting | None = None
        for world in self.all():
            world.pacer.catch_up()
            answer = ask(world)
            if isinstance(answer, Waiting):
                waiting.append(answer)
            elif answer.payload or answer.status >= 400:
                return answer
        if not waiting:
            assert answer is not None
            return answer
        return Waiting(
            attempt=lambda: _first(each.attempt() for each in waiting),
            otherwise=waiting[0].otherwise,
            timeout_ms=waiting[0].timeout_ms,
        )

    def answer(self, method: str, path: str, body: bytes | None) -> Reply:
        """Open a world, list or close them. Raises Problem."""
        name = path.removeprefix(PATH).strip("/")
        if method == "GET" and not name:
            return Reply(payload={name: world.control.document() for name, world in self._named.items()})
        if method == "DELETE" and name:
            self._close(name)
            return Reply(payload={"name": name})
        if method != "POST" or name:
            raise NotAllowed(f"Request method '{method}' is not supported")
        wanted, stands = _wish(shapes.read_map(shapes.parse(body)))
        if not isinstance(self.common.engine.clock, ElasticClock):
            raise Invalid("an engine whose clock moves by itself, or by hand, has one world")
        self._tidy()
        if wanted not in self._named:
            self._named[wanted] = self._open(wanted, stands=stands)
        return Reply(payload=self._named[wanted].control.document())

    def _open(self, name: str, *, stands: bool) -> World:
        common = self.common.engine
        engine = Engine(
            clock=ElasticClock(),
            seed=int.from_bytes(blake2b(f"{common.seed}/{name}".encode(), digest_size=6).digest()),
            guards=Guards(max_at_once=common.guards.max_at_once),
            dialect=common.dialect,
        )
        engine.catalogue = common.catalogue
        engine.event_handlers.share(common.event_handlers)
        return World(
            engine, self._turns, self._outgoing, stands=stands, declarers=self._declarers,
            ready=self.common.parking.changed,
        )  # fmt: skip

    def _close(self, name: str) -> None:
        world = self._named.get(name)
        if world is None:
            raise Unknown(f"No world of the name {name!r}")
        for execution in list(world.engine.executions.values()):
            if execution.status not in TERMINAL_WORKFLOW:
                world.engine.terminate(execution, f"the world {name} was closed")
        world.engine.settle()
        world.close()
        del self._named[name]
        self.common.engine.adopt(world.engine)

    def _tidy(self) -> None:
        """Close worlds that nobody asks for and in which all has ended."""
        for name, world in list(self._named.items()):
            is_over = all(each.status in TERMINAL_WORKFLOW for each in world.engine.executions.values())
            if is_over and world.is_abandoned:
                self._close(name)

    def _over_all(self, ask: Callable[[World], Reply | Waiting]) -> Reply | Waiting:
        """Ask one engine that has the executions of all."""
        view = copy(self.common)
        view.engine = copy(self.common.engine)
        view.engine.executions = {id_: each for world in self.all() for id_, each in world.engine.executions.items()}
        view.routes = type(view.routes)(view.engine)
        return ask(view)


def _wish(order: Mapping[str, Any]) -> tuple[str, bool]:
    """Read which world is to be opened. Raises Invalid."""
    name, stands = order.get("name"), order.get("stands", False)
    if (
        not isinstance(name, str)
        or not re.fullmatch(r"[\w.-]{1,100}", name, re.ASCII)
        or not isinstance(stands, bool)
        or order.keys() - {"name", "stands"}
    ):
        raise Invalid('write {"name": NAME, "stands": true}: a name is letters, digits, ".", "_", "-", up to 100')
    return name, stands


def _has(engine: Engine, id_: str) -> bool:
    return id_ in engine.executions or engine.task(id_) is not None


def _ids_in(body: bytes | None) -> set[str]:
    """Return the ids that an update or a list of ids names."""
    if not body or body[:1] not in b"{[" or len(body) > 1 << 20:
        return set()
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    named = (document.get("taskId"), document.get("workflowInstanceId")) if isinstance(document, Mapping) else document
    return {each for each in named if isinstance(each, str) and len(each) == _ID_LENGTH}


def _first(answers: Iterator[Reply | None]) -> Reply | None:
    return next((each for each in answers if each is not None), None)
