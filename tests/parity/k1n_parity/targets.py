"""The embedded engine as a target, in this process: no wire, no waiting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_k1n.conformance.target import ServerAnswer, answer
from pytest_k1n.core.http import HttpRequest


class EngineTarget:
    """The embedded engine, in this process, on a clock that moves only when the driver says so."""

    def __init__(self, name: str = "engine", seed: int = 0, conductor: str = "3.32.1") -> None:
        from pytest_k1n.engine.dialect import dialect_of
        from pytest_k1n.engine.engine import Engine
        from pytest_k1n.engine.rest.transport import InProcessTransport
        from pytest_k1n.engine.runtime.clock import ManualClock

        self.name = name
        self.is_immediate = True
        self.engine = Engine(clock=ManualClock(), seed=seed, dialect=dialect_of(conductor))
        self._transport = InProcessTransport(self.engine)

    def call(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> ServerAnswer:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        response = self._transport.send(HttpRequest(method, f"/api{path}", params=query, body=data))
        return answer(response.status, response.body)

    def now_ms(self) -> int:
        return self.engine.now_ms

    def wait_until(self, instant_ms: int) -> None:
        self.engine.advance(max(0, instant_ms - self.engine.now_ms))
