"""DO_WHILE: iterations over a condition, or over items."""

from __future__ import annotations

from typing import Any, Final

from pytest_k1n.core.java_text import is_integer, java_cast, java_text
from pytest_k1n.engine.decide.context import Broken, Context
from pytest_k1n.engine.definition import Node, walk
from pytest_k1n.engine.language import naming
from pytest_k1n.engine.language.expressions import compile_template
from pytest_k1n.engine.language.scripts import ScriptError, is_literal, is_true
from pytest_k1n.engine.problems import Illegal
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import COMPLETED, FAILED, FAILED_WITH_TERMINAL_ERROR, UNSUCCESSFUL_TASK
from pytest_k1n.engine.values import JsonObject

_MOST_SHOWN: Final = 300


def advance(loop: TaskState, context: Context) -> Node | None:
    """Move an open loop on: return the first task of an iteration to schedule, or None.

    The loop is terminal afterwards if its last iteration is over.
    """
    if loop.iteration == 0:
        return _first(loop)
    children, keep = _children(loop), kept(loop)
    if keep is not None and keep < 1 and len({task.plain_ref for task in children}) < len(loop.node.body):
        return None  # of what it has dropped nobody hears again
    if not children:  # a rerun has dropped them: the server goes through all iterations again, over what it still has
        loop.iteration = 0
        return _next(loop)
    failed = [task for task in children if task.status in UNSUCCESSFUL_TASK]
    if not failed and (_is_any_open(loop, children) or _lacks_tasks(loop)):
        return None
    _note(loop, _seen(children, failed))
    if failed:
        loop.status = FAILED
        loop.reason = "".join(f"{task.reason or 'null'} " for task in failed)
        return None
    if keep is not None:
        unwanted = loop.iteration - keep
        loop.output = {key: value for key, value in loop.output.items() if not key.isdigit() or int(key) > unwanted}
    try:
        goes_on = _goes_on(loop, context)
    except ScriptError as error:
        condition = loop.node.document["loopCondition"]
        loop.status = FAILED_WITH_TERMINAL_ERROR
        loop.reason = f"Unable to evaluate condition {condition}, exception {error}"
        return None
    if not goes_on:
        loop.status = COMPLETED
        return None
    try:
        context.again(
            loop.task_id, context.now_ms, lambda: f"loop {loop.plain_ref} went round", lambda: _held(loop, children)
        )
    except Illegal as endless:
        loop.status, loop.reason = FAILED_WITH_TERMINAL_ERROR, endless.message
        return None
    return _next(loop)


def _is_any_open(loop: TaskState, children: list[TaskState]) -> bool:
    """Tell whether the current iteration goes on; a later one, which a rerun has left, may be open as well."""
    is_last = (loop.node, loop.iteration + 1) not in loop.execution.rounds
    return loop.execution.live.is_any_in(loop.node) and (is_last or any(task.is_open for task in children))


def _lacks_tasks(loop: TaskState) -> bool:
    """Tell whether an iteration of a dynamically forked loop stalls: nothing follows its first task."""
    body = loop.node.body
    return len(body) > 1 and body[0].next is None


def _seen(children: list[TaskState], failed: list[TaskState]) -> list[TaskState]:
    """Return the tasks whose outputs the server writes: it goes over them in order, and stops at one that failed."""
    return children[: children.index(failed[0]) + 1] if failed else [task for task in children if not task.is_open]


def _held(loop: TaskState, children: list[TaskState]) -> str:
    """Say what keeps a loop going: its condition, and what that could see last."""
    condition = loop.node.document["loopCondition"].strip()
    last = java_text({task.plain_ref: task.output for task in children})
    shown = last if len(last) <= _MOST_SHOWN else f"{last[:_MOST_SHOWN]}..."
    return f"its condition {condition} still holds after {shown}"


def note_end(context: Context, execution: ExecutionState, ended_by: TaskState | None) -> None:
    """Write what open loops have of their iteration into their outputs, open tasks' too: their execution ends.

    On the server a loop collects outputs whenever an evaluation looks at it; that is saved only if the same evaluation
    ends the execution. A TERMINATE's own output is not there yet when it looks.
    """
    if context.moved is None:
        return
    for loop in execution.live:
        if loop.type == "DO_WHILE" and loop.is_open and loop.iteration > 0 and loop not in context.moved:
            before = loop.output
            _note(loop, _children(loop))
            if ended_by is not None and ended_by.type == "TERMINATE" and ended_by.node.loop is loop.node:
                loop.output[str(loop.iteration)][ended_by.plain_ref] = {}
                if ended_by.output is before:
                    ended_by.output = loop.output
                for shown in (ended_by.input, ended_by.output):
                    _replace(shown, before, loop.output)


