"""Builders: a case written by hand in a line or two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_k1n.conformance.cases import PREFIX, Action, Case, ClientStep, Document

INPUT: Mapping[str, Any] = {
    "a": 1,
    "b": "text",
    "list": [3, 1, 2],
    "map": {"k": "v", "n": {"d": [1, {"e": 5}]}},
    "none": None,
    "yes": True,
    "x.y": "dotted",
    "f": 2.5,
    "big": 12345678901,
    "empty": "",
    "names": ["b", "c"],
}
FAIL = Action(status="FAILED", reason="broken", output={"why": "it broke"})
FINAL = Action(status="FAILED_WITH_TERMINAL_ERROR", reason="final")
HANG = Action(kind="hang")
IGNORE = Action(kind="ignore")


def simple(ref: str, inputs: Mapping[str, Any] | None = None, **settings: Any) -> Document:
    name = settings.pop("name", ref)
    return {
        "name": f"{PREFIX}{name}",
        "taskReferenceName": ref,
        "type": "SIMPLE",
        "inputParameters": inputs or {},
        **settings,
    }


def system(kind: str, ref: str, inputs: Mapping[str, Any] | None = None, **settings: Any) -> Document:
    return {"name": ref, "taskReferenceName": ref, "type": kind, "inputParameters": inputs or {}, **settings}


def fork(*branches: list[Document], join: Document | None = None) -> list[Document]:
    ends = [branch[-1]["taskReferenceName"] for branch in branches]
    joined = {"name": "join", "taskReferenceName": "join", "type": "JOIN", "joinOn": ends, **(join or {})}
    return [system("FORK_JOIN", "fork", forkTasks=list(branches)), joined]


def loop(*body: Document, ref: str = "loop", **settings: Any) -> Document:
    condition = settings.pop("loopCondition", f"$.{ref}['iteration'] < 2")
    return system("DO_WHILE", ref, settings.pop("inputs", {}), loopOver=list(body), loopCondition=condition, **settings)


def switch(
    on: Any, cases: Mapping[str, list[Document]], default: list[Document] | None = None, **settings: Any
) -> Document:
    fields = {"evaluatorType": "value-param", "expression": "on", "defaultCase": default or [], **settings}
    return system("SWITCH", fields.pop("ref", "switch"), {"on": on}, decisionCases=dict(cases), **fields)


def child(*tasks: Document, **settings: Any) -> Document:
    return {"name": f"{PREFIX}child", "version": 1, "schemaVersion": 2, "tasks": list(tasks), **settings}


def sub(
    ref: str = "sub", inputs: Document | None = None, definition: Document | None = None, **settings: Any
) -> Document:
    parameters: Document = {"name": f"{PREFIX}child", "version": 1, **settings.pop("parameters", {})}
    if definition is not None:
        parameters["workflowDefinition"] = definition
    return system("SUB_WORKFLOW", ref, inputs, subWorkflowParam=parameters, **settings)


def dynamic_fork(inputs: Document, **settings: Any) -> list[Document]:
    fork_task = system(
        "FORK_JOIN_DYNAMIC",
        "dyn",
        inputs,
        dynamicForkTasksParam="tasks",
        dynamicForkTasksInputParamName="inputs",
        **settings,
    )
    return [fork_task, system("JOIN", "join")]


def case(name: str, *tasks: Document, **settings: Any) -> Case:
    """Build a case; `defs` gives task definitions by ref (retries at once unless said otherwise)."""
    definitions = [
        {"name": f"{PREFIX}{ref}", "retryDelaySeconds": 0, "retryCount": 0, **fields}
        for ref, fields in settings.pop("defs", {}).items()
    ]
    script = {ref: tuple(actions) for ref, actions in settings.pop("script", {}).items()}
    extra = tuple(settings.pop("workflows", ()))
    definition = {
        "name": f"{PREFIX}main",
        "version": 1,
        "schemaVersion": 2,
        "tasks": list(tasks),
        **settings.pop("workflow", {}),
    }
    return Case(
        name=name,
        workflows=(definition, *extra),
        task_definitions=tuple(definitions),
        script=script,
        input=settings.pop("input", INPUT),
        steps=tuple(settings.pop("steps", ())),
        start=settings.pop("start", {}),
        seed=7,
    )


def definitions(refs: str) -> Document:
    """Register a definition for each letter, as it comes."""
    return {ref: {} for ref in refs}


def step(operation: str, ref: str | None = None, body: Any = None, after: int = -1, **query: Any) -> ClientStep:
    return ClientStep(operation=operation, after=after, ref=ref, body=body, query=query)


def on_child(operation: str, ref: str | None = "sub", body: Any = None, after: int = -1, **query: Any) -> ClientStep:
    """Do something with the child of a task, or with that task."""
    return step(operation, ref, body, after, **query)


def failure_workflow() -> Document:
    inputs = {
        key: f"${{workflow.input.{key}}}" for key in ("reason", "failureStatus", "failureTaskId", "workflowId", "a")
    }
    return {"name": f"{PREFIX}failure", "version": 1, "schemaVersion": 2, "tasks": [simple("f", inputs)]}
