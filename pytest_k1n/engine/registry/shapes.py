"""Request bodies as the server's mapper reads them: unknown fields ignored, scalars coerced, anything else refused.

A shape names the fields and their types; `read` returns the document with these fields only, and with values of those
types, so that nothing behind it meets a string where a number belongs. Conductor answers 500 to a body it cannot read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_k1n.engine.language import jsontext
from pytest_k1n.engine.problems import Illegal, Invalid, Problem
from pytest_k1n.engine.registry import coercions
from pytest_k1n.engine.status import (
    CANCELED,
    COMPLETED,
    FAILED,
    FAILED_WITH_TERMINAL_ERROR,
    IN_PROGRESS,
    RESULT_STATUSES,
)
from pytest_k1n.engine.values import JsonObject

_COMMON = "com.netflix.conductor.common"
Kind = str | tuple[Any, ...]
_NUMBERS: Final = {"int": "int", "int?": "java.lang.Integer", "long": "long", "long?": "java.lang.Long"}
_TRUTHS: Final = {"bool": "boolean", "bool?": "java.lang.Boolean"}
_PRIMITIVES: Final[dict[Any, Any]] = {"int": 0, "long": 0, "bool": False}
"""What an explicit null becomes where Java has no null; a `?` marks the types that have one."""
_MAP: Final = "java.util.LinkedHashMap<java.lang.String,java.lang.Object>"
_TEXT: Final = "java.lang.String"


UNCHECKABLE: Final = "HV000028: Unexpected exception during isValid call."


class Shape:
    """The fields of one kind of request object; `from_text` is the field that a text in its place stands for.

    `stamped` is the field that such a text leaves to the server: null, then.
    """

    def __init__(self, java: str, *, from_text: str | None = None, stamped: str | None = None, **fields: Any) -> None:
        self.java = java
        self.from_text = from_text
        self.stamped = stamped
        self.fields: dict[str, Any] = fields


def _enum(java: str, *names: str, listed: tuple[str, ...] = ()) -> Kind:
    """Make the kind of an enum from its constants in the order of their declaration."""
    return ("enum", f"{_COMMON}.{java}", names, listed or names)


_AUDIT: Final[dict[str, Any]] = {
    "ownerApp": "text", "createTime": "long?", "updateTime": "long?", "createdBy": "text", "updatedBy": "text",
}  # fmt: skip
_SCHEMA: Final = Shape(
    f"{_COMMON}.metadata.SchemaDef", **_AUDIT,
    name="text", version="int", data="map", externalRef="text",
    type=_enum("metadata.SchemaDef$Type", "JSON", "AVRO", "PROTOBUF"),
)  # fmt: skip
_CACHE: Final = Shape(f"{_COMMON}.metadata.workflow.CacheConfig", key="text", ttlInSecond="int")
_RATE_LIMIT: Final = Shape(
    f"{_COMMON}.metadata.workflow.RateLimitConfig",
    rateLimitKey="text", concurrentExecLimit="int",
    policy=_enum("metadata.workflow.RateLimitConfig$RateLimitPolicy", "QUEUE", "REJECT"),
)  # fmt: skip
_STATE_CHANGE: Final = Shape(f"{_COMMON}.metadata.workflow.StateChangeEvent", type="text", payload="map")
_IDEMPOTENCY: Final = _enum(
    "metadata.workflow.IdempotencyStrategy", "FAIL", "RETURN_EXISTING", "FAIL_ON_RUNNING",
    listed=("FAIL_ON_RUNNING", "RETURN_EXISTING", "FAIL"),
)  # fmt: skip
_STATUS: Final = _enum(
    "metadata.tasks.TaskResult$Status", IN_PROGRESS, FAILED, FAILED_WITH_TERMINAL_ERROR, COMPLETED, CANCELED,
    listed=RESULT_STATUSES,
)  # fmt: skip
WORKFLOW_TASK: Final = Shape(
    f"{_COMMON}.metadata.workflow.WorkflowTask",
    name="text", taskReferenceName="text", description="text", type="text", inputParameters="map", startDelay="int",
    optional="bool", permissive="bool", asyncComplete="bool?", retryCount="int?", rateLimited="bool?", joinOn="texts",
    dynamicTaskNameParam="text", caseValueParam="text", caseExpression="text", scriptExpression="text",
    evaluatorType="text", expression="text", dynamicForkJoinTasksParam="text", dynamicForkTasksParam="text",
    dynamicForkTasksInputParamName="text", sink="text",
    defaultExclusiveJoinTask="texts", loopCondition="text", items="text", metadata="map",
    onStateChange=("cases", _STATE_CHANGE), joinStatus="text", cacheConfig=("object", _CACHE),
    joinMode=_enum("metadata.workflow.WorkflowTask$JoinMode", "SYNC", "ASYNC"),
)  # fmt: skip
WORKFLOW_TASK.fields.update(
    forkTasks=("lists", WORKFLOW_TASK),
    decisionCases=("cases", WORKFLOW_TASK),
    defaultCase=("list", WORKFLOW_TASK),
    loopOver=("list", WORKFLOW_TASK),
)
WORKFLOW: Final = Shape(
    f"{_COMMON}.metadata.workflow.WorkflowDef", **_AUDIT,
    name="text", description="text", version="int", tasks=("list", WORKFLOW_TASK), inputParameters="texts",
    outputParameters="map", failureWorkflow="text", failureWorkflowVersion="int?", schemaVersion="int",
    restartable="bool", ownerEmail="text", timeoutSeconds="long", variables="map", inputTemplate="map",
    enforceSchema="bool", metadata="map", maskedFields="texts", workflowStatusListenerEnabled="bool",
    workflowStatusListenerSink="text", inputSchema=("object", _SCHEMA), outputSchema=("object", _SCHEMA),
    rateLimitConfig=("object", _RATE_LIMIT), cacheConfig=("object", _CACHE),
    timeoutPolicy=_enum("metadata.workflow.WorkflowDef$TimeoutPolicy", "TIME_OUT_WF", "ALERT_ONLY"),
)  # fmt: skip
SUB_WORKFLOW: Final = Shape(
    f"{_COMMON}.metadata.workflow.SubWorkflowParams",
    name="text", version="int?", taskToDomain="text map", workflowDefinition="definition", idempotencyKey="text",
    idempotencyStrategy=_IDEMPOTENCY, priority="any",
)  # fmt: skip
WORKFLOW_TASK.fields["subWorkflowParam"] = ("object", SUB_WORKFLOW)
TASK_DEFINITION: Final = Shape(
    f"{_COMMON}.metadata.tasks.TaskDef", from_text="name", **_AUDIT,
    name="text", description="text", retryCount="int", timeoutSeconds="long", retryDelaySeconds="int",
    responseTimeoutSeconds="long", concurrentExecLimit="int?", inputTemplate="map", inputKeys="texts",
    outputKeys="texts", rateLimitPerFrequency="int?", rateLimitFrequencyInSeconds="int?", pollTimeoutSeconds="int?",
    backoffScaleFactor="int?", maxRetryDelaySeconds="int", backoffJitterMs="int", totalTimeoutSeconds="long",
    ownerEmail="text", isolationGroupId="text", executionNameSpace="text", enforceSchema="bool", baseType="text",
    taskStatusListenerEnabled="bool", runtimeMetadata="texts",
    inputSchema=("object", _SCHEMA), outputSchema=("object", _SCHEMA),
    timeoutPolicy=_enum("metadata.tasks.TaskDef$TimeoutPolicy", "RETRY", "TIME_OUT_WF", "ALERT_ONLY"),
    retryLogic=_enum("metadata.tasks.TaskDef$RetryLogic", "FIXED", "EXPONENTIAL_BACKOFF", "LINEAR_BACKOFF"),
)  # fmt: skip
WORKFLOW_TASK.fields["taskDefinition"] = ("object", TASK_DEFINITION)
START: Final = Shape(
    f"{_COMMON}.metadata.workflow.StartWorkflowRequest",
    name="text", version="int?", correlationId="text", input="map", taskToDomain="text map",
    workflowDef=("object", WORKFLOW), priority="int?", createdBy="text", idempotencyKey="text", event="text",
    externalInputPayloadStoragePath="text", idempotencyStrategy=_IDEMPOTENCY,
)  # fmt: skip
_JOINED_TASK: Final = Shape(
    f"{_COMMON}.metadata.workflow.DynamicForkJoinTask",
    taskName="text", workflowName="text", referenceName="text", type="text", input="map",
)  # fmt: skip
JOINED: Final = Shape(f"{_COMMON}.metadata.workflow.DynamicForkJoinTaskList", dynamicTasks=("list", _JOINED_TASK))
"""What a dynamic fork takes for its tasks and their inputs at once."""
_LOG: Final = Shape(
    f"{_COMMON}.metadata.tasks.TaskExecLog",
    from_text="log",
    stamped="createdTime",
    log="text",
    taskId="text",
    createdTime="long",
)
RESULT: Final = Shape(
    f"{_COMMON}.metadata.tasks.TaskResult",
    workflowInstanceId="text", taskId="text", reasonForIncompletion="text", callbackAfterSeconds="long",
    workerId="text", outputData="map", subWorkflowId="text", extendLease="bool", logs=("list", _LOG), status=_STATUS,
    externalOutputPayloadStoragePath="text",
)  # fmt: skip
MOCK: Final = Shape(
    f"{_COMMON}.run.WorkflowTestRequest$TaskMock",
    output="map", executionTime="long", queueWaitTime="long", status=_STATUS,
)  # fmt: skip
TEST: Final = Shape(
    f"{_COMMON}.run.WorkflowTestRequest",
    taskRefToMockOutput=("cases", MOCK),
    subWorkflowTestRequest="map",
)
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
        "start_workflow", "complete_task", "fail_task", "terminate_workflow", "update_workflow_variables",
        "start_agent",
        listed=(
            "fail_task", "start_agent", "complete_task", "start_workflow", "terminate_workflow",
            "update_workflow_variables",
        ),
    ),
    start_workflow=("object", Shape(
        f"{_COMMON}.metadata.events.EventHandler$StartWorkflow",
        name="text", version="int?", correlationId="text", input="map", taskToDomain="text map",
    )),
    complete_task=("object", _TASK_DETAILS), fail_task=("object", _TASK_DETAILS), expandInlineJSON="bool",
    terminate_workflow=("object", Shape(
        f"{_COMMON}.metadata.events.EventHandler$TerminateWorkflow", workflowId="text", terminationReason="text",
    )),
    update_workflow_variables=("object", Shape(
        f"{_COMMON}.metadata.events.EventHandler$UpdateWorkflowVariables",
        workflowId="text", variables="map", appendArray="bool?",
    )),
    start_agent="map",
)  # fmt: skip
EVENT_HANDLER: Final = Shape(
    f"{_COMMON}.metadata.events.EventHandler",
    name="text", event="text", condition="text", actions=("list", ACTION), active="bool", evaluatorType="text",
)  # fmt: skip


def parse(body: bytes | None) -> Any:
    """Parse a JSON body, which must not be null. Raises Illegal, or Invalid for what only this engine refuses."""
    try:
        value = jsontext.read(body) if body else None
    except jsontext.BadJson as error:
        raise Illegal(f"JSON parse error: {error}") from None
    except jsontext.TooDeep as error:
        raise Invalid(f"JSON parse error: {error}") from None
    if value is None:
        raise Illegal("Required request body is missing")
    return value


def read(document: Any, shape: Shape) -> JsonObject:
    """Read a document as a shape. Raises Illegal."""
    if isinstance(document, str) and shape.from_text is not None:
        return {shape.from_text: document, **dict.fromkeys([shape.stamped] if shape.stamped else ())}
    if not isinstance(document, Mapping):
        raise coercions.no_object(shape.java, document)
    made = {field: value for field, value in document.items() if field in shape.fields}
    if shape is WORKFLOW_TASK and "workflowTaskType" in document:
        made["type"] = task_type(document)
    for field, kind in shape.fields.items():
        if field not in made:
            continue
        value = made[field]
        if value is not None:
            try:
                value = made[field] = _value(value, kind)
            except Problem as complaint:
                raise _found_at(complaint, f'{shape.java}["{field}"]') from None
        if value is None and isinstance(kind, str) and kind in _PRIMITIVES:
            made[field] = _PRIMITIVES[kind]
    return made


def _found_at(complaint: Problem, step: str) -> Problem:
    """Note where a complaint was found, from inside outwards: the server says so where it reads no request."""
    complaint.chain = (step, *complaint.chain)
    return complaint


def unbearable_nulls(task: Mapping[str, Any], *, in_loop: bool) -> list[str]:
    """Return the fields that the server's validators cannot bear as an explicit null in a task of this type."""
    kind = task_type(task)
    fields = ["type", *_UNBEARABLE.get(kind, ())] if isinstance(kind, str) else ["type"]
    if kind == "WAIT" and not in_loop:
        fields.append("inputParameters")
    return [field for field in fields if field in task and task[field] is None]


