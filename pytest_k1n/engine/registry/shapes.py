"""Request bodies as the server's mapper reads them: unknown fields ignored, scalars coerced, anything else refused.

A shape names the fields that have a type; `read` returns the document with values of those types, so that nothing
behind it meets a string where a number belongs. Conductor answers a body it cannot read with 500.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_k1n.engine.language import jsontext
from pytest_k1n.engine.problems import Illegal, Invalid
from pytest_k1n.engine.status import RESULT_STATUSES
from pytest_k1n.engine.values import JsonObject

_COMMON = "com.netflix.conductor.common"
Kind = str | tuple[str, ...]


_PRIMITIVES: Final[dict[Any, Any]] = {"int": 0, "bool": False}
"""What an explicit null becomes where Java has no null; a `?` marks the types that have one."""


_UNCHECKABLE: Final = (
    (f"{_COMMON}.metadata.workflow.WorkflowTask", "type"),
    (f"{_COMMON}.metadata.workflow.WorkflowDef", "tasks"),
)
"""Fields that the server's validators cannot bear as an explicit null."""
UNCHECKABLE: Final = "HV000028: Unexpected exception during isValid call."


class Shape:
    """The typed fields of one kind of request object."""

    def __init__(self, java: str, **fields: Kind | tuple[str, Shape]) -> None:
        self.java = java
        self.fields: dict[str, Any] = fields


def _enum(java: str, *values: str) -> tuple[str, ...]:
    return ("enum", f"{_COMMON}.{java}", *values)


WORKFLOW_TASK: Final = Shape(
    f"{_COMMON}.metadata.workflow.WorkflowTask",
    name="text", taskReferenceName="text", description="text", type="text", inputParameters="map", startDelay="int",
    optional="bool", permissive="bool", asyncComplete="bool?", retryCount="int?", rateLimited="bool?", joinOn="texts",
    dynamicTaskNameParam="text", caseValueParam="text", caseExpression="text", scriptExpression="text",
    evaluatorType="text", expression="text", dynamicForkJoinTasksParam="text", dynamicForkTasksParam="text",
    dynamicForkTasksInputParamName="text", sink="text",
    defaultExclusiveJoinTask="texts", loopCondition="text", items="text", onStateChange="map", metadata="map",
    joinMode=_enum("metadata.workflow.WorkflowTask$JoinMode", "SYNC", "ASYNC"),
)  # fmt: skip
WORKFLOW_TASK.fields.update(
    forkTasks=("lists", WORKFLOW_TASK),
    decisionCases=("cases", WORKFLOW_TASK),
    defaultCase=("list", WORKFLOW_TASK),
    loopOver=("list", WORKFLOW_TASK),
)
WORKFLOW: Final = Shape(
    f"{_COMMON}.metadata.workflow.WorkflowDef",
    name="text", description="text", version="int", tasks=("list", WORKFLOW_TASK), inputParameters="texts",
    outputParameters="map", failureWorkflow="text", failureWorkflowVersion="int?", schemaVersion="int",
    restartable="bool", ownerEmail="text", timeoutSeconds="int", variables="map", inputTemplate="map",
    enforceSchema="bool", metadata="map", maskedFields="texts", workflowStatusListenerEnabled="bool",
    inputSchema="map", outputSchema="map", rateLimitConfig="map",
    timeoutPolicy=_enum("metadata.workflow.WorkflowDef$TimeoutPolicy", "TIME_OUT_WF", "ALERT_ONLY"),
)  # fmt: skip
SUB_WORKFLOW: Final = Shape(
    f"{_COMMON}.metadata.workflow.SubWorkflowParams",
    name="text", version="int?", taskToDomain="map", workflowDefinition="definition", idempotencyKey="text",
    idempotencyStrategy=_enum(
        "metadata.workflow.IdempotencyStrategy", "FAIL", "RETURN_EXISTING", "FAIL_ON_RUNNING",
    ),
)  # fmt: skip
WORKFLOW_TASK.fields["subWorkflowParam"] = ("object", SUB_WORKFLOW)
TASK_DEFINITION: Final = Shape(
    f"{_COMMON}.metadata.tasks.TaskDef",
    name="text", description="text", retryCount="int", timeoutSeconds="int", retryDelaySeconds="int",
    responseTimeoutSeconds="int", concurrentExecLimit="int?", inputTemplate="map", inputKeys="texts",
    outputKeys="texts", rateLimitPerFrequency="int?", rateLimitFrequencyInSeconds="int?", pollTimeoutSeconds="int?",
    backoffScaleFactor="int?", maxRetryDelaySeconds="int", backoffJitterMs="int", totalTimeoutSeconds="int",
    ownerEmail="text", isolationGroupId="text", executionNameSpace="text", enforceSchema="bool", baseType="text",
    taskStatusListenerEnabled="bool", runtimeMetadata="texts", inputSchema="map", outputSchema="map",
    timeoutPolicy=_enum("metadata.tasks.TaskDef$TimeoutPolicy", "RETRY", "TIME_OUT_WF", "ALERT_ONLY"),
    retryLogic=_enum("metadata.tasks.TaskDef$RetryLogic", "FIXED", "EXPONENTIAL_BACKOFF", "LINEAR_BACKOFF"),
)  # fmt: skip
WORKFLOW_TASK.fields["taskDefinition"] = ("object", TASK_DEFINITION)
START: Final = Shape(
    f"{_COMMON}.metadata.workflow.StartWorkflowRequest",
    name="text", version="int?", correlationId="text", input="map", taskToDomain="map",
    workflowDef=("object", WORKFLOW), priority="int?", createdBy="text", idempotencyKey="text", event="text",
)  # fmt: skip
RESULT: Final = Shape(
    f"{_COMMON}.metadata.tasks.TaskResult",
    workflowInstanceId="text", taskId="text", reasonForIncompletion="text", callbackAfterSeconds="int",
    workerId="text", outputData="map", subWorkflowId="text", extendLease="bool", logs="any",
    status=_enum("metadata.tasks.TaskResult$Status", *RESULT_STATUSES),
)  # fmt: skip
MOCK: Final = Shape(
    f"{_COMMON}.run.WorkflowTestRequest$TaskMock",
    output="map", executionTime="int", queueWaitTime="int",
    status=_enum("metadata.tasks.TaskResult$Status", *RESULT_STATUSES),
)  # fmt: skip
RERUN: Final = Shape(
    f"{_COMMON}.metadata.workflow.RerunWorkflowRequest",
    reRunFromWorkflowId="text", reRunFromTaskId="text", workflowInput="map", taskInput="map", correlationId="text",
)  # fmt: skip

