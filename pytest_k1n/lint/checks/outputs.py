"""Keys that the output of a system task never has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_k1n.lint.check import Hit
from pytest_k1n.lint.subject import WorkflowSubject
from pytest_k1n.lint.suggest import suggestion
from pytest_k1n.lint.tree import TaskNode, text

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
            problem = _problem(task, found)
            if problem:
                reader = read.reader.ref if read.reader else ""
                yield Hit(read.path, f"reads {read.expression}: {problem[0]}", problem[1], ref=reader)
    for loop in workflow.tasks:
        condition = text(loop.fields, "loopCondition") if loop.type == "DO_WHILE" else ""
        named = {found[1] for found in re.finditer(r"\$\s*\.\s*([A-Za-z_]\w*)", condition)}
        for ref in sorted(named - loop.inputs.keys()):
            task = workflow.by_ref.get(ref)
            found = re.search(_READS.format(re.escape(ref), _STEPS.pattern), condition)
            problem = _problem(task, found) if task is not None and task is not loop and found else None
            if problem:
                yield Hit((*loop.path, "loopCondition"), f"reads $.{ref}: {problem[0]}", problem[1], ref=loop.ref)


def _problem(task: TaskNode, found: re.Match[str]) -> tuple[str, str] | None:
    """Say what an output does not have, and what to read; a task that a caller may complete can have anything."""
    known = KEYS.get(task.type or "")
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


def _article(task: TaskNode) -> str:
    return f"an {task.type}" if str(task.type).startswith(tuple("AEIOU")) else f"a {task.type}"
