"""Every mutation of an execution document: where, of which field, which kind, of what class of task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from k1n_support.mutations.kinds import GONE, STATUSES, TASK_STATUSES, is_a_change, mutations
from pytest_k1n.core.model import SYSTEM_TASK_TYPES

_DATA = ("inputData", "outputData", "input", "output", "variables")
_TOLD = frozenset({
    "case", "evaluationResult", "selectedCase", "iteration", "subWorkflowId", "subWorkflowName", "subWorkflowVersion",
    "joinOn", "forkedTasks", "forkedTaskDefs", "keepLastN", "_k1n",
})  # fmt: skip
"""Data that the engine or our workers write; all other is the user's."""
Document = dict[str, Any]


class Row(NamedTuple):
    """What is decided at once: a field of a class of tasks, changed in one way."""

    part: str
    """execution, task, snapshot (a record's workflowTask), definition, defined (a task of it), records."""
    field: str
    kind: str
    of: str
    """worker, the type of a system task, or a dash."""


class Change(NamedTuple):
    """One mutation of one document."""

    row: Row
    subject: str
    document: Document


def changes(document: Document, *, alike: int | None = None) -> Iterator[Change]:
    """Yield all mutations of a document; each shares with it what it does not change.

    `alike`: of records of one class and status, and of tasks of one type in the definition, mutate so many at most.
    """
    seen: Counter[tuple[object, ...]] = Counter()

    def is_enough(*of: object) -> bool:
        seen[of] += 1
        return alike is not None and seen[of] > alike

    for field, kind, fields in _fields({k: v for k, v in document.items() if k not in ("tasks", "workflowDefinition")}):
        yield Change(Row("execution", field, kind, "-"), "", {**fields, **_big(document)})
    tasks = document["tasks"]
    for place, record in enumerate(tasks):
        of, subject = _class(record), record["referenceTaskName"]
        if is_enough(
            of, record["status"], record["retryCount"] > 0, record.get("retried"), record.get("iteration", 0) > 0
        ):
            continue
        for field, kind, fields in _fields({k: v for k, v in record.items() if k != "workflowTask"}, of):
            again = {**fields, "workflowTask": record["workflowTask"]} if "workflowTask" in record else fields
            yield Change(Row("task", field, kind, of), subject, _with(document, place, again))
        for field, kind, fields in _fields(record.get("workflowTask") or {}):
            new = {**record, "workflowTask": fields}
            yield Change(Row("snapshot", field, kind, of), subject, _with(document, place, new))
        yield Change(Row("records", "one", "gone", of), subject, _with(document, place))
        yield Change(Row("records", "one", "doubled", of), subject, _with(document, place, record, record))
        yield from _beside(document, place)
    definition = document.get("workflowDefinition") or {}
    for field, kind, fields in _fields({k: v for k, v in definition.items() if k != "tasks"}):
        new = {**fields, "tasks": definition["tasks"]}
        yield Change(Row("definition", field, kind, "-"), "", {**document, "workflowDefinition": new})
    for place, task in enumerate(definition.get("tasks") or ()):
        of = task["type"] if task["type"] in SYSTEM_TASK_TYPES or task["type"] != "SIMPLE" else "worker"
        if is_enough("defined", of):
            continue
        for field, kind, fields in _fields(task):
            said = [*definition["tasks"][:place], fields, *definition["tasks"][place + 1 :]]
            new = {**document, "workflowDefinition": {**definition, "tasks": said}}
            yield Change(Row("defined", field, kind, of), task["taskReferenceName"], new)


def _beside(document: Document, place: int) -> Iterator[Change]:
    """Yield what another record lends: one of its values, and the swap of a value between the two."""
    record, tasks = document["tasks"][place], document["tasks"]
    of, subject = _class(record), record["referenceTaskName"]
    other = next((each for each in (*tasks[place + 1 :], *tasks[:place]) if _class(each) == of), None)
    if other is None or other is record:
        return
    at = tasks.index(other)
    for field in record.keys() & other.keys() - {"workflowTask"}:
        mine, theirs = record[field], other[field]
        if not is_a_change(mine, theirs):
            continue
        lent = _with(document, place, {**record, field: theirs})
        yield Change(Row("task", field, "another's", of), subject, lent)
        swapped = _with(lent, at, {**other, field: mine})
        yield Change(Row("task", field, "swapped", of), subject, swapped)
    yield Change(Row("records", "two", "swapped", of), subject, _with(_with(document, place, other), at, record))


def _fields(fields: Mapping[str, Any], of: str = "-") -> Iterator[tuple[str, str, Document]]:
    """Yield (field, kind, the fields with it changed) of an object; of data also of what it holds."""
    statuses = {"-": STATUSES}.get(of, TASK_STATUSES)
    for field, value in fields.items():
        for kind, new in mutations(value, statuses=statuses if field == "status" else ()):
            if new is GONE or is_a_change(value, new):
                yield field, _named(kind, value), _changed(fields, field, new)
        if field in _DATA and isinstance(value, dict):
            for key, inner in value.items():
                for kind, new in mutations(inner):
                    if new is GONE or is_a_change(inner, new):
                        name = f"{field}.{key if key in _TOLD else '*'}"
                        yield name, _named(kind, inner), {**fields, field: _changed(value, key, new)}


def _named(kind: str, value: Any) -> str:
    """Tell apart what says nothing: a server that leaves out empty fields says the same."""
    return f"{kind}, was empty" if kind in ("gone", "null") and not value else kind


def _changed(fields: Mapping[str, Any], field: str, new: Any) -> Document:
    return {key: new if key == field else value for key, value in fields.items() if key != field or new is not GONE}


def _big(document: Document) -> Document:
    return {key: document[key] for key in ("tasks", "workflowDefinition") if key in document}


def _with(document: Document, place: int, *records: Document) -> Document:
    tasks = document["tasks"]
    return {**document, "tasks": [*tasks[:place], *records, *tasks[place + 1 :]]}


def _class(record: Mapping[str, Any]) -> str:
    kind = record["taskType"]
    return str(kind) if kind in SYSTEM_TASK_TYPES else "worker"
