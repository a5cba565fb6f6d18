"""`${...}` in inputs and outputs: what it refers to, and how it turns into a value.

A template (any JSON value) is compiled once; resolving it against an execution builds a new value. One expression as
the whole string keeps its type, embedded ones are concatenated as Java text, an inner one is resolved before the outer,
`$${` stands for a literal `${`. A reference that leads nowhere is null.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final, Protocol

from pytest_k1n.core.java_text import java_text, json_smart_text
from pytest_k1n.engine.language import jsonpath, jsontext
from pytest_k1n.engine.language.pathsteps import MISSING
from pytest_k1n.engine.problems import InvalidInput


class Task(Protocol):
    """What an expression may know of the task whose input it is: its id, and what `_TASK` names."""

    @property
    def task_id(self) -> str: ...


class Referable(Protocol):
    """What an expression refers to: tasks by their plain refs, and what `_WORKFLOW` names."""

    @property
    def plain(self) -> Mapping[str, Task]: ...


Resolver = Callable[[Referable, Task | None], Any]
"""(execution, the task being made, if any) -> value."""

_WORKFLOW: Final[dict[str, Callable[[Any], Any]]] = {
    name: attrgetter(attribute)
    for name, attribute in (
        ("input", "input"),
        ("output", "output"),
        ("status", "status"),
        ("workflowId", "workflow_id"),
        ("parentWorkflowId", "parent_id"),
        ("parentWorkflowTaskId", "parent_task_id"),
        ("workflowType", "definition.name"),
        ("version", "definition.version"),
        ("correlationId", "correlation_id"),
        ("reasonForIncompletion", "reason"),
        ("schemaVersion", "definition.schema_version"),
        ("variables", "variables"),
    )
}

_TASK: Final[dict[str, Callable[[Any], Any]]] = {
    name: attrgetter(attribute)
    for name, attribute in (
        ("input", "input"),
        ("output", "output"),
        ("status", "status"),
        ("taskType", "type"),
        ("taskId", "task_id"),
        ("taskDefName", "def_name"),
        ("referenceTaskName", "ref"),
        ("retryCount", "attempt"),
        ("correlationId", "correlation_id"),
        ("pollCount", "poll_count"),
        ("startTime", "started_ms"),
        ("endTime", "ended_ms"),
        ("scheduledTime", "scheduled_ms"),
        ("workerId", "worker_id"),
        ("iteration", "iteration"),
        ("callbackAfterSeconds", "callback_s"),
        ("workflowInstanceId", "execution.workflow_id"),
        ("reasonForIncompletion", "reason"),
    )
}


WORKFLOW_FIELDS: Final = frozenset({*_WORKFLOW, "secrets", "env"})
"""What `${workflow.…}` may read; anything else is null."""
TASK_FIELDS: Final = frozenset(_TASK)
"""What `${ref.…}` may read of a task; anything else is null."""


MOST_BYTES: Final = 10 * 1024 * 1024
"""What the input of a task, or the output of an execution, may take as JSON: the server's limit."""


def compile_template(template: Any) -> Resolver | None:
    """Compile a JSON value; None when nothing in it needs resolving, so that the value itself can be used.

    What a resolver returns is bounded: one that refers to something twice doubles it, and a few dozen of those in a row
    would take all memory as soon as their values are written. It raises InvalidInput then, and where a pattern in a
    path takes too long.
    """
    resolve = _compile(template)
    if resolve is None or _mentions(template) < 2:
        return resolve
    unbounded = resolve
    is_flat = isinstance(template, dict) and all(_mentions(each) < 2 for each in template.values())

    def bounded(execution: Referable, task: Task | None) -> Any:
        value = unbounded(execution, task)
        if is_flat and sum(type(each) in _CONTAINERS for each in value.values()) < 2:
            return value  # nothing that it holds can be in it twice
        if size := jsontext.excess(value, MOST_BYTES):
            raise InvalidInput(f"The payload size: {size} is greater than the permissible limit: {MOST_BYTES} bytes")
        return value

    return bounded


