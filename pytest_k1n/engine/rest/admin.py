"""/admin, /queue and what else a server answers about itself: hardly anything is behind it, on the server as here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pytest_k1n.engine.documents import task_document
from pytest_k1n.engine.ids import seeded_id
from pytest_k1n.engine.problems import Illegal, Invalid
from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.rest.request import TEXT, Reply, Request, Route, sliced
from pytest_k1n.engine.rest.tasks import pending
from pytest_k1n.engine.status import (
    COMPLETED,
    COMPLETED_WITH_ERRORS,
    OPEN_TASK,
    SKIPPED,
    TERMINAL_WORKFLOW,
    UNSUCCESSFUL_TASK,
)

_STATUSES: Final = OPEN_TASK | UNSUCCESSFUL_TASK | {COMPLETED, COMPLETED_WITH_ERRORS, SKIPPED}
_PAYLOADS: Final = ("WORKFLOW_INPUT", "WORKFLOW_OUTPUT", "TASK_INPUT", "TASK_OUTPUT")


def _constant(make: Callable[[], Any]) -> Callable[[Request], Reply]:
    return lambda _request: Reply(payload=make())


def _pending(request: Request) -> Reply:
    """List the open tasks of a type, oldest first."""
    shown = sliced(pending(request), request.count("start", 0), request.count("count", 100))
    return Reply(payload=[task_document(task) for task in shown])


def _requeue(request: Request) -> Reply:
    """Say whether an execution had to be queued for the sweeper: one that runs is there already."""
    execution = request.engine.executions.get(request.names["id"])
    is_missing = execution is None or execution.status in TERMINAL_WORKFLOW
    return Reply(payload=f"{str(is_missing).lower()}.{request.names['id']}", content_type=TEXT)


def _repair(_request: Request) -> Reply:
    raise Illegal("WorkflowRepairService is disabled.")


def _no_queue(request: Request) -> Reply:
    status = request.constant("status", "com.netflix.conductor.model.TaskModel$Status", _STATUSES)
    shapes.read_map(request.json())
    raise Invalid(f"There is no queue for handling {status} status")


def _event_queues(request: Request) -> Reply:
    request.flag("verbose")
    return Reply(payload={})


def _storage(request: Request) -> Reply:
    """Name a place for a large payload; no payload is too large for this engine, so no client looks there."""
    path, operation, payload = (request.required(name) for name in ("path", "operation", "payloadType"))
    if operation.upper() not in ("READ", "WRITE") or payload.upper() not in _PAYLOADS:
        raise Invalid(f"Invalid input - Operation: {operation}, PayloadType: {payload}")
    place = seeded_id(request.engine.seed, f"storage/{next(request.engine.storage_places)}")
    return Reply(payload={"path": f"{path}{place}.json"})


ROUTES = (
    Route("GET", "/admin/queues", _event_queues),
    Route("GET", "/admin/task/{type}", _pending),
    Route("POST", "/admin/sweep/requeue/{id}", _requeue),
    Route("POST", "/admin/consistency/verifyAndRepair/{id}", _repair),
    Route("GET", "/queue/size", _constant(dict)),
    Route("GET", "/queue/", _constant(dict)),
    Route("POST", "/queue/update/{id}/{ref}/{status}", _no_queue),
    Route("POST", "/queue/update/{id}/task/{task}/{status}", _no_queue),
    Route("GET", "/secrets", _constant(list)),
    Route("GET", "/environment", _constant(list)),
    Route("GET", "/environment/{key}", _constant(lambda: None)),
    *(
        Route("GET", f"/{resource}/{name}", _storage)
        for resource in ("workflow", "tasks")
        for name in ("externalstoragelocation", "external-storage-location")
    ),
)
