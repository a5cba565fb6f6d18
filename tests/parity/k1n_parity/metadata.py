"""Single requests with definitions: nulls, inner tasks, values at their bounds; and the server's own pages."""

from __future__ import annotations

from typing import Any

from pytest_k1n.conformance.cases import PREFIX, ClientStep, Document
from pytest_k1n.conformance.operations import NO_SUCH_ID

WORKFLOW = f"{PREFIX}asked"
TASK = f"{PREFIX}simple"
_PUT = "PUT /metadata/workflow"


def metadata_requests() -> dict[str, list[ClientStep]]:
    """Return groups of requests by name."""
    return {
        "task definitions at their bounds": _task_definitions(),
        "workflow definitions with nulls": _nulls(),
        "definitions with wrong tasks": [_put(each) for each in _wrong_tasks()],
        "definitions with wrong tasks inside": _inner_tasks(),
        "definitions with references": [_put(task(inputParameters=inputs)) for inputs in _REFERENCES],
        "definitions with filters": [
            _put(task(inputParameters={"x": f"${{workflow.input.l[?({each})].n}}"})) for each in _FILTERS
        ],
        "definitions registered again": _again(),
        "administration": _administration(),
        "definitions that hold a null for what is demanded": _demanded(),
        "empty domains and counts below zero": _polls(),
        "fields inside of definitions that nobody knows": _unknown(),
        "definitions with nulls in the place of tasks": _null_tasks(),
        "definitions registered over others": _overwritten(),
    }


def step(operation: str, body: Any = None, **query: Any) -> ClientStep:
    return ClientStep(operation=operation, body=body, query=query)


def task(**fields: Any) -> Document:
    made: Document = {"name": TASK, "taskReferenceName": "t", "type": "SIMPLE"}
    return made | fields


def definition(*tasks: Document, **fields: Any) -> Document:
    return {"name": WORKFLOW, "version": 1, "schemaVersion": 2, "tasks": list(tasks) or [task()], **fields}


def _put(*tasks: Document) -> ClientStep:
    return step(_PUT, [definition(*tasks)])


def _task_definitions() -> list[ClientStep]:
    post = "POST /metadata/taskdefs"
    fields = (
        "retryCount", "timeoutSeconds", "retryDelaySeconds", "responseTimeoutSeconds", "pollTimeoutSeconds",
        "backoffScaleFactor", "maxRetryDelaySeconds", "backoffJitterMs", "totalTimeoutSeconds", "concurrentExecLimit",
        "rateLimitPerFrequency", "rateLimitFrequencyInSeconds",
    )  # fmt: skip
    nulls: Document = dict.fromkeys(field for field in fields if "esponse" not in field)
    return [
        *(step(post, [{"name": TASK, field: -1}]) for field in fields),
        step(post, [{"name": TASK, **nulls, "timeoutPolicy": None, "retryLogic": None, "inputKeys": None}]),
        step(f"GET /metadata/taskdefs/{TASK}"),
        step(post, [{"name": TASK, "responseTimeoutSeconds": None}]),
        step(post, [{"name": TASK, "inputSchema": {"name": "s", "version": 1, "type": "JSON"}, "updatedBy": "you"}]),
        step(f"GET /metadata/taskdefs/{TASK}"),
        step("PUT /metadata/taskdefs", {"name": TASK, "retryCount": -1}),
    ]


def _null_tasks() -> list[ClientStep]:
    """Return definitions with nulls among their tasks; in an inline one the server does not look."""
    join = task(name="j", taskReferenceName="j", type="JOIN")
    wrong: list[list[Any]] = [
        [None],
        [task(), None],
        [task(type=None)],
        [task(type="DO_WHILE", loopCondition="false", loopOver=None)],
        [task(type="DO_WHILE", loopCondition="false", loopOver=[None])],
        [task(type="FORK_JOIN", forkTasks=None), join],
        [task(type="FORK_JOIN", forkTasks=[None]), join],
        [task(type="FORK_JOIN", forkTasks=[[None]]), join],
        [task(type="SWITCH", evaluatorType="value-param", expression="x", decisionCases={"a": [None]})],
    ]
    inline: list[Any] = [None, *wrong]
    sub = [
        task(type="SUB_WORKFLOW", subWorkflowParam={"workflowDefinition": {"name": "inner", "tasks": tasks}})
        for tasks in inline
    ]
    return [*(step(_PUT, [{**definition(), "tasks": each}]) for each in (None, *wrong)), *(_put(each) for each in sub)]