_CONTAINERS: Final = (dict, list)


def _mentions(template: Any) -> int:
    """Count the expressions in a template, inner and escaped ones too."""
    if isinstance(template, str):
        return template.count("${")
    members = template.values() if isinstance(template, dict) else template if isinstance(template, list) else ()
    return sum(map(_mentions, members))


def _compile(template: Any) -> Resolver | None:
    if isinstance(template, str):
        return _compile_text(template)
    if isinstance(template, dict):
        return _compile_dict(template)
    if isinstance(template, list):
        members = [(value, _compile(value)) for value in template]
        if all(resolve is None for _, resolve in members):
            return None
        return lambda execution, task: [
            value if resolve is None else resolve(execution, task) for value, resolve in members
        ]
    return None


def _compile_dict(template: dict[str, Any]) -> Resolver | None:
    constants = {}
    moving = []
    for key, value in template.items():
        resolve = _compile(value)
        constants[key] = value if resolve is None else None
        if resolve is not None:
            moving.append((key, resolve))
    if not moving:
        return None

    def build(execution: Referable, task: Task | None) -> Any:
        built = constants.copy()
        for key, resolve in moving:
            built[key] = resolve(execution, task)
        return built

    return build


def references(template: Any) -> list[str]:
    """List the expressions (without `${` and `}`) in a JSON value, outermost first, for validation."""
    if isinstance(template, str):
        return [inner for _, inner in pieces(template) if inner is not None]
    if isinstance(template, dict):
        return [found for value in template.values() for found in references(value)]
    if isinstance(template, list):
        return [found for value in template for found in references(value)]
    return []


def pieces(text: str) -> list[tuple[str, str | None]]:
    """Cut text into (literal, None) and ("", expression) pieces; braces nest; `$${` escapes."""
    cut: list[tuple[str, str | None]] = []
    literal, at = "", 0
    while (found := text.find("${", at)) >= 0:
        end = _closing(text, found + 2)
        if end < 0:
            break
        if found > 0 and text[found - 1] == "$":
            literal += text[at : found - 1] + text[found : end + 1]
        else:
            literal += text[at:found]
            if literal:
                cut.append((literal, None))
                literal = ""
            cut.append(("", text[found + 2 : end]))
        at = end + 1
    literal += text[at:].replace("$${", "${")
    if literal:
        cut.append((literal, None))
    return cut


def _closing(text: str, at: int) -> int:
    depth = 1
    while at < len(text):
        if text.startswith("${", at):
            depth += 1
            at += 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return -1


def _compile_text(text: str) -> Resolver | None:
    if "${" not in text:
        return None
    found = pieces(text)
    if not any(expression is not None for _, expression in found):
        unescaped = "".join(literal for literal, _ in found)
        return None if unescaped == text else (lambda _execution, _task: unescaped)
    if len(found) == 1:
        return _compile_expression(found[0][1] or "")
    parts = [
        (literal, None, java_text) if expression is None else ("", _compile_expression(expression), _writer(expression))
        for literal, expression in found
    ]
    return lambda execution, task: "".join(
        literal if resolve is None else write(resolve(execution, task)) for literal, resolve, write in parts
    )


_INNER: Final = re.compile(r"\$\{[^{}]*\}")


def _writer(expression: str) -> Callable[[Any], str]:
    """Return what writes a value into a text: what a path may find several of is a list of the path library's own."""
    try:
        is_definite = jsonpath.parse(head(_INNER.sub("0", expression).rstrip(" "))[2]).is_definite
    except jsonpath.PathError:
        return java_text
    return java_text if is_definite else json_smart_text


def _compile_expression(expression: str) -> Resolver:
    if "${" in expression:
        inner = _compile_text(expression)
        if inner is not None:
            outer = inner
            return lambda execution, task: _reference(java_text(outer(execution, task)))(execution, task)
    return _reference(expression)


_UNSET: Final = ("NETFLIX_STACK", "NETFLIX_ENV")
"""Names of the server's surroundings: they stand for themselves where those do not give them a value."""
_CACHE: Final[dict[str, Resolver]] = {}
_CACHE_LIMIT: Final = 10_000


