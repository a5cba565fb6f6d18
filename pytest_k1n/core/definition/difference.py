"""Where two workflow definitions differ in content: what a plan says, and what a server ran.

Compared is what Conductor reads. It fills in defaults, drops keys it does not know, copies task definitions into the
snapshot that an execution carries, and writes into that what it found out while it ran: none of that is a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pytest_k1n.core.definition.inlining import tasks_in
from pytest_k1n.core.model import Json

_DEFAULTS: Mapping[str, tuple[Json, ...]] = {
    "type": ("SIMPLE",),
    "version": (1,),
    "schemaVersion": (2,),
    "restartable": (True,),
    "enforceSchema": (True,),
    "timeoutPolicy": ("ALERT_ONLY",),
}
"""What an absent key stands for, beside null, false, 0 and what is empty."""
_TASK_KEYS = tuple(
    sorted({
        "name", "taskReferenceName", "type", "inputParameters", "optional", "permissive", "startDelay", "retryCount",
        "joinOn", "forkTasks", "decisionCases", "defaultCase", "loopOver", "loopCondition", "items", "expression",
        "evaluatorType", "caseValueParam", "caseExpression", "scriptExpression", "dynamicTaskNameParam",
        "dynamicForkTasksParam", "dynamicForkTasksInputParamName", "dynamicForkJoinTasksParam", "subWorkflowParam",
        "sink", "rateLimited", "defaultExclusiveJoinTask", "asyncComplete", "joinMode", "joinStatus",
        "onStateChange", "cacheConfig", "taskDefinition",
    })
)  # fmt: skip
_WORKFLOW_KEYS = tuple(
    sorted({
        "name", "version", "tasks", "inputParameters", "outputParameters", "failureWorkflow", "schemaVersion",
        "restartable", "timeoutPolicy", "timeoutSeconds", "variables", "inputTemplate", "rateLimitConfig",
        "inputSchema", "outputSchema", "enforceSchema", "maskedFields", "workflowStatusListenerEnabled",
    })
)  # fmt: skip
_CHILD_KEYS = (
    "name", "version", "taskToDomain", "workflowDefinition", "idempotencyKey", "idempotencyStrategy", "priority",
)  # fmt: skip
"""What the server keeps of a subWorkflowParam; Java's builder writes a `workflowDef` beside it."""
_OBJECTS = frozenset({"inputSchema", "outputSchema", "rateLimitConfig", "cacheConfig"})
"""Objects with fields of their own, into which the server fills defaults."""
_OF_TASK_DEFINITIONS: Mapping[str, Json] = {
    "retryCount": 3, "retryLogic": "FIXED", "retryDelaySeconds": 60, "maxRetryDelaySeconds": 0, "backoffScaleFactor": 1,
    "timeoutSeconds": 0, "timeoutPolicy": "TIME_OUT_WF", "responseTimeoutSeconds": 3600, "pollTimeoutSeconds": 0,
    "totalTimeoutSeconds": 0, "concurrentExecLimit": 0, "rateLimitPerFrequency": 0, "rateLimitFrequencyInSeconds": 1,
    "inputTemplate": None, "inputSchema": None, "outputSchema": None, "enforceSchema": False,
}  # fmt: skip
"""What decides how a task runs, with what the server takes where nothing is said."""
_ABSENT: Json = None
_NOTHING_SAYS_MORE = ("retryCount", "enforceSchema")
_LENGTH = 60


class Difference(NamedTuple):
    """One place where two definitions say different things."""

    pointer: str
    """JSON pointer (RFC 6901) into the planned definition."""
    planned: str
    ran: str

    def __str__(self) -> str:
        return f"{self.pointer}: planned {self.planned}, ran {self.ran}"


def differences(planned: Mapping[str, Json], ran: Mapping[str, Json]) -> tuple[Difference, ...]:
    """Compare two workflow definitions as they go over the wire; empty if they mean the same."""
    return tuple(_records(planned, ran, "", _WORKFLOW_KEYS))


