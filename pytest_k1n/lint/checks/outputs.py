"""Keys that the output of a system task, or of a sub-workflow at hand, never has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pytest_k1n.lint.check import Hit
from pytest_k1n.lint.subject import WorkflowSubject
from pytest_k1n.lint.suggest import suggestion
from pytest_k1n.lint.tree import TaskNode, mapping, text

_RESULT = frozenset({"result", "error"})
KEYS = {
    "HTTP": frozenset({"response"}),
    "INLINE": _RESULT,
    "LAMBDA": _RESULT,
    "JSON_JQ_TRANSFORM": _RESULT | {"resultList"},
    "SWITCH": frozenset({"evaluationResult", "selectedCase"}),
    "DECISION": frozenset({"caseOutput"}),
    "START_WORKFLOW": frozenset({"workflowId"}),
    "DO_WHILE": frozenset({"iteration", "loopIndex", "loopItem"}),
}
"""What the server writes (3.32.1, of the histories that `k1n conformance` holds); of a DO_WHILE also iterations."""
_OF_SUB_WORKFLOWS = frozenset({"subWorkflowId"})
"""Measured on 3.32.1: beside this the output is the child's `outputParameters`, or what its TERMINATE says instead."""
OF_RESPONSES = frozenset({"body", "headers", "statusCode", "reasonPhrase"})
_STEP = r"""(?:\s*\.\s*([A-Za-z_][\w-]*)|\s*\[\s*['"]([^'"]+)['"]\s*\])"""
_STEPS = re.compile(rf"{_STEP}{_STEP}?(?!\s*\()")
_READS = r"\$\s*\.\s*{}(?![\w$]){}"


def unknown_output(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find expressions and conditions of loops that read what a system task never puts out."""
    for read in workflow.reads:
        task = workflow.by_ref.get(read.root)
        if task is None or read.section != "output":
            continue
        found = _STEPS.match(read.rest)
        if found and not re.search(r"[*?(]|\.\.", read.rest):
            problem = _problem(workflow, task, found)
            if problem:
                reader = read.reader.ref if read.reader else ""
                yield Hit(read.path, f"reads {read.expression}: {problem[0]}", problem[1], ref=reader)
    for loop in workflow.tasks:
        condition = text(loop.fields, "loopCondition") if loop.type == "DO_WHILE" else ""
        named = {found[1] for found in re.finditer(r"\$\s*\.\s*([A-Za-z_]\w*)", condition)}
        for ref in sorted(named - loop.inputs.keys()):
            task = workflow.by_ref.get(ref)
            found = re.search(_READS.format(re.escape(ref), _STEPS.pattern), condition)
            problem = _problem(workflow, task, found) if task is not None and task is not loop and found else None
            if problem:
                yield Hit((*loop.path, "loopCondition"), f"reads $.{ref}: {problem[0]}", problem[1], ref=loop.ref)


def _problem(workflow: WorkflowSubject, task: TaskNode, found: re.Match[str]) -> tuple[str, str] | None:
    """Say what an output does not have, and what to read; a task that a caller may complete can have anything."""
    known = _of_child(workflow, task) if task.type == "SUB_WORKFLOW" else KEYS.get(task.type or "")
    first, second = found[1] or found[2], found[3] or found[4]
    if known is None or task.fields.get("asyncComplete") or task.inputs.get("asyncComplete"):
        return None
    if first not in known and not (task.type == "DO_WHILE" and first.isdigit()):
        hint = f"write ${{{task.ref}.output.response.{first}}}" if first in OF_RESPONSES else ""
        return (
            f"the output of {task.ref}, {_article(task)}, has no {first}, only {', '.join(sorted(known))}: always null",
            hint or suggestion(first, known) or "",
        )
    if task.type == "HTTP" and second and second not in OF_RESPONSES:
        has = ", ".join(sorted(OF_RESPONSES))
        return f"the response of {task.ref} has no {second}, only {has}: always null", suggestion(second, OF_RESPONSES)
    return None


def _of_child(workflow: WorkflowSubject, task: TaskNode) -> frozenset[str] | None:
    """Collect what any of the definitions that a task may start puts out; None if one of them is not at hand."""
    started = mapping(task.fields, "subWorkflowParam")
    given, name, version = started.get("workflowDefinition"), text(started, "name"), started.get("version")
    if isinstance(given, Mapping):
        children = [WorkflowSubject(given)]
    elif given:
        return None  # made at run time
    else:
        children = [
            child for child in workflow.library.of_name(name)
            if not isinstance(version, int) or version < 1 or child.fields.get("version", 1) == version
        ]  # fmt: skip
    outputs = [_outputs(child) for child in children]
    known = frozenset[str]().union(*(each for each in outputs if each is not None))
    return None if not outputs or None in outputs else known | _OF_SUB_WORKFLOWS


def _outputs(child: WorkflowSubject) -> frozenset[str] | None:
    """Collect the keys of a workflow's output; None where its last task has them, or nobody can tell."""
    known = set(mapping(child.fields, "outputParameters"))
    if not known:
        return None
    for task in child.tasks:
        if task.type != "TERMINATE" or "workflowOutput" not in task.inputs:
            continue
        given = task.inputs["workflowOutput"]
        if not isinstance(given, Mapping):
            return None
        known.update(given)
    return None if any("." in key or "$" in key for key in known) else frozenset(known)


def _article(task: TaskNode) -> str:
    return f"an {task.type}" if str(task.type).startswith(tuple("AEIOU")) else f"a {task.type}"
