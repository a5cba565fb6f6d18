"""SWITCH, DECISION and TERMINATE: what can be reached."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_k1n.lint.check import Hit
from pytest_k1n.lint.subject import WorkflowSubject
from pytest_k1n.lint.suggest import suggestion
from pytest_k1n.lint.tree import TaskNode, text

EVALUATORS = ("value-param", "javascript", "graaljs", "python")
"""What the server has an evaluator for (measured on 3.32.1); INLINE has them too."""
_LITERAL = r"""(?:'([^'\\]*)'|"([^"\\]*)"|(true|false|-?\d+))"""
_RETURN = re.compile(r"\breturn\b\s*([^;}\n]+)")
_ONE_LITERAL = re.compile(rf"\s*{_LITERAL}\s*;?\s*")
_STRING = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"")
_UNREAD = re.compile(r"[/`,]|\?[.?]|(?<![=!<>])=(?!=)")
"""What would take a parser: regular expressions, templates, sequences, optional chains, assignments."""
_IS_BOOLEAN = re.compile(r"^[^;{}?]*?(?:===?|!==?|<=?|>=?)[^;{}?|&]*;?$")


def unreachable_after_end(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find tasks behind one that ends the execution."""
    for tasks in workflow.lists:
        for task in tasks.tasks[:-1]:
            following = task.following
            if following is not None and _ends(task):
                why = "ends the execution" if task.type == "TERMINATE" else "ends it in every case"
                yield Hit(following.path, f"never runs: {task.ref} before it {why}", ref=following.ref)
                break


def unknown_evaluator(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find evaluators that the server does not have."""
    for task in workflow.tasks:
        if task.type == "SWITCH":
            fields, path = task.fields, (*task.path, "evaluatorType")
        elif task.type == "INLINE":
            fields, path = task.inputs, (*task.path, "inputParameters", "evaluatorType")
        else:
            continue
        kind = text(fields, "evaluatorType")
        is_given = isinstance(fields.get("evaluatorType"), str | int | float)
        if is_given and kind not in EVALUATORS and "${" not in kind:
            hint = suggestion(kind, EVALUATORS, 0.5) or f"one of {', '.join(EVALUATORS)}"
            yield Hit(path, f"the server has no evaluator {kind!r}", hint, ref=task.ref)


def switch_without_value(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find switches that decide by an input they do not have."""
    for task in workflow.tasks:
        found = _parameter(task)
        if found is None:
            continue
        key, name = found
        if name in task.inputs:
            continue
        hint = suggestion(name, task.inputs)
        if name.startswith("${"):
            hint = f'write "{key}": "value" and "inputParameters": {{"value": "{name}"}}'
        yield Hit(
            (*task.path, key), f"decides by the input {name!r}, which it does not have: always the default case",
            hint, ref=task.ref,
        )  # fmt: skip


def unreachable_case(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find cases that the switch can never take."""
    for task in workflow.tasks:
        values = _possible_values(task)
        if values is None:
            continue
        for tasks in task.lists("decisionCases"):
            if tasks.case not in values and tasks.tasks:
                shown = ", ".join(repr(value) for value in sorted(values)) or "nothing"
                hint = suggestion(tasks.case, values, 0.6)
                yield Hit(
                    tasks.path,
                    f"case {tasks.case!r} is never taken: {task.ref} decides for {shown}",
                    hint,
                    ref=task.ref,
                )


def _parameter(task: TaskNode) -> tuple[str, str] | None:
    """Return the key and the name of the input by which a switch decides; None if a script does."""
    if task.type == "SWITCH" and task.fields.get("evaluatorType") == "value-param":
        name = text(task.fields, "expression")
        return ("expression", name) if name else None
    if task.type == "DECISION" and not task.fields.get("caseExpression"):
        name = text(task.fields, "caseValueParam")
        return ("caseValueParam", name) if name else None
    return None


def _possible_values(task: TaskNode) -> set[str] | None:
    """Collect what a switch can decide for; None if that cannot be told."""
    parameter = _parameter(task)
    if parameter is not None:
        if parameter[1] not in task.inputs:
            return None  # said by switch-without-value
        value = task.inputs[parameter[1]]
        if isinstance(value, str):
            return None if "${" in value else {value}
        if isinstance(value, bool):
            return {str(value).lower()}
        return {str(value)} if isinstance(value, int) else None
    if task.type == "SWITCH" and task.fields.get("evaluatorType") in ("javascript", "graaljs"):
        return _results(text(task.fields, "expression").strip())
    if task.type == "DECISION":
        return _results(text(task.fields, "caseExpression").strip())
    return None


def _results(script: str) -> set[str] | None:
    """Collect the values of a script all of whose results are written out as literals; None of any other."""
    if not script or "${" in script or ("function" in script and script.count("function") > 1):
        return None
    returns = _RETURN.findall(script)
    candidates: list[str] = []
    if returns:
        if "=>" in script:
            return None
        candidates = returns
    elif "{" not in script and ";" not in script.rstrip(";"):
        candidates = [script]
    if not candidates:
        return None
    values: set[str] = set()
    for candidate in candidates:
        found = _literals(candidate.strip())
        if found is None:
            return None
        values |= found
    if returns:
        values.add("null")  # a script may also run off its end
        values.add("undefined")
    return values


def _literals(expression: str) -> set[str] | None:
    one = _ONE_LITERAL.fullmatch(expression)
    if one is not None:
        return {one[1] if one[1] is not None else one[2] if one[2] is not None else one[3]}
    if "=>" in expression or _UNREAD.search(bare := _STRING.sub(_blank, expression)):
        return None
    if (inner := _unwrapped(expression, bare)) is not None:
        return _literals(inner)
    if (ends := _branches(bare)) is not None:
        first, second = (_literals(expression[begin:end]) for begin, end in ends)
        return None if first is None or second is None else first | second
    if _IS_BOOLEAN.match(expression) and "=>" not in expression:
        return {"true", "false"}
    return None


def _blank(found: re.Match[str]) -> str:
    return "'" + "x" * (len(found[0]) - 2) + "'"


def _unwrapped(expression: str, bare: str) -> str | None:
    """Take off the parentheses around all of an expression; None if there are none. `bare`: without its strings."""
    begin, end = len(bare) - len(bare.lstrip()), len(bare.rstrip("; \n\t"))
    if bare[begin : begin + 1] != "(" or bare[end - 1 : end] != ")":
        return None
    depth = 0
    for place in range(begin, end - 1):
        depth += {"(": 1, ")": -1}.get(bare[place], 0)
        if depth == 0:
            return None
    return expression[begin + 1 : end - 1]


def _branches(bare: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Find where the two results of `… ? … : …` stand; None if an expression is no such choice."""
    depth, asked, first = 0, 0, -1
    for place, letter in enumerate(bare):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(letter, 0)
        if depth:
            continue
        if letter == "?":
            asked += 1
            first = place + 1 if asked == 1 and first < 0 else first
        elif letter == ":" and asked:
            asked -= 1
            if not asked:
                return (first, place), (place + 1, len(bare))
    return None


def _ends(task: TaskNode) -> bool:
    if task.type == "TERMINATE":
        return True
    if task.type not in ("SWITCH", "DECISION"):
        return False
    cases = [each for each in task.inner if each.slot in ("decisionCases", "defaultCase")]
    has_default = any(each.slot == "defaultCase" for each in cases)
    return has_default and all(each.tasks and any(map(_ends, each.tasks)) for each in cases)
