"""An execution with everything it started, and what it waits for: for a worker, for time, or for the server itself.

The real server finishes JOIN, SUB_WORKFLOW and other asynchronous system tasks in threads of its own. A deterministic
client must not act before they are through, so `unsettled` says from the records whether the server still has
something to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_k1n.conformance.cases import Document
from pytest_k1n.core.definition.waitinput import instant_ms

OPEN = ("SCHEDULED", "IN_PROGRESS")
SUCCESSFUL = ("COMPLETED", "COMPLETED_WITH_ERRORS", "SKIPPED")
TERMINAL_WORKFLOW = ("COMPLETED", "FAILED", "TIMED_OUT", "TERMINATED")
OPERATORS = (
    "FORK", "JOIN", "SWITCH", "DECISION", "EXCLUSIVE_JOIN", "DO_WHILE", "SET_VARIABLE", "TERMINATE", "INLINE", "LAMBDA",
    "JSON_JQ_TRANSFORM", "NOOP",
)  # fmt: skip
IMMEDIATE = tuple(kind for kind in OPERATORS if kind not in ("JOIN", "EXCLUSIVE_JOIN", "DO_WHILE"))
ASYNCHRONOUS = ("SUB_WORKFLOW", "START_WORKFLOW", "HTTP", "EVENT")
BACKGROUND = ("JOIN", "WAIT", "DO_WHILE", *ASYNCHRONOUS)
EXTERNAL = ("WAIT", "HUMAN")
SYSTEM = OPERATORS + ASYNCHRONOUS + EXTERNAL
JOINS = " can join"
FAILURE_WORKFLOW_MS = 500
UNIT_S = {"d": 86400, "h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class CaseNode:
    """One execution of a case: `path` says how it came to be (`root`, `root/sub#0`, `root!failure`)."""

    path: str
    workflow: Document

    @property
    def tasks(self) -> list[Document]:
        tasks: list[Document] = self.workflow.get("tasks", [])
        return tasks

    @property
    def is_terminal(self) -> bool:
        return self.workflow["status"] in TERMINAL_WORKFLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseHistory:
    """What happened: the client's own actions with their answers, and every execution as GET answered it."""

    prefix: str
    trace: tuple[Any, ...]
    nodes: tuple[CaseNode, ...]
    stub: str = ""
    """Where the stub listened that the case called."""


def key_of(task: Mapping[str, Any]) -> str:
    """Name a task record within its execution: reference name (with iteration) and attempt."""
    return f"{task['referenceTaskName']}#{task.get('retryCount', 0)}"


def children(node: CaseNode) -> Iterator[tuple[str, str]]:
    """Yield path and id of each execution that this one started."""
    for task in node.tasks:
        started = task.get("subWorkflowId")
        if task["taskType"] == "START_WORKFLOW":
            started = (task.get("outputData") or {}).get("workflowId")
        if started:
            yield f"{node.path}/{key_of(task)}", started
    failure = (node.workflow.get("output") or {}).get("conductor.failure_workflow")
    if failure and " " not in failure:  # a failure workflow that could not start leaves a message in its place
        yield f"{node.path}!failure", failure


def is_worker_task(task: Mapping[str, Any]) -> bool:
    """Whether a worker does it, not the server."""
    return task["taskType"] not in SYSTEM


def due_ms(task: Mapping[str, Any]) -> int:
    """Say when a SCHEDULED task can be polled."""
    handed_back = task.get("pollCount", 0) > 0
    since: int = task["updateTime"] if handed_back else task["scheduledTime"]
    delay: int = task.get("callbackAfterSeconds", 0)
    return since + delay * 1000


def wait_due_ms(task: Mapping[str, Any]) -> int | None:
    """Say when a timed WAIT ends; None for one that waits for an update."""
    inputs = task.get("inputData") or {}
    until, duration = inputs.get("until"), inputs.get("duration")
    if isinstance(until, str):
        try:
            return instant_ms(until)
        except ValueError:
            return None
    if not isinstance(duration, str):
        return None
    seconds = sum(int(count) * UNIT_S[unit[0]] for count, unit in re.findall(r"(\d+)\s*([dhms])", duration))
    started: int = task["startTime"]
    return started + seconds * 1000


