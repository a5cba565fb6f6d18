"""Dynamic forks: what their input may hold, and where they may stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k1n_parity.catalogue.builders import (
    FAIL,
    case,
    child,
    definitions,
    dynamic_fork,
    fork,
    loop,
    simple,
    switch,
    system,
)
from pytest_k1n.conformance.cases import PREFIX, Case, Document

DEFS = definitions("abcdefg")
JOINED = simple("d", {"j": "${join.output}", "s": "${join.status}"})


def _renamed(tasks: list[Document]) -> list[Document]:
    return [tasks[0], {**tasks[1], "name": "inner_join", "taskReferenceName": "inner_join"}]


def forking() -> Iterator[Case]:
    yield from _dynamic_forks()


def _dynamic_forks() -> Iterator[Case]:
    def plain(ref: str, **fields: Any) -> Document:
        return {"name": f"{PREFIX}a", "taskReferenceName": ref, **fields}

    given: dict[str, Document] = {
        "no type": {"tasks": [plain("x")], "inputs": {"x": {"v": 1}}},
        "a type": {"tasks": [plain("x", type="SIMPLE")], "inputs": {}},
        "no ref": {"tasks": [{"name": f"{PREFIX}a", "type": "SIMPLE"}], "inputs": {}},
        "text": {"tasks": "a,b", "inputs": {}},
        "a map": {"tasks": {"a": 1}, "inputs": {}},
        "texts": {"tasks": ["a"], "inputs": {}},
        "null in it": {"tasks": [None], "inputs": {}},
        "inputs null": {"tasks": [plain("x", type="SIMPLE")], "inputs": None},
        "inputs text": {"tasks": [plain("x", type="SIMPLE")], "inputs": "x"},
        "inputs of another": {"tasks": [plain("x", type="SIMPLE")], "inputs": {"y": {"v": 1}}},
        "input null": {"tasks": [plain("x", type="SIMPLE")], "inputs": {"x": None}},
        "own inputs": {
            "tasks": [plain("x", type="SIMPLE", inputParameters={"o": 1, "v": 2})],
            "inputs": {"x": {"v": 1}},
        },
        "expressions": {
            "tasks": [plain("x", type="SIMPLE", inputParameters={"o": "${workflow.input.a}"})],
            "inputs": {"x": {"v": "${workflow.input.b}"}},
        },
        "unregistered": {
            "tasks": [{"name": f"{PREFIX}nobody", "taskReferenceName": "x", "type": "SIMPLE"}],
            "inputs": {},
        },
        "an INLINE": {
            "tasks": [
                {
                    "name": "i",
                    "taskReferenceName": "x",
                    "type": "INLINE",
                    "inputParameters": {"evaluatorType": "javascript", "expression": "$.v + 1"},
                }
            ],
            "inputs": {"x": {"v": 1}},
        },
        "an INLINE without its inputs": {
            "tasks": [{"name": "i", "taskReferenceName": "x", "type": "INLINE"}],
            "inputs": {"x": {"evaluatorType": "javascript", "expression": "1 + 1"}},
        },
        "a WAIT": {
            "tasks": [{"name": "i", "taskReferenceName": "x", "type": "WAIT"}],
            "inputs": {"x": {"duration": "1s"}},
        },
        "a SWITCH": {"tasks": [switch("x", {"x": [simple("b")]}, ref="x")], "inputs": {}},
        "a fork": {"tasks": [*fork([simple("a")], [simple("b")])], "inputs": {}},
        "a loop": {"tasks": [loop(simple("a"), ref="x")], "inputs": {}},
        "an unknown type": {"tasks": [plain("x", type="GLUE")], "inputs": {}},
        "a retried one": {"tasks": [plain("x", type="SIMPLE", retryCount=1), plain("y", type="SIMPLE")], "inputs": {}},
        "a ref of the definition": {"tasks": [plain("d", type="SIMPLE")], "inputs": {}},
        "the fork's own ref": {"tasks": [plain("dyn", type="SIMPLE")], "inputs": {}},
        "short, nothing": {"forkTaskName": f"{PREFIX}a", "forkTaskInputs": []},
        "short, null": {"forkTaskName": f"{PREFIX}a", "forkTaskInputs": None},
        "short, text": {"forkTaskName": f"{PREFIX}a", "forkTaskInputs": "x"},
        "short, no name": {"forkTaskInputs": [{"v": 1}]},
        "short, unregistered": {"forkTaskName": f"{PREFIX}nobody", "forkTaskInputs": [{"v": 1}]},
        "short, a type": {
            "forkTaskType": "INLINE",
            "forkTaskInputs": [{"evaluatorType": "javascript", "expression": "1 + 1"}],
        },
        "short, a name and a type": {
            "forkTaskName": "mine",
            "forkTaskType": "INLINE",
            "forkTaskInputs": [{"evaluatorType": "javascript", "expression": "1 + 1"}],
        },
        "short, SIMPLE": {
            "forkTaskName": f"{PREFIX}a",
            "forkTaskType": "SIMPLE",
            "forkTaskInputs": [{"v": 1}, {"v": 2}],
        },
        "short, a workflow of a version": {
            "forkTaskWorkflow": f"{PREFIX}child",
            "forkTaskWorkflowVersion": 1,
            "forkTaskInputs": [{"v": 1}],
        },
        "short, a workflow of a version in text": {
            "forkTaskWorkflow": f"{PREFIX}child",
            "forkTaskWorkflowVersion": "1",
            "forkTaskInputs": [{"v": 1}],
        },
        "short, no such workflow": {"forkTaskWorkflow": f"{PREFIX}none", "forkTaskInputs": [{"v": 1}]},
        "short, a workflow and a name": {
            "forkTaskWorkflow": f"{PREFIX}child",
            "forkTaskName": "mine",
            "forkTaskInputs": [{"v": 1}],
        },
        "short, mixed inputs": {"forkTaskName": f"{PREFIX}a", "forkTaskInputs": [{"v": 1}, None, 3, [4]]},
        "a null type, unregistered": {"tasks": [{**plain("x"), "name": "k1n_unknown", "type": None}], "inputs": {}},
        "both forms": {
            "forkTaskName": f"{PREFIX}a",
            "forkTaskInputs": [{"v": 1}],
            "tasks": [plain("x", type="SIMPLE")],
            "inputs": {},
        },
    }
    for name, inputs in given.items():
        yield case(
            f"dynamic fork, {name}",
            *dynamic_fork(inputs),
            JOINED,
            defs=DEFS,
            workflows=[child(simple("c"))],
            script={"x": [FAIL]} if "fails" in name or "retried" in name else {},
        )
    shapes: dict[str, Any] = {
        "empty": {"dynamicTasks": []},
        "tasks": {
            "dynamicTasks": [{"taskName": f"{PREFIX}a", "referenceName": "x", "input": {"v": 1}, "type": "SIMPLE"}]
        },
        "no type": {"dynamicTasks": [{"taskName": f"{PREFIX}a", "referenceName": "x", "input": {"v": 1}}]},
        "missing": None,
    }
    for name, value in shapes.items():
        joint = system("FORK_JOIN_DYNAMIC", "dyn", {"joint": value}, dynamicForkJoinTasksParam="joint")
        yield case(f"dynamic fork of one parameter, {name}", joint, system("JOIN", "join"), JOINED, defs=DEFS)
    listed = {"tasks": [plain("x", type="SIMPLE"), plain("y", type="SIMPLE")], "inputs": {"x": {"v": 1}, "y": {"v": 2}}}
    yield case(
        "dynamic forks, one after the other",
        *dynamic_fork({"forkTaskName": f"{PREFIX}a", "forkTaskInputs": [{"v": 1}]}),
        system(
            "FORK_JOIN_DYNAMIC",
            "more",
            {"forkTaskName": f"{PREFIX}b", "forkTaskInputs": [{"v": 1}, {"v": 2}]},
            dynamicForkTasksParam="t",
            dynamicForkTasksInputParamName="i",
        ),
        system("JOIN", "more_join"),
        JOINED,
        defs=DEFS,
    )
    yield case(
        "a dynamic fork in a fork",
        *fork([*_renamed(dynamic_fork(listed))], [simple("b")], join={"joinOn": ["inner_join", "b"]}),
        JOINED,
        defs=DEFS,
    )
    yield case("a dynamic fork in a loop", loop(*dynamic_fork(listed), simple("c")), JOINED, defs=DEFS)
    yield case("a dynamic fork without JOIN", dynamic_fork(listed)[0], JOINED, defs=DEFS)
    yield case(
        "a dynamic fork's JOIN with joinOn",
        dynamic_fork(listed)[0],
        system("JOIN", "join", joinOn=["x"]),
        JOINED,
        defs=DEFS,
    )
