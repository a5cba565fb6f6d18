"""/metadata: workflow and task definitions."""

from __future__ import annotations

from pytest_k1n.engine.problems import Illegal, Unknown, WrongState
from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.registry.constraints import check_task_definition, demand
from pytest_k1n.engine.registry.wiredefaults import task_definition_document
from pytest_k1n.engine.rest.request import Reply, Request, Route
from pytest_k1n.engine.values import JsonObject


def _put_workflows(request: Request) -> Reply:
    given = request.json()
    if isinstance(given, list) and None in given:
        element = f"updateWorkflowDef.arg0[{given.index(None)}].<list element>"
        demand([{"path": element, "message": "WorkflowDef cannot be null"}])
    definitions = shapes.read_list(given, shapes.WORKFLOW)
    if not definitions:
        demand([{"path": "updateWorkflowDef.arg0", "message": "WorkflowDefList is empty"}])
    catalogue = request.engine.catalogue
    checked = [catalogue.checked(each, f"updateWorkflowDef.arg0[{index}]") for index, each in enumerate(definitions)]
    for document in checked:
        catalogue.put_checked(document, request.engine.now_ms, is_update=True)
    names = [document["name"] for document in checked]
    return Reply(payload={"bulkErrorResults": {}, "bulkSuccessfulResults": names})


def _post_workflow(request: Request) -> Reply:
    definition = shapes.read(request.json(), shapes.WORKFLOW)
    overwrites = request.flag("overwrite") and request.engine.dialect.overwrites
    catalogue = request.engine.catalogue
    name, version = definition.get("name") or "", definition.get("version", 1)
    is_known = catalogue.workflow_document(name, version) is not None
    if is_known and not overwrites:
        raise WrongState(f"Workflow with {name}.{version} already exists!")
    document = catalogue.checked(definition, f"{'update' if is_known else 'register'}WorkflowDef.arg0")
    catalogue.put_checked(document, request.engine.now_ms, is_update=is_known)
    return Reply()


def _validate(request: Request) -> Reply:
    definition = shapes.read(request.json(), shapes.WORKFLOW)
    request.engine.catalogue.checked(definition, "validateWorkflowDef.arg0")
    return Reply()


def _workflow(request: Request) -> Reply:
    name, version = request.names["name"], request.number("version")
    document = request.engine.catalogue.workflow_document(name, version)
    if document is None:
        shown = "null" if version is None else version
        raise Unknown(f"No such workflow found by name: {name}, version: {shown}")
    return Reply(payload=document)


def _workflows(request: Request) -> Reply:
    if (request.text("classifier") or "workflow") != "workflow":
        return Reply(payload=[])
    every = request.engine.catalogue.workflow_documents
    return Reply(payload=[document for name in sorted(every) for _, document in sorted(every[name].items())])


def _latest(request: Request) -> Reply:
    every = request.engine.catalogue.workflow_documents
    return Reply(payload=[versions[max(versions)] for versions in every.values()])


def _names(request: Request) -> Reply:
    return Reply(payload=sorted(request.engine.catalogue.workflow_documents))


def _names_and_versions(request: Request) -> Reply:
    every = request.engine.catalogue.workflow_documents
    return Reply(
        payload={name: [_summary(document) for _, document in sorted(every[name].items())] for name in sorted(every)}
    )


def _versions(request: Request) -> Reply:
    versions = request.engine.catalogue.workflow_documents.get(request.names["name"], {})
    return Reply(
        payload=[
            {name: each[name] for name in ("name", "version", "createTime")} for _, each in sorted(versions.items())
        ]
    )


def _summary(document: JsonObject) -> JsonObject:
    return {name: document[name] for name in ("name", "version", "createTime", "updateTime")}


def _delete_workflow(request: Request) -> Reply:
    name, number = request.names["name"], request.number("version", 0, of=request.names) or 0
    if not request.engine.catalogue.drop_workflow(name, number):
        refused = f"No such workflow definition: {name} version: {request.names['version']}"
        if not request.engine.dialect.overwrites:
            raise Unknown(f"Cannot remove the workflow - {refused[0].lower()}{refused[1:]}")
        raise Illegal(refused)
    return Reply()


def _post_tasks(request: Request) -> Reply:
    given = request.json()
    missing = given.index(None) if isinstance(given, list) and None in given else None
    definitions = shapes.read_list(given if missing is None else [one for one in given if one], shapes.TASK_DEFINITION)
    if not given:
        demand([{"path": "registerTaskDef.arg0", "message": "TaskDefList is empty"}])
    demand(
        [
            violation
            for index, definition in enumerate(definitions)
            for violation in check_task_definition(
                task_definition_document(definition), f"registerTaskDef.arg0[{index}]"
            )
        ]
    )
    for definition in definitions[:missing]:
        request.engine.catalogue.put_task(definition, request.engine.now_ms, is_update=False)
    if missing is not None:  # what stands before it is registered
        raise Illegal(
            'Cannot invoke "com.netflix.conductor.common.metadata.tasks.TaskDef.setCreatedBy(String)" because '
            '"taskDefinition" is null'
        )
    return Reply()


def _put_task(request: Request) -> Reply:
    definition = shapes.read(request.json(), shapes.TASK_DEFINITION)
    demand(check_task_definition(task_definition_document(definition), "updateTaskDef.arg0"))
    if request.engine.catalogue.task_definition(definition["name"]) is None:
        raise Unknown(f"No such task by name {definition['name']}")
    request.engine.catalogue.put_task(definition, request.engine.now_ms, is_update=True)
    return Reply()


def _task(request: Request) -> Reply:
    document = request.engine.catalogue.task_documents.get(request.names["type"])
    if document is None:
        raise Unknown(f"No such taskType found by name: {request.names['type']}")
    return Reply(payload=document)


def _tasks(request: Request) -> Reply:
    return Reply(payload=list(request.engine.catalogue.task_documents.values()))


def _delete_task(request: Request) -> Reply:
    if not request.engine.catalogue.drop_task(request.names["type"]):
        raise Illegal("No such task definition")
    return Reply()


ROUTES = (
    Route("PUT", "/metadata/workflow", _put_workflows),
    Route("POST", "/metadata/workflow", _post_workflow),
    Route("GET", "/metadata/workflow", _workflows),
    Route("POST", "/metadata/workflow/validate", _validate),
    Route("GET", "/metadata/workflow/names", _names),
    Route("GET", "/metadata/workflow/names-and-versions", _names_and_versions),
    Route("GET", "/metadata/workflow/latest-versions", _latest),
    Route("GET", "/metadata/workflow/{name}", _workflow),
    Route("GET", "/metadata/workflow/{name}/versions", _versions),
    Route("DELETE", "/metadata/workflow/{name}/{version}", _delete_workflow),
    Route("POST", "/metadata/taskdefs", _post_tasks),
    Route("PUT", "/metadata/taskdefs", _put_task),
    Route("GET", "/metadata/taskdefs", _tasks),
    Route("GET", "/metadata/taskdefs/{type}", _task),
    Route("DELETE", "/metadata/taskdefs/{type}", _delete_task),
)