def _records(
    planned: Mapping[str, Json], ran: Mapping[str, Json], pointer: str, keys: Sequence[str]
) -> Iterator[Difference]:
    for key in keys:
        if key not in ran and key not in planned:
            continue
        said, found = planned.get(key), ran.get(key)
        if not found and said is None and key not in _NOTHING_SAYS_MORE:  # what a server writes of an absent key
            continue
        if said is found or (type(said) is str and said == found):  # nearly always: a plan of 200 asks often
            continue
        mine, other = _meant(key, planned), _meant(key, ran)
        if mine is None and other is None:
            continue
        here = f"{pointer}/{_escaped(key)}"
        if key in ("tasks", "loopOver", "defaultCase"):
            yield from _tasks(mine, other, here)
        elif key == "forkTasks":
            yield from _branches(mine, other, here)
        elif key == "decisionCases":
            yield from _cases(mine, other, here)
        elif key == "subWorkflowParam":
            yield from _children(mine, other, here)
        elif key == "taskDefinition":
            yield from _task_definitions(mine, other, here)
        elif key in _OBJECTS:
            yield from _values(_plainly(mine), _plainly(other), here)
        elif key in _COMPARED:
            yield from _values(*_COMPARED[key](planned, ran), here)
        else:
            yield from _values(mine, other, here)


def _names(planned: Mapping[str, Json], ran: Mapping[str, Json]) -> tuple[Json, Json]:
    """Compare the names; that of a dynamic task says what it was called at run time."""
    is_dynamic = planned.get("type") == ran.get("type") == "DYNAMIC"
    return (None, None) if is_dynamic else (_meant("name", planned), _meant("name", ran))


_TASKS_OWN = ("asyncComplete", "sink")


def _inputs(planned: Mapping[str, Json], ran: Mapping[str, Json]) -> tuple[Json, Json]:
    """Compare the inputs; into those of HTTP and EVENT the server writes the task's own asyncComplete and sink."""
    mine, other = _meant("inputParameters", planned), _meant("inputParameters", ran)
    if isinstance(other, Mapping):
        said = mine if isinstance(mine, Mapping) else {}
        other = {key: each for key, each in other.items() if key in said or key not in _TASKS_OWN} or None
    return _unordered(mine, other)  # of a workflow: the names that it declares


def _variables(planned: Mapping[str, Json], ran: Mapping[str, Json]) -> tuple[Json, Json]:
    """Compare the variables; SET_VARIABLE writes into the map that the snapshot shows."""
    mine, other = _meant("variables", planned), _meant("variables", ran)
    if not isinstance(mine, Mapping | None) or not isinstance(other, Mapping | None):
        return mine, other
    written = {
        name for task in tasks_in(planned.get("tasks")) if task.get("type") == "SET_VARIABLE" for name in _written(task)
    }
    kept = [{key: value for key, value in (each or {}).items() if key not in written} or None for each in (mine, other)]
    return kept[0], kept[1]


def _written(task: Mapping[str, Json]) -> Iterable[str]:
    inputs = task.get("inputParameters")
    return inputs if isinstance(inputs, Mapping) else ()


def _waited_for(planned: Mapping[str, Json], ran: Mapping[str, Json]) -> tuple[Json, Json]:
    """Compare what a JOIN waits for: all of it, in whatever order (3.32.1); an EXCLUSIVE_JOIN takes the first there."""
    mine, other = _meant("joinOn", planned), _meant("joinOn", ran)
    return _unordered(mine, other) if planned.get("type") == ran.get("type") == "JOIN" else (mine, other)


def _masked(planned: Mapping[str, Json], ran: Mapping[str, Json]) -> tuple[Json, Json]:
    return _unordered(_meant("maskedFields", planned), _meant("maskedFields", ran))


def _unordered(mine: Json, other: Json) -> tuple[Json, Json]:
    """Return nothing of two lists that hold the same, in any order, once or several times."""
    if not isinstance(mine, list) or not isinstance(other, list):
        return mine, other
    return (None, None) if {*map(repr, mine)} == {*map(repr, other)} else (mine, other)


_COMPARED: Mapping[str, Callable[[Mapping[str, Json], Mapping[str, Json]], tuple[Json, Json]]] = {
    "name": _names,
    "inputParameters": _inputs,
    "variables": _variables,
    "joinOn": _waited_for,
    "maskedFields": _masked,
}
"""Keys of a snapshot that tell of its execution too, and lists in any order: what of both sides is to be compared."""


def _meant(key: str, fields: Mapping[str, Json]) -> Json:
    """Return a value, or None where it says what an absent key says: 0 retries and no check of schemas say more."""
    value = fields.get(key)
    if key == "retryCount" or (key == "enforceSchema" and value is False):
        return value
    return _ABSENT if not value or value in _DEFAULTS.get(key, ()) else value


def _plainly(value: Json) -> Json:
    """Leave out of an object what says what an absent key says."""
    if not isinstance(value, Mapping):
        return value
    return {key: each for key, each in value.items() if each and (key, each) != ("policy", "QUEUE")} or None


