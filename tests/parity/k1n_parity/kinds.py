"""Single requests with values of other kinds than are asked for: in bodies, in parameters, in searches."""

from __future__ import annotations

from typing import Any

from k1n_parity.metadata import definition, step, task
from pytest_k1n.conformance.cases import PREFIX, ClientStep, Document
from pytest_k1n.conformance.operations import NO_SUCH_ID

_POST_TASKS = "POST /metadata/taskdefs"
_PUT = "PUT /metadata/workflow"
_MAIN = f"workflowType={PREFIX}main"


def requests_of_other_kinds() -> dict[str, list[ClientStep]]:
    """Return groups of requests by name."""
    return {
        "fields of other kinds in task definitions": [
            step(_POST_TASKS, [{"name": f"{PREFIX}kinds", field: value}])
            for field, values in _TASK_FIELDS.items()
            for value in values
        ],
        "fields of other kinds in workflow definitions": [
            step(_PUT, [definition(**{field: value})]) for field, values in _WORKFLOW_FIELDS.items() for value in values
        ],
        "fields of other kinds in tasks": [
            step(_PUT, [definition(task(**{field: value}))])
            for field, values in _WORKFLOW_TASK_FIELDS.items()
            for value in values
        ],
        "defaults inside": [
            step(
                _PUT, [definition(rateLimitConfig={}, inputSchema={}, cacheConfig={}, createTime=1.5, timeoutPolicy=0)]
            ),
            step(f"GET /metadata/workflow/{PREFIX}asked"),
            step(_POST_TASKS, [f"{PREFIX}text"]),
            step(f"GET /metadata/taskdefs/{PREFIX}text"),
        ],
        "bodies of other kinds": [
            step(operation, body)
            for operation in _OPERATIONS
            for body in (5, True, 1.5, f"{PREFIX}x", "", [], {}, [5], [None])
            if (operation, body) not in _UNWORDED
        ],
        "updates of other kinds": [
            step(
                "POST /tasks", {"taskId": NO_SUCH_ID, "workflowInstanceId": NO_SUCH_ID, "status": "COMPLETED", **fields}
            )
            for fields in _RESULT_FIELDS
        ],
        "conditions of searches": [
            step(f"GET /{resource}", query=query)
            for resource in ("workflow/search", "tasks/search")
            for query in _CONDITIONS
        ],
        "sorts of searches, and a flag that is none": [
            *(
                step(f"GET /{resource}", query=f"workflowType={PREFIX}none", sort=f"{column}:{direction}")
                for resource in ("workflow/search", "workflow/search-v2", "tasks/search", "tasks/search-v2")
                for column in ("workflowId", "correlationId", "taskId", "taskType", "taskDefName", "classifier", "zz")
                for direction in ("ASC", "desc", "up")
            ),
            step("POST /metadata/workflow", {}, overwrite="x"),
            step("POST /metadata/workflow", {}, newVersion="x"),
        ],
        "parameters at their bounds": [*_parameters()],
        "storage and queues": [*_storage_and_queues()],
    }


_TASK_FIELDS: dict[str, list[Any]] = {
    "retryCount": ["", " ", "3", "x", "1.5", 1.9, True, 2**31, "99999999999", {}, [1]],
    "timeoutSeconds": ["", "x", 2**63, {}, []],
    "concurrentExecLimit": ["", "x", True, 2**31, "99999999999"],
    "timeoutPolicy": ["", 0, 2, 3, -1, "1", " RETRY ", 1.0, {}, ["RETRY"]],
    "retryLogic": [1, "", "x"],
    "enforceSchema": ["", "TRUE", "tRUE", "1", 0, 1.5, {}],
    "description": [[], {}, 1.5, True],
    "inputKeys": ["", "x", 5, True, [[]], [{}], [None], [1.5], {}],
    "inputTemplate": ["", "x", 5, True, []],
    "inputSchema": ["", "x", 5, True, 1.5, [], {"type": "X"}, {"version": "x"}],
    "createTime": ["x", 5],
}
_WORKFLOW_FIELDS: dict[str, list[Any]] = {
    "version": ["1", "x", 1.5, True, 2**31],
    "timeoutSeconds": ["5", "x", True],
    "timeoutPolicy": [1, 2, "", True],
    "restartable": ["x", 0, "FALSE", None],
    "inputParameters": ["x", "", [None], [1], [{}]],
    "rateLimitConfig": ["x", "", 5, {"policy": "X"}, {"concurrentExecLimit": "x"}],
    "cacheConfig": ["x", [], {"ttlInSecond": "x"}],
    "outputSchema": [{"type": "AVRO"}, {"type": 7}],
    "createdBy": [5, []],
    "failureWorkflowVersion": ["x", True],
}
_WORKFLOW_TASK_FIELDS: dict[str, list[Any]] = {
    "optional": ["x", 1, ""],
    "asyncComplete": ["x", "", 0],
    "startDelay": ["", 2**31, 1.5],
    "retryCount": ["", True, "x"],
    "joinOn": ["x", "", 5],
    "joinMode": [0, 2, ""],
    "taskDefinition": ["x", 5, []],
    "subWorkflowParam": ["x", "", 5, [], {"name": "x", "version": "x"}],
    "onStateChange": ["x", {"x": "y"}, {"x": 5}, {"x": [5]}, {"x": [{"type": {}}]}],
    "cacheConfig": ["x", {"ttlInSecond": "x"}],
    "decisionCases": ["x", "", 5, []],
    "forkTasks": ["", 5],
}
_OPERATIONS = (
    "POST /workflow", "POST /tasks", f"POST /workflow/{PREFIX}main", "PUT /workflow/bulk/pause", _PUT, _POST_TASKS,
    "PUT /metadata/taskdefs", "POST /event", f"POST /workflow/{NO_SUCH_ID}/rerun",
    f"POST /tasks/{NO_SUCH_ID}/t/COMPLETED", f"POST /workflow/{PREFIX}main/correlated",
)  # fmt: skip
_RESULT_FIELDS: tuple[Document, ...] = (
    {"status": ""}, {"status": 9}, {"status": 3}, {"outputData": "x"}, {"callbackAfterSeconds": "x"},
    {"logs": "x"}, {"logs": [5]}, {"logs": ["a line"]}, {"extendLease": "x"},
)  # fmt: skip
_UNWORDED = ((_POST_TASKS, [None]), (f"POST /tasks/{NO_SUCH_ID}/t/COMPLETED", {}))
"""What is answered in words of the JVM's, or is asked elsewhere."""
_CONDITIONS = (
    "workflowType", "=", "workflowType!=x", "AND", f"{_MAIN} AND", f"{_MAIN} AND nonsense=1",
    f"{_MAIN} AND startTime>x",
    f"{_MAIN} AND startTime>=0", f"{_MAIN} AND startTime> 0 ", f"{_MAIN} AND modifiedTime>x", "workflowType in (x)",
    f"{_MAIN} AND status=NONE", "workflowType=", f"{_MAIN} and status=RUNNING", "workflowType LIKE x",
)  # fmt: skip