def deadline_ms(task: Mapping[str, Any], workflow: Mapping[str, Any]) -> int | None:
    """Say when the first timeout of a task that nobody answers is due; None if it has none."""
    definition = task.get("taskDefinition") or {}
    limits = []
    if task["status"] == "IN_PROGRESS":
        limits += [(task["startTime"] + 1000 * task.get("startDelayInSeconds", 0), definition.get("timeoutSeconds"))]
        limits += [(task["updateTime"], definition.get("responseTimeoutSeconds"))]
    else:
        limits += [(due_ms(task), definition.get("pollTimeoutSeconds"))]
    limits += [(workflow.get("lastRetriedTime") or workflow["createTime"], _workflow_timeout(workflow))]
    due = [since + seconds * 1000 for since, seconds in limits if seconds and seconds < 60]
    return min(due, default=None)


def _workflow_timeout(workflow: Mapping[str, Any]) -> int:
    seconds: int = (workflow.get("workflowDefinition") or {}).get("timeoutSeconds", 0)
    return seconds


def unsettled(node: CaseNode, by_id: Mapping[str, CaseNode], now_ms: int) -> str | None:
    """Say what the server still has to do in this execution by itself; None if nothing."""
    status = node.workflow["status"]
    if status in TERMINAL_WORKFLOW:
        kinds = (*EXTERNAL, *IMMEDIATE, *BACKGROUND)
        leftover = next((task for task in node.tasks if task["status"] in OPEN and task["taskType"] in kinds), None)
        if leftover is not None:
            return f"{key_of(leftover)} is open in an ended execution"
        return "a failure workflow may start" if _may_start_failure_workflow(node.workflow, now_ms) else None
    latest = {task["referenceTaskName"]: task for task in node.tasks}
    awaited: set[str] = set()
    for task in node.tasks:
        if task["status"] not in OPEN:
            continue
        if task["taskType"] in ("JOIN", "EXCLUSIVE_JOIN"):
            on = joined(task)
            awaited.update(on)
            if _can_join(on, latest):
                return f"{key_of(task)}{JOINS}"
        elif task["taskType"] in IMMEDIATE:
            return f"{key_of(task)} is the server's turn"
        elif task["taskType"] in ASYNCHRONOUS:
            child = by_id.get(task.get("subWorkflowId", ""))
            if child is not None and not child.is_terminal:
                continue
            if task["status"] == "SCHEDULED" and due_ms(task) > now_ms and task.get("callbackAfterSeconds"):
                continue
            return f"{key_of(task)} is the server's turn"
        elif task["taskType"] == "WAIT":
            due = wait_due_ms(task)
            if due is not None and due <= now_ms:
                return f"{key_of(task)} is over"
    if status == "PAUSED":
        return None
    if not any(task["status"] in OPEN and task["taskType"] != "DO_WHILE" for task in node.tasks):
        return "nothing is open"
    for task in node.tasks:
        if task["status"] not in OPEN and not task.get("executed") and not task.get("retried"):
            if task["status"] in SUCCESSFUL and task["referenceTaskName"] in awaited:
                continue  # a static branch's last task: the JOIN notices it, not the update
            if task["status"] != "SKIPPED" and not (task.get("workflowTask") or {}).get("permissive"):
                return f"{key_of(task)} was not evaluated"
    return None


def _may_start_failure_workflow(workflow: Document, now_ms: int) -> bool:
    """Whether a failure workflow may still come: the server starts it after the end is there to be read."""
    definition = workflow.get("workflowDefinition") or {}
    if workflow["status"] == "COMPLETED" or not definition.get("failureWorkflow"):
        return False
    ended_ms: int = workflow.get("endTime") or 0
    return "conductor.failure_workflow" not in workflow.get("output", {}) and now_ms < ended_ms + FAILURE_WORKFLOW_MS


def has_background(node: CaseNode) -> bool:
    """Whether threads of the server work on this execution: it has an open asynchronous system task."""
    return any(task["status"] in OPEN and task["taskType"] in BACKGROUND for task in node.tasks)


def joined(task: Mapping[str, Any]) -> list[str]:
    """List the reference names a JOIN waits for; in a loop they carry its own iteration suffix."""
    suffix = "".join(task["referenceTaskName"].partition("__")[1:])
    refs = (task.get("inputData") or {}).get("joinOn") or ()
    return [ref if "__" in ref else f"{ref}{suffix}" for ref in map(str, refs)]


def _can_join(on: list[str], latest: Mapping[str, Document]) -> bool:
    tasks = [latest.get(ref) for ref in on]
    for task in tasks:
        if task is not None and task["status"] not in (*OPEN, *SUCCESSFUL):
            settings = task.get("workflowTask") or {}
            if not settings.get("optional") and not settings.get("permissive"):
                return True
    return all(task is not None and task["status"] not in OPEN for task in tasks)
