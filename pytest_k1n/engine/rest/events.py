"""/event: handlers of what EVENT tasks publish to the internal queue."""

from __future__ import annotations

from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.registry.constraints import demand
from pytest_k1n.engine.registry.taskconstraints import violation
from pytest_k1n.engine.rest.request import Reply, Request, Route
from pytest_k1n.engine.values import JsonObject


def _add(request: Request) -> Reply:
    request.engine.event_handlers.add(_handler(request, "addEventHandler.arg0"))
    return Reply()


def _replace(request: Request) -> Reply:
    request.engine.event_handlers.replace(_handler(request, "updateEventHandler.arg0"))
    return Reply()


def _remove(request: Request) -> Reply:
    request.engine.event_handlers.remove(request.names["name"])
    return Reply()


def _all(request: Request) -> Reply:
    return Reply(payload=request.engine.event_handlers.all())


def _of(request: Request) -> Reply:
    active_only = request.flag("activeOnly", default=True)
    return Reply(payload=request.engine.event_handlers.of(request.names["name"], active_only=active_only))


def _handler(request: Request, path: str) -> JsonObject:
    handler = shapes.read(request.json(), shapes.EVENT_HANDLER)
    violations = [
        violation(f"{path}.{field}", message, None if field == "actions" else handler.get(field))
        for field, message in (
            ("event", "Missing event location"),
            ("actions", "No actions specified. Please specify at-least one action"),
            ("name", "Missing event handler name"),
        )
        if not handler.get(field)
    ]
    if "actions" in handler and handler["actions"] is None:
        violations.append(violation(f"{path}.actions", "must not be null"))
    demand(violations)
    actions = [_action(action) for action in handler["actions"]]
    return {"active": False, **_known(handler, shapes.EVENT_HANDLER), "actions": actions}


def _action(given: JsonObject) -> JsonObject:
    """Write an action as it is stored: maps that are not given are empty ones."""
    action: JsonObject = {"expandInlineJSON": False, **_known(given, shapes.ACTION)}
    for kind, field in (("start_workflow", "input"), ("complete_task", "output"), ("fail_task", "output")):
        if kind in action:
            action[kind] = {field: {}, **{name: value for name, value in action[kind].items() if value is not None}}
    return action


def _known(document: JsonObject, shape: shapes.Shape) -> JsonObject:
    """Keep what the server would keep of a document: the shape's fields that have a value."""
    return {name: value for name, value in document.items() if name in shape.fields and value is not None}


ROUTES = (
    Route("GET", "/event", _all),
    Route("GET", "/event/{name}", _of),
    Route("POST", "/event", _add),
    Route("PUT", "/event", _replace),
    Route("DELETE", "/event/{name}", _remove),
)