def _tasks(planned: Json, ran: Json, pointer: str) -> Iterator[Difference]:
    """Compare two lists of tasks by their refs, so that one that was left out is one difference."""
    mine, other = _by_ref(planned), _by_ref(ran)
    if list(mine) != list(other):
        yield Difference(pointer, _listed(mine), _listed(other))
    for index, (ref, task) in enumerate(mine.items()):
        if ref in other:
            yield from _records(task, other[ref], f"{pointer}/{index}", _TASK_KEYS)


def _branches(planned: Json, ran: Json, pointer: str) -> Iterator[Difference]:
    mine, other = (value if isinstance(value, list) else [] for value in (planned, ran))
    for index in range(max(len(mine), len(other))):
        here = f"{pointer}/{index}"
        yield from _tasks(
            mine[index] if index < len(mine) else None, other[index] if index < len(other) else None, here
        )


def _cases(planned: Json, ran: Json, pointer: str) -> Iterator[Difference]:
    mine, other = (value if isinstance(value, Mapping) else {} for value in (planned, ran))
    for case in dict.fromkeys([*mine, *other]):
        if case in mine and case in other:
            yield from _tasks(mine[case], other[case], f"{pointer}/{_escaped(case)}")
        else:  # an empty case that is there is taken: it is not the default one
            yield Difference(f"{pointer}/{_escaped(case)}", *("a case" if case in each else "no such case"
                                                             for each in (mine, other)))  # fmt: skip


def _children(planned: Json, ran: Json, pointer: str) -> Iterator[Difference]:
    """Compare what two tasks start; the server names an inline child by its definition, whatever is said beside it."""
    mine, other = (dict(value) if isinstance(value, Mapping) else {} for value in (planned, ran))
    inline = mine.get("workflowDefinition"), other.get("workflowDefinition")
    if isinstance(inline[0], Mapping) and isinstance(inline[1], Mapping):
        yield from _records(inline[0], inline[1], f"{pointer}/workflowDefinition", _WORKFLOW_KEYS)
        for key in ("name", "version", "workflowDefinition"):
            mine.pop(key, None)
            other.pop(key, None)
    if isinstance(asked := mine.get("version"), str) and asked.isdecimal():
        mine["version"] = int(asked)
    if not mine.get("version"):
        mine.pop("version", None)
        other.pop("version", None)  # the newest one, which the server then names
    said: list[Json] = [{key: each for key in _CHILD_KEYS if (each := fields.get(key))} for fields in (mine, other)]
    yield from _values(said[0], said[1], pointer)


def _task_definitions(planned: Json, ran: Json, pointer: str) -> Iterator[Difference]:
    """Compare what two tasks carry; where the plan's carries nothing the server copies the registered one in."""
    if not isinstance(planned, Mapping) or not isinstance(ran, Mapping):
        return
    for key, default in _OF_TASK_DEFINITIONS.items():
        mine, other = (default if each.get(key) is None else each[key] for each in (planned, ran))
        yield from _values(_plainly(mine) or _ABSENT, _plainly(other) or _ABSENT, f"{pointer}/{key}")


def _values(planned: Json, ran: Json, pointer: str) -> Iterator[Difference]:
    if isinstance(planned, Mapping) and isinstance(ran, Mapping):
        for key in dict.fromkeys([*planned, *ran]):
            yield from _values(planned.get(key), ran.get(key), f"{pointer}/{_escaped(key)}")
    elif isinstance(planned, list) and isinstance(ran, list) and len(planned) == len(ran):
        for index, (mine, other) in enumerate(zip(planned, ran, strict=True)):
            yield from _values(mine, other, f"{pointer}/{index}")
    elif planned != planned and ran != ran:  # NaN is the same as NaN here
        return
    elif planned != ran or isinstance(planned, bool) is not isinstance(ran, bool):
        yield Difference(pointer, _short(planned), _short(ran))


def _by_ref(tasks: Json) -> dict[str, Mapping[str, Json]]:
    listed: Sequence[Json] = tasks if isinstance(tasks, list) else ()
    return {str(task.get("taskReferenceName")): task for task in listed if isinstance(task, Mapping)}


def _listed(tasks: Mapping[str, object]) -> str:
    return f"[{', '.join(tasks)}]"


def _short(value: Json) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= _LENGTH else f"{text[: _LENGTH - 3]}..."


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