def _replace(value: Any, old: JsonObject, new: JsonObject) -> None:
    """Have what shows a loop's output show it as it has become: the server hands on the map, not a copy of it."""
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        if inner is old:
            value[key] = new
        elif isinstance(inner, dict | list):
            _replace(inner, old, new)


def _note(loop: TaskState, children: list[TaskState]) -> None:
    """Write the outputs of an iteration; of dynamically forked tasks only their JOIN shows them."""
    own = {node.ref: node for node in walk(loop.node.body)}
    outputs = {task.plain_ref: task.output for task in children if own.get(task.plain_ref) is task.node}
    loop.output = {**loop.output, str(loop.iteration): outputs}


def _first(loop: TaskState) -> Node | None:
    items = _items(loop)
    if items is not None and not items:
        loop.output = {"iteration": 0}
        loop.status = COMPLETED
        return None
    return _next(loop)


def _next(loop: TaskState) -> Node:
    if not loop.node.body:  # of a dynamic task that named a loop; the server's words
        raise Broken("Index 0 out of bounds for length 0")
    loop.iteration += 1
    index = loop.iteration - 1
    loop.output = {**loop.output, "iteration": loop.iteration}
    items = _items(loop)
    if items is not None:
        loop.output["loopIndex"] = index
        loop.output["loopItem"] = items[index] if index < len(items) else None
    return loop.node.body[0]


def _items(loop: TaskState) -> list[Any] | None:
    """Return what the loop goes through: `items` of the task, else `_items` of its input; one value is a list of one.

    Both are read anew for each iteration. None: this loop goes through nothing.
    """
    if not loop.execution.dialect.has_loop_items:
        return None
    template, given = loop.node.document.get("items"), loop.node.document["inputParameters"].get("_items")
    is_named = bool(template.strip()) if isinstance(template, str) else template is not None
    if not is_named and not (isinstance(given, list) or (isinstance(given, str) and given.strip())):
        return None
    value = None
    if is_named:
        resolve = compile_template(template)
        value = resolve(loop.execution, loop) if resolve else template
    if value is None:
        value = loop.node.resolve_input(loop.execution, loop).get("_items")
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _goes_on(loop: TaskState, context: Context) -> bool:
    """Evaluate the condition on the inputs as they are now, and on the latest output of every task of the loop."""
    items = _items(loop)
    if items is not None and loop.iteration >= len(items):
        return False
    condition = loop.node.document["loopCondition"]
    if not condition.strip():
        return items is not None
    if is_literal(condition):
        return is_true(context.scripts.javascript(condition, {}))
    latest = loop.execution.plain
    bindings: JsonObject = {**loop.node.resolve_input(loop.execution, loop), loop.ref: loop.output}
    bindings.update({node.ref: latest[node.ref].output for node in walk(loop.node.body) if node.ref in latest})
    if items is not None:
        bindings["loopIndex"] = loop.iteration - 1
        bindings["loopItem"] = items[loop.iteration - 1]
    names = naming.named(condition)
    if names is not None:  # a loop's own output has all its rounds: to write it in each of them takes their square
        bindings = {name: naming.members(bindings[name], own) for name, own in names.items() if name in bindings}
    return is_true(context.scripts.javascript(condition, bindings))


def _children(loop: TaskState) -> list[TaskState]:
    """Return the last attempts of the current iteration's tasks, in scheduling order."""
    return list(loop.execution.rounds.get((loop.node, loop.iteration), {}).values())


def kept(loop: TaskState) -> int | None:
    """Return how many iterations the definition's keepLastN wants kept, None for all. Raises Broken for no Integer.

    The server reads it as it is written: an expression is a text.
    """
    keep = loop.node.document["inputParameters"].get("keepLastN") if loop.execution.dialect.drops_iterations else None
    if keep is not None and not is_integer(keep):
        raise Broken(java_cast(keep, "java.lang.Integer", as_written=True))
    return keep if keep is None else int(keep)


def is_dropped(task: TaskState) -> bool:
    """Tell whether the loop around a new task drops it at once: that keeps less than one iteration.

    The server does so whenever it looks at the loop; what ends within an evaluation it writes down once more.
    """
    loop = task.execution.plain.get(task.node.loop.ref) if task.node.loop is not None else None
    keep = None if loop is None else kept(loop)
    return keep is not None and keep < 1


def forget_tasks(loop: TaskState, *, seen: int = 0) -> None:
    """Drop the tasks of iterations that are no longer wanted, but for some that the evaluation still sees.

    The server takes them out of its database when an iteration begins; what an evaluation holds in memory stays there
    to its end, and what it schedules can refer to it.
    """
    keep = kept(loop)
    if keep is None or (oldest := loop.iteration - max(keep, 1) - seen) < 1:
        return
    execution, next_seq = loop.execution, loop.execution.next_seq
    execution.keep([task for task in execution.tasks if task.node.loop is not loop.node or task.iteration > oldest])
    execution.next_seq = next_seq