def _overwritten() -> list[ClientStep]:
    """Return registrations of what is known: what is wrong is told only where the new may take its place."""
    post = "POST /metadata/workflow"
    wrong = [
        {**definition(), "tasks": []},
        definition(task(), task()),
        definition(task(type=None)),
        {**definition(), "name": None},
        {**definition(), "version": None, "tasks": []},
        {**definition(), "version": 2, "tasks": []},
    ]
    return [
        step(_PUT, [definition()]),
        *(step(post, each) for each in wrong),
        *(step(post, each, overwrite="true") for each in wrong),
    ]


def _demanded() -> list[ClientStep]:
    post = "POST /metadata/taskdefs"
    validate = "POST /metadata/workflow/validate"
    inputs = [
        ("FORK_JOIN_DYNAMIC", {"forkTaskName": "x"}),
        ("FORK_JOIN_DYNAMIC", {"forkTaskType": "HTTP"}),
        ("FORK_JOIN_DYNAMIC", {"forkTaskWorkflow": "x"}),
        ("FORK_JOIN_DYNAMIC", {"forkTaskName": "x", "forkTaskInputs": []}),
        ("FORK_JOIN_DYNAMIC", {"forkTaskName": None, "forkTaskInputs": None}),
        ("HTTP", {"http_request": None}),
        ("HTTP", {"uri": None, "method": "GET"}),
        ("KAFKA_PUBLISH", {}),
        ("KAFKA_PUBLISH", {"kafka_request": None}),
        ("JSON_JQ_TRANSFORM", {"queryExpression": None}),
    ]  # fmt: skip
    return [
        *(step(validate, definition(task(type=kind, inputParameters=given))) for kind, given in inputs),
        step(post, [{"name": TASK, "timeoutSeconds": 10, "totalTimeoutSeconds": 3, "responseTimeoutSeconds": 60}]),
        step(post, [{"name": f"{TASK}_first"}, None, {"name": f"{TASK}_third"}]),
        step(f"GET /metadata/taskdefs/{TASK}_first"),
        step(f"GET /metadata/taskdefs/{TASK}_third"),
    ]


def _polls() -> list[ClientStep]:
    asked = f"{PREFIX}polled"
    return [
        step(f"GET /tasks/poll/{asked}", workerid="w"),
        step(f"GET /tasks/poll/{asked}", workerid="w", domain=""),
        step(f"GET /tasks/poll/batch/{asked}", workerid="w", domain="d", timeout=0),
        step("GET /tasks/queue/polldata", taskType=asked),
        step(f"GET /tasks/poll/batch/{PREFIX}task", count=-1, timeout=0),
    ]


