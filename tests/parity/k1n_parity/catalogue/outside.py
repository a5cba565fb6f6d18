"""What a REST client sees of executions that end early, of requests half right, and of inputs that are null."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import case, definitions, fork, simple, step, system
from pytest_k1n.conformance.cases import Action, Case, Document
from pytest_k1n.conformance.stub import STUB

DEFS = definitions("ab")
_SEEN: Document = {"of": "${workflow.output}", "was": "${workflow.status}", "from": "${a.output.from}"}


def outside() -> Iterator[Case]:
    yield from _outputs()
    yield from _lists()
    yield from _inputs()
    yield from _calls()


def _outputs() -> Iterator[Case]:
    """Yield executions whose output shows itself: how often it was resolved depends on what ended them."""
    seen = {"outputParameters": _SEEN}
    name = "output in an output"
    for when, after in (("at once", -1), ("later", 0)):
        stopped = step("terminate", after=after)
        yield case(f"{name}, terminated {when}", simple("a"), simple("b"), defs=DEFS, workflow=seen, steps=[stopped])
    fails = {"a": [Action(status="FAILED", reason="no")]}
    yield case(f"{name}, failed", simple("a"), defs=DEFS, script=fails, workflow=seen)
    yield case(f"{name}, failed with permission", simple("a", permissive=True), defs=DEFS, script=fails, workflow=seen)
    unnamed = system("DYNAMIC", "d", {"zeta": 1, "alpha": 2, "mid": {"z": 1, "a": 2}}, dynamicTaskNameParam="x")
    yield case(f"{name}, nothing scheduled", unnamed, workflow=seen)
    yield case(f"{name}, nothing but a NOOP scheduled", system("NOOP", "n"), unnamed, workflow=seen)
    both = fork([simple("a")], [simple("b")])
    yield case(f"{name}, a branch failed", *both, defs=DEFS, script=fails, workflow=seen)


def _lists() -> Iterator[Case]:
    statuses = ["completed", "Scheduled", "nonsense", "completed,scheduled"]
    listed = [step("list tasks", after=0, status=status) for status in statuses]
    yield case("list tasks, statuses in lower case", simple("a"), simple("b"), defs=DEFS, steps=listed)
    for kept in ("true", "false"):
        gone = [
            step("DELETE /workflow/{id}/terminate-remove", after=0, archiveWorkflow=kept),
            step("GET /workflow/search", after=0, query="workflowId = {id}"),
            step("get", after=0),
        ]
        yield case(f"terminate-remove, archived: {kept}", simple("a"), simple("b"), defs=DEFS, steps=gone)


def _inputs() -> Iterator[Case]:
    wrong: Document = {"a number": 5, "an object": {"a": 1}, "a list": ["1"], "a truth": True}
    for name, value in wrong.items():
        yield case(f"INLINE, {name} for an expression", system("INLINE", "i", {"expression": value}))
        yield case(
            f"INLINE, {name} for an evaluator", system("INLINE", "i", {"expression": "1", "evaluatorType": value})
        )
    asked: dict[str, Document] = {
        "an empty name": {"name": ""},
        "a blank name": {"name": " "},
        "an empty name, too high a priority": {"name": "", "priority": 200},
        "a version that is none": {"name": "x", "version": "first"},
        "an input that is none": {"name": "x", "input": [1]},
        "a domain that is none": {"name": "x", "taskToDomain": {"a": {}}},
        "a task that is none": {"name": "x", "workflowDef": {"name": "y", "tasks": [{"optional": "maybe"}]}},
    }  # fmt: skip
    for name, request in asked.items():
        yield case(f"START_WORKFLOW, {name}", system("START_WORKFLOW", "s", {"startWorkflow": request}))


def _calls() -> Iterator[Case]:
    requests: dict[str, Document] = {
        "a header that leads nowhere": {"headers": {"X-Case": "${workflow.input.nothing}", "X-Other": "1"}},
        "a charset": {"contentType": "application/json; charset=utf-8"},
        "a timeout of 0": {"readTimeOut": 0},
    }
    for name, fields in requests.items():
        asked = {"uri": f"{STUB}/asked", "method": "GET", **fields}
        yield case(f"HTTP, {name}", system("HTTP", "h", {"http_request": asked}))
