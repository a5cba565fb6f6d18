"""The requests of the sweep: what a suite that nobody here has seen might ask of a Conductor."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from urllib.parse import quote

from k1n_parity.conversation import DEFINITION, TASK_DEFINITION, WORKER, conversation
from k1n_parity.sweep import JSON, NONE, Asked, P, Sweep, ask, write

ODD_IDS = (NONE, "nothing", "a b", "ü", "%25", "null", "x" * 300)
BODIES: tuple[str | None, ...] = (None, "", "{}", "[]", "null", "5", '"text"', "{", "[{}]", "[null]", "true")

ODD = {**DEFINITION, "name": f"{P}asked", "tasks": [{**WORKER, "name": f"{P}unworked"}]}
"""What odd starts are asked of: no worker polls its task."""


def set_up() -> Iterator[Asked]:
    """Yield what the requests are asked of."""
    yield ask("POST", "/metadata/taskdefs", [TASK_DEFINITION, {**TASK_DEFINITION, "name": f"{P}unworked"}])
    yield ask("PUT", "/metadata/workflow", [DEFINITION, ODD])


OPERATIONS: tuple[tuple[str, str], ...] = (
    ("GET", "/workflow/{x}"), ("GET", "/workflow/{x}/status"), ("GET", "/workflow/{x}/tasks"),
    ("DELETE", "/workflow/{x}"), ("PUT", "/workflow/{x}/pause"), ("PUT", "/workflow/{x}/resume"),
    ("POST", "/workflow/{x}/restart"), ("POST", "/workflow/{x}/retry"), ("POST", "/workflow/{x}/resetcallbacks"),
    ("PUT", "/workflow/{x}/skiptask/t"), ("DELETE", "/workflow/{x}/remove"),
    ("DELETE", "/workflow/{x}/terminate-remove"), ("PUT", "/workflow/decide/{x}"), ("GET", "/workflow/running/{x}"),
    ("GET", "/workflow/{x}/correlated/c"), ("GET", "/tasks/{x}"), ("GET", "/tasks/{x}/log"),
    ("GET", "/tasks/poll/{x}"), ("GET", "/tasks/poll/batch/{x}"), ("GET", "/metadata/workflow/{x}"),
    ("GET", "/metadata/workflow/{x}/versions"), ("DELETE", "/metadata/workflow/{x}/1"),
    ("GET", "/metadata/taskdefs/{x}"), ("DELETE", "/metadata/taskdefs/{x}"), ("GET", "/event/{x}"),
    ("DELETE", "/event/{x}"), ("GET", "/admin/task/{x}"), ("POST", "/admin/sweep/requeue/{x}"),
    ("POST", "/admin/consistency/verifyAndRepair/{x}"), ("POST", "/tasks/queue/requeue/{x}"),
    ("POST", "/tasks/{x}/COMPLETED/signal"), ("POST", "/tasks/{x}/COMPLETED/signal/sync"),
)  # fmt: skip
WITH_BODY: tuple[tuple[str, str], ...] = (
    ("POST", "/workflow"), ("POST", f"/workflow/{P}asked"), ("POST", f"/workflow/{NONE}/rerun"),
    ("POST", f"/workflow/{P}asked/correlated"), ("POST", "/workflow/test"), ("POST", "/workflow/bulk/search"),
    ("PUT", "/workflow/bulk/pause"), ("PUT", "/workflow/bulk/resume"), ("POST", "/workflow/bulk/restart"),
    ("POST", "/workflow/bulk/retry"), ("POST", "/workflow/bulk/terminate"), ("DELETE", "/workflow/bulk/remove"),
    ("DELETE", "/workflow/bulk/terminate-remove"), ("POST", "/tasks"), ("POST", "/tasks/update-v2"),
    ("POST", f"/tasks/{NONE}/t/COMPLETED"), ("POST", f"/tasks/{NONE}/t/COMPLETED/sync"),
    ("POST", f"/tasks/{P}logged/log"),
    ("POST", "/metadata/taskdefs"), ("PUT", "/metadata/taskdefs"), ("POST", "/metadata/workflow"),
    ("PUT", "/metadata/workflow"), ("POST", "/metadata/workflow/validate"), ("POST", "/event"), ("PUT", "/event"),
    ("POST", f"/queue/update/{NONE}/t/COMPLETED"), ("POST", f"/queue/update/{NONE}/task/{NONE}/COMPLETED"),
    ("POST", f"/workflow/execute/{P}asked/1"),
)  # fmt: skip
COLLECTIONS = (
    "/metadata/workflow", "/metadata/workflow/names", "/metadata/workflow/names-and-versions",
    "/metadata/workflow/latest-versions", "/metadata/taskdefs", "/event", "/workflow", "/tasks", "/workflow/search",
    "/workflow/search-v2", "/workflow/search-by-tasks", "/workflow/search-by-tasks-v2", "/tasks/search",
    "/tasks/search-v2", "/tasks/queue/size", "/tasks/queue/sizes", "/tasks/queue/all", "/tasks/queue/all/verbose",
    "/tasks/queue/polldata", "/tasks/queue/polldata/all", "/admin/config", "/admin/queues", "/queue/size", "/queue/",
    "/workflow/bulk", "/workflow/bulk/search", "/workflow/test", "/tasks/poll", "/tasks/update-v2", "/nothing", "/",
)  # fmt: skip


EVERY = 6
"""Of the requests that leave nothing behind, the short form asks one in so many."""


def everything(*, every: int = 1) -> list[Asked]:
    """List the requests of the sweep, in order; of those that leave nothing behind only one in `every`."""
    return [asked for _, asked in numbered(every=every)]


def numbered(*, every: int = 1) -> list[tuple[int, Asked]]:
    """List them with their places in the whole."""
    before = list(set_up())
    alone = [*_odd_ids(), *_odd_bodies(), *_odd_types(), *_other_methods(), *_odd_parameters()]
    whole = list(enumerate([*before, *alone, *conversation(), *tear_down()]))
    first, last = len(before), len(before) + len(alone)
    return [*whole[:first], *whole[first:last:every], *whole[last:]]


def _odd_ids() -> Iterator[Asked]:
    for method, path in OPERATIONS:
        for odd in ODD_IDS:
            yield ask(method, path.replace("{x}", quote(odd, safe="%")))


def _odd_bodies() -> Iterator[Asked]:
    for method, path in WITH_BODY:
        for body in BODIES:
            if (path, body) not in _LEAVES_SOMETHING:
                yield ask(method, path, body)


_LEAVES_SOMETHING = {(f"/workflow/execute/{P}asked/1", "{}")}


def _odd_types() -> Iterator[Asked]:
    for method, path in WITH_BODY:
        for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded", "", "json"):
            yield ask(method, path, "{}", headers={"Content-Type": kind})
        yield ask(method, path, "{}", headers={**JSON, "Accept": "text/plain"})
        yield ask(method, path, "{}", headers={**JSON, "Accept": "application/xml"})
    for path in COLLECTIONS:
        yield Asked(method="GET", path=path, headers={"Accept": "application/xml"})
        yield Asked(method="GET", path=path, headers={"Accept": "text/plain"})


def _other_methods() -> Iterator[Asked]:
    paths = dict.fromkeys([*COLLECTIONS, *(path for _, path in WITH_BODY), *(path for _, path in OPERATIONS)])
    for path in paths:
        named = path.replace("{x}", NONE)
        for method in ("PATCH", "OPTIONS", "HEAD"):
            yield ask(method, named)
        if path in COLLECTIONS:
            yield from (ask(method, named) for method in ("POST", "PUT", "DELETE"))
        yield ask("GET", f"{named}/")
        yield ask("GET", f"{named}/nothing/more")


def _odd_parameters() -> Iterator[Asked]:
    none = f"workflowType={P}none"
    for path in ("/workflow/search", "/workflow/search-v2", "/workflow/search-by-tasks", "/tasks/search"):
        for sort in ("startTime:ASC", "startTime:DESC", "nonsense:ASC", "startTime", ":", "startTime:UP", "", "a:b:c"):
            yield ask("GET", path, query=none, sort=sort)
        for free in ("*", "", "nothing at all", "'", "%", "a'b", '"', "\\"):
            yield ask("GET", path, query=none, freeText=free)
        for query in (
            "", " ", none, f"{none} AND status=RUNNING", f"{none} OR status=RUNNING", f"({none})", "status=RUNNING AND",
            f"workflowType IN ({P}none,b)", "workflowType=\"a b\"", "workflowType='x'", f"{none} AND nonsense=1",
            "=", f"{none} AND a=b=c",
            f"{none} AND startTime>5", f"{none} AND startTime<5", f"{none} AND correlationId=c", "workflowId=x;",
            f"{none} AND version=1", f"{none} AND priority>1",
        ):  # fmt: skip
            yield ask("GET", path, query=query, freeText="*" if query else "nothing at all")
    for name in (f"{P}none", "", "a b c"):
        yield ask("GET", "/tasks/queue/sizes", taskType=name)
        yield ask("GET", "/tasks/queue/size", taskType=name)
        yield ask("GET", "/tasks/queue/polldata", taskType=name)
        yield ask("GET", f"/tasks/poll/{quote(name or 'x')}", workerid="w", domain=name)
    yield ask("GET", "/tasks/queue/sizes", taskType=["a", "b"])
    yield ask("GET", "/tasks/queue/size", taskType="a", domain="d", isolationGroupId="i", executionNamespace="n")
    for given in ({"count": 0}, {"count": -1}, {"count": 1000}, {"timeout": -1}, {"timeout": 6000}, {"count": "x"}):
        yield ask("GET", f"/tasks/poll/batch/{P}none", **given)
    for version in ("0", "-1", "1", "2", "x", "1.0", ""):
        yield ask("GET", f"/metadata/workflow/{P}main", version=version)
        yield ask("DELETE", f"/metadata/workflow/{P}none/{version or 'y'}")
        yield ask("GET", f"/workflow/running/{P}none", version=version, startTime=version, endTime=version)
    for flag in ("true", "FALSE", "yes", "2", "", "x"):
        yield ask("GET", f"/workflow/{NONE}", includeTasks=flag)
        yield ask("GET", f"/workflow/{P}main/correlated/none", includeClosed=flag, includeTasks=flag)
        yield ask("DELETE", f"/workflow/{NONE}/remove", archiveWorkflow=flag)
        yield ask("POST", f"/workflow/{NONE}/restart", useLatestDefinitions=flag)
        yield ask("POST", f"/workflow/{NONE}/retry", resumeSubworkflowTasks=flag)
        yield ask("PUT", "/workflow/bulk/pause", "[]", nonsense=flag)


def tear_down() -> Iterator[Asked]:
    """Yield what takes the definitions away again."""
    yield ask("DELETE", f"/metadata/workflow/{P}main/1")
    yield ask("DELETE", f"/metadata/workflow/{P}asked/1")
    yield ask("DELETE", f"/metadata/workflow/{P}versions/1")
    yield ask("DELETE", f"/metadata/workflow/{P}versions/2")
    yield ask("DELETE", f"/metadata/taskdefs/{P}task")


if __name__ == "__main__":
    write(Sweep(url=sys.argv[1], prefix=f"sw{uuid.uuid4().hex[:6]}_").run(everything()))