def _unknown() -> list[ClientStep]:
    """Register what has one field too many, each in another object, and look at what was kept."""
    unknown: Document = {"nobody": "knows"}
    schema: Document = {"name": "s", "version": 1, "type": "JSON", **unknown}
    workflow: Document = {
        "inputSchema": schema, "outputSchema": schema, "cacheConfig": {"key": "k", "ttlInSecond": 5, **unknown},
        "rateLimitConfig": {"rateLimitKey": "k", "concurrentExecLimit": 1, **unknown}, **unknown,
    }  # fmt: skip
    inner = task(
        cacheConfig={"key": "k", "ttlInSecond": 5, **unknown},
        taskDefinition={"name": TASK, "inputSchema": schema, **unknown},
        onStateChange={"onStart": [{"type": "x", "payload": {"a": 1}, **unknown}]},
        **unknown,
    )
    child = task(type="SUB_WORKFLOW", subWorkflowParam={"name": "x", "version": 1, "priority": 3, **unknown})
    actions: list[Document] = [
        {"action": "start_workflow", "start_workflow": {"name": "n", "version": 2, "input": unknown, **unknown}},
        {"action": "complete_task", "complete_task": {"workflowId": "w", "taskRefName": "t", **unknown}, **unknown},
        {"action": "fail_task", "fail_task": {"taskId": "t", "reasonForIncompletion": "no", **unknown}},
        {"action": "terminate_workflow", "terminate_workflow": {"workflowId": "w", **unknown}},
        {"action": "update_workflow_variables", "update_workflow_variables": {"variables": unknown, **unknown}},
    ]
    handler = {
        "name": WORKFLOW,
        "event": f"conductor:{WORKFLOW}:unknown",
        "actions": actions,
        "active": True,
        **unknown,
    }
    return [
        step(_PUT, [definition(inner, **workflow)]),
        step(f"GET /metadata/workflow/{WORKFLOW}"),
        step(_PUT, [definition(child)]),
        step(f"GET /metadata/workflow/{WORKFLOW}"),
        step("POST /metadata/taskdefs", [{"name": TASK, "inputSchema": schema, **unknown}]),
        step(f"GET /metadata/taskdefs/{TASK}"),
        step("POST /event", handler),
        step(f"GET /event/conductor:{WORKFLOW}:unknown"),
        step(f"DELETE /event/{WORKFLOW}"),
    ]


def _nulls() -> list[ClientStep]:
    nullable = (
        "version", "restartable", "schemaVersion", "timeoutSeconds", "timeoutPolicy", "inputParameters",
        "outputParameters", "variables", "inputTemplate", "enforceSchema", "metadata", "maskedFields", "ownerEmail",
    )  # fmt: skip
    steps = []
    for field in nullable:
        steps += [step(_PUT, [definition(name=f"{WORKFLOW}_{field}", **{field: None})])]
        steps += [step(f"GET /metadata/workflow/{WORKFLOW}_{field}")]
    steps += [step(_PUT, [definition(tasks=tasks)]) for tasks in (None, [None])]
    limited = definition(name=f"{WORKFLOW}_limited", rateLimitConfig={"rateLimitKey": "k", "concurrentExecLimit": 2})
    return [*steps, step(_PUT, [limited]), step(f"GET /metadata/workflow/{WORKFLOW}_limited")]


def _wrong_tasks() -> list[Document]:
    inner = task(taskReferenceName="i")
    switch = {"type": "SWITCH", "evaluatorType": "value-param", "expression": "x"}
    return [
        {**task(), "name": ""}, task(taskReferenceName=""), task(type=None), task(type=""), task(startDelay=-1),
        task(optional=None),
        task(type="JOIN", joinMode="WEIRD"), task(type="FORK_JOIN", forkTasks=[[]]),
        task(type="DYNAMIC", dynamicTaskNameParam=""),
        {**task(), **switch, "evaluatorType": "", "decisionCases": {"a": [inner]}},
        {**task(), **switch, "defaultCase": [inner]},
        task(type="FORK_JOIN_DYNAMIC", dynamicForkJoinTasksParam="x", dynamicForkTasksParam="x"),
        task(type="SUB_WORKFLOW", subWorkflowParam={"name": "x", "version": "y"}),
        task(type="SUB_WORKFLOW", subWorkflowParam={"workflowDefinition": 5}),
        task(type="SUB_WORKFLOW", subWorkflowParam={"name": "x", "workflowDefinition": "abc"}),
        task(type="SUB_WORKFLOW", subWorkflowParam={"name": "x", "idempotencyStrategy": "NEVER"}),
        task(type="HTTP", inputParameters={"http_request": {}}),
        task(type="JSON_JQ_TRANSFORM", inputParameters={"queryExpression": ""}),
        task(type="WAIT", inputParameters={"until": "2030-01-01 00:00 GMT+04:00"}),
        task(type="WAIT", inputParameters={"until": "2030-01-01 00:00 PST"}),
        task(type="WAIT", inputParameters={"until": "2030-01-01T00:00:00Z"}),
    ]  # fmt: skip


