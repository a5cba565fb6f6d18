"""DO_WHILE: does it end, and does it go through what it should."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_k1n.engine.language.scripts import is_literal
from pytest_k1n.lint.check import Hit
from pytest_k1n.lint.checks.reading import OF_ITEMS
from pytest_k1n.lint.subject import WorkflowSubject
from pytest_k1n.lint.suggest import suggestion
from pytest_k1n.lint.tree import TaskNode, texts

_NAME = re.compile(r"""\$\s*(?:\.\s*([A-Za-z_$][\w$]*)|\[\s*(['"])(.*?)\2\s*\])""")
_ITERATION = re.compile(r"""\$\s*\.\s*([A-Za-z_$][\w$]*)\s*(?:\.\s*iteration\b|\[\s*['"]iteration['"]\s*\])""")
_TRUE = re.compile(r"true|0*[1-9]\d*|!\s*(?:false|0)|(true|false|\d+|'\w*'|\"\w*\")\s*(?:===?|<=|>=)\s*\1")
_IF = re.compile(r"if\s*\(([^(){}]*)\)\s*\{\s*([^{}]*?)\s*\}(?:\s*else\s*\{[^{}]*\})?")
_STRINGS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`")


def loop_in_loop(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find loops inside loops."""
    for task in workflow.tasks:
        if task.type == "DO_WHILE" and task.loop is not None:
            yield Hit(task.path, f"is a loop inside the loop {task.loop.ref}", ref=task.ref)


def loop_never_ends(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find conditions whose value no round can change."""
    for task in _loops(workflow):
        condition = task.fields.get("loopCondition")
        if not isinstance(condition, str) or not condition.strip() or "${" in condition or _has_items(task):
            continue
        if _may_terminate(task) or (is_literal(condition) and "true" not in condition):
            continue
        path = (*task.path, "loopCondition")
        if is_literal(condition) or _is_always_true(condition):
            yield Hit(path, "is always true, and the loop has no items: it never ends", ref=task.ref)
            continue
        names = names_read(condition)
        if names and not re.search(r"Math\.random|Date|\$\s*\[\s*[^'\"\s]|\$\s*[,)]", condition):
            changing = _changing(workflow, task)
            if not names & changing:
                listed_names = ", ".join(sorted(names))
                yield Hit(
                    path, f"reads only {listed_names}, which no round changes: it runs once, or never ends",
                    f"read the output of a task of the loop, or $.{task.ref}['iteration']", ref=task.ref,
                )  # fmt: skip


def unknown_in_condition(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find names in conditions that are neither an input of the loop, nor the loop, nor a task of it."""
    for task in _loops(workflow):
        condition = task.fields.get("loopCondition")
        if not isinstance(condition, str) or "${" in condition:
            continue
        for name in dict.fromkeys(match[1] for match in _ITERATION.finditer(condition)):
            if name in task.inputs and name != task.ref and isinstance(task.inputs[name], int | float | bool):
                yield Hit(
                    (*task.path, "loopCondition"), f"reads the iteration of $.{name}, which is an input and a number",
                    f"write $.{task.ref}['iteration']", ref=task.ref,
                )  # fmt: skip
        body = {inner.ref for inner in task.walk()}
        for member in dict.fromkeys(_members(task.ref, condition)):
            if member in body and member != task.ref:
                yield Hit(
                    (*task.path, "loopCondition"), f"reads {member} in $.{task.ref}, which has rounds by their numbers",
                    f"what {member} has put out last is $.{member} itself", ref=task.ref,
                )  # fmt: skip
        known = {task.ref, *task.inputs, *body, *(OF_ITEMS if _has_items(task) else ())}
        for name in sorted(names_read(condition) - known):
            if name not in ("get", "keySet", "containsKey", "size", "entrySet", "toString") and not _dynamic(task):
                where = workflow.by_ref.get(name)
                hint = suggestion(name, known)
                if where is not None:
                    hint = f'give the loop an input: "{name}": "${{{name}.output}}"'
                yield Hit(
                    (*task.path, "loopCondition"), f"reads $.{name}, which is no task of the loop and no input of it",
                    hint, ref=task.ref,
                )  # fmt: skip


def expression_in_condition(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find `${…}` in conditions, where it is not resolved."""
    for task in _loops(workflow):
        condition = task.fields.get("loopCondition")
        if isinstance(condition, str) and "${" in _STRINGS.sub("", condition):
            yield Hit(
                (*task.path, "loopCondition"), "holds ${…}, which is not resolved here: no JavaScript", ref=task.ref
            )


def misplaced_items(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find items among the input of a loop, where they are an input like any other."""
    for task in _loops(workflow):
        if "items" not in task.inputs or _has_items(task):
            continue
        condition = task.fields.get("loopCondition")
        if isinstance(condition, str) and "items" in names_read(condition):
            continue
        if any("input.items" in text for inner in task.walk() for _, text in texts(dict(inner.inputs), ())):
            continue
        yield Hit(
            (*task.path, "inputParameters", "items"), "items in inputParameters are not gone through", ref=task.ref
        )


def _is_always_true(condition: str) -> bool:
    """Whether a condition is a way to write `true`: a number above 0, `!false`, `1 == 1`, or an `if` on such a one."""
    bare = condition.strip().rstrip(";").strip()
    while bare.startswith("(") and bare.endswith(")") and "(" not in bare[1:] and ")" not in bare[:-1]:
        bare = bare[1:-1].strip()
    chosen = _IF.fullmatch(bare)
    if chosen is not None:
        return _is_always_true(chosen[1]) and _is_always_true(chosen[2])
    return _TRUE.fullmatch(bare) is not None


def _members(ref: str, condition: str) -> list[str]:
    """Return what a condition reads of a loop's own output: `$.loop.a`, `$.loop['a']`."""
    name = re.escape(ref)
    found = re.finditer(
        rf"""\$\s*(?:\.\s*{name}(?![\w$])|\[\s*['"]{name}['"]\s*\])"""
        r"""\s*(?:\.\s*([A-Za-z_$][\w$]*)|\[\s*(['"])(.*?)\2\s*\])""",
        condition,
    )
    return [match[1] or match[3] for match in found]


def names_read(script: str) -> set[str]:
    """Collect the names that a script reads of `$`: `$.a`, `$['a']`."""
    return {match[1] or match[3] for match in _NAME.finditer(script)}


def _loops(workflow: WorkflowSubject) -> Iterator[TaskNode]:
    return (task for task in workflow.tasks if task.type == "DO_WHILE")


def _has_items(task: TaskNode) -> bool:
    return task.fields.get("items") is not None or "_items" in task.inputs


def _may_terminate(loop: TaskNode) -> bool:
    return any(task.type == "TERMINATE" for task in loop.walk())


def _dynamic(loop: TaskNode) -> bool:
    return any(task.type == "FORK_JOIN_DYNAMIC" for task in loop.walk())


def _changing(workflow: WorkflowSubject, loop: TaskNode) -> set[str]:
    """Collect what a condition may read and a round may change: the loop, its tasks, inputs that lead to either."""
    body = {task.ref for task in loop.walk()}
    changing = {loop.ref, *body}
    sets_variables = any(task.type in ("SET_VARIABLE", "SUB_WORKFLOW") for task in loop.walk())
    for name in loop.inputs:
        for read in workflow.reads:
            if read.reader is loop and read.path[len(loop.path) : len(loop.path) + 2] == ("inputParameters", name):
                is_variable = read.root == "workflow" and read.section == "variables" and sets_variables
                if read.root in changing or is_variable or _parallel(workflow, loop, read.root):
                    changing.add(name)
    return changing


def _parallel(workflow: WorkflowSubject, loop: TaskNode, ref: str) -> bool:
    """Whether a task runs beside the loop, and so changes what the loop reads."""
    graph = workflow.graph
    if graph is None or ref not in workflow.by_ref:
        return False
    return any(graph.are_concurrent(mine, theirs) for mine in workflow.keys(loop.ref) for theirs in workflow.keys(ref))


def reserved_suffix(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find refs that look like those of rounds."""
    for task in workflow.tasks:
        if "__" in task.ref:
            yield Hit((*task.path, "taskReferenceName"), f"{task.ref} has two underscores in a row", ref=task.ref)


def reserved_in_loop(workflow: WorkflowSubject) -> Iterator[Hit]:
    """Find refs in loops that the server cuts off at the two underscores."""
    for task in workflow.tasks:
        if "__" in task.ref and (task.loop is not None or task.type == "DO_WHILE"):
            shown = task.ref.partition("__")[0] or "nothing"
            yield Hit(
                (*task.path, "taskReferenceName"), f"{task.ref} is in a loop, where the server takes it for {shown}",
                ref=task.ref,
            )  # fmt: skip
