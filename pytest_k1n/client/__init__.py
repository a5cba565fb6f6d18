"""The REST client of a Conductor server: `Conductor(transport_for(url))`.

The names are imported on first use: an address can be read without http.client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_k1n.client.api import Conductor as Conductor
    from pytest_k1n.client.errors import ConductorError as ConductorError
    from pytest_k1n.client.transport import Transport as Transport
    from pytest_k1n.client.transport import transport_for as transport_for

_HOMES = {
    "Conductor": "api",
    "ConductorError": "errors",
    "Transport": "transport",
    "transport_for": "transport",
}


def __getattr__(name: str) -> object:
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
