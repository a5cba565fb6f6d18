"""What this engine cannot run of a definition that Conductor takes: refused by name, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pytest_k1n.engine.language import scripts
from pytest_k1n.engine.values import JsonObject

REFUSED_TYPES: Final = {
    "KAFKA_PUBLISH": "it publishes to Kafka",
    "JDBC": "it asks a database that a server is configured with",
    "FORK": "the server makes it itself: write FORK_JOIN",
}
"""Task types of Conductor that the engine does not run, with the reason."""
EVALUATES_PYTHON: Final = (
    "evaluates Python, which this engine does not simulate: run it on a real server (--k1n-server=jar), or write it "
    "in javascript; `k1n run` simulates an INLINE, with --output REF=JSON"
)
"""What is said of such a task: here Python could read files, there it makes nothing of lists and objects."""
_SCRIPTED: Final = ("javascript", "graaljs")


def refusals(task: JsonObject) -> Iterator[str]:
    """Say what of a task the engine cannot run; empty for nearly all."""
    kind, ref = task["type"], task.get("taskReferenceName")
    if kind in REFUSED_TYPES:
        yield f"task {ref} is a {kind}: {REFUSED_TYPES[kind]}"
    if kind == "DO_WHILE" and any(inner["type"] == "DO_WHILE" for inner in walk(task["loopOver"])):
        yield f"task {ref} has a DO_WHILE inside a DO_WHILE, which stalls on Conductor 3.32.1: use a SUB_WORKFLOW"
    if _evaluator(task) == "python":
        yield f"task {ref} {EVALUATES_PYTHON}"
    if _needs_javascript(task) and not scripts.has_javascript():
        yield f"task {ref} needs JavaScript: {scripts.INSTALL}"
    if kind == "JSON_JQ_TRANSFORM" and not scripts.has_jq():
        yield f"task {ref} needs jq: {scripts.INSTALL}"


def _evaluator(task: JsonObject) -> object:
    if task["type"] == "INLINE":
        return task["inputParameters"].get("evaluatorType")
    return task.get("evaluatorType") if task["type"] == "SWITCH" else None


def _needs_javascript(task: JsonObject) -> bool:
    kind = task["type"]
    if kind == "SWITCH":
        return bool(task.get("evaluatorType") in _SCRIPTED)
    if kind == "DECISION":
        return bool(task.get("caseExpression"))
    if kind == "DO_WHILE":
        condition = task.get("loopCondition") or ""
        return bool(condition.strip()) and not scripts.is_literal(condition)
    if kind == "INLINE":
        evaluator: Any = task["inputParameters"].get("evaluatorType") or "javascript"
        return bool(evaluator in _SCRIPTED)
    return bool(kind == "LAMBDA")


def walk(tasks: list[JsonObject]) -> Iterator[JsonObject]:
    """Yield every task document of a definition, nested ones included."""
    for task in tasks:
        yield task
        for branch in task["forkTasks"]:
            yield from walk(branch)
        for case in task["decisionCases"].values():
            yield from walk(case)
        yield from walk(task["defaultCase"])
        yield from walk(task["loopOver"])
