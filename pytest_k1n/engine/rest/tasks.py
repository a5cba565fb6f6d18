"""/tasks: polling, updating, logs, queues."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile

from pytest_k1n.engine.decide.forks import SYSTEM_TYPES
from pytest_k1n.engine.documents import execution_document, task_document
from pytest_k1n.engine.language import jsontext, secrets
from pytest_k1n.engine.language.expressions import MOST_BYTES
from pytest_k1n.engine.problems import Illegal, Invalid, Unknown
from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.registry.constraints import demand
from pytest_k1n.engine.rest import search
from pytest_k1n.engine.rest.declaring import LONGEST_WAIT_MS, declared_ms, without_declaration
from pytest_k1n.engine.rest.request import TEXT, Reply, Request, Route, Waiting
from pytest_k1n.engine.runtime.queues import QueueKey
from pytest_k1n.engine.runtime.taskresults import TaskResult, amended, demand_payloads
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import (
    FAILED_WITH_TERMINAL_ERROR,
    IN_PROGRESS,
    OPEN_TASK,
    RESULT_STATUSES,
    TERMINAL_WORKFLOW,
)
from pytest_k1n.engine.values import JsonObject

LONGEST_POLL_MS = 5_000
SINGLE_POLL_MS = 100
"""How long `GET /tasks/poll/{type}` waits for a task."""


def _key(request: Request) -> QueueKey:
    return QueueKey(request.names["type"], request.text("domain"))


def _poll(request: Request) -> Reply | Waiting:
    key, worker_id = _key(request), request.text("workerid")

    def attempt() -> Reply | None:
        task = request.engine.poll(key, worker_id)
        return None if task is None else Reply(payload=_delivered(task))

    return attempt() or Waiting(attempt=attempt, otherwise=lambda: Reply(204), timeout_ms=SINGLE_POLL_MS, key=key)


def _delivered(task: TaskState) -> JsonObject:
    """Write a task as its worker gets it: with the secrets that its input names."""
    document = task_document(task)
    document["inputData"] = secrets.revealed(task.input)
    return document


def _poll_batch(request: Request) -> Reply | Waiting:
    """Deliver what there is, up to `count`; wait for the first one, not for all of them.

    Priority decides which tasks a batch has; in it they stand as they were queued.

    3.32.1 holds fewer than `count` back until the time is up (issue 142), its successor no longer does (PR 1636).
    """
    timeout_ms = request.count("timeout", 100)
    if timeout_ms > LONGEST_POLL_MS:
        raise Invalid("Long Poll Timeout value cannot be more than 5 seconds")
    key, worker_id, count = _key(request), request.text("workerid"), request.count("count", 1)
    most = sys.maxsize if count < 0 else count  # SQLite's LIMIT -1: all there are

    def attempt() -> Reply | None:
        delivered: list[tuple[int, JsonObject]] = []
        while len(delivered) < most and (task := request.engine.poll(key, worker_id)) is not None:
            delivered.append((request.engine.dispatcher.queues.taken, _delivered(task)))
        delivered.sort(key=lambda each: each[0])
        return Reply(payload=[document for _, document in delivered]) if delivered else None

    if (answer := attempt()) is not None:
        return answer
    if timeout_ms < 1 or most < 1:
        return Reply(payload=[])
    return Waiting(attempt=attempt, otherwise=lambda: Reply(payload=[]), timeout_ms=timeout_ms, key=key)


def _update(request: Request) -> Reply | Waiting:
    task = _take(request, _result(request))
    done = Reply(payload=task.task_id, content_type=TEXT)

    def is_to_come() -> bool:
        is_open = task.status == IN_PROGRESS and task.execution.status not in TERMINAL_WORKFLOW
        return is_open and task.task_id in request.engine.declared

    if not is_to_come():
        return done
    return Waiting(
        attempt=lambda: None if is_to_come() else done,
        otherwise=lambda: Reply(202, task.task_id, TEXT),
        timeout_ms=LONGEST_WAIT_MS if request.engine.clock.jumps else 0,
    )


def _update_v2(request: Request) -> Reply:
    result = _result(request)
    task = _take(request, result, checked=False)
    if task.status in OPEN_TASK:
        return Reply(204)
    worker_id = result.get("workerId")
    following = request.engine.poll(QueueKey(task.type, task.domain), None if worker_id is None else str(worker_id))
    return Reply(204) if following is None else Reply(payload=_delivered(following))


def _result(request: Request) -> JsonObject:
    return shapes.read(request.json(), shapes.RESULT)


def _take(request: Request, result: JsonObject, *, checked: bool = True) -> TaskState:
    """Apply a TaskResult to its task. Raises Invalid, Unknown or Illegal.

    `checked`: whether the route lists violations in its answer; update-v2 answers 500 without any.
    """
    violations = []
    for name, what in (("taskId", "Task ID"), ("workflowInstanceId", "Workflow Id")):
        given = result.get(name)
        if not given:
            violation = {"path": f"updateTask.arg0.{name}", "message": f"{what} cannot be null or empty"}
            violations.append(violation if given is None else {**violation, "invalidValue": given})
    if violations and not checked:
        raise Illegal(f"Validation failed for argument [0] with {len(violations)} errors")
    demand(violations)
    leased = bool(result.get("extendLease"))  # then the server looks at the task alone
    execution = None if leased else request.engine.execution(result["workflowInstanceId"])
    task = request.engine.task(result["taskId"], of=execution)
    if task is None:
        raise Unknown(f"No such task found by id: {result['taskId']}")
    demand_payloads(task.execution)
    status = result.get("status")
    if status is None and task.status not in OPEN_TASK:
        return task  # it is not looked at any more
    if status is None:
        raise Illegal(
            'Cannot invoke "com.netflix.conductor.common.metadata.tasks.TaskResult$Status.name()" because the return '
            'value of "com.netflix.conductor.common.metadata.tasks.TaskResult.getStatus()" is null'
        )
    if leased:
        request.engine.extend_lease(task)
        return task
    report = TaskResult(
        status=status,
        output=result.get("outputData") or {},
        reason=result.get("reasonForIncompletion"),
        worker_id=result.get("workerId"),
        callback_s=result.get("callbackAfterSeconds") or 0,
        sub_id=result.get("subWorkflowId"),
        stored_at=result.get("externalOutputPayloadStoragePath"),
        logs=_lines(result.get("logs")),
    )
    if size := _excess(request, report.output):
        report = TaskResult(
            status=FAILED_WITH_TERMINAL_ERROR,
            reason=f"The payload size: {size} of task: {task.task_id} in workflow: {task.execution.workflow_id}  is "
            f"greater than the permissible limit: {MOST_BYTES} bytes",
            worker_id=report.worker_id,
        )
    work_ms = declared_ms(request, report.output)
    report = replace(report, output=without_declaration(report.output))
    if work_ms is None:
        work_ms = request.engine.worked_ms(task)
    request.engine.report(task, report, at_ms=None if work_ms is None else task.started_ms + work_ms)
    demand_payloads(task.execution)  # the server saves it, and cannot go on
    _demand_lines(result.get("logs"))  # as it does here
    return task


def _excess(request: Request, output: JsonObject) -> int:
    """Return the size of an output that is too large, else 0; only a large body can hold one."""
    return jsontext.excess(output, MOST_BYTES) if len(request.body or b"") > MOST_BYTES else 0


def _lines(logs: list[JsonObject] | None) -> tuple[tuple[str, int | None], ...]:
    """Read what a worker has logged with its result, up to a line that the server cannot write.

    A line without an instant is the oldest, as on the server; one that is only a text is of now.
    """
    if logs is None or None in logs:
        return ()
    good = takewhile(lambda entry: entry.get("log") is not None, logs)
    return tuple((entry["log"], entry.get("createdTime", 0)) for entry in good)


def _demand_lines(logs: list[JsonObject] | None) -> None:
    """Raise Illegal, in the server's words, for a line that it cannot write."""
    if logs and None in logs:
        raise Illegal(
            'Cannot invoke "com.netflix.conductor.common.metadata.tasks.TaskExecLog.setTaskId(String)" because '
            '"taskExecLog" is null'
        )
    if any(entry.get("log") is None for entry in logs or ()):
        raise Illegal(
            "[SQLITE_CONSTRAINT_NOTNULL] A NOT NULL constraint failed (NOT NULL constraint failed: "
            "task_execution_logs.log)"
        )


