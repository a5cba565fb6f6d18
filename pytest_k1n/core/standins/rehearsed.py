"""A definition for a dry run: what would reach beyond this machine becomes work that is simulated, and is listed."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from pytest_k1n.core.definition.inlining import tasks_in
from pytest_k1n.core.words import INTEGRATION_TASK_TYPES, ORKES_TASK_TYPES, SYSTEM_TASK_TYPES

Document = Mapping[str, Any]
_READS = re.compile(r"\$\{\s*([\w\-]+)\.output\.([\w\-.\[\]'\"]+)\s*\}")
_INPUT_READS = re.compile(r"\$\{\s*(workflow)\.input\.([\w\-.\[\]'\"]+)\s*\}")
_INPUTS = re.compile(r"\$\{\s*workflow\.input\.([\w\-]+)")
_STEP = re.compile(r"([\w\-]+)|\[(\d+)\]")
_SERVICES: Final = INTEGRATION_TASK_TYPES | ORKES_TASK_TYPES | {"KAFKA_PUBLISH", "JDBC"}
_KINDS: Final[tuple[Any, ...]] = ([], {}, 1, "example", True, "http://localhost/example")
"""Values of every kind that JSON has; the input of a workflow says of none which it needs."""
_MOST_INDEX: Final = 50
"""Largest index of a list that is made up: a definition may name any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A task whose work is not done in a dry run although the server itself would do it."""

    ref: str
    kind: str
    what: str
    """What it would have touched."""
    inputs: Document = dataclasses.field(default_factory=dict)
    """What the definition gives it: expressions, not their values."""
    is_completed_outside: bool = False
    """Whether a client would have had to complete it (`asyncComplete`)."""


def rehearsed(definition: Document, children: Sequence[Document]) -> tuple[dict[str, Any], list[Simulated]]:
    """Return a definition that touches nothing outside, and what of it is simulated for that.

    `children` are the workflows known by name: a sub-workflow of another name is simulated as one task.
    """
    copy = cast("dict[str, Any]", json.loads(json.dumps(definition)))
    known = {str(child.get("name")) for child in children} | {str(copy.get("name"))}
    found = []
    for task in list(tasks_in(copy.get("tasks"))):
        if (outside := _outside(task, known)) is None:
            continue
        is_left_open = task.pop("asyncComplete", None) is True
        found.append(
            dataclasses.replace(outside, inputs=_object(task.get("inputParameters")), is_completed_outside=is_left_open)
        )
        task["type"] = "SIMPLE"
        if task.get("name") in (None, *SYSTEM_TASK_TYPES):  # Go's builder names each of them by its type
            task["name"] = task["taskReferenceName"]
        for key in ("subWorkflowParam", "sink", "retryCount"):
            task.pop(key, None)
        task["taskDefinition"] = {"name": str(task["name"]), "retryCount": 0, "responseTimeoutSeconds": 0,
                                  "timeoutSeconds": 0, "ownerEmail": "k1n@example.com"}  # fmt: skip
    return copy, found


def plausible_outputs(definitions: Iterable[Document]) -> dict[str, dict[str, Any]]:
    """Return, by ref, an output that has what other tasks read of it, as far as the definitions tell."""
    outputs: dict[str, dict[str, Any]] = {}
    for definition in definitions:
        late = {**dict(_waited_values(definition)), **dict(_late_values(definition))}
        for text in _strings({**definition}):
            for match in _READS.finditer(text):
                ref, path = match.groups()
                _put(outputs.setdefault(ref, {}), path, late.get((ref, path), f"{ref}.{path}"))
    return outputs


def late_outputs(definitions: Iterable[Document]) -> dict[str, dict[str, Any]]:
    """Return, by ref, the least that a task must answer for the dynamic tasks and forks which read it."""
    outputs: dict[str, dict[str, Any]] = {}
    for definition in definitions:
        for (ref, path), value in _late_values(definition):
            _put(outputs.setdefault(ref, {}), path, value)
    return outputs


def late_inputs(definition: Document) -> dict[str, Any]:
    """Return the least of the workflow's input that its dynamic tasks and forks can begin with, as `late_outputs`.

    A dynamic task is named after one of the definition that workers do, if there is one: for others nobody may poll.
    """
    found: dict[str, Any] = {}
    simple = [str(each.get("name")) for each in tasks_in(definition.get("tasks")) if _is_simple(each)]
    for (ref, path), value in _late_values(definition, _INPUT_READS):
        _put(found.setdefault(ref, {}), path, simple[0] if isinstance(value, str) and simple else value)
    return cast("dict[str, Any]", found.get("workflow", {}))


def trial_inputs(definition: Document, base: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield inputs with which a workflow may come to its end that does not with the input `base`.

    Whole keys take the names of cases that read them, and values of other kinds: one key after the other, then all.
    """
    cases = dict(_cases(definition))
    keys = list(dict.fromkeys((*base, *inputs_read([definition]))))
    if not keys:
        return
    for key in keys:
        yield from ({**base, key: value} for value in (*cases.get(key, ()), *_KINDS))
    for value in _KINDS:
        yield {**dict.fromkeys(keys, value), **{key: found[0] for key, found in cases.items() if found}}