_UNBEARABLE: Final[dict[str, tuple[str, ...]]] = {
    "SWITCH": ("decisionCases", "defaultCase"),
    "DECISION": ("decisionCases", "defaultCase"),
    "FORK_JOIN": ("forkTasks",),
    "DO_WHILE": ("loopOver",),
}


def refuse_nulls(definition: Mapping[str, Any]) -> None:
    """Refuse a definition with such a null, at any depth but in inline definitions. Raises Illegal."""
    is_null = "tasks" in definition and definition["tasks"] is None
    if is_null or null_task(definition) or any(_has_nulls(task) for task in definition.get("tasks") or ()):
        raise Illegal(UNCHECKABLE)


def _has_nulls(task: Mapping[str, Any], *, in_loop: bool = False) -> bool:
    if unbearable_nulls(task, in_loop=in_loop):
        return True
    if any(_has_nulls(inner, in_loop=True) for inner in task.get("loopOver") or ()):
        return True
    return any(_has_nulls(inner, in_loop=in_loop) for tasks in _beside(task) for inner in tasks)


def null_task(definition: Mapping[str, Any]) -> str | None:
    """Return what the server says of a null among tasks, or in the place of a list of them; None: there is none."""
    lists = [definition.get("tasks") or ()]
    while lists:
        tasks = lists.pop()
        if tasks is None:
            return 'Cannot invoke "java.util.List.iterator()" because "workflowTaskList" is null'
        for task in tasks:
            if task is None:
                method = f"{_COMMON}.metadata.workflow.WorkflowTask.collectTasks()"
                return f'Cannot invoke "{method}" because "workflowTask" is null'
            lists.extend((*_beside(task), task.get("loopOver") or ()))
    return None


