"""Make a diverging case small: delete what can go while the divergence stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from pytest_k1n.conformance.cases import Case, Document, case_from

LISTS = ("tasks", "loopOver", "defaultCase", "joinOn", "forkTasks")
KEPT = (
    "name",
    "taskReferenceName",
    "type",
    "version",
    "schemaVersion",
    "tasks",
    "forkTasks",
    "loopOver",
    "decisionCases",
)


def shrink(case: Case, diverges: Callable[[Case], bool], most: int = 300) -> Case:
    """Return the smallest case found that still diverges, after at most `most` trials.

    A smaller case that a server refuses to register does not diverge as long as both refuse it alike.
    """
    best, trials = case.document(), 0
    progress = True
    while progress and trials < most:
        progress = False
        for smaller in list(_smaller(best)):
            trials += 1
            if trials > most:
                break
            if diverges(case_from(json.loads(json.dumps(smaller)))):
                best, progress = smaller, True
                break
    return case_from(best)


def _smaller(document: Document) -> Iterator[Document]:
    """Yield the documents that lack one thing, the largest things first."""
    for index in reversed(range(1, len(document["workflows"]))):
        yield _without(document, ("workflows", index))
    for key in ("steps",):
        for index in range(len(document[key])):
            yield _without(document, (key, index))
    for path in _removable(document["workflows"], ("workflows",)):
        yield _without(document, path)
    for ref in document["script"]:
        yield _without(document, ("script", ref))
    for index, definition in enumerate(document["task_definitions"]):
        yield _without(document, ("task_definitions", index))
        for key in definition:
            if key != "name":
                yield _without(document, ("task_definitions", index, key))
    for key in document["start"]:
        yield _without(document, ("start", key))


def _removable(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, list):
        for index, inner in enumerate(value):
            if path[-1] in LISTS or (len(path) > 1 and path[-2] in ("forkTasks", "decisionCases")):
                yield (*path, index)
            yield from _removable(inner, (*path, index))
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in KEPT or (len(path) > 0 and path[-1] in ("decisionCases", "inputParameters")):
                yield (*path, key)
            yield from _removable(inner, (*path, key))


def _without(document: Document, path: tuple[Any, ...]) -> Document:
    copy: Document = json.loads(json.dumps(document))
    inner: Any = copy
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return copy