def _parameters() -> list[ClientStep]:
    paged = ("workflow/search", "workflow/search-v2", "workflow/search-by-tasks", "tasks/search", "tasks/search-v2")
    none = f"workflowType={PREFIX}none"
    return [
        *(
            step(f"GET /{resource}", query=none, **given)
            for resource in paged
            for given in ({"start": 2**40}, {"size": 2**40}, {"size": "x"}, {"size": 5001}, {"size": -1}, {"start": -1})
        ),
        step("GET /workflow/search", query=none, topLevelOnly="x"),
        step("GET /workflow/{id}/tasks", start=-1),
        step("GET /workflow/{id}/tasks", count=-1),
        step("GET /workflow/{id}/tasks", status="SCHEDULED,COMPLETED"),
        step(f"GET /metadata/workflow/{PREFIX}main", version=2**40),
        step(f"DELETE /metadata/workflow/{PREFIX}main/99999999999"),
        step(f"POST /workflow/{PREFIX}main", {}, priority=100),
        step(f"POST /workflow/{PREFIX}main", {}, priority=-1),
        step(f"POST /workflow/{PREFIX}main", {}, priority="x"),
        step(f"GET /workflow/running/{PREFIX}main", version="x"),
        step(f"GET /admin/task/{PREFIX}task", start=-1),
        step(f"GET /admin/task/{PREFIX}task", count=-1),
        step(f"GET /admin/task/{PREFIX}task", count="x"),
        step(f"GET /tasks/poll/batch/{PREFIX}none", timeout="x"),
        step("POST /workflow/bulk/restart", [NO_SUCH_ID], useLatestDefinitions="x"),
        step("GET /metadata/workflow", classifier="agent"),
    ]


def _storage_and_queues() -> list[ClientStep]:
    asked: tuple[Document, ...] = (
        {}, {"path": "p"}, {"path": "p", "operation": "WRITE"},
        {"path": "p", "operation": "READ", "payloadType": "x"},
        {"path": "p", "operation": "x", "payloadType": "TASK_INPUT"},
    )  # fmt: skip
    return [
        *(
            ClientStep(operation=f"GET /{resource}/{name}", query=given)
            for resource in ("workflow", "tasks")
            for name in ("externalstoragelocation", "external-storage-location")
            for given in asked
        ),
        *(step(f"GET /tasks/queue/{name}") for name in ("size", "sizes", "polldata")),
        *(step(f"GET /tasks/queue/{name}", taskType="") for name in ("size", "sizes", "polldata")),
        step("GET /tasks/queue/sizes", taskType=f"{PREFIX}a,{PREFIX}b"),
        step(f"POST /queue/update/{NO_SUCH_ID}/t/COMPLETED"),
        step(f"POST /queue/update/{NO_SUCH_ID}/t/COMPLETED", []),
        step(f"POST /queue/update/{NO_SUCH_ID}/t/NONSENSE", {}),
        step("GET /environment/nonsense"),
        step("GET /admin/queues", verbose="x"),
        step("POST /event", {"name": "", "event": "e", "actions": None}),
    ]