def _beside(task: Mapping[str, Any]) -> list[Any]:
    """Return the lists of tasks in a task, those of a loop left out."""
    return [*(task.get("forkTasks") or ()), *(task.get("decisionCases") or {}).values(), task.get("defaultCase") or ()]


def task_type(document: Mapping[str, Any]) -> Any:
    """Return the type of a workflow's task: of `type` and `workflowTaskType`, two setters, the later key counts."""
    last = next((key for key in reversed(list(document)) if key in ("type", "workflowTaskType")), "type")
    return document.get(last)


def read_list(document: Any, shape: Shape) -> list[JsonObject]:
    """Read a list of documents of one shape. Raises Illegal."""
    if not isinstance(document, list):
        raise coercions.cannot(f"java.util.ArrayList<{shape.java}>", document)
    return [_element(each, index, shape) for index, each in enumerate(document)]


def _element(value: Any, index: int, shape: Shape) -> JsonObject:
    try:
        return read(value, shape)
    except Problem as complaint:
        raise _found_at(complaint, f"java.util.ArrayList[{index}]") from None


def _read_elements(document: Any, shape: Shape) -> list[JsonObject | None]:
    """Read a list in a definition or a result: what does not bear a null in it says so later. Raises Illegal."""
    if shape not in (WORKFLOW_TASK, _JOINED_TASK, _LOG) or not isinstance(document, list):
        return [*read_list(document, shape)]
    return [None if each is None else _element(each, index, shape) for index, each in enumerate(document)]