def _inner_tasks() -> list[ClientStep]:
    switch = {"type": "SWITCH", "evaluatorType": "value-param", "expression": "x"}
    steps = []
    for fields in (
        {"type": "HTTP"}, {"name": ""}, {"startDelay": -1}, {"inputParameters": {"x": "${zz.output}"}},
    ):  # fmt: skip
        bad: Document = {**task(taskReferenceName="i"), **fields}
        nested = {**task(taskReferenceName="s"), **switch, "decisionCases": {"b": [bad]}}
        steps += [
            _put(task(type="FORK_JOIN", forkTasks=[[bad]]), task(taskReferenceName="j", type="JOIN")),
            _put({**task(), **switch, "decisionCases": {"a": [bad]}}),
            _put({**task(), **switch, "decisionCases": {"a": [task(taskReferenceName="k")]}, "defaultCase": [bad]}),
            _put({**task(), **switch, "decisionCases": {"a": [nested]}}),
            _put(task(type="DO_WHILE", loopCondition="true", loopOver=[bad])),
        ]
    return steps


_REFERENCES: tuple[Document, ...] = (
    {"a": "${t.output.x}"}, {"a": {"b": ["${zz.output}"]}}, {"a": "x ${zz.output}"},
    {"a": ["${zz.o}", {"q": "${yy.o}"}]},
    {"a": "${workflow.input.x y}"}, {"a": "${workflow.input['x y']}"}, {"a": "${workflow['input']['a']}"},
    {"a": "${NETFLIX_STACK}"}, {"a": "$${zz}"}, {"${zz.output}": 1}, {"a": "${workflow}"},
)  # fmt: skip


def _again() -> list[ClientStep]:
    get = f"GET /metadata/workflow/{WORKFLOW}"
    return [
        step("POST /metadata/workflow", definition()),
        step("POST /metadata/workflow", definition(description="again"), overwrite="true"),
        step(_PUT, [definition(createdBy="me", updatedBy="you"), definition(version=2), definition(name="")]),
        step(_PUT, [definition(createdBy="me", updatedBy="you"), definition(version=2)]),
        step(get, version=1),
        step(get),
        step(f"{get}/versions"),
        step(f"{get}/"),
    ]


def _administration() -> list[ClientStep]:
    main = f"{PREFIX}main"
    return [
        step("GET /admin/task/nobody"),
        step("POST /admin/sweep/requeue/{id}"),
        step(f"POST /admin/consistency/verifyAndRepair/{NO_SUCH_ID}"),
        step(f"POST /queue/update/{NO_SUCH_ID}/t/COMPLETED", {}),
        step(f"POST /queue/update/{NO_SUCH_ID}/task/{NO_SUCH_ID}/FAILED", {}),
        step("POST /workflow/bulk/search", []),
        step("POST /workflow/bulk/search", [NO_SUCH_ID]),
        step("GET /secrets"),
        step("GET /environment"),
        step(f"GET /workflow/running/{main}", version=7),
        step(f"GET /workflow/running/{main}", startTime=1, endTime=99999999999999),
        step(f"GET /workflow/running/{main}", startTime=1, endTime=2),
        step(f"GET /workflow/running/{main}", startTime="x"),
        step("GET /workflow/{id}/tasks", count=-1),
        step("GET /workflow/{id}/tasks", status="COMPLETED"),
        step("GET /tasks/queue/sizes"),
    ]


_FILTERS = (
    "@.a", "@.a==1", "1==1", "@.a==.5", "@.a =~ 'x'", "@.a*2>4", "@.a==$.x", "@.a[?(@.b==1)]", "@.a type 'x'",
    "", "true", "'x'", "a>1", "@.a=1", "@.a<>1", "@.a and @.b", "@.a>1 && ", "@.a ~ 1", "@.a > ", "@.a =~ /x",
    "@.a/2==1", "@.a==x", "not @.a", "@.a==True",
)  # fmt: skip