def _is_simple(task: Document) -> bool:
    return task.get("type") in (None, "SIMPLE")


def _cases(definition: Document) -> Iterator[tuple[str, list[str]]]:
    """Yield key of the input -> the names of the cases that a switch chooses by it alone."""
    for task in tasks_in(definition.get("tasks")):
        inputs, cases = task.get("inputParameters"), task.get("decisionCases")
        named = task.get("expression") if task.get("evaluatorType") == "value-param" else task.get("caseValueParam")
        source = inputs.get(named) if isinstance(inputs, Mapping) and isinstance(named, str) else None
        match = _INPUT_READS.fullmatch(source.strip()) if isinstance(source, str) else None
        if match and isinstance(cases, Mapping):
            yield match[2], list(map(str, cases))


def inputs_read(definitions: Iterable[Document]) -> list[str]:
    """Return the keys of the workflow's input that a definition reads, in order."""
    texts = (text for definition in definitions for text in _strings({**definition}))
    return list(dict.fromkeys(match[1] for text in texts for match in _INPUTS.finditer(text)))


def _outside(task: Mapping[str, Any], known: set[str]) -> Simulated | None:
    kind, ref = str(task.get("type") or "SIMPLE"), str(task["taskReferenceName"])
    if kind == "SIMPLE" and task.get("name") in SYSTEM_TASK_TYPES:  # the server's own worker takes it
        kind = str(task["name"])
    inputs, parameter = _object(task.get("inputParameters")), _object(task.get("subWorkflowParam"))
    if kind == "HTTP":
        request = _object(inputs.get("http_request")) or inputs
        return Simulated(ref=ref, kind=kind, what=f"{request.get('method') or 'GET'} {request.get('uri') or '?'}")
    if kind == "EVENT" and not str(task.get("sink") or inputs.get("sink") or "").startswith("conductor"):
        return Simulated(ref=ref, kind=kind, what=f"published to {task.get('sink') or inputs.get('sink') or '?'}")
    if kind == "INLINE" and inputs.get("evaluatorType") == "python":
        return Simulated(ref=ref, kind=kind, what="a Python script, which only a real server evaluates")
    if kind in _SERVICES:
        return Simulated(ref=ref, kind=kind, what="a service outside")
    request = _object(inputs.get("startWorkflow"))
    is_by_name = kind == "SUB_WORKFLOW" and not parameter.get("workflowDefinition")
    is_by_name = is_by_name or (kind == "START_WORKFLOW" and "workflowDef" not in request)
    name = request.get("name") if kind == "START_WORKFLOW" else parameter.get("name")
    if is_by_name and isinstance(name, str) and "$" not in name and name not in known:
        return Simulated(ref=ref, kind=kind, what=f"the workflow {name}, whose definition is not at hand")
    return None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _late_values(definition: Document, reads: re.Pattern[str] = _READS) -> Iterator[tuple[tuple[str, str], Any]]:
    """Yield what a task's output must be where a dynamic task or fork reads it: no branches, some task.

    `reads` finds what is read, and where: the outputs of tasks, or the workflow's input.
    """
    for task in tasks_in(definition.get("tasks")):
        inputs = task.get("inputParameters")
        wanted: tuple[tuple[str, Any], ...] = (
            ("dynamicForkTasksParam", []), ("dynamicForkTasksInputParamName", {}), ("dynamicForkJoinTasksParam", []),
            ("dynamicTaskNameParam", f"simulated_{task['taskReferenceName']}"),
        )  # fmt: skip
        for field, value in wanted:
            source = inputs.get(task.get(field)) if isinstance(inputs, Mapping) and task.get(field) else None
            if isinstance(source, str) and (match := reads.fullmatch(source.strip())):
                yield (match[1], match[2]), value


def _waited_values(definition: Document) -> Iterator[tuple[tuple[str, str], Any]]:
    """Yield what a task's output must be where a WAIT reads its duration."""
    for task in tasks_in(definition.get("tasks")):
        duration = (task.get("inputParameters") or {}).get("duration") if task.get("type") == "WAIT" else None
        if isinstance(duration, str) and (match := _READS.fullmatch(duration.strip())):
            yield (match[1], match[2]), "1 seconds"


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _put(target: dict[str, Any], path: str, value: Any) -> None:
    """Set what a path names, making the objects and lists on its way; what is there already stays."""
    steps = [int(index) if index else name for name, index in _STEP.findall(path)]
    here: Any = target
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        fresh: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(step, int) and isinstance(here, list) and step <= _MOST_INDEX:
            here += [None] * (step + 1 - len(here))
            if following is None or not isinstance(here[step], dict | list):
                here[step] = fresh if here[step] is None else here[step]
            here = here[step]
        elif isinstance(step, str) and isinstance(here, dict):
            if following is not None and not isinstance(here.get(step), dict | list):
                here[step] = fresh
            here = here.setdefault(step, fresh)
        else:
            return