def read_map(document: Any, *, of: str = "java.lang.Object") -> JsonObject:
    """Read a JSON object of anything; `of` is what should be in it, for the message. Raises Illegal."""
    if not isinstance(document, dict):
        raise coercions.no_container(f"java.util.LinkedHashMap<java.lang.String,{of}>", document)
    return document


def read_texts(document: Any) -> list[str | None]:
    """Read a list of texts. Raises Illegal."""
    if not isinstance(document, list):
        raise coercions.no_container(f"java.util.ArrayList<{_TEXT}>", document)
    return [None if each is None else coercions.text(each) for each in document]


def read_any_list(document: Any, *, of: str = "java.lang.Object") -> list[Any]:
    """Read a list of anything; `of` is what should be in it, for the message. Raises Illegal."""
    if not isinstance(document, list):
        raise coercions.cannot(f"java.util.ArrayList<{of}>", document)
    return document


def _value(value: Any, kind: Any) -> Any:
    if kind == "any":
        return value
    if kind in _NUMBERS:
        return coercions.number(value, _NUMBERS[kind])
    if kind in _TRUTHS:
        return coercions.truth(value, _TRUTHS[kind])
    if kind == "definition":
        return _definition(value)
    if kind == "text":
        return coercions.text(value)
    if kind == "map":
        return read_map(value)
    if kind == "text map":
        return {key: _entry(key, each) for key, each in read_map(value, of=_TEXT).items()}
    if kind == "texts":
        return read_texts(value)
    if kind[0] == "enum":
        return coercions.constant(value, *kind[1:])
    shape: Shape = kind[1]
    if kind[0] == "object":
        return read(value, shape)
    if kind[0] == "list":
        return _read_elements(value, shape)
    if kind[0] == "lists":
        lists = read_any_list(value, of=f"java.util.List<{shape.java}>")
        return [None if each is None else _read_elements(each, shape) for each in lists]
    cases = read_map(value, of=f"java.util.List<{shape.java}>")
    return {case: _read_elements(each, shape) for case, each in cases.items() if each is not None}


def _entry(key: str, value: Any) -> str | None:
    try:
        return None if value is None else coercions.text(value)
    except Problem as complaint:
        raise _found_at(complaint, f'java.util.LinkedHashMap["{key}"]') from None


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