_TASK_DETAILS: Final = Shape(
    f"{_COMMON}.metadata.events.EventHandler$TaskDetails",
    workflowId="text", taskRefName="text", taskId="text", output="map", reasonForIncompletion="text",
)  # fmt: skip
ACTION: Final = Shape(
    f"{_COMMON}.metadata.events.EventHandler$Action",
    action=_enum(
        "metadata.events.EventHandler$Action$Type",
        "fail_task", "start_agent", "complete_task", "start_workflow", "terminate_workflow",
        "update_workflow_variables",
    ),
    start_workflow=("object", Shape(
        f"{_COMMON}.metadata.events.EventHandler$StartWorkflow",
        name="text", version="int?", correlationId="text", input="map", taskToDomain="map",
    )),
    complete_task=("object", _TASK_DETAILS), fail_task=("object", _TASK_DETAILS), expandInlineJSON="bool",
    terminate_workflow="map", update_workflow_variables="map", start_agent="map",
)  # fmt: skip
EVENT_HANDLER: Final = Shape(
    f"{_COMMON}.metadata.events.EventHandler",
    name="text", event="text", condition="text", actions=("list", ACTION), active="bool", evaluatorType="text",
)  # fmt: skip


def parse(body: bytes | None) -> Any:
    """Parse a JSON body. Raises Illegal, or Invalid for what only this engine refuses."""
    if not body:
        raise Illegal("Required request body is missing")
    try:
        return jsontext.read(body)
    except jsontext.BadJson as error:
        raise Illegal(f"JSON parse error: {error}") from None
    except jsontext.TooDeep as error:
        raise Invalid(f"JSON parse error: {error}") from None


def read(document: Any, shape: Shape) -> JsonObject:
    """Read a document as a shape. Raises Illegal."""
    if not isinstance(document, Mapping):
        raise Illegal(_cannot(shape.java, document))
    made = dict(document)
    if shape is WORKFLOW_TASK and "workflowTaskType" in made:
        made["type"] = task_type(document)
        del made["workflowTaskType"]
    for field, kind in shape.fields.items():
        value = made.get(field)
        if value is not None:
            made[field] = _value(value, kind)
        elif field in made and isinstance(kind, str) and kind in _PRIMITIVES:
            made[field] = _PRIMITIVES[kind]
        elif field in made and (shape.java, field) in _UNCHECKABLE:
            raise Illegal(UNCHECKABLE)
    return made


