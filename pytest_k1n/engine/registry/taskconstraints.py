"""What Conductor demands of each task of a definition, type by type, in its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pytest_k1n.core.definition.waitinput import duration_s, instant_ms
from pytest_k1n.engine.language import scripts
from pytest_k1n.engine.values import JsonObject

Violation = dict[str, Any]


def violation(path: str, message: str, value: Any = None) -> Violation:
    """Make an entry of `validationErrors`."""
    found: Violation = {"path": path, "message": message}
    if value is not None:
        found["invalidValue"] = str(value)
    return found


InputTemplate = Callable[[str], JsonObject]
"""The input template of a task definition by its name; empty if there is none."""


def no_template(_name: str) -> JsonObject:
    """Know no task definition."""
    return {}


def task_violations(task: JsonObject, path: str, template_of: InputTemplate = no_template) -> Iterator[Violation]:
    """Check a task and those in its branches and cases; what a loop or an inline definition holds is not looked at."""
    for field, message in demands(_filled(task, template_of)):
        yield violation(f"{path}.{field}", message, task.get(field)) if field else violation(path, message)
    for at, branch in enumerate(task["forkTasks"]):
        yield from _all(branch, f"{path}.forkTasks[{at}].<list element>", template_of)
    for case, tasks in task["decisionCases"].items():
        yield from _all(tasks, f"{path}.decisionCases[{case}].<map value>", template_of)
    yield from _all(task["defaultCase"], f"{path}.defaultCase", template_of)


_FILLED: Final = {
    "HTTP": "http_request", "JSON_JQ_TRANSFORM": "queryExpression", "KAFKA_PUBLISH": "kafka_request",
}  # fmt: skip
"""The input of a type that the server also looks for in the task definition's template."""


def _filled(task: JsonObject, template_of: InputTemplate) -> JsonObject:
    """Add to a task's inputs what its definition's template has, where the server looks for it there, too."""
    wanted = _FILLED.get(task["type"])
    if wanted is None:
        return task
    embedded = task.get("taskDefinition")
    template = (embedded.get("inputTemplate") if embedded else template_of(str(task.get("name")))) or {}
    if wanted not in template:
        return task
    return {**task, "inputParameters": {wanted: template[wanted], **task["inputParameters"]}}


def demands(task: JsonObject) -> Iterator[tuple[str, str]]:
    """Say what is wrong with one task by itself: the field at fault, empty for the task, and the server's words."""
    for field, message in _NAMED.items():
        if not task.get(field):
            yield field, message
    if task["startDelay"] < 0:
        yield "startDelay", "must be greater than or equal to 0"
    check = _BY_TYPE.get(task["type"])
    if check is not None and task.get("name"):
        for message in check(task):
            yield "", message


def _all(tasks: list[JsonObject], path: str, template_of: InputTemplate) -> Iterator[Violation]:
    for at, task in enumerate(tasks):
        yield from task_violations(task, f"{path}[{at}]", template_of)


_NAMED: Final = {
    "name": "WorkflowTask name cannot be empty or null",
    "taskReferenceName": "WorkflowTask taskReferenceName name cannot be empty or null",
}


def _required(task: Mapping[str, Any], *fields: str) -> Iterator[str]:
    for field in fields:
        if task.get(field) is None or task[field] == []:
            yield f"{field} field is required for taskType: {task['type']} taskName: {task['name']}"


def _decision(task: JsonObject) -> Iterator[str]:
    if not task.get("caseValueParam") and not task.get("caseExpression"):
        yield f"caseValueParam or caseExpression field is required for taskType: DECISION taskName: {task['name']}"
    if task.get("caseExpression"):
        yield from _program(task, task["caseExpression"])
    yield from _cases(task)


def _switch(task: JsonObject) -> Iterator[str]:
    yield from _required(task, "evaluatorType")
    if task.get("evaluatorType") is not None:
        yield from _required(task, "expression")
    if task.get("evaluatorType") == "javascript":
        yield from _program(task, task.get("expression") or "")
    yield from _cases(task)


def _program(task: JsonObject, text: str) -> Iterator[str]:
    if error := scripts.program_error(text):
        yield f"Expression is not well formatted: {error}, taskType: {task['type']} taskName {task['name']}"


