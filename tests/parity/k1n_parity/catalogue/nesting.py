"""What a client does to a family of executions: parents, children, grandchildren."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import (
    FINAL,
    HANG,
    case,
    child,
    definitions,
    loop,
    on_child,
    simple,
    sub,
    switch,
)
from pytest_k1n.conformance.cases import PREFIX, Case, ClientStep, Document

DEFS = definitions("abcdef")


def nesting() -> Iterator[Case]:
    yield from _reopened()
    yield from _grandchildren()


def _reopened() -> Iterator[Case]:
    """A parent that ended with its child, and what brings both back."""
    inner = child(simple("a"), simple("b"), outputParameters={"r": "${b.output.from}"})
    ways = {
        "the child is retried": on_child("POST /workflow/{sub}/retry"),
        "the child is restarted": on_child("POST /workflow/{sub}/restart"),
        "the child is rerun": on_child("POST /workflow/{sub}/rerun", body={}),
        "the parent is retried": on_child("retry"),
        "the parent is retried, resuming": on_child("retry", resumeSubworkflowTasks="true"),
        "the parent is restarted": on_child("restart"),
        "the parent is rerun": on_child("rerun", body={}),
        "the parent is rerun from the child's task": on_child("rerun", body={"reRunFromTaskId": "{task}"}),
    }
    shapes: dict[str, list[Document]] = {
        "after a task": [simple("c"), sub(), simple("d")],
        "in a case": [switch("x", {"x": [sub()]}), simple("d")],
        "in a loop": [loop(sub()), simple("d")],
        "optional": [sub(optional=True), simple("d")],
        "retried once": [sub(retryCount=1), simple("d")],
    }
    for shape, tasks in shapes.items():
        for way, step in ways.items():
            used = (
                step
                if shape != "in a loop"
                else ClientStep(
                    operation=step.operation,
                    after=step.after,
                    ref="sub__1" if step.ref else None,
                    body=step.body,
                    query=step.query,
                )
            )
            yield case(
                f"a child failed {shape}, {way}",
                *tasks,
                defs=DEFS,
                workflows=[inner],
                script={"b": [FINAL]},
                steps=[used],
            )
    for status in ("terminated", "paused"):
        steps = {
            "terminated": [on_child("terminate", after=1), on_child("retry")],
            "paused": [
                on_child("PUT /workflow/{sub}/pause", after=1),
                on_child("terminate", after=2),
            ],
        }[status]
        yield case(f"a parent with a {status} child", sub(), simple("d"), defs=DEFS, workflows=[inner], steps=steps)
    yield case(
        "a terminated child, the parent retried",
        sub(),
        simple("d"),
        defs=DEFS,
        workflows=[inner],
        steps=[on_child("DELETE /workflow/{sub}", after=1), on_child("retry")],
    )
    yield case(
        "a timed out child, the parent retried",
        sub(),
        simple("d"),
        defs={**DEFS, "b": {"timeoutSeconds": 1, "responseTimeoutSeconds": 1, "timeoutPolicy": "TIME_OUT_WF"}},
        workflows=[inner],
        script={"b": [HANG]},
        steps=[on_child("retry")],
    )
    for status in ("COMPLETED", "IN_PROGRESS"):
        update = {"workflowInstanceId": "{id}", "taskId": "{task}", "status": status, "outputData": {"late": 1}}
        yield case(
            f"a child whose task is updated without it, {status}",
            sub(),
            simple("d"),
            defs=DEFS,
            workflows=[inner],
            steps=[ClientStep(operation="update", ref="sub", after=0, body=update), on_child("terminate")],
        )
    yield case(
        "a removed child",
        sub(),
        simple("d"),
        defs=DEFS,
        workflows=[inner],
        script={"b": [FINAL]},
        steps=[on_child("DELETE /workflow/{sub}/remove"), on_child("retry")],
    )


def _grandchildren() -> Iterator[Case]:
    lowest = {**child(simple("a"), simple("b")), "name": f"{PREFIX}low"}
    middle = child(sub("low", parameters={"name": f"{PREFIX}low"}), simple("c"))
    steps = {
        "nothing": [],
        "the top is terminated": [on_child("terminate", after=1)],
        "the top is paused": [on_child("pause", after=1), on_child("resume")],
        "the top is retried": [on_child("retry")],
        "the top is retried, resuming": [on_child("retry", resumeSubworkflowTasks="true")],
        "the middle is retried": [on_child("POST /workflow/{sub}/retry")],
        "the middle is retried, resuming": [on_child("POST /workflow/{sub}/retry", resumeSubworkflowTasks="true")],
        "the top is restarted": [on_child("restart")],
    }
    for name, taken in steps.items():
        yield case(
            f"a grandchild fails, {name}",
            sub(),
            simple("d"),
            defs=DEFS,
            workflows=[middle, lowest],
            script={"b": [FINAL]},
            steps=taken,
        )