def task_type(document: Mapping[str, Any]) -> Any:
    """Return the type of a workflow's task: of `type` and `workflowTaskType`, two setters, the later key counts."""
    last = next((key for key in reversed(list(document)) if key in ("type", "workflowTaskType")), "type")
    return document.get(last)


def read_list(document: Any, shape: Shape) -> list[JsonObject]:
    """Read a list of documents of one shape. Raises Illegal."""
    if not isinstance(document, list):
        raise Illegal(_cannot(f"java.util.ArrayList<{shape.java}>", document))
    if shape is WORKFLOW_TASK and None in document:
        raise Illegal(UNCHECKABLE)
    return [read(each, shape) for each in document]


def read_map(document: Any) -> JsonObject:
    """Read a JSON object of anything. Raises Illegal."""
    if not isinstance(document, dict):
        raise Illegal(_cannot("java.util.LinkedHashMap<java.lang.String,java.lang.Object>", document))
    return document


def read_texts(document: Any) -> list[str]:
    """Read a list of texts. Raises Illegal."""
    return [_text(each) for each in read_any_list(document, of="java.lang.String")]


def read_any_list(document: Any, *, of: str = "java.lang.Object") -> list[Any]:
    """Read a list of anything; `of` is what should be in it, for the message. Raises Illegal."""
    if not isinstance(document, list):
        raise Illegal(_cannot(f"java.util.ArrayList<{of}>", document))
    return document


def _value(value: Any, kind: Any) -> Any:
    if kind == "any":
        return value
    if kind in ("int", "int?"):
        return _integer(value)
    if kind in ("bool", "bool?"):
        return _boolean(value)
    if kind == "definition":
        return _definition(value)
    if kind == "text":
        return _text(value)
    if kind == "map":
        return read_map(value)
    if kind == "texts":
        return read_texts(value)
    if kind[0] == "enum":
        if value not in kind[2:]:
            raise Illegal(
                f'JSON parse error: Cannot deserialize value of type `{kind[1]}` from String "{value}": '
                f"not one of the values accepted for Enum class: [{', '.join(kind[2:])}]"
            )
        return value
    shape: Shape = kind[1]
    if kind[0] == "object":
        return read(value, shape)
    if kind[0] == "list":
        return read_list(value, shape)
    if kind[0] == "lists":
        if not isinstance(value, list):
            raise Illegal(_cannot(f"java.util.ArrayList<java.util.List<{shape.java}>>", value))
        return [read_list(each, shape) for each in value]
    return {case: read_list(each, shape) for case, each in read_map(value).items() if each is not None}


def _definition(value: Any) -> Any:
    """Read a sub-workflow's definition: an object, or one expression that leads to it."""
    what = "JSON parse error: workflowDefinition"
    if isinstance(value, str):
        if not (value.startswith("${") and value.endswith("}")):
            raise Illegal(f"{what} is a string, but not a valid DSL string")
        return value
    if not isinstance(value, Mapping):
        raise Illegal(f"{what} must be either null, or WorkflowDef, or a valid DSL string")
    return read(value, WORKFLOW)


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Illegal(_cannot("int", value))
    try:
        number = int(value)
    except (ValueError, OverflowError):
        raise Illegal(
            f'JSON parse error: Cannot deserialize value of type `int` from String "{value}": not a valid `int` value'
        ) from None
    if abs(number) > 2**63 - 1:
        raise Illegal(f"JSON parse error: Numeric value ({number}) out of range of int")
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    if isinstance(value, int):
        return value != 0
    raise Illegal(_cannot("boolean", value))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise Illegal(_cannot("java.lang.String", value))


def _cannot(java: str, value: Any) -> str:
    if isinstance(value, Mapping):
        given, token = "Object", "JsonToken.START_OBJECT"
    elif isinstance(value, list):
        given, token = "Array", "JsonToken.START_ARRAY"
    elif isinstance(value, bool):
        given, token = "Boolean", f"JsonToken.VALUE_{str(value).upper()}"
    elif isinstance(value, int):
        given, token = "Integer", "JsonToken.VALUE_NUMBER_INT"
    elif isinstance(value, float):
        given, token = "Floating-point", "JsonToken.VALUE_NUMBER_FLOAT"
    else:
        given, token = "String", "JsonToken.VALUE_STRING"
    return f"JSON parse error: Cannot deserialize value of type `{java}` from {given} value (token `{token}`)"
