"""Where two workflow definitions differ in content: what a plan says, and what a server ran.

Compared is what Conductor reads. It fills in defaults, drops keys it does not know, and copies task definitions into
the snapshot that an execution carries: none of that is a difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pytest_k1n.core.model import Json

_DEFAULTS: Mapping[str, tuple[Json, ...]] = {
    "type": ("SIMPLE",),
    "version": (1,),
    "schemaVersion": (2,),
    "restartable": (True,),
    "enforceSchema": (True, False),
    "timeoutPolicy": ("ALERT_ONLY",),
}
"""What an absent key stands for, beside null, false, 0 and what is empty."""
_TASK_KEYS = frozenset(
    {
        "name", "taskReferenceName", "type", "inputParameters", "optional", "permissive", "startDelay", "retryCount",
        "joinOn", "forkTasks", "decisionCases", "defaultCase", "loopOver", "loopCondition", "items", "expression",
        "evaluatorType", "caseValueParam", "caseExpression", "scriptExpression", "dynamicTaskNameParam",
        "dynamicForkTasksParam", "dynamicForkTasksInputParamName", "dynamicForkJoinTasksParam", "subWorkflowParam",
        "sink", "rateLimited", "defaultExclusiveJoinTask", "asyncComplete", "joinStatus", "onStateChange",
    }
)  # fmt: skip
_WORKFLOW_KEYS = frozenset(
    {
        "name", "version", "tasks", "inputParameters", "outputParameters", "failureWorkflow", "schemaVersion",
        "restartable", "timeoutPolicy", "timeoutSeconds", "variables", "inputTemplate", "rateLimitConfig",
        "inputSchema", "outputSchema", "enforceSchema",
    }
)  # fmt: skip
_STAMPS = frozenset({"createTime", "updateTime", "createdBy", "updatedBy", "ownerApp"})
"""What the server notes about a schema."""
_ABSENT: Json = None
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
    """Compare two workflow definitions as they go over the wire; empty if they mean the same.

    What the server writes into an execution's copy while it runs is no difference (measured on 3.32.1): the version of
    a sub-workflow that named none, the task that a DYNAMIC turned out to be, the variables that a SET_VARIABLE has set.
    """
    keys = _WORKFLOW_KEYS - {"variables"} if _sets_variables(planned) else _WORKFLOW_KEYS
    return tuple(_records(planned, ran, "", keys))


def _sets_variables(tasks: object) -> bool:
    if isinstance(tasks, Mapping):
        return tasks.get("type") == "SET_VARIABLE" or any(map(_sets_variables, tasks.values()))
    return isinstance(tasks, list) and any(map(_sets_variables, tasks))


def _records(
    planned: Mapping[str, Json], ran: Mapping[str, Json], pointer: str, keys: frozenset[str]
) -> Iterator[Difference]:
    resolved = {"name"} if planned.get("type") == "DYNAMIC" else set[str]()
    for key in sorted((keys & (planned.keys() | ran.keys())) - resolved):
        mine, other = _meant(key, planned), _meant(key, ran)
        here = f"{pointer}/{_escaped(key)}"
        if key in ("tasks", "loopOver", "defaultCase"):
            yield from _tasks(mine, other, here)
        elif key == "forkTasks":
            yield from _branches(mine, other, here)
        elif key == "decisionCases":
            yield from _cases(mine, other, here)
        elif key == "subWorkflowParam":
            yield from _children(mine, other, here)
        elif key in ("inputSchema", "outputSchema") and isinstance(mine, Mapping) and isinstance(other, Mapping):
            yield from _values(mine, {name: other[name] for name in other if name in mine or name not in _STAMPS}, here)
        else:
            yield from _values(mine, other, here)


def _meant(key: str, fields: Mapping[str, Json]) -> Json:
    """Return a value, or None where it says what an absent key says."""
    value = fields.get(key)
    return _ABSENT if not value or value in _DEFAULTS.get(key, ()) else value


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
    """Compare which sub-workflow is started. The server writes the version that it resolved where none was named."""
    if not isinstance(planned, Mapping) or not isinstance(ran, Mapping):
        yield from _values(planned, ran, pointer)
        return
    resolved = {"version"} if not planned.get("version") else set[str]()
    for key in sorted((planned.keys() | ran.keys()) - resolved):
        mine, other, here = _meant(key, planned), _meant(key, ran), f"{pointer}/{_escaped(key)}"
        if key == "workflowDefinition" and isinstance(mine, Mapping) and isinstance(other, Mapping):
            yield from _records(mine, other, here, _WORKFLOW_KEYS)  # a copy of its own: nothing is written into it
        else:
            yield from _values(mine, other, here)


def _values(planned: Json, ran: Json, pointer: str) -> Iterator[Difference]:
    if isinstance(planned, Mapping) and isinstance(ran, Mapping):
        for key in dict.fromkeys([*planned, *ran]):
            yield from _values(planned.get(key), ran.get(key), f"{pointer}/{_escaped(key)}")
    elif isinstance(planned, list) and isinstance(ran, list) and len(planned) == len(ran):
        for index, (mine, other) in enumerate(zip(planned, ran, strict=True)):
            yield from _values(mine, other, f"{pointer}/{index}")
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
