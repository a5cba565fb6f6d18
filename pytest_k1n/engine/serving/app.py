"""The engine on HTTP: a bare ASGI application over its routes; everything happens on one event loop, one at a time.

Which engine a request is for, of those behind this address, `worlds` tells.

No framework: the routes are a table already, shared with the in-process transport. What waits (long polls, declared
work, moves of the clock) is parked, what blocks (outgoing calls of HTTP tasks) runs on threads.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.problems import EngineStopped, Illegal, Problem, TooLarge
from pytest_k1n.engine.rest.request import Reply, Waiting
from pytest_k1n.engine.rest.router import error_document, guarded
from pytest_k1n.engine.serving.admission import Admission
from pytest_k1n.engine.serving.clock_control import PREFIX
from pytest_k1n.engine.serving.heads import answered
from pytest_k1n.engine.serving.outgoing import Outgoing
from pytest_k1n.engine.serving.turns import Stopping, Turns
from pytest_k1n.engine.serving.world import World
from pytest_k1n.engine.serving.worlds import PATH, Worlds

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
MOST_BODY: Final = 128 * 1024 * 1024
"""Conductor has no limit of its own; its parser refuses texts of more than 20 MB."""


class EngineApp:
    """Serves an engine, and those of the worlds beside it; make it inside the event loop that will serve it."""

    def __init__(self, engine: Engine, *, hosts: Collection[str] = ()) -> None:
        """`hosts`: names that lead here beside those of loopback."""
        self.engine = engine
        self._turns = Turns()
        self._admission = Admission(hosts)
        self._outgoing = Outgoing(asyncio.get_running_loop().call_soon_threadsafe)
        self._worlds = Worlds(engine, self._turns, self._outgoing)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        method, path = str(scope["method"]), scope["raw_path"].decode("latin-1")
        reply: Reply | None
        try:
            named = self._worlds.named(scope["headers"])
            body = await self._body(f"{method} {path}", named, receive)
            if body is None:
                return
            reply = self._admission.refusal(scope["headers"], scope["http_version"]) or answered(scope)
            if reply is None:
                verb = "GET" if method == "HEAD" else method
                reply = await self._answer(verb, path, scope, named, body, receive)
        except Problem as problem:
            reply = Reply(problem.status, error_document(problem))
        except Stopping:
            reply = Reply(503, error_document(EngineStopped("the engine is being stopped")))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)  # a defect of the engine: the log has it, the client gets an answer
            reply = Reply(500, error_document(Illegal(f"the embedded engine failed: {type(error).__name__}: {error}")))
        if reply is not None:
            await _send(send, reply, with_body=method != "HEAD")

    def close(self) -> None:
        """Answer all parked requests and stop the clock."""
        for world in self._worlds.all():
            world.close()
        self._turns.close()

    async def _body(self, what: str, named: World | None, receive: Receive) -> bytes | None:
        """Read a request's body; None if the client has left. It may be for any world that it does not name."""
        begun = [
            (world.quiescence, world.quiescence.request_begins(what))
            for world in (self._worlds.all() if named is None else (named,))
        ]
        try:
            parts, size = [], 0
            while (message := await receive())["type"] == "http.request":
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > MOST_BODY:
                    raise TooLarge(f"a body of more than {MOST_BODY >> 20} MiB is not read")
                if not message.get("more_body"):
                    return b"".join(parts)
            return None
        finally:
            for quiescence, number in begun:
                quiescence.request_ends(number)

    async def _answer(
        self, method: str, path: str, scope: Scope, named: World | None, body: bytes, receive: Receive
    ) -> Reply | None:
        world = named or self._worlds.serving(method, path, body)
        if method == "GET" and "/search" in path:
            answer = await self._turns.read(lambda: self._begin(world, method, path, scope, body))
        elif self._turns.is_taken and method == "GET" and "/poll" not in path:
            # It only reads, so it need not wait for a script's end.
            answer = self._begin(world, method, path, scope, body)
        else:
            answer = await self._turns.run(lambda: self._act(world, method, path, scope, body))
        self._changed(world, acted=method != "GET")
        if isinstance(answer, Reply):
            return answer
        reply = await (world or self._worlds.common).parking.answer(answer, receive)
        self._changed(world, acted=False)
        return reply

    def _act(self, world: World | None, method: str, path: str, scope: Scope, body: bytes) -> Reply | Waiting:
        if world is not None:
            world.pacer.catch_up()
        return self._begin(world, method, path, scope, body)

    def _begin(self, world: World | None, method: str, path: str, scope: Scope, body: bytes) -> Reply | Waiting:
        if path.startswith(PATH):
            return guarded(lambda: self._worlds.answer(method, path, body))
        if path.startswith(PREFIX):
            return guarded(lambda: (world or self._worlds.common).control.answer(method, path, body))
        text = scope["query_string"]
        query = parse_qs(text.decode("latin-1"), keep_blank_values=True) if text else {}
        headers = {"content-type": ""} if body else {}
        for name, value in scope["headers"]:  # nothing else of them matters to any route
            if name == b"content-type" or name.startswith(b"x-k1n"):
                headers[name.decode("latin-1")] = value.decode("latin-1")
        if world is not None:
            return world.routes.begin(method, path, query, body or None, headers)
        return self._worlds.everywhere(path, lambda each: each.routes.begin(method, path, query, body or None, headers))

    def _changed(self, world: World | None, *, acted: bool) -> None:
        for each in self._worlds.all() if world is None else (world,):
            each.changed(acted=acted)


async def _send(send: Send, reply: Reply, *, with_body: bool) -> None:
    body = reply.body()
    headers = [(name.encode(), value.encode()) for name, value in reply.headers]
    headers += [(b"content-length", str(len(body)).encode())] if reply.status != 204 else []
    if body:
        headers.append((b"content-type", reply.content_type.encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body if with_body else b""})
