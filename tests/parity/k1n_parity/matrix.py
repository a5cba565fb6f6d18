"""Operations x shapes x ends: what an operator's retry, rerun, restart, resume, skip and terminate do to anything.

Each shape holds a task `x` that does not succeed the first time. The execution comes to an end (or stands still)
because of it, an operator acts on it or on one of its children, and whatever workers still get then succeeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from k1n_parity.catalogue.builders import case, loop, simple, step, sub, switch, system
from pytest_k1n.conformance.cases import PREFIX, Action, Case, ClientStep, Document

FAILED = Action(status="FAILED", reason="broken", output={"why": 1})
TERMINAL_ERROR = Action(status="FAILED_WITH_TERMINAL_ERROR", reason="final")
CANCELED = Action(status="CANCELED", reason="stopped")
REFS = "abdefuvxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Tasks around `x`; `path` leads from the root to the execution that holds it, by refs of SUB_WORKFLOW tasks."""

    tasks: tuple[Document, ...]
    children: Mapping[str, tuple[Document, ...]] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    """Refs in that execution from which a rerun is worth trying, beside `x`."""
    script: Mapping[str, tuple[Action, ...]] = field(default_factory=dict)
    before: int = 0
    """How often `x` succeeds before it does not (a loop's earlier iterations)."""
    iteration: int = 0
    open_after: int = 1
    """After how many moves of workers something is in hand and more is open."""


def _split(name: str, *branches: list[Document], on: list[str] | None = None) -> list[Document]:
    ends = on or [branch[-1]["taskReferenceName"] for branch in branches]
    return [
        system("FORK_JOIN", f"fork{name}", forkTasks=list(branches)),
        {"name": f"join{name}", "taskReferenceName": f"join{name}", "type": "JOIN", "joinOn": ends},
    ]


def _of(ref: str, name: str, **settings: Any) -> Document:
    return sub(ref, parameters={"name": f"{PREFIX}{name}"}, **settings)


def _dynamic(*tasks: Document) -> list[Document]:
    """Fork what stands in the input of the fork itself."""
    inputs = {"tasks": list(tasks), "inputs": {task["taskReferenceName"]: {"i": 1} for task in tasks}}
    fork = system(
        "FORK_JOIN_DYNAMIC",
        "dyn",
        inputs,
        dynamicForkTasksParam="tasks",
        dynamicForkTasksInputParamName="inputs",
    )
    return [fork, system("JOIN", "join")]


