"""The engine on HTTP: a bare ASGI application over its routes; everything happens on one event loop, one at a time.

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
from pytest_k1n.engine.rest.router import Routes, error_document, guarded
from pytest_k1n.engine.runtime.clock import monotonic_ms
from pytest_k1n.engine.serving.admission import Admission
from pytest_k1n.engine.serving.control import PREFIX, Control
from pytest_k1n.engine.serving.outgoing import Outgoing
from pytest_k1n.engine.serving.pacing import Pacer
from pytest_k1n.engine.serving.parking import Parking
from pytest_k1n.engine.serving.quiescence import Quiescence
from pytest_k1n.engine.serving.turns import Stopping, Turns

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
MOST_BODY: Final = 128 * 1024 * 1024
"""Conductor has no limit of its own; its parser refuses texts of more than 20 MB."""


class EngineApp:
    """Serves one engine; make it inside the event loop that will serve it."""

    def __init__(self, engine: Engine, *, hosts: Collection[str] = ()) -> None:
        """`hosts`: names that lead here beside those of loopback."""
        loop = asyncio.get_running_loop()
        self.engine = engine
        self._turns = Turns()
        self._quiescence = Quiescence(engine, wall_ms=monotonic_ms)
        self._pacer = Pacer(
            engine,
            self._quiescence,
            call_later=lambda delay_s, work: loop.call_later(delay_s, self._turns.call, work),
            wall_ms=monotonic_ms,
            moved=lambda: self._parking.changed(),
        )
        self._parking = Parking(refresh=self._pacer.catch_up, turn=self._turns.run)
        self._routes = Routes(engine)
        self._control = Control(engine, self._pacer, self._quiescence)
        self._admission = Admission(hosts)
        self._outgoing = Outgoing(loop.call_soon_threadsafe)
        engine.dispatcher.on_ready = self._parking.wake
        engine.on_poll = self._quiescence.polled
        engine.worked_ms = self._quiescence.worked_ms
        engine.system_runs.offload = self._offload
        engine.scripts.readable = self._turns.readable
        engine.guards.breathe = self._turns.breathe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        method, path = str(scope["method"]), scope["raw_path"].decode("latin-1")
        reply: Reply | None
        try:
            body = await self._body(f"{method} {path}", receive)
            if body is None:
                return
            reply = self._admission.refusal(scope["headers"], scope["http_version"]) or await self._answer(
                "GET" if method == "HEAD" else method, path, scope, body, receive
            )
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
        self._pacer.close()
        self._parking.close()
        self._turns.close()

    async def _body(self, what: str, receive: Receive) -> bytes | None:
        """Read a request's body; None if the client has left."""
        number = self._quiescence.request_begins(what)
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
            self._quiescence.request_ends(number)

    async def _answer(self, method: str, path: str, scope: Scope, body: bytes, receive: Receive) -> Reply | None:
        if method == "GET" and "/search" in path:
            answer = await self._turns.read(lambda: self._begin(method, path, scope, body))
        elif self._turns.is_taken and method == "GET" and "/poll" not in path:
            answer = self._begin(method, path, scope, body)  # it only reads, so it need not wait for a script's end
        else:
            answer = await self._turns.run(lambda: self._act(method, path, scope, body))
        self._changed(acted=method != "GET")
        if isinstance(answer, Reply):
            return answer
        reply = await self._parking.answer(answer, receive)
        self._changed(acted=False)
        return reply

    def _act(self, method: str, path: str, scope: Scope, body: bytes) -> Reply | Waiting:
        self._pacer.catch_up()
        return self._begin(method, path, scope, body)

    def _begin(self, method: str, path: str, scope: Scope, body: bytes) -> Reply | Waiting:
        if path.startswith(PREFIX):
            return guarded(lambda: self._control.answer(method, path, body))
        text = scope["query_string"]
        query = parse_qs(text.decode("latin-1"), keep_blank_values=True) if text else {}
        headers = {"content-type": ""} if body else {}
        for name, value in scope["headers"]:  # nothing else of them matters to any route
            if name == b"content-type" or name.startswith(b"x-k1n"):
                headers[name.decode("latin-1")] = value.decode("latin-1")
        return self._routes.begin(method, path, query, body or None, headers)

    def _changed(self, *, acted: bool) -> None:
        if acted:
            self._quiescence.acted()
        self._pacer.changed()
        self._parking.changed()

    def _offload(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        number = self._quiescence.call_begins()

        def end(result: Any) -> None:
            self._quiescence.call_ends(number)
            self._pacer.catch_up()
            done(result)
            self._changed(acted=True)

        self._outgoing.submit(work, lambda result: self._turns.call(lambda: end(result)))


async def _send(send: Send, reply: Reply, *, with_body: bool) -> None:
    body = reply.body()
    headers = [(name.encode(), value.encode()) for name, value in reply.headers]
    headers += [(b"content-length", str(len(body)).encode())] if reply.status != 204 else []
    if body:
        headers.append((b"content-type", reply.content_type.encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body if with_body else b""})
