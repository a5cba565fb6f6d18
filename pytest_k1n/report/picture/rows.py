"""Which tasks a picture shows: all of a small execution, of a large one what explains it, the rest as a density."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pytest_k1n.report.document import ExecutionDocument, TaskDocument
from pytest_k1n.report.figures import SUCCESSFUL, intervals, status_of, work_on_path

MOST_ROWS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The tasks that get a row each, in the order they began, and those that do not."""

    shown: tuple[TaskDocument, ...]
    rest: tuple[TaskDocument, ...] = ()


def rows(execution: ExecutionDocument, *, wanted: Collection[str] = (), most: int = MOST_ROWS) -> Rows:
    """Choose the rows; `wanted` are the refs that findings are about.

    Operators have a row only where findings are about them: what they cost is on the critical path.
    """
    tasks = [task for task in execution["tasks"] if task["kind"] != "operator" or task["ref"] in wanted]
    planned = [task for task in tasks if task["attempts"] or task["planned"] is not None]
    if len(planned) <= most:
        return Rows(shown=tuple(sorted(planned, key=_begin)))
    works = work_on_path(execution)

    def importance(task: TaskDocument) -> tuple[bool, bool, bool, int, int]:
        is_bad = bool(task["attempts"]) and status_of(task) not in SUCCESSFUL
        longest = max((end - begin for begin, end in intervals(task, execution["makespan_ms"])), default=0)
        return (task["ref"] in wanted, is_bad, len(task["attempts"]) > 1, works.get(task["ref"], 0), longest)

    ranked = sorted(planned, key=importance, reverse=True)
    return Rows(shown=tuple(sorted(ranked[:most], key=_begin)), rest=tuple(ranked[most:]))


def _begin(task: TaskDocument) -> tuple[int, int]:
    if task["attempts"]:
        first = task["attempts"][0]
        return (first["scheduled_ms"] or first["start_ms"] or 0, first["start_ms"] or 0)
    start_ms, end_ms = task["planned"] or (0, 0)
    return (start_ms, end_ms)  # a document that was read has lists, which have no order with tuples