def _shapes() -> Iterator[tuple[str, Shape]]:
    x, y, d = simple("x"), simple("y"), simple("d")
    tail = (simple("x"), simple("e"))
    yield "sequence", Shape(tasks=(simple("a"), x, d), others=("a",), open_after=2)
    yield "fork", Shape(tasks=(*_split("", [x], [y]), d), others=("fork", "join", "y"))
    yield (
        "longer branches",
        Shape(tasks=(*_split("", [simple("a"), x], [y, simple("z")]), d), others=("a", "fork", "z"), open_after=2),
    )
    yield "fork in a fork", Shape(tasks=(*_split("", [*_split("2", [x], [y])], [simple("z")]), d), others=("fork2",))
    yield "dynamic fork", Shape(tasks=(*_dynamic(x, y), d), others=("dyn", "join", "y"))
    yield "child", Shape(tasks=(_of("sub", "one"), d), children={"one": tail}, path=("sub",), others=("e",))
    yield (
        "child beside a task",
        Shape(tasks=(*_split("", [_of("sub", "one")], [y]), d), children={"one": tail}, path=("sub",)),
    )
    yield (
        "child in a longer branch",
        Shape(
            tasks=(*_split("", [simple("a"), _of("sub", "one"), simple("b")], [y]), d),
            children={"one": tail},
            path=("sub",),
            open_after=2,
        ),
    )
    yield (
        "two children",
        Shape(
            tasks=(*_split("", [_of("sub", "one")], [_of("sib", "two")]), d),
            children={"one": tail, "two": (simple("u"), simple("v"))},
            path=("sub",),
        ),
    )
    yield (
        "a forking child",
        Shape(
            tasks=(_of("sub", "one"), d),
            children={"one": (*_split("", [x], [simple("u")]), simple("e"))},
            path=("sub",),
            others=("fork", "join"),
        ),
    )
    yield (
        "a forking child beside a task",
        Shape(
            tasks=(*_split("", [_of("sub", "one")], [y]), d),
            children={"one": (*_split("", [x], [simple("u")]), simple("e"))},
            path=("sub",),
        ),
    )
    yield (
        "child of a child",
        Shape(
            tasks=(_of("sub", "one"), d),
            children={"one": (_of("inner", "two"), simple("e")), "two": (x,)},
            path=("sub", "inner"),
        ),
    )
    yield (
        "child of a child beside tasks",
        Shape(
            tasks=(*_split("", [_of("sub", "one")], [y]), d),
            children={"one": (*_split("", [_of("inner", "two")], [simple("u")]), simple("e")), "two": (x,)},
            path=("sub", "inner"),
        ),
    )
    yield (
        "three levels beside tasks",
        Shape(
            tasks=(*_split("", [_of("sub", "one")], [y]), d),
            children={
                "one": (*_split("", [_of("inner", "two")], [simple("u")]),),
                "two": (*_split("", [_of("deep", "three")], [simple("v")]),),
                "three": tail,
            },
            path=("sub", "inner", "deep"),
        ),
    )
    yield (
        "dynamic fork of children",
        Shape(
            tasks=(*_dynamic(_of("sub", "one"), _of("sib", "two")), d),
            children={"one": tail, "two": (simple("u"),)},
            path=("sub",),
        ),
    )
    yield (
        "dynamic fork of a child and a task",
        Shape(tasks=(*_dynamic(_of("sub", "one"), y), d), children={"one": tail}, path=("sub",)),
    )
    yield (
        "second iteration",
        Shape(tasks=(loop(x, y), d), others=("loop", "y"), before=1, iteration=2, open_after=3),
    )
    yield (
        "fork in a second iteration",
        Shape(tasks=(loop(*_split("", [x], [y])), d), others=("loop", "fork"), before=1, iteration=2, open_after=4),
    )
    yield (
        "child in a second iteration",
        Shape(
            tasks=(loop(_of("sub", "one"), y), d),
            children={"one": tail},
            path=("sub",),
            before=1,
            open_after=4,
        ),
    )
    yield (
        "child beside a task in a second iteration",
        Shape(
            tasks=(loop(*_split("", [_of("sub", "one")], [y])), d),
            children={"one": (x,)},
            path=("sub",),
            before=1,
            open_after=3,
        ),
    )
    yield (
        "dynamic fork in a second iteration",
        Shape(tasks=(loop(*_dynamic(x, y)), d), others=("loop",), before=1, iteration=2, open_after=3),
    )
    yield (
        "a looping child beside a task",
        Shape(
            tasks=(*_split("", [_of("sub", "one")], [y]), d),
            children={"one": (loop(x), simple("e"))},
            path=("sub",),
            before=1,
            iteration=2,
            others=("loop",),
            open_after=2,
        ),
    )
    yield "loop in a fork", Shape(tasks=(*_split("", [loop(x)], [y]), d), others=("loop",), before=1, iteration=2)
    yield "case", Shape(tasks=(switch("k", {"k": [x, y]}), d), others=("switch",))
    yield (
        "case in a fork",
        Shape(tasks=(*_split("", [switch("k", {"k": [x]})], [y], on=["x", "y"]), d), others=("switch", "fork")),
    )
    yield (
        "case with a child beside a task",
        Shape(
            tasks=(*_split("", [switch("k", {"k": [_of("sub", "one")]})], [y], on=["sub", "y"]), d),
            children={"one": tail},
            path=("sub",),
        ),
    )
    yield "optional", Shape(tasks=(simple("x", optional=True), d), others=("d",))
    yield "optional in a fork", Shape(tasks=(*_split("", [simple("x", optional=True)], [y]), d))
    yield (
        "optional child beside a task",
        Shape(
            tasks=(*_split("", [_of("sub", "one", optional=True)], [y]), d),
            children={"one": tail},
            path=("sub",),
        ),
    )
    yield "permissive", Shape(tasks=(simple("x", permissive=True), d), others=("d",))
    yield "permissive in a fork", Shape(tasks=(*_split("", [simple("x", permissive=True)], [y]), d), others=("join",))
    yield (
        "permissive child beside a task",
        Shape(
            tasks=(*_split("", [_of("sub", "one", permissive=True)], [y]), d),
            children={"one": tail},
            path=("sub",),
        ),
    )
    yield (
        "beside a HUMAN",
        Shape(tasks=(*_split("", [x], [system("HUMAN", "h")]), d), script={"h": (Action(kind="ignore"),)}),
    )
    yield (
        "child beside a HUMAN",
        Shape(
            tasks=(*_split("", [_of("sub", "one")], [system("WAIT", "h")]), d),
            children={"one": tail},
            path=("sub",),
            script={"h": (Action(kind="ignore"),)},
        ),
    )
    yield (
        "exclusive join",
        Shape(
            tasks=(
                switch("k", {"k": [x], "l": [y]}),
                {"name": "exclusive", "taskReferenceName": "exclusive", "type": "EXCLUSIVE_JOIN", "joinOn": ["x", "y"]},
                d,
            ),
        ),
    )
    yield (
        "a failing caller of a done child",
        Shape(tasks=(_of("sub", "one"), x, d), children={"one": (simple("u"),)}, open_after=2),
    )


