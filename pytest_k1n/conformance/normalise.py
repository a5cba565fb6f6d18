"""Make a history comparable: ids named by what they identify, stamps gone, order among concurrent tasks canonical.

Dropped, because they depend on speed or on the server's threads:

- all stamps (whether start and end are set is kept), seq, queueWaitTime, workerId
- of system tasks: pollCount, callbackAfterSeconds, and `executed`, which whichever decide comes next sets (of a
  branch's last task too)
- the output of a JOIN that did not succeed: it shows whatever its earlier evaluations collected; an execution's output
  that is such a JOIN's
- the stamps and reason of a canceled system task (its worker or the execution's end may have canceled it first), the
  stamps of a SUB_WORKFLOW (endTime stays 0 where the child ended within the very evaluation that started it)
- elapsed seconds in reasons; what a script engine says about an error after its class
- of error bodies: `instance` (host name), addresses of Java lambdas, Jackson's and Spring's own words, the order of
  validation errors (a Java set)

Definitions inside records are left to the tests of metadata.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pytest_k1n.conformance.case_tree import SUCCESSFUL, CaseHistory, CaseNode, is_worker_task, joined, key_of
from pytest_k1n.conformance.cases import PREFIX, Document
from pytest_k1n.conformance.stub import STUB

UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
ELAPSED = re.compile(r"(timed out after |elapsed )\d+( seconds)")
PARSER_WORDS = re.compile(
    r"(JSON parse error:|Required request body is missing|Method parameter '\w+': Failed to convert|"
    r"Validation failed for argument \[0\]).*",
    re.DOTALL,
)
"""Where an error's message goes on in words of Jackson's or Spring's own (a Java signature, a token's position)."""
SCRIPT_WORDS = re.compile(r"(Error evaluating the script `\w+)[^`]*`(?: at line [\d ]*)?")
LAMBDA = re.compile(r"(\$\$Lambda)/0x[0-9a-f]+")
INSTANT_MS = range(1_500_000_000_000, 4_000_000_000_000)
BODY_DROPPED = ("instance", "createTime", "updateTime", "timestamp")
"""`timestamp` is of Spring's own error bodies, which 3.15.0 answers where it has no such path."""
TASK_STAMPS = ("scheduledTime", "startTime", "endTime", "updateTime", "firstStartTime")
TASK_DROPPED = (
    *TASK_STAMPS, "seq", "queueWaitTime", "workerId", "taskId", "workflowInstanceId", "referenceTaskName",
    "workflowTask", "taskDefinition",
)  # fmt: skip
WORKFLOW_DROPPED = (
    "createTime", "updateTime", "startTime", "endTime", "lastRetriedTime", "tasks", "workflowDefinition",
)  # fmt: skip
TASK_DEFAULTS: Document = {
    "retried": False, "executed": True, "callbackFromWorker": True, "loopOverTask": False, "subworkflowChanged": False,
    "startDelayInSeconds": 0, "callbackAfterSeconds": 0, "rateLimitPerFrequency": 0, "rateLimitFrequencyInSeconds": 0,
    "workflowPriority": 0, "iteration": 0, "retryCount": 0, "pollCount": 0, "responseTimeoutSeconds": 0,
    "executionMetadata": {"additionalContext": {}, "empty": True, "additionalContextMap": {}},
}  # fmt: skip
WORKFLOW_DEFAULTS: Document = {
    "ownerApp": "", "priority": 0, "variables": {}, "taskToDomain": {}, "failedReferenceTaskNames": [],
    "failedTaskNames": [], "history": [], "rateLimited": False, "workflowVersion": 1,
}  # fmt: skip
SUMMARY_DROPPED = ("startTime", "endTime", "updateTime", "scheduledTime", "executionTime", "queueWaitTime")
SETS = ("failedReferenceTaskNames", "failedTaskNames")
ABSENT = "<absent>"


def canonical(history: CaseHistory) -> Document:
    """Reduce a history to what two servers must agree on; plain JSON data."""
    document: Document = {
        "trace": [_trace(entry) for entry in history.trace],
        "executions": {node.path: _workflow(node) for node in history.nodes},
    }
    names = _names(history.nodes)
    text = json.dumps(document, sort_keys=True).replace(history.prefix, PREFIX)  # ids are numbered as they appear
    if history.stub:
        text = text.replace(history.stub, STUB)
    for identifier, name in names.items():
        text = text.replace(identifier, name.replace(history.prefix, PREFIX))
    unknown: dict[str, str] = {}
    text = UUID.sub(lambda match: unknown.setdefault(match[0], f"<id {len(unknown)}>"), text)
    text = ELAPSED.sub(r"\1#\2", text)
    text = SCRIPT_WORDS.sub(r"\1 …`", text)
    result: Document = _without_instants(json.loads(text))
    return result


def _names(nodes: tuple[CaseNode, ...]) -> dict[str, str]:
    names = {}
    for node in nodes:
        names[node.workflow["workflowId"]] = f"<{node.path}>"
        for key, task in _keyed(node):
            names[task["taskId"]] = f"<{node.path}/{key}>"
    return names


def _keyed(node: CaseNode) -> list[tuple[str, Document]]:
    seen: Counter[str] = Counter()
    keyed = []
    for task in node.tasks:
        key = key_of(task)
        seen[key] += 1
        keyed.append((key if seen[key] == 1 else f"{key}~{seen[key]}", task))
    return keyed


