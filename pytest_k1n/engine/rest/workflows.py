"""/workflow: starting, reading, searching and operating executions."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_k1n.engine.documents import execution_document, task_document
from pytest_k1n.engine.language import jsontext
from pytest_k1n.engine.language.expressions import MOST_BYTES
from pytest_k1n.engine.operate import operations, reruns
from pytest_k1n.engine.problems import Illegal, Invalid, Unknown
from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.registry.constraints import demand
from pytest_k1n.engine.rest import search
from pytest_k1n.engine.rest.request import TEXT, Reply, Request, Route, sliced
from pytest_k1n.engine.state import ExecutionState
from pytest_k1n.engine.status import TERMINAL_WORKFLOW
from pytest_k1n.engine.values import JsonObject

MOST_FOUND = 5000
WORKFLOW = "workflow"
"""The classifier of every execution here; the server calls others agents."""


def _start(request: Request) -> Reply:
    return Reply(payload=started(request).workflow_id, content_type=TEXT)


def started(
    request: Request,
    *,
    named: str | None = None,
    version: int | None = None,
    domain: str | None = None,
    marks_inline: bool = False,
) -> ExecutionState:
    """Start what a StartWorkflowRequest asks for; a path may name the definition, and a domain may keep workers away.

    `marks_inline`: whether the input tells, as only some of the server's endpoints do, that the definition came inline.
    Raises Problem.
    """
    request.engine.guards.passed_ms = 0
    asked = shapes.read(request.json(), shapes.START)
    if named is not None:
        asked = {**asked, "name": named, "version": version}
    violations = []
    if asked.get("name") is None:
        violations.append({"path": "startWorkflow.arg0.name", "message": "Workflow name cannot be null or empty"})
    violations += _priority_violations("startWorkflow.arg0.priority", asked.get("priority") or 0)
    demand(violations)
    inline = asked.get("workflowDef")
    if inline is not None:
        catalogue = request.engine.catalogue
        catalogue.checked(inline, "startWorkflow.arg0.workflowDef")
        definition = catalogue.inline(inline)
    elif not asked["name"].strip():
        raise Invalid("Workflow name must be specified when searching for a definition")
    else:
        definition = request.engine.find(asked["name"], asked.get("version"))
    if (path := asked.get("externalInputPayloadStoragePath")) and not asked.get("input"):
        raise Illegal(f"Unable to download payload from external storage path: {path}")  # there is no such storage
    if "input" in asked and asked["input"] is None:
        raise Invalid("NULL input passed when starting workflow")
    given = asked.get("input") or {}
    if len(request.body or b"") > MOST_BYTES and (size := jsontext.excess(given, MOST_BYTES)):
        raise Illegal(f"The payload size: {size} of workflow is greater than the permissible limit: {MOST_BYTES} bytes")
    if marks_inline and inline is not None:
        given = {**given, "_systemMetadata": {"dynamic": True}}
    return request.engine.start(
        definition,
        given,
        correlation_id=asked.get("correlationId"),
        domains={"*": domain} if domain else asked.get("taskToDomain", {}),
        priority=asked.get("priority") or 0,
    )


def _start_named(request: Request) -> Reply:
    name, version = request.names["name"], request.number("version")
    given = shapes.read_map(request.json())
    priority = request.count("priority", 0)
    if not 0 <= priority <= 99:
        bound = "99 is the maximum" if priority > 99 else "0 is the minimum"
        message = f"{bound} priority value"
        demand([{"path": "startWorkflow.arg3", "message": message, "invalidValue": str(priority)}])
    if request.engine.catalogue.workflow_document(name, version) is None:
        shown = "null" if version is None else version
        raise Unknown(f"No such workflow found by name: {name}, version: {shown}")
    execution = request.engine.start(
        request.engine.find(name, version), given, correlation_id=request.text("correlationId"), priority=priority
    )
    return Reply(payload=execution.workflow_id, content_type=TEXT)


def _priority_violations(path: str, priority: int) -> list[JsonObject]:
    if priority > 99:
        bound = "maximum 99"
    elif priority < 0:
        bound = "minimum 0"
    else:
        return []
    message = f"priority: {priority} should be {bound}"
    return [{"path": path, "message": message, "invalidValue": str(priority)}]


def _execution(request: Request) -> ExecutionState:
    return request.engine.execution(request.names["id"])


def _changeable(request: Request) -> ExecutionState:
    return request.engine.changeable(request.names["id"])


def _get(request: Request) -> Reply:
    with_tasks = request.flag("includeTasks", default=True)
    return Reply(payload=execution_document(_execution(request), tasks=with_tasks))


def _status(request: Request) -> Reply:
    with_output, with_variables = request.flag("includeOutput"), request.flag("includeVariables")
    execution = _execution(request)
    document: JsonObject = {"workflowId": execution.workflow_id}
    if execution.correlation_id is not None:
        document["correlationId"] = execution.correlation_id
    if with_output:
        document["output"] = execution.output
    if with_variables:
        document["variables"] = execution.variables
    document["status"] = execution.status
    return Reply(payload=document)


def _tasks(request: Request) -> Reply:
    execution = _execution(request)
    wanted = [each.upper() for each in request.texts("status") or ()]
    tasks = [task for task in execution.tasks if not wanted or task.status in wanted]
    start, count = request.number("start", 0) or 0, request.number("count", 15) or 0
    shown = [task_document(task) for task in sliced(tasks, start, count)]
    return Reply(payload={"totalHits": len(tasks), "results": shown})


def _correlated(request: Request, correlation_id: str) -> list[JsonObject]:
    closed, tasks = request.flag("includeClosed"), request.flag("includeTasks")
    return [
        execution_document(execution, tasks=tasks)
        for execution in request.engine.executions.values()
        if execution.definition.name == request.names["name"]
        and execution.correlation_id == correlation_id
        and (closed or execution.status not in TERMINAL_WORKFLOW)
    ]


def _get_correlated(request: Request) -> Reply:
    return Reply(payload=_correlated(request, request.names["correlation"]))


def _post_correlated(request: Request) -> Reply:
    ids = shapes.read_texts(request.json())
    if None in ids:
        raise Illegal("correlationId cannot be null")
    return Reply(payload={each: _correlated(request, each) for each in ids if each is not None})


def _running(request: Request) -> Reply:
    """List what runs of any version; of both bounds of a time, what was started between them, ended or not."""
    name, version = request.names["name"], request.count("version", 1)
    first_ms = request.number("startTime", 0, java="java.lang.Long")
    last_ms = request.number("endTime", 0, java="java.lang.Long")
    every = (execution for execution in request.engine.executions.values() if execution.definition.name == name)
    if first_ms and last_ms:
        found = [
            execution
            for execution in every
            if execution.definition.version == version and first_ms <= execution.created_ms <= last_ms
        ]
    else:
        found = [execution for execution in every if execution.status not in TERMINAL_WORKFLOW]
    return Reply(payload=[execution.workflow_id for execution in found])


def _pause(request: Request) -> Reply:
    operations.pause(_execution(request))
    return Reply()


def _resume(request: Request) -> Reply:
    operations.resume(request.engine, _execution(request))
    return Reply()


def _skip(request: Request) -> Reply:
    operations.skip(request.engine, _changeable(request), request.names["ref"])
    return Reply()


def _terminate(request: Request) -> Reply:
    operations.terminate(request.engine, _changeable(request), request.text("reason"))
    return Reply()


def _restart(request: Request) -> Reply:
    latest = request.flag("useLatestDefinitions")
    operations.restart(request.engine, _changeable(request), latest=latest)
    return Reply(204)


def _retry(request: Request) -> Reply:
    resume_children = request.flag("resumeSubworkflowTasks")
    operations.retry(request.engine, _changeable(request), resume_children=resume_children)
    return Reply(204)


def _rerun(request: Request) -> Reply:
    asked = shapes.read(request.json(), shapes.RERUN)
    execution = _changeable(request)
    reruns.rerun(
        request.engine,
        execution,
        task_id=asked.get("reRunFromTaskId"),
        workflow_input=asked.get("workflowInput"),
        task_input=asked.get("taskInput"),
        correlation_id=asked.get("correlationId"),
    )
    return Reply(payload=execution.workflow_id, content_type=TEXT)


def _reset_callbacks(request: Request) -> Reply:
    operations.reset_callbacks(request.engine, _changeable(request))
    return Reply(204)


def _remove(request: Request) -> Reply:
    archive = request.flag("archiveWorkflow", default=True)
    operations.remove(request.engine, _execution(request), archive=archive)
    return Reply()


def _terminate_remove(request: Request) -> Reply:
    archive = request.flag("archiveWorkflow", default=True)
    execution = _changeable(request)
    operations.terminate(request.engine, execution, request.text("reason"))
    operations.remove(request.engine, execution, archive=archive)
    return Reply()


def _decide(request: Request) -> Reply:
    request.engine.decide(_changeable(request))
    request.engine.settle()
    return Reply()


def _search(request: Request) -> Reply:
    return _found(request, full=False)


def _search_full(request: Request) -> Reply:
    return _found(request, full=True)


def _search_by_tasks(request: Request) -> Reply:
    return _found(request, full=False, by_tasks=True)


def _search_full_by_tasks(request: Request) -> Reply:
    return _found(request, full=True, by_tasks=True)


def _found(request: Request, *, full: bool, by_tasks: bool = False) -> Reply:
    start, size = max(0, request.count("start", 0)), request.count("size", 100)
    if size > MOST_FOUND and not by_tasks:
        name = f"searchWorkflows{'V2' * full}"
        message = f"Cannot return more than {MOST_FOUND} workflows. Please use pagination."
        demand([{"path": f"{name}.arg1", "message": message, "invalidValue": str(size)}])
    top_only, engine = request.flag("topLevelOnly"), request.engine
    known = engine.executions.values() if full or by_tasks else (*engine.executions.values(), *engine.archived)
    every: Iterable[ExecutionState] = search.unhurried(known, engine.guards.breathe)
    if (request.text("classifier") or WORKFLOW) != WORKFLOW:
        every = ()
    elif top_only:
        every = (execution for execution in every if execution.parent_id is None)
    query, text, sort = request.text("query") or "", request.text("freeText"), request.text("sort") or ""
    page = slice(start, None if size < 0 else start + size)
    if by_tasks:  # pages are of tasks, and what is found more than once in one page is not counted
        tasks = search.tasks(search.rows(every), query, text, sort)
        shown = list(dict.fromkeys(task.execution for task in tasks[page]))
        hits = len(tasks) - len(tasks[page]) + len(shown)
    else:
        found = search.ordered(search.executions(every, query, text), query, sort)
        shown, hits = found[page], len(found)
    results = [execution_document(each, tasks=False) if full else search.summary(each) for each in shown]
    return Reply(payload={"totalHits": hits, "results": results})


ROUTES = (
    Route("POST", "/workflow", _start),
    Route("GET", "/workflow/search", _search),
    Route("GET", "/workflow/search-v2", _search_full),
    Route("GET", "/workflow/search-by-tasks", _search_by_tasks),
    Route("GET", "/workflow/search-by-tasks-v2", _search_full_by_tasks),
    Route("POST", "/workflow/{name}", _start_named),
    Route("GET", "/workflow/{id}", _get),
    Route("DELETE", "/workflow/{id}", _terminate),
    Route("GET", "/workflow/{id}/status", _status),
    Route("GET", "/workflow/{id}/tasks", _tasks),
    Route("GET", "/workflow/running/{name}", _running),
    Route("POST", "/workflow/{name}/correlated", _post_correlated),
    Route("GET", "/workflow/{name}/correlated/{correlation}", _get_correlated),
    Route("PUT", "/workflow/{id}/pause", _pause),
    Route("PUT", "/workflow/{id}/resume", _resume),
    Route("PUT", "/workflow/{id}/skiptask/{ref}", _skip),
    Route("POST", "/workflow/{id}/restart", _restart),
    Route("POST", "/workflow/{id}/retry", _retry),
    Route("POST", "/workflow/{id}/rerun", _rerun),
    Route("POST", "/workflow/{id}/resetcallbacks", _reset_callbacks),
    Route("DELETE", "/workflow/{id}/remove", _remove),
    Route("DELETE", "/workflow/{id}/terminate-remove", _terminate_remove),
    Route("PUT", "/workflow/decide/{id}", _decide),
)