def _update_by_ref(request: Request) -> Reply:
    task = _take_by_ref(request)
    return Reply(payload="" if task is None else task.task_id, content_type=TEXT)


def _update_by_ref_sync(request: Request) -> Reply:
    task = _take_by_ref(request)
    if task is None:
        raise Unknown(f"Found no running task {request.names['ref']} of workflow {request.names['workflow']} to update")
    return Reply(payload=execution_document(task.execution))


def _take_by_ref(request: Request) -> TaskState | None:
    status = result_status(request)
    output = shapes.read_map(request.json())
    execution = request.engine.executions.get(request.names["workflow"])
    if execution is None:
        return None
    task = _pending(execution, request.names["ref"])
    if task is not None:
        demand_payloads(execution)
        request.engine.update(task, amended(task, status, output, worker_id=request.text("workerid")))
    return task


def result_status(request: Request) -> str:
    """Read the status a path names. Raises Illegal."""
    return request.constant("status", "com.netflix.conductor.common.metadata.tasks.TaskResult$Status", RESULT_STATUSES)


def _pending(execution: ExecutionState, ref: str) -> TaskState | None:
    """Find the first open task with a ref, else with that ref in any iteration."""
    for task in execution.live:
        if task.ref == ref and task.status in OPEN_TASK:
            return task
    return next((task for task in execution.live if task.plain_ref == ref and task.status in OPEN_TASK), None)


def _get(request: Request) -> Reply:
    task = request.engine.task(request.names["id"])
    if task is not None:
        return Reply(payload=task_document(task))
    if not request.engine.dialect.says_what_is_missing:
        return Reply(204)
    raise Unknown(f"Task not found for taskId: {request.names['id']}")


