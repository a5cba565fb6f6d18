"""How a worker over HTTP says that its work takes virtual time: then the result counts later, and no process sleeps.

Either the header `X-K1N-Virtual-Ms: 240000` of the update, or, for clients that cannot add headers, the field
`"_k1n": {"virtual_ms": 240000}` of its output. The task ends at its start plus that many ms. In virtual time the
answer comes when it has ended (200), at the latest after five real seconds (202: not yet; saying it again waits on).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_k1n.core.standins.simulation import RESERVED
from pytest_k1n.engine.problems import Invalid
from pytest_k1n.engine.rest.request import Request

HEADER: Final = "X-K1N-Virtual-Ms"
LONGEST_WAIT_MS: Final = 5_000
LONGEST_WORK_MS: Final = 366 * 24 * 3_600_000


def declared_ms(request: Request, output: Mapping[str, Any]) -> int | None:
    """Return the duration that an update declares, or None. Raises Invalid for one that is no whole number of ms."""
    text = request.headers.get(HEADER.lower())
    if text is not None:
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise Invalid(f"{HEADER}: {text!r} is not a whole number of ms")
        return _bounded(int(text), HEADER)
    about = output.get(RESERVED)
    value = about.get("virtual_ms") if isinstance(about, Mapping) else None
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Invalid(f"{RESERVED}.virtual_ms: {value!r} is not a whole number of ms")
    return _bounded(value, f"{RESERVED}.virtual_ms")


def without_declaration(output: Mapping[str, Any]) -> dict[str, Any]:
    """Return an output without the field that said nothing but the declaration: that was for the engine, not data."""
    if isinstance(about := output.get(RESERVED), Mapping) and about.keys() == {"virtual_ms"}:
        return {key: value for key, value in output.items() if key != RESERVED}
    return dict(output)


def _bounded(value: int, where: str) -> int:
    if value > LONGEST_WORK_MS:
        raise Invalid(f"{where}: {value} ms is longer than a year")
    return value
