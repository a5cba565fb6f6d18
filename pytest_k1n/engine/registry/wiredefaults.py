"""Definitions as the server stores them: unknown fields dropped, defaults filled in, nulls left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_k1n.engine.values import JsonObject

_TASK_DEFAULTS: Final[JsonObject] = {
    "inputParameters": {}, "type": "SIMPLE", "decisionCases": {}, "defaultCase": [], "forkTasks": [], "startDelay": 0,
    "joinOn": [], "optional": False, "defaultExclusiveJoinTask": [], "asyncComplete": False, "loopOver": [],
    "onStateChange": {}, "permissive": False, "metadata": {},
}  # fmt: skip
_TASK_FIELDS: Final = (
    "name", "taskReferenceName", "description", "inputParameters", "type", "dynamicTaskNameParam", "caseValueParam",
    "caseExpression", "scriptExpression", "decisionCases", "dynamicForkJoinTasksParam", "dynamicForkTasksParam",
    "dynamicForkTasksInputParamName", "defaultCase", "forkTasks", "startDelay", "subWorkflowParam", "joinOn", "sink",
    "optional", "taskDefinition", "rateLimited", "defaultExclusiveJoinTask", "asyncComplete", "loopCondition",
    "loopOver", "items", "retryCount", "evaluatorType", "expression", "onStateChange", "joinStatus", "joinMode",
    "cacheConfig", "permissive", "metadata",
)  # fmt: skip
_SUB_WORKFLOW_FIELDS: Final = (
    "name", "version", "taskToDomain", "workflowDefinition", "idempotencyKey", "idempotencyStrategy", "priority",
)  # fmt: skip
_WORKFLOW_DEFAULTS: Final[JsonObject] = {
    "createTime": 0, "updateTime": 0, "version": 1, "inputParameters": [], "outputParameters": {}, "schemaVersion": 2,
    "restartable": True, "workflowStatusListenerEnabled": False, "timeoutPolicy": "ALERT_ONLY", "timeoutSeconds": 0,
    "variables": {}, "inputTemplate": {}, "enforceSchema": True, "metadata": {}, "maskedFields": [],
}  # fmt: skip
_WORKFLOW_FIELDS: Final = (
    "createTime", "updateTime", "createdBy", "updatedBy", "ownerApp", "name", "description", "version", "tasks",
    "inputParameters", "outputParameters", "failureWorkflow", "failureWorkflowVersion", "schemaVersion", "restartable",
    "workflowStatusListenerEnabled", "workflowStatusListenerSink", "ownerEmail", "timeoutPolicy", "timeoutSeconds",
    "variables", "inputTemplate", "rateLimitConfig", "inputSchema", "outputSchema", "enforceSchema", "metadata",
    "cacheConfig", "maskedFields",
)  # fmt: skip
_DEFINITION_DEFAULTS: Final[JsonObject] = {
    "createTime": 0, "updateTime": 0, "retryCount": 3, "timeoutSeconds": 0, "inputKeys": [], "outputKeys": [],
    "runtimeMetadata": [], "timeoutPolicy": "TIME_OUT_WF", "retryLogic": "FIXED", "retryDelaySeconds": 60,
    "responseTimeoutSeconds": 3600, "inputTemplate": {}, "rateLimitPerFrequency": 0, "rateLimitFrequencyInSeconds": 1,
    "backoffScaleFactor": 1, "maxRetryDelaySeconds": 0, "backoffJitterMs": 0, "totalTimeoutSeconds": 0,
    "taskStatusListenerEnabled": True, "enforceSchema": False,
}  # fmt: skip
_DEFINITION_FIELDS: Final = (
    "createTime", "updateTime", "createdBy", "updatedBy", "ownerApp", "name", "description", "retryCount",
    "timeoutSeconds", "inputKeys", "outputKeys", "runtimeMetadata", "timeoutPolicy", "retryLogic", "retryDelaySeconds",
    "responseTimeoutSeconds", "concurrentExecLimit", "inputTemplate", "rateLimitPerFrequency",
    "rateLimitFrequencyInSeconds", "isolationGroupId", "executionNameSpace", "ownerEmail", "pollTimeoutSeconds",
    "backoffScaleFactor", "maxRetryDelaySeconds", "backoffJitterMs", "totalTimeoutSeconds", "baseType",
    "taskStatusListenerEnabled", "inputSchema", "outputSchema", "enforceSchema",
)  # fmt: skip

_INNER_DEFAULTS: Final[dict[str, JsonObject]] = {
    "inputSchema": {"createTime": 0, "updateTime": 0, "version": 1},
    "outputSchema": {"createTime": 0, "updateTime": 0, "version": 1},
    "rateLimitConfig": {"concurrentExecLimit": 0, "policy": "QUEUE"},
    "cacheConfig": {"ttlInSecond": 0},
}


def workflow_document(given: Mapping[str, Any]) -> JsonObject:
    """Normalise a workflow definition and every task in it."""
    made = _normal(given, _WORKFLOW_FIELDS, _WORKFLOW_DEFAULTS)
    made["tasks"] = _task_list(made.get("tasks"))
    return made


def workflow_task_document(given: Mapping[str, Any]) -> JsonObject:
    """Normalise one task of a workflow definition, nested ones included."""
    made = _normal(given, _TASK_FIELDS, _TASK_DEFAULTS)
    made["forkTasks"] = [None if branch is None else _task_list(branch) for branch in made["forkTasks"]]
    made["decisionCases"] = {case: _task_list(tasks) for case, tasks in made["decisionCases"].items()}
    made["defaultCase"] = _task_list(made["defaultCase"])
    made["loopOver"] = _task_list(made["loopOver"])
    if isinstance(made.get("subWorkflowParam"), Mapping):
        made["subWorkflowParam"] = _sub_workflow_document(made["subWorkflowParam"])
    if isinstance(made.get("taskDefinition"), Mapping):
        made["taskDefinition"] = task_definition_document(made["taskDefinition"])
    return made


def _sub_workflow_document(given: Mapping[str, Any]) -> JsonObject:
    """Normalise the parameters of a SUB_WORKFLOW: an inline definition's name and version are theirs."""
    made = _normal(given, _SUB_WORKFLOW_FIELDS, {})
    if isinstance(made.get("workflowDefinition"), Mapping):
        inline = made["workflowDefinition"] = workflow_document(made["workflowDefinition"])
        made.update({name: inline[name] for name in ("name", "version") if name in inline})
    return made


def task_definition_document(given: Mapping[str, Any]) -> JsonObject:
    """Normalise a task definition."""
    return _normal(given, _DEFINITION_FIELDS, _DEFINITION_DEFAULTS)


def _task_list(given: Any) -> list[JsonObject | None]:
    return [None if task is None else workflow_task_document(task) for task in given or []]


def _normal(given: Mapping[str, Any], fields: tuple[str, ...], defaults: JsonObject) -> JsonObject:
    made = {}
    for name in fields:
        if name not in given and name not in defaults:
            continue
        value = given.get(name)
        if value is None:
            value = defaults.get(name)
            if value is None:
                continue
            if isinstance(value, dict | list):
                value = value.copy()
        made[name] = _INNER_DEFAULTS[name] | dict(value) if name in _INNER_DEFAULTS else value
    return made