def _workflow(node: CaseNode) -> Document:
    workflow = node.workflow
    kept = {key: value for key, value in workflow.items() if key not in WORKFLOW_DROPPED}
    for names in SETS:
        kept.setdefault(names, [])
    if _shows_open_join(node):
        kept["output"] = "<of a JOIN that did not succeed>"
    document = _compact(kept, WORKFLOW_DEFAULTS)
    document["ended"] = bool(workflow.get("endTime"))
    document["retriedBefore"] = bool(workflow.get("lastRetriedTime"))
    awaited = {ref for task in node.tasks if task["taskType"] == "JOIN" for ref in joined(task)}
    document["tasks"] = {
        key: _task(task, in_join=task["referenceTaskName"] in awaited)
        for key, task in sorted(_keyed(node), key=lambda pair: pair[0])
    }
    document["disorder"] = _disorder(node)
    return {key: value for key, value in document.items() if key not in ("disorder", "retriedBefore") or value}


def _task(task: Document, *, in_join: bool = False) -> Document:
    kept = {key: value for key, value in task.items() if key not in TASK_DROPPED}
    if in_join or not is_worker_task(task):
        kept["executed"] = True
    if task["status"] == "CANCELED" and str(task.get("reasonForIncompletion")).startswith("Workflow is in "):
        del kept["reasonForIncompletion"]
    kept["stamps"] = "".join(name[0] for name in ("startTime", "endTime") if task.get(name))
    if not is_worker_task(task):
        if task["status"] == "CANCELED" or task["taskType"] == "SUB_WORKFLOW":
            del kept["stamps"]
        kept.pop("pollCount", None)
        kept.pop("callbackAfterSeconds", None)
    elif kept.get("rateLimitFrequencyInSeconds") == 1:
        kept["rateLimitFrequencyInSeconds"] = 0  # the default of a registered definition
    if task["taskType"] == "JOIN" and task["status"] not in SUCCESSFUL:
        kept["outputData"] = {}
    return _compact(kept, TASK_DEFAULTS)


def _compact(fields: Document, defaults: Mapping[str, Any]) -> Document:
    """Leave out fields that hold their default, and say so of those that should be there and are not."""
    document = {key: value for key, value in fields.items() if key not in defaults or defaults[key] != value}
    volatile = ("pollCount", "callbackAfterSeconds")
    return document | {key: ABSENT for key in defaults if key not in fields and key not in volatile}


def _shows_open_join(node: CaseNode) -> bool:
    """Whether the execution's output is that of its last record, a JOIN that did not succeed."""
    own = (node.workflow.get("workflowDefinition") or {}).get("outputParameters")
    last = node.tasks[-1] if node.tasks else {}
    return node.is_terminal and not own and last.get("taskType") == "JOIN" and last["status"] not in SUCCESSFUL


def _disorder(node: CaseNode) -> list[str]:
    """List pairs of the definition's order that the records contradict (by seq, and by time between worker tasks)."""
    first: dict[str, Document] = {}
    for task in node.tasks:
        first.setdefault(task["referenceTaskName"], task)
    found = []
    for before, after in _sequences((node.workflow.get("workflowDefinition") or {}).get("tasks") or []):
        earlier, later = first.get(before), first.get(after)
        if earlier is None or later is None:
            continue
        if earlier["seq"] > later["seq"]:
            found.append(f"{after} was scheduled before {before}")
        elif is_worker_task(earlier) and is_worker_task(later) and 0 < later["startTime"] < earlier["endTime"]:
            found.append(f"{after} started before {before} ended")
    return found


def _sequences(tasks: list[Document]) -> list[tuple[str, str]]:
    pairs = []
    for index, task in enumerate(tasks):
        if index:
            pairs.append((tasks[index - 1]["taskReferenceName"], task["taskReferenceName"]))
        for inner in (*task.get("forkTasks", ()), *task.get("decisionCases", {}).values(), task.get("defaultCase", [])):
            pairs += _sequences(inner)
    return pairs


def _trace(entry: Any) -> Any:
    return {**entry, "body": body(entry["body"])} if isinstance(entry, dict) else entry


def body(value: Any) -> Any:
    """Make an answer's body comparable: whole executions and tasks by their status only, no host name."""
    if isinstance(value, dict):
        if "workflowId" in value and "tasks" in value:
            return _workflow(CaseNode("", value))
        if "executionTime" in value:  # a summary that a search found
            return {key: inner for key, inner in value.items() if key not in SUMMARY_DROPPED}
        if "referenceTaskName" in value and "taskType" in value:
            return _task(value)
        kept = {key: body(inner) for key, inner in value.items() if key not in BODY_DROPPED}
        if isinstance(kept.get("message"), str):
            kept["message"] = LAMBDA.sub(r"\1", PARSER_WORDS.sub(r"\1 …", kept["message"]))
        if "validationErrors" in kept:
            kept["validationErrors"] = sorted(kept["validationErrors"], key=json.dumps)
        return kept
    if isinstance(value, list):
        return [body(inner) for inner in value]
    return value


def _without_instants(value: Any) -> Any:
    if isinstance(value, dict):
        if "workflowId" in value and isinstance(value.get("tasks"), list):
            # a failure workflow's input holds the failed execution as it was: what it says is in the other node
            return f"<execution {value['workflowId']} {value.get('status')}>"
        return {
            key: _without_instants(sorted(inner) if key in SETS and isinstance(inner, list) else inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_without_instants(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and value in INSTANT_MS:
        return "<instant>"
    return value