def _log(request: Request) -> Reply:
    if not request.body:
        raise Illegal("Required request body is missing")
    engine = request.engine
    engine.logs.write(request.names["id"], request.body.decode("utf-8", "replace"), engine.now_ms)
    return Reply()


def _logs(request: Request) -> Reply:
    logs = request.engine.logs.of(request.names["id"])
    is_shown = logs or not request.engine.dialect.says_what_is_missing
    return Reply(payload=list(logs)) if is_shown else Reply(204)


def _queue_size(request: Request) -> Reply:
    if request.text("isolationGroupId") or request.text("executionNamespace"):
        return Reply(payload=0)  # queues of their own, which no task is ever put into here
    label = request.required("taskType")
    if domain := request.text("domain"):
        label = f"{domain}:{label}"
    return Reply(payload=_size(request, label))


def _queue_sizes(request: Request) -> Reply:
    types = request.texts("taskType")
    if types is None:
        raise Illegal('Cannot invoke "java.util.List.iterator()" because "taskDefNames" is null')
    return Reply(payload={type_: _size(request, type_) for type_ in types})


def _size(request: Request, label: str) -> int:
    """Count what the queue of a task type holds, or of a domain's where the name has one in front."""
    domain, colon, type_ = label.rpartition(":")
    queues = request.engine.dispatcher.queues
    return queues.size(QueueKey(label)) or (queues.size(QueueKey(type_, domain)) if colon else 0)


def _all_queues(request: Request) -> Reply:
    queues = request.engine.dispatcher.queues
    return Reply(payload={key.label: queues.size(key) for key in queues.known()})


def _all_queues_verbose(request: Request) -> Reply:
    queues = request.engine.dispatcher.queues
    keys = queues.known()
    return Reply(payload={key.label: {"a": {"size": queues.size(key), "uacked": 0}} for key in keys})


def _poll_data(request: Request) -> Reply:
    type_ = request.required("taskType")
    if not type_:
        message = "TaskType cannot be null or empty."
        demand([{"path": "getPollData.arg0", "message": message, "invalidValue": ""}])
    return Reply(payload=[_shown(poll) for key, poll in request.engine.polls.items() if key.type == type_])


def _all_poll_data(request: Request) -> Reply:
    return Reply(payload=[_shown(poll) for poll in request.engine.polls.values()])


def _shown(poll: JsonObject) -> JsonObject:
    return {name: value for name, value in poll.items() if value is not None}


def _search(request: Request) -> Reply:
    return _found(request, search.task_summary)


def _search_full(request: Request) -> Reply:
    return _found(request, task_document)


def _found(request: Request, show: Callable[[TaskState], JsonObject]) -> Reply:
    start, size = max(0, request.count("start", 0)), request.count("size", 100)
    is_summary = show is search.task_summary  # the other form looks each one up by its id
    known = (*request.engine.executions.values(), *(request.engine.archived if is_summary else ()))
    executions = search.unhurried(known, request.engine.guards.breathe)
    every = search.rows(executions) if is_summary else (task for each in executions for task in list(each.tasks))
    found = search.tasks(every, request.text("query") or "", request.text("freeText"), request.text("sort") or "")
    shown = [show(task) for task in found[start : None if size < 0 else start + size]]
    return Reply(payload={"totalHits": len(found), "results": shown})


def _requeue(request: Request) -> Reply:
    """Put the open tasks of a type into its queue once more, also those that a worker has: it gets them again."""
    tasks = pending(request)
    if request.names["type"] not in SYSTEM_TYPES:
        request.engine.push_again(tasks)
    return Reply(payload=str(len(tasks)), content_type=TEXT)


def pending(request: Request) -> list[TaskState]:
    """List the open tasks of the type that a path names, by id as the server's table has them."""
    type_ = request.names["type"]
    found = (
        task
        for execution in request.engine.executions.values()
        for task in execution.live
        if task.type == type_ and task.is_open
    )
    return sorted(found, key=lambda task: task.task_id)


ROUTES = (
    Route("GET", "/tasks/poll/{type}", _poll),
    Route("GET", "/tasks/poll/batch/{type}", _poll_batch),
    Route("POST", "/tasks", _update),
    Route("POST", "/tasks/update-v2", _update_v2),
    Route("POST", "/tasks/{workflow}/{ref}/{status}", _update_by_ref),
    Route("POST", "/tasks/{workflow}/{ref}/{status}/sync", _update_by_ref_sync),
    Route("POST", "/tasks/{id}/log", _log),
    Route("GET", "/tasks/{id}/log", _logs),
    Route("GET", "/tasks/queue/size", _queue_size),
    Route("GET", "/tasks/queue/sizes", _queue_sizes),
    Route("GET", "/tasks/queue/all", _all_queues),
    Route("GET", "/tasks/queue/all/verbose", _all_queues_verbose),
    Route("GET", "/tasks/queue/polldata", _poll_data),
    Route("GET", "/tasks/queue/polldata/all", _all_poll_data),
    Route("POST", "/tasks/queue/requeue/{type}", _requeue),
    Route("GET", "/tasks/search", _search),
    Route("GET", "/tasks/search-v2", _search_full),
    Route("GET", "/tasks/{id}", _get),
)
