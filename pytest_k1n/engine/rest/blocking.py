"""Waiting until an execution goes no further without a worker or a caller, and saying where it stands.

A return strategy says what of it is shown: the execution, that of its sub-workflows which is blocked, or the task that
blocks it. Both strategies for tasks are answered alike, and where there is no such task they are answered 500.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_k1n.engine.documents import task_document, updated_ms
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.problems import Illegal
from pytest_k1n.engine.rest.request import Reply, Request, Waiting
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import OPEN_TASK, TERMINAL_WORKFLOW
from pytest_k1n.engine.values import JsonObject

TARGET: Final = "TARGET_WORKFLOW"
_WORKFLOW: Final = "BLOCKING_WORKFLOW"
_TASKS: Final = ("BLOCKING_TASK", "BLOCKING_TASK_INPUT")
_JAVA: Final = "org.conductoross.conductor.model.WorkflowSignalReturnStrategy"
_NO_TASK: Final = (
    "The mapper [com.netflix.conductor.rest.controllers.WorkflowSignalResponder$$Lambda] returned a null value."
)
_NO_TASK_IN_TIME: Final = "value"
"""The whole message: a Java optional's complaint about nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is to be said of an execution once it is blocked, or the time is up."""

    target: ExecutionState
    strategy: str
    request_id: str
    refs: frozenset[str] = frozenset()
    """Tasks whose end counts as blocked too."""

    def within(self, engine: Engine, timeout_ms: int) -> Reply | Waiting:
        """Give it now if it is blocked, else when it is; for less than no time, as it stands. Raises Illegal."""
        if timeout_ms < 0:
            return Reply(payload=self._document(None, timed_out=True))

        def attempt() -> Reply | None:
            task = blocking_task(engine, self.target, self.refs)
            if task is None and self.target.status not in TERMINAL_WORKFLOW:
                return None
            return Reply(payload=self._document(task, timed_out=False))

        def otherwise() -> Reply:
            return attempt() or Reply(payload=self._document(None, timed_out=True))

        return attempt() or Waiting(attempt=attempt, otherwise=otherwise, timeout_ms=timeout_ms)

    def _document(self, task: TaskState | None, *, timed_out: bool) -> JsonObject:
        shown: ExecutionState | TaskState
        if self.strategy in _TASKS:
            if task is None:
                raise Illegal(_NO_TASK_IN_TIME if timed_out else _NO_TASK)
            execution, shown, details = task.execution, task, _task(task)
        else:
            execution = self.target if task is None or self.strategy == TARGET else task.execution
            shown, details = execution, _workflow(execution)
        head: JsonObject = {
            "responseType": self.strategy,
            "targetWorkflowId": self.target.workflow_id,
            "targetWorkflowStatus": self.target.status,
            "requestId": self.request_id,
            "workflowId": execution.workflow_id,
        }
        if execution.correlation_id is not None:
            head["correlationId"] = execution.correlation_id
        return {**head, "input": shown.input, "output": shown.output, "signalTimeout": timed_out, **details}


def blocking_task(engine: Engine, execution: ExecutionState, refs: frozenset[str]) -> TaskState | None:
    """Find the first task that blocks: an open WAIT without an end, or an ended one of `refs`; in sub-workflows too."""
    for task in execution.tasks:
        if task.status not in OPEN_TASK:
            if task.ref in refs:
                return task
        elif task.type == "WAIT" and not task.due_ms:
            return task
        else:
            child = engine.executions.get(task.sub_id or "")
            if child is not None and (found := blocking_task(engine, child, refs)) is not None:
                return found
    return None


def return_strategy(request: Request) -> str:
    """Read the return strategy that a query names. Raises Illegal."""
    strategy = request.text("returnStrategy") or TARGET
    if strategy not in (TARGET, _WORKFLOW, *_TASKS):
        raise Illegal(
            "Method parameter 'returnStrategy': Failed to convert value of type 'java.lang.String' to required type "
            f"'{_JAVA}'; Failed to convert from type [java.lang.String] to type "
            f"[@org.springframework.web.bind.annotation.RequestParam {_JAVA}] for value [{strategy}]"
        )
    return strategy


def _workflow(execution: ExecutionState) -> JsonObject:
    return {
        "priority": execution.priority,
        "variables": execution.variables,
        "tasks": [task_document(task) for task in execution.tasks],
        "createTime": execution.created_ms,
        "status": execution.status,
        "updateTime": execution.updated_ms,
    }


def _task(task: TaskState) -> JsonObject:
    return {
        "taskType": task.type,
        "taskId": task.task_id,
        "referenceTaskName": task.ref,
        "retryCount": task.attempt,
        "taskDefName": task.def_name,
        "workflowType": task.execution.definition.name,
        "priority": task.execution.priority,
        "createTime": task.scheduled_ms,
        "updateTime": updated_ms(task),
        "status": task.status,
    }
