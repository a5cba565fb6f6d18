"""What clients do beyond one request to one execution: to sub-workflows, to many at once, in chains, by search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k1n_parity.catalogue.builders import FINAL, case, child, fork, simple, sub, system
from pytest_k1n.conformance.cases import PREFIX, Case, ClientStep, Document
from pytest_k1n.conformance.operations import NO_SUCH_ID


def clients() -> Iterator[Case]:
    yield from _on_children()
    yield from _at_once()
    yield from _chains()
    yield from _searches()


def _on_children() -> Iterator[Case]:
    defs: Document = {ref: {} for ref in "abd"}
    inner = child(simple("a"), simple("b"))

    def on(operation: str, after: int, body: Any = None, **query: Any) -> ClientStep:
        return ClientStep(operation=operation, after=after, ref="sub", body=body, query=query)

    running = {
        "paused and resumed": [on("PUT /workflow/{sub}/pause", 1), on("PUT /workflow/{sub}/resume", 2)],
        "terminated": [on("DELETE /workflow/{sub}", 2, reason="not wanted")],
        "skips a task": [on("PUT /workflow/{sub}/skiptask/b", 1)],
        "is removed": [on("DELETE /workflow/{sub}/remove", 2)],
        "is retried": [on("POST /workflow/{sub}/retry", 2)],
        "is restarted": [on("POST /workflow/{sub}/restart", 2)],
        "is updated by its parent's task": [on("POST /tasks/{id}/sub/COMPLETED", 2, {"by": "client"})],
        "is failed by its parent's task": [on("POST /tasks/{id}/sub/FAILED", 2, {"by": "client"})],
    }
    for name, steps in running.items():
        yield case(f"a running child {name}", sub(), simple("d"), defs=defs, workflows=[inner], steps=steps)
    ended = {
        "is retried": on("POST /workflow/{sub}/retry", -1),
        "is restarted": on("POST /workflow/{sub}/restart", -1),
        "is rerun": on("POST /workflow/{sub}/rerun", -1, {}),
        "is terminated": on("DELETE /workflow/{sub}", -1),
        "is removed": on("DELETE /workflow/{sub}/remove", -1),
    }
    for name, step in ended.items():
        yield case(f"a completed child {name}", sub(), simple("d"), defs=defs, workflows=[inner], steps=[step])
        yield case(
            f"a failed child {name}",
            sub(),
            simple("d"),
            defs=defs,
            workflows=[inner],
            script={"b": [FINAL]},
            steps=[step],
        )


def _at_once() -> Iterator[Case]:
    defs: Document = {"t": {}, "u": {}}
    both = ["{id}", NO_SUCH_ID, "{id}"]
    bulk = {
        "pause and resume": [("PUT pause", 1), ("PUT resume", 1)],
        "terminate": [("POST terminate", 1), ("POST terminate", 1)],
        "retry": [("POST retry", 1), ("POST terminate", 1), ("POST retry", 1)],
        "restart": [("POST restart", 1), ("POST terminate", 1), ("POST restart", 1)],
        "remove": [("DELETE remove", 1), ("POST terminate", 1), ("DELETE remove", 1)],
    }
    for name, operations in bulk.items():
        steps = [
            ClientStep(
                operation=operation.replace(" ", " /workflow/bulk/"),
                after=after,
                body=["{id}"] if name == "remove" else both,
            )
            for operation, after in operations
        ]
        yield case(f"bulk, {name}", simple("t"), simple("u"), defs=defs, steps=steps)
    for name, after in {"a running one": 1, "a completed one": -1}.items():
        step = ClientStep(operation="DELETE /workflow/bulk/terminate-remove", after=after, body=["{id}"])
        yield case(f"bulk, terminate and remove {name}", simple("t"), defs=defs, steps=[step])
    each = [
        ClientStep(operation=operation.replace(" ", " /workflow/bulk/"), after=0, body=body)
        for operation in (
            "PUT resume",
            "POST restart",
            "POST retry",
            "POST terminate",
            "DELETE remove",
        )
        for body in ([], [NO_SUCH_ID] * 1001)
    ]
    yield case("bulk, none and too many of each", simple("t"), defs=defs, steps=each)
    for name, body in {"nothing": [], "no list": {"id": "{id}"}, "too many": [NO_SUCH_ID] * 1001}.items():
        step = ClientStep(operation="PUT /workflow/bulk/pause", after=0, body=body)
        yield case(f"bulk, {name}", simple("t"), defs=defs, steps=[step])


def _chains() -> Iterator[Case]:
    def update(ref: str, status: str = "COMPLETED", **fields: Any) -> ClientStep:
        body = {"workflowInstanceId": "{id}", "taskId": "{task}", "status": status, "workerId": "w", **fields}
        return ClientStep(operation="update-v2", after=1, ref=ref, body=body)

    same = [simple(ref, name="t") for ref in ("a", "b", "c")]
    defs: Document = {"t": {}, "u": {}}
    yield case("update-v2, a chain of one type", *same, defs=defs, steps=[update("a"), update("b"), update("c")])
    yield case("update-v2, another type follows", same[0], simple("u"), defs=defs, steps=[update("a"), update("u")])
    yield case(
        "update-v2, a failure is retried", *same[:2], defs={"t": {"retryCount": 1}}, steps=[update("a", "FAILED")]
    )
    yield case(
        "update-v2, in progress", *same[:2], defs=defs, steps=[update("a", "IN_PROGRESS", callbackAfterSeconds=0)]
    )
    yield case("update-v2, twice", *same[:2], defs=defs, steps=[update("a"), update("a")])
    yield case("update-v2, a fork", *fork([same[0]], [same[1]]), defs=defs, steps=[update("a"), update("b")])
    yield case("update-v2, a HUMAN task", system("HUMAN", "h"), same[0], defs=defs, steps=[update("h"), update("a")])


def _searches() -> Iterator[Case]:
    def step(path: str, after: int = -1) -> ClientStep:
        return ClientStep(operation=f"GET {path}", after=after)

    of_type = f"query=workflowType%3D{PREFIX}main"
    queries = {
        "workflows by type": f"/workflow/search?{of_type}",
        "workflows by status": f"/workflow/search?{of_type}%20AND%20status%3DCOMPLETED",
        "workflows by another status": f"/workflow/search?{of_type}%20AND%20status%20IN%20(FAILED%2CRUNNING)",
        "workflows by id": "/workflow/search?query=workflowId%3D{id}",
        "workflows by correlation": f"/workflow/search?{of_type}%20AND%20correlationId%3Dc7",
        "workflows, v2": f"/workflow/search-v2?{of_type}",
        "workflows by tasks": f"/workflow/search-by-tasks?query=workflowType%3D{PREFIX}main",
        "workflows by tasks, v2": f"/workflow/search-by-tasks-v2?query=taskDefName%3D{PREFIX}t",
        "workflows, none of the page": f"/workflow/search?{of_type}&start=5&size=5",
        "workflows by an unknown field": f"/workflow/search?{of_type}%20AND%20nonsense%3D1",
        "workflows since no number": f"/workflow/search?{of_type}%20AND%20startTime%3Eabc",
        "workflows by text": f"/workflow/search?{of_type}&freeText=dotted",
        "workflows by a text that none has": f"/workflow/search?{of_type}&freeText=haystack",
        "workflows before the first": f"/workflow/search?{of_type}&start=-1",
        "too many workflows": f"/workflow/search?{of_type}&size=5001",
        "workflows of another classifier": f"/workflow/search?{of_type}&classifier=agent",
        "tasks by text": f"/tasks/search?query=taskDefName%3D{PREFIX}t&freeText=t%230",
        "tasks by an unknown field": f"/tasks/search?query=taskDefName%3D{PREFIX}t%20AND%20nonsense%3D1",
        "tasks by definition": f"/tasks/search?query=taskDefName%3D{PREFIX}t",
        "tasks by workflow": "/tasks/search?query=workflowId%3D{id}",
        "tasks by status": f"/tasks/search?query=taskDefName%3D{PREFIX}t%20AND%20status%3DCOMPLETED",
        "tasks, v2": f"/tasks/search-v2?query=taskDefName%3D{PREFIX}t",
        "correlated": f"/workflow/{PREFIX}main/correlated/c7?includeClosed=true&includeTasks=false",
        "running": f"/workflow/running/{PREFIX}main",
    }
    for name, path in queries.items():
        yield case(
            f"search, {name}",
            simple("t", {"x": "${workflow.input.a}"}),
            simple("u"),
            defs={"t": {}, "u": {}},
            start={"correlationId": "c7"},
            steps=[step(path)],
        )
    yield case(
        "search, tasks that nobody polled",
        simple("t"),
        defs={"t": {}},
        steps=[step(f"/tasks/search?query=taskDefName%3D{PREFIX}t", after=0)],
    )