def _cases(task: JsonObject) -> Iterator[str]:
    if not task["decisionCases"]:
        yield f"decisionCases should have atleast one task for taskType: {task['type']} taskName: {task['name']}"


def _dynamic_fork(task: JsonObject) -> Iterator[str]:
    inputs = task["inputParameters"]
    if "forkTaskInputs" in inputs:  # null will do; the name or the type alone will not
        return
    if task.get("dynamicForkJoinTasksParam") is not None:  # an empty one is one
        if task.get("dynamicForkTasksParam") or task.get("dynamicForkTasksInputParamName"):
            yield (
                "dynamicForkJoinTasksParam or combination of dynamicForkTasksInputParamName and dynamicForkTasksParam "
                f"cam be used for taskType: FORK_JOIN_DYNAMIC taskName: {task['name']}"
            )
        return
    yield from _required(task, "dynamicForkTasksParam", "dynamicForkTasksInputParamName")


def _fork(task: JsonObject) -> Iterator[str]:
    if not task["forkTasks"]:
        yield f"forkTasks should have atleast one task for taskType: FORK_JOIN taskName: {task['name']}"


def _terminate(task: JsonObject) -> Iterator[str]:
    status = task["inputParameters"].get("terminationStatus")
    if status not in ("COMPLETED", "FAILED", "TERMINATED"):
        yield (
            "terminate task must have an terminationStatus parameter and must be set to COMPLETED or FAILED, "
            f"taskName: {task['name']}"
        )
    if task["optional"]:
        yield f"terminate task cannot be optional, taskName: {task['name']}"


def _wait(task: JsonObject) -> Iterator[str]:
    given = [task["inputParameters"].get(key) for key in ("duration", "until")]
    duration, until = ("" if each is None else each for each in given)  # 0 and what is empty are given, as no time
    if duration != "" and until != "":
        yield "Both 'duration' and 'until' specified. Please provide only one input"
    if duration != "" and "${" not in str(duration):
        try:
            duration_s(duration if isinstance(duration, str) else "")
        except ValueError:
            yield "Either date or duration is passed as null "
    elif until != "" and "${" not in str(until):
        try:
            instant_ms(str(until))
        except ValueError:
            yield "Unable to parse date "


def _http(task: JsonObject) -> Iterator[str]:
    if not {"http_request", "uri"} & set(task["inputParameters"]):  # null will do
        yield (
            "inputParameters.http_request or inputParameters.uri field is required for "
            f"taskType: HTTP taskName: {task['name']}"
        )


def _loop(task: JsonObject) -> Iterator[str]:
    if task.get("loopCondition") is None:  # an empty one will do: items need no condition
        yield f"loopCondition field is required for taskType: DO_WHILE taskName: {task['name']}"
    yield from _required(task, "loopOver")


def _jq(task: JsonObject) -> Iterator[str]:
    if "queryExpression" not in task["inputParameters"]:
        yield (
            "inputParameters.queryExpression field is required for "
            f"taskType: JSON_JQ_TRANSFORM taskName: {task['name']}"
        )


def _kafka(task: JsonObject) -> Iterator[str]:
    if "kafka_request" not in task["inputParameters"]:
        yield (f"inputParameters.kafka_request field is required for taskType: KAFKA_PUBLISH taskName: {task['name']}")


_BY_TYPE: Final[dict[str, Callable[[JsonObject], Iterator[str]]]] = {
    "DECISION": _decision,
    "SWITCH": _switch,
    "DO_WHILE": _loop,
    "DYNAMIC": lambda task: _required(task, "dynamicTaskNameParam"),
    "FORK_JOIN_DYNAMIC": _dynamic_fork,
    "FORK_JOIN": _fork,
    "TERMINATE": _terminate,
    "WAIT": _wait,
    "EVENT": lambda task: _required(task, "sink"),
    "HTTP": _http,
    "JSON_JQ_TRANSFORM": _jq,
    "KAFKA_PUBLISH": _kafka,
    "SUB_WORKFLOW": lambda task: (
        f"subWorkflowParam field is required for taskType: SUB_WORKFLOW taskName: {task['name']}"
        for _ in range(task.get("subWorkflowParam") is None)
    ),
}
