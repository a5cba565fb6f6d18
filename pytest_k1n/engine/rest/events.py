"""/event: there are no event handlers here, and whoever registers one is told so."""

from __future__ import annotations

from pytest_k1n.engine.problems import Illegal, Invalid
from pytest_k1n.engine.routes import Reply, Request, Route


def _none(_request: Request) -> Reply:
    return Reply(payload=[])


def _refuse(_request: Request) -> Reply:
    raise Invalid("The embedded engine runs no event handlers: start an execution where the event would have done so")


def _unknown(request: Request) -> Reply:
    raise Illegal(f"EventHandler with name {request.names['name']} not found!")


ROUTES = (
    Route("GET", "/event", _none),
    Route("GET", "/event/{event}", _none),
    Route("POST", "/event", _refuse),
    Route("PUT", "/event", _refuse),
    Route("DELETE", "/event/{name}", _unknown),
)