def _reference(expression: str) -> Resolver:
    """Compile one reference; nested expressions make them at run time, hence the (bounded) cache of pure functions."""
    resolver = _CACHE.get(expression)
    if resolver is None:
        if len(_CACHE) >= _CACHE_LIMIT:
            _CACHE.clear()
        resolver = _CACHE[expression] = _compile_reference(expression)
    return resolver


def _compile_reference(expression: str) -> Resolver:
    if not expression.strip():
        return lambda _execution, _task: ""
    if expression == "CPEWF_TASK_ID":
        return lambda _execution, task: task.task_id if task is not None else "${CPEWF_TASK_ID}"
    if expression.startswith("workflow.secrets.") or expression in _UNSET:
        literal = "${" + expression + "}"
        return lambda _execution, _task: literal
    if expression.startswith("workflow.env."):
        variable = "CONDUCTOR_ENV_" + expression.removeprefix("workflow.env.")
        return lambda _execution, _task: os.environ.get(variable)
    root, section, rest = head(expression.rstrip(" "))
    try:
        path = jsonpath.parse(rest)
    except jsonpath.PathError:
        return lambda _execution, _task: None
    keys = _plain_keys(rest)
    if root == "workflow":
        return _workflow_reference(section, keys, path)
    return _task_reference(root, section, keys, path)


def head(expression: str) -> tuple[str, str | None, str]:
    """Split `ref.output.a[0]` into the root, its section, and the path behind."""
    end = next((at for at, character in enumerate(expression) if character in ".["), len(expression))
    root, rest = expression[:end], expression[end:]
    if not rest.startswith(".") or rest.startswith(".."):
        return root, None, rest
    end = next((at for at, character in enumerate(rest[1:], 1) if character in ".[("), len(rest))
    if rest[end : end + 1] == "(":
        return root, None, rest
    return root, rest[1:end], rest[end:]


def _plain_keys(rest: str) -> tuple[str, ...] | None:
    """Return the keys of a path made of simple names only (nearly all of them): walked without the path machinery."""
    if not rest:
        return ()
    keys = rest.split(".")
    simple = keys[0] == "" and all(key and key.replace("_", "").replace("-", "").isalnum() for key in keys[1:])
    return tuple(keys[1:]) if simple else None


def _walk(value: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _whole(execution: Referable) -> dict[str, Any]:
    """Write all that expressions may refer to: what `$` stands for in a filter."""
    tasks = {ref: {name: read(task) for name, read in _TASK.items()} for ref, task in execution.plain.items()}
    return {**tasks, "workflow": {name: get(execution) for name, get in _WORKFLOW.items()}}


def _read(value: Any, path: jsonpath.Path, execution: Referable) -> Any:
    try:
        found = path.read(value, _whole(execution) if path.asks_whole else None)
    except jsonpath.PathError as error:
        raise InvalidInput(str(error)) from None
    return None if found is MISSING else found


def _workflow_reference(section: str | None, keys: tuple[str, ...] | None, path: jsonpath.Path) -> Resolver:
    if section is None:
        return lambda execution, _task: _read(
            {name: get(execution) for name, get in _WORKFLOW.items()}, path, execution
        )
    get = _WORKFLOW.get(section)
    if get is None:
        return lambda _execution, _task: None
    if keys is not None:
        return lambda execution, _task: _walk(get(execution), keys)
    return lambda execution, _task: _read(get(execution), path, execution)


def _task_reference(root: str, section: str | None, keys: tuple[str, ...] | None, path: jsonpath.Path) -> Resolver:
    get = _TASK.get(section) if section is not None else None

    def resolve(execution: Referable, _task: Task | None) -> Any:
        task = execution.plain.get(root)
        if task is None:
            return None
        if get is None:
            whole = {name: read(task) for name, read in _TASK.items()} if section is None else None
            return None if whole is None else _read(whole, path, execution)
        return _walk(get(task), keys) if keys is not None else _read(get(task), path, execution)

    return resolve
