"""Validate Conductor's own documents: workflow definitions, task definitions, executions.

The server ignores a field it does not know, so a misspelt `retryCuont` silently becomes three retries. Here it is a
problem when it resembles a field that exists; what resembles none is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import cast

from pytest_k1n.core import wire
from pytest_k1n.core.model import Json, TaskDefinition
from pytest_k1n.core.problems import problems
from pytest_k1n.validation.schema import SchemaProblem, compile_schema


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMMON = "name description ownerApp ownerEmail createTime updateTime createdBy updatedBy enforceSchema inputSchema "
_TASK = _words(
    _COMMON + "outputSchema retryCount retryLogic retryDelaySeconds backoffScaleFactor maxRetryDelaySeconds "
    "backoffJitterMs timeoutSeconds timeoutPolicy responseTimeoutSeconds pollTimeoutSeconds totalTimeoutSeconds "
    "concurrentExecLimit rateLimitPerFrequency rateLimitFrequencyInSeconds inputKeys outputKeys inputTemplate "
    "isolationGroupId executionNameSpace baseType taskStatusListenerEnabled runtimeMetadata accessPolicy"
)
_WORKFLOW = _words(
    _COMMON + "outputSchema version tasks inputParameters outputParameters inputTemplate variables schemaVersion "
    "timeoutSeconds timeoutPolicy failureWorkflow failureWorkflowVersion restartable workflowStatusListenerEnabled "
    "workflowStatusListenerSink rateLimitConfig metadata cacheConfig maskedFields classifier accessPolicy"
)
_WORKFLOW_TASK = _words(
    "name taskReferenceName type inputParameters description startDelay optional permissive asyncComplete retryCount "
    "taskDefinition rateLimited onStateChange cacheConfig metadata dynamicTaskNameParam evaluatorType expression "
    "decisionCases defaultCase caseValueParam caseExpression scriptExpression forkTasks dynamicForkTasksParam "
    "dynamicForkTasksInputParamName dynamicForkJoinTasksParam joinOn joinMode joinStatus defaultExclusiveJoinTask "
    "loopCondition loopOver items sink subWorkflowParam workflowTaskType"
)
_RETRY_LOGIC = ("FIXED", "LINEAR_BACKOFF", "EXPONENTIAL_BACKOFF")
_TASK_POLICIES = ("TIME_OUT_WF", "RETRY", "ALERT_ONLY")
_WORKFLOW_POLICIES = ("ALERT_ONLY", "TIME_OUT_WF")


def workflow_problems(document: Json, path: str = "$") -> list[SchemaProblem]:
    """Return what is wrong with a workflow definition, its structure and data references included."""
    try:
        definition = wire.workflow_definition(document)
    except wire.WireError as error:
        return [SchemaProblem(path, str(error))]
    fields = cast("Mapping[str, Json]", document)
    found = list(_misspelt(fields, _WORKFLOW, path))
    found += _one_of(fields, "timeoutPolicy", _WORKFLOW_POLICIES, path)
    found += _in_tasks(fields.get("tasks"), f"{path}.tasks")
    found += [SchemaProblem(path, sentence) for sentence in problems(definition)]
    return found


def task_problems(document: Json, path: str = "$") -> list[SchemaProblem]:
    """Return what is wrong with a task definition; the server refuses some of it, and misreads the rest."""
    try:
        definition = wire.task_definition(document)
    except wire.WireError as error:
        return [SchemaProblem(path, str(error))]
    fields = cast("Mapping[str, Json]", document)
    found = list(_misspelt(fields, _TASK, path))
    found += _one_of(fields, "retryLogic", _RETRY_LOGIC, path)
    found += _one_of(fields, "timeoutPolicy", _TASK_POLICIES, path)
    found += _timeouts(definition, path)
    for key, schema in (("inputSchema", definition.input_schema), ("outputSchema", definition.output_schema)):
        if schema is not None:
            try:
                compile_schema(schema, fast=False)
            except ValueError as error:
                found.append(SchemaProblem(f"{path}.{key}.data", f"not a valid JSON Schema: {error}"))
    return found


def execution_problems(document: Json, path: str = "$") -> list[SchemaProblem]:
    """Return what is wrong with an execution as `GET /workflow/{id}` answers it."""
    try:
        wire.execution(document)
    except wire.WireError as error:
        return [SchemaProblem(path, str(error))]
    return []


def _timeouts(definition: TaskDefinition, path: str) -> Iterator[SchemaProblem]:
    """Check what the server demands: response <= timeout (if any) <= total (if any)."""
    if definition.response_timeout_s < 1:
        yield SchemaProblem(f"{path}.responseTimeoutSeconds", "must be 1 or more")
    if 0 < definition.timeout_s < definition.response_timeout_s:
        yield SchemaProblem(
            f"{path}.responseTimeoutSeconds",
            f"{definition.response_timeout_s} is longer than timeoutSeconds ({definition.timeout_s}): the server "
            "refuses the definition",
        )
    if 0 < definition.total_timeout_s < definition.timeout_s:
        yield SchemaProblem(
            f"{path}.timeoutSeconds",
            f"{definition.timeout_s} is longer than totalTimeoutSeconds ({definition.total_timeout_s})",
        )


def _in_tasks(value: Json, path: str) -> Iterator[SchemaProblem]:
    """Walk the raw tasks: the model has forgotten what it does not know."""
    for index, task in enumerate(value if isinstance(value, list) else ()):
        if not isinstance(task, Mapping):
            continue
        here = f"{path}[{index}]"
        yield from _misspelt(task, _WORKFLOW_TASK, here)
        yield from _in_tasks(task.get("loopOver"), f"{here}.loopOver")
        yield from _in_tasks(task.get("defaultCase"), f"{here}.defaultCase")
        branches, cases = task.get("forkTasks"), task.get("decisionCases")
        for number, branch in enumerate(branches if isinstance(branches, list) else ()):
            yield from _in_tasks(branch, f"{here}.forkTasks[{number}]")
        for case, tasks in cases.items() if isinstance(cases, Mapping) else ():
            yield from _in_tasks(tasks, f"{here}.decisionCases.{case}")


def _misspelt(fields: Mapping[str, Json], known: Iterable[str], path: str) -> Iterator[SchemaProblem]:
    names = list(known)
    for key in fields:
        if key not in names and (close := get_close_matches(key, names, n=1, cutoff=0.8)):
            yield SchemaProblem(
                f"{path}.{key}", f"no field of Conductor's, which would ignore it: did you mean {close[0]}?"
            )


def _one_of(fields: Mapping[str, Json], key: str, allowed: tuple[str, ...], path: str) -> Iterator[SchemaProblem]:
    value = fields.get(key)
    if value is not None and value not in allowed:
        yield SchemaProblem(f"{path}.{key}", f"{value!r} is none of {', '.join(allowed)}")
