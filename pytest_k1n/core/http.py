"""A request and its answer as values: what every transport takes and gives back, with or without a wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to a server whose URL the transport knows."""

    method: str
    path: str
    """May carry a query of its own."""
    params: Mapping[str, object] | None = None
    """The query, not yet quoted."""
    body: bytes | None = None
    """JSON, unless a header says otherwise."""
    headers: Mapping[str, str] | None = None
    timeout_s: float = TIMEOUT_S


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer, whatever its status."""

    status: int
    body: bytes
    content_type: str = ""