SHAPES: Mapping[str, Shape] = dict(_shapes())

ENDS: Mapping[str, Action | ClientStep | None] = {
    "failed": FAILED,
    "failed for good": TERMINAL_ERROR,
    "canceled": CANCELED,
    "completed": None,
    "terminated": step("terminate", after=0, reason="enough"),
    "child terminated": step("terminate", after=0),
    "running": step("get", after=0),
    "paused": step("pause", after=0),
}
"""How an execution came to where an operator finds it: what `x` reports, or what is done to it while it runs."""

BRIEFLY = ("failed for good", "canceled")
"""Ends that differ from `failed` by their status only: fewer places to rerun from."""


def _operations(shape: Shape, end: str) -> Iterator[tuple[str, ClientStep]]:
    inside = "/".join((*shape.path, ""))
    x = f"x__{shape.iteration}" if shape.iteration else "x"
    if end in ("running", "paused"):
        yield "terminate", step("terminate")
        yield "skip", step("skip", "d")
        yield "decide", step("decide")
        yield "fail by ref", step("fail by ref", f"{inside}{x}")
        yield "pause, and go on", step("pause")
        if shape.path:
            yield "terminate the child", step("terminate", inside)
            yield "pause the child", step("pause", inside)
            yield "complete the child's task", step("update by ref", shape.path[0])
            yield "fail the child's task", step("fail by ref", shape.path[0])
        return
    yield "retry", step("retry")
    yield "retry with children", step("retry", resumeSubworkflowTasks="true")
    yield "restart", step("restart")
    yield "rerun", step("rerun")
    for ref in (x, *shape.others):
        name = "x" if ref == x else ref
        body = {"reRunFromTaskId": "{task}", "taskInput": {"new": 1}}
        if shape.path:
            operation = "POST /workflow/{root}/rerun"
            yield f"rerun of the whole from {name}", step(operation, f"{inside}{ref}", body)
        yield f"rerun from {name}", step("rerun", f"{inside}{ref}", {"reRunFromTaskId": "{task}"})
    for at, ref in enumerate(shape.path):
        up = "/".join((*shape.path[:at], ""))
        yield f"rerun from {ref}", step("rerun", f"{up}{ref}", {"reRunFromTaskId": "{task}"})
        down = "/".join((*shape.path[: at + 1], ""))
        yield f"retry of {ref}", step("retry", down)
        yield f"restart of {ref}", step("restart", down)
        yield f"rerun of {ref}", step("rerun", down)
        if end == "failed":
            yield f"retry of {ref} with children", step("retry", down, resumeSubworkflowTasks="true")


def matrix_cases() -> Iterator[Case]:
    """Yield every operation on every shape in every state that it can be in."""
    for shape_name, shape in SHAPES.items():
        for end, cause in ENDS.items():
            if end == "child terminated" and not shape.path:
                continue
            for name, operation in _operations(shape, end):
                if end in BRIEFLY and "from" in name and "from x" not in name:
                    continue
                yield _case(f"{name}, {shape_name}, {end}", shape, cause, operation)


def _case(name: str, shape: Shape, cause: Action | ClientStep | None, operation: ClientStep) -> Case:
    script = dict(shape.script)
    steps: list[ClientStep] = []
    if isinstance(cause, Action):
        script["x"] = (*(Action(output={"from": "x"}) for _ in range(shape.before)), cause)
    elif cause is not None:
        ref = "/".join((*shape.path, "")) if "child terminated" in name.rpartition(", ")[2] else None
        steps.append(replace(cause, after=shape.open_after, ref=ref))
    if name.endswith((", running", ", paused")):
        operation = replace(operation, after=shape.open_after)
        if name.endswith(", running"):
            steps.clear()
    steps.append(operation)
    if "pause" in name:
        steps.append(step("resume", operation.ref if "pause the child" in name else None))
        if name.endswith("paused"):
            steps.append(step("resume"))
    return case(
        name,
        *shape.tasks,
        defs={ref: {} for ref in REFS},
        workflows=[
            {"name": f"{PREFIX}{child}", "version": 1, "schemaVersion": 2, "tasks": list(tasks)}
            for child, tasks in shape.children.items()
        ],
        input={"a": 1},
        script=script,
        steps=steps,
    )
