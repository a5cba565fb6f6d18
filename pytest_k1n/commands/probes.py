"""The workflow K1N_QUALITY_GATES: the quality gates of a finished execution as Conductor tasks, one probe a category.

The definitions are made from the table of gates, so that they need no file; `fixtures/` holds the same as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_k1n.core.findings import Finding, Verdict
from pytest_k1n.core.gates import (
    PROBES,
    Category,
    CategoryResult,
    CategoryVerdict,
    GateSettings,
    Located,
    category,
    judge,
    probe_output,
    single,
)
from pytest_k1n.core.model import Execution, Json
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.report.results import finding_json
from pytest_k1n.workers.handler import Handler, TaskContext, TaskFailed

WORKFLOW = "K1N_QUALITY_GATES"
_OWNER = "k1n@example.com"
_VERDICTS = {
    "pass": CategoryVerdict.PASS,
    "fail": CategoryVerdict.FAIL,
    "unknown": CategoryVerdict.UNKNOWN,
    "skip": CategoryVerdict.NOT_APPLICABLE,
}


def workflow_document() -> dict[str, Any]:
    """Return the workflow definition: all probes side by side, then a JOIN."""
    counted = ("verdict", "passed", "evaluated", "blocking")
    return {
        "name": WORKFLOW,
        "version": 1,
        "description": "The quality gates G1-G18 of a finished execution, each judged by a probe task",
        "schemaVersion": 2,
        "ownerEmail": _OWNER,
        "restartable": True,
        "timeoutPolicy": "ALERT_ONLY",
        "timeoutSeconds": 0,
        "inputParameters": ["workflow_id"],
        "tasks": [
            {
                "name": "probes",
                "taskReferenceName": "probes",
                "type": "FORK_JOIN",
                "forkTasks": [[_probe(name, gate)] for name, gate in PROBES.items()],
            },
            {
                "name": "judged",
                "taskReferenceName": "judged",
                "type": "JOIN",
                "joinOn": list(PROBES),
                "joinMode": "SYNC",
            },
        ],
        "outputParameters": {
            "workflow_id": "${workflow.input.workflow_id}",
            "categories": [
                {"id": gate.id, **{field: f"${{{name}.output.{field}}}" for field in counted}}
                for name, gate in PROBES.items()
            ],
        },
    }


def task_documents() -> list[dict[str, Any]]:
    """Return the task definitions of the probes."""
    return [_task(name, gate) for name, gate in PROBES.items()]


def handlers(read: Callable[[str], Observation], settings: GateSettings) -> dict[str, Handler]:
    """Return a handler for every probe; `read` returns the execution that a task's input names."""

    def probe(context: TaskContext) -> Mapping[str, Json]:
        workflow_id = str(context.input.get("workflow_id"))
        try:
            observation = read(workflow_id)
        except (LookupError, ValueError) as error:
            raise TaskFailed(f"execution {workflow_id} cannot be judged: {error}", terminal=True) from None
        result = judge(category(context.task_type), single(observation), settings)
        context.log(str(result))
        # The schema's fields are public; `details` lets `results` build the whole judgement again.
        return {**probe_output(result), "details": [finding_json(each) for each in result.findings]}

    return dict.fromkeys(PROBES, probe)


def results(execution: Execution) -> tuple[CategoryResult, ...]:
    """Read back what the probes of a K1N_QUALITY_GATES execution put out. Raises ValueError where one is missing."""
    finals = execution.finals
    found = []
    for name, gate in PROBES.items():
        record = finals.get((name, 0))
        if record is None or not record.status.is_successful:
            state = f"{record.status}: {record.reason}" if record else "was never scheduled"
            raise ValueError(f"{name} of {WORKFLOW} {execution.workflow_id} judged nothing: {state}")
        found.append(_result(gate, record.output))
    return tuple(found)


def _result(gate: Category, output: Mapping[str, Any]) -> CategoryResult:
    located = (Located(None, Finding(**{**each, "verdict": Verdict(each["verdict"])})) for each in output["details"])
    return CategoryResult(
        id=gate.id,
        title=gate.title,
        unit=gate.unit,
        blocking=bool(output["blocking"]),
        verdict=_VERDICTS[output["verdict"]],
        passed=int(output["passed"]),
        failed=int(output["evaluated"]) - int(output["passed"]),
        unknown=int(output["unknown"]),
        simulated=int(output["simulated"]),
        located=tuple(located),
        note=str(output["note"]),
    )


def _probe(name: str, gate: Category) -> dict[str, Any]:
    return {
        "name": name,
        "taskReferenceName": name,
        "type": "SIMPLE",
        "description": gate.title,
        "inputParameters": {"workflow_id": "${workflow.input.workflow_id}", "gate": gate.id},
    }


def _task(name: str, gate: Category) -> dict[str, Any]:
    verdicts = ["pass", "warn", "unknown", "fail", "skip"]
    wanted = {"workflow_id": {"type": "string"}, "gate": {"const": gate.id}}
    given = {
        "verdict": {"enum": verdicts},
        "passed": {"type": "integer"},
        "evaluated": {"type": "integer"},
        "blocking": {"type": "boolean"},
    }
    return {
        "name": name,
        "description": f"Quality gate {gate.id}, {gate.title}: judges the finished execution named in its input",
        "ownerEmail": _OWNER,
        "retryCount": 1,
        "retryLogic": "FIXED",
        "retryDelaySeconds": 1,
        "responseTimeoutSeconds": 10,
        "timeoutSeconds": 0,
        "timeoutPolicy": "TIME_OUT_WF",
        "inputSchema": _schema(f"{name}.input", wanted),
        "outputSchema": _schema(f"{name}.output", given),
    }


def _schema(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    data = {"type": "object", "required": list(properties), "properties": dict(properties)}
    return {"name": name, "version": 1, "type": "JSON", "data": data}
