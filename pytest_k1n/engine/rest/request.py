"""What a route is given and what it answers: values that the resources share, however the route was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.language import jsontext
from pytest_k1n.engine.problems import Illegal
from pytest_k1n.engine.runtime.queues import QueueKey

JSON: Final = "application/json"
TEXT: Final = "text/plain;charset=UTF-8"
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: `payload` is a JSON value, or text where the content type says so, or None for an empty body."""

    status: int = 200
    payload: Any = None
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()

    def body(self) -> bytes:
        """Encode the payload."""
        if self.payload is None:
            return b""
        text = str(self.payload) if self.content_type == TEXT else jsontext.write(self.payload)
        return text.encode("utf-8", "replace")  # half a surrogate pair, which JSON may carry, has no bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An answer for which something has to happen first; a caller that cannot wait takes `otherwise`."""

    attempt: Callable[[], Reply | None]
    """Returns the answer if it can be given now. Raises Problem."""
    otherwise: Callable[[], Reply]
    """Returns the answer when the time is up."""
    timeout_ms: int
    """Of the wall's time: a virtual clock would end every wait by its first jump."""
    key: QueueKey | None = None
    """The queue whose deliveries are waited for; None: anything may be what it waits for."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request taken apart: what the route's path names, and readers for the rest."""

    engine: Engine
    names: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: bytes | None
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)
    """By lower-case name."""

    def text(self, name: str) -> str | None:
        """Return a query parameter, or None."""
        values = self.query.get(name)
        return values[0] if values else None

    def number(
        self, name: str, default: int | None = None, *, of: Mapping[str, str] | None = None, java: str = "Integer"
    ) -> int | None:
        """Return a whole number from the query, or from what the path names. Raises Illegal."""
        value = self.text(name) if of is None else of.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except ValueError:
            raise Illegal(
                f"Method parameter '{name}': Failed to convert value of type 'java.lang.String' to required type "
                f"'java.lang.{java}'; For input string: \"{value}\""
            ) from None

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean from the query. Raises Illegal."""
        value = self.text(name)
        if value is None or value == "":
            return default
        if value.lower() in ("true", "on", "yes", "1"):
            return True
        if value.lower() in ("false", "off", "no", "0"):
            return False
        raise Illegal(
            f"Method parameter '{name}': Failed to convert value of type 'java.lang.String' to required type "
            f"'boolean'; Invalid boolean value [{value}]"
        )


Action = Callable[[Request], Reply | Waiting]


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path; `{name}` in the path stands for one segment."""

    method: str
    path: str
    action: Action
    reads_json: bool = True
