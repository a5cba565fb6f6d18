"""What moved between two executions: added, removed, slower, faster, and where the critical path switched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pytest_k1n.core.text import one_line
from pytest_k1n.core.units import format_ms
from pytest_k1n.report.document import ExecutionDocument, RunDocument, TaskDocument
from pytest_k1n.report.figures import has_completed, shares, status_of, work_on_path

Word = Literal["added", "removed", "slower", "faster", "status", "same"]


_OPEN = {"IN_PROGRESS": "still runs", "SCHEDULED": "still waits"}
"""What a task without an end does, by its status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """One task on both sides; None where it did not run."""

    ref: str
    before_ms: int | None
    after_ms: int | None
    before_start_ms: int | None
    after_start_ms: int | None
    before_status: str
    after_status: str
    path: Literal["joined", "left", "stayed", "off"]
    """Whether it is on the critical path."""

    @property
    def by_ms(self) -> int:
        return (self.after_ms or 0) - (self.before_ms or 0)

    @property
    def share(self) -> float:
        return abs(self.by_ms) / max(self.before_ms or 0, 1)

    def word(self, tolerance: float) -> Word:
        """Say what happened to it; a change below the tolerance is none."""
        if self.before_ms is None and self.after_ms is None:
            return "status" if self.before_status != self.after_status else "same"
        if self.before_ms is None:
            return "status" if self.before_status in _OPEN else "added"
        if self.after_ms is None:
            return "status" if self.after_status in _OPEN else "removed"
        if self.before_status != self.after_status:
            return "status"
        if self.share > tolerance:
            return "slower" if self.by_ms > 0 else "faster"
        return "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two executions side by side; all in workflow time."""

    before: ExecutionDocument
    after: ExecutionDocument
    tasks: tuple[TaskChange, ...]
    kinds: tuple[tuple[str, int, int], ...]
    """Owners of the makespan: (kind, ms before, ms after), the largest change first."""
    tolerance: float

    @property
    def by_ms(self) -> int:
        return self.after["makespan_ms"] - self.before["makespan_ms"]

    @property
    def moved(self) -> list[TaskChange]:
        """The tasks that changed, the largest change first."""
        changed = [
            each for each in self.tasks if each.word(self.tolerance) != "same" or each.path in ("joined", "left")
        ]
        return sorted(changed, key=lambda each: -abs(each.by_ms))

    @property
    def is_switched(self) -> bool:
        return any(each.path in ("joined", "left") for each in self.tasks)


def compare(before: ExecutionDocument, after: ExecutionDocument, *, tolerance: float = 0.05) -> Comparison:
    """Compare two executions task by task; what differs by at most the tolerance counts as the same."""
    old = {task["ref"]: task for task in before["tasks"] if task["kind"] != "operator"}
    new = {task["ref"]: task for task in after["tasks"] if task["kind"] != "operator"}
    paths = (work_on_path(before), work_on_path(after))
    refs = [*old, *(ref for ref in new if ref not in old)]
    owners = ({each.kind: each.ms for each in shares(before)}, {each.kind: each.ms for each in shares(after)})
    kinds = [(kind, owners[0].get(kind, 0), owners[1].get(kind, 0)) for kind in {**owners[0], **owners[1]}]
    return Comparison(
        before=before,
        after=after,
        tasks=tuple(_task(ref, old.get(ref), new.get(ref), ref in paths[0], ref in paths[1]) for ref in refs),
        kinds=tuple(sorted(kinds, key=lambda each: -abs(each[2] - each[1]))),
        tolerance=tolerance,
    )


def _task(
    ref: str, old: TaskDocument | None, new: TaskDocument | None, was_critical: bool, is_critical: bool
) -> TaskChange:
    path: Literal["joined", "left", "stayed", "off"] = "stayed" if is_critical else "off"
    if was_critical != is_critical:
        path = "joined" if is_critical else "left"
    return TaskChange(
        ref=ref,
        before_ms=_took(old),
        after_ms=_took(new),
        before_start_ms=_start(old),
        after_start_ms=_start(new),
        before_status=status_of(old) if old else "absent",
        after_status=status_of(new) if new else "absent",
        path=path,
    )


def _took(task: TaskDocument | None) -> int | None:
    """Return how long all attempts of a task were executed; None if it was not."""
    spans = [(each["start_ms"], each["end_ms"]) for each in task["attempts"]] if task else []
    ran = [end - start for start, end in spans if start is not None and end is not None]
    return sum(ran) if ran else None


def _start(task: TaskDocument | None) -> int | None:
    starts = [each["start_ms"] for each in task["attempts"] if each["start_ms"] is not None] if task else []
    return starts[0] if starts else None


def lines(comparison: Comparison, *, width: int = 80) -> Iterator[str]:
    """Draw the comparison as text: for each task that moved two bars on one axis, before over after."""
    before, after = comparison.before, comparison.after
    change = comparison.by_ms
    how = ", as long as before"
    if change:
        how = f", {format_ms(abs(change))} {'longer' if change > 0 else 'shorter'}"
    if not (has_completed(before) and has_completed(after)):
        how = ""  # of an execution that did not come to its end the time is that of another course
    name, other = one_line(before["title"], most=60), one_line(after["title"], most=60)
    other = "" if name == other else f"{other} "
    yield f"{name}: {_course(before)} before, {other}{_course(after)} after{how}"
    for kind, old, new in comparison.kinds:
        if old != new:
            yield f"  {kind:<12} {format_ms(old):>10} -> {format_ms(new):>10}  {_signed(new - old)}"
    moved = comparison.moved
    if not moved:
        yield f"no task moved by more than {comparison.tolerance:.0%}"
        return
    names = {each.ref: one_line(each.ref, most=28) for each in moved}
    column = max(map(len, names.values()))
    room = max(width - column - 34, 10)
    end = max(before["makespan_ms"], after["makespan_ms"], 1)
    for each in moved:
        word = each.word(comparison.tolerance)
        path = {"joined": ", now critical", "left": ", no longer critical"}.get(each.path, "")
        note = f"{_signed(each.by_ms)} {word}" if word not in ("same", "status") else word.replace("same", "")
        status = f" {each.before_status} -> {each.after_status}" if word == "status" else ""
        name = names[each.ref]
        bar = _bar(each.before_start_ms, each.before_ms, end, room, "-")
        yield f"{name:<{column}} |{bar}| {_shown(each.before_ms, each.before_status)}"
        last = f"{_shown(each.after_ms, each.after_status):<9} {note}{status}{path}".rstrip(" ,")
        yield f"{'':<{column}} |{_bar(each.after_start_ms, each.after_ms, end, room, '#')}| {last}"
    same = len(comparison.tasks) - len(moved)
    if same:
        yield f"{same} more did not change by more than {comparison.tolerance:.0%}"


def _bar(start: int | None, took: int | None, end: int, room: int, mark: str) -> str:
    if start is None or took is None:
        return " " * room
    begin = min(round(room * start / end), room - 1)
    length = max(min(round(room * took / end), room - begin), 1)
    return f"{' ' * begin}{mark * length}".ljust(room)


def _shown(ms: int | None, status: str) -> str:
    return _OPEN.get(status, "did not run") if ms is None else format_ms(ms)


def _course(execution: ExecutionDocument) -> str:
    """Say how long an execution took, and how it stands if it has not completed."""
    took, status = format_ms(execution["makespan_ms"]), execution["workflow"]["status"]
    if execution["is_open"]:
        return f"{took} so far (still {status})"
    return took if has_completed(execution) else f"{took} ({status})"


def _signed(ms: int) -> str:
    return f"{'+' if ms >= 0 else '-'}{format_ms(abs(ms))}"


def paired(before: RunDocument, after: RunDocument) -> list[tuple[ExecutionDocument, ExecutionDocument]]:
    """Pair the executions of two runs: by workflow, title and role; what only one of them has is left out."""
    known = {(each["workflow"]["name"], each["title"], each["role"]): each for each in before["executions"]}
    keyed = [((each["workflow"]["name"], each["title"], each["role"]), each) for each in after["executions"]]
    pairs = [(known[key], each) for key, each in keyed if key in known]
    if not pairs and len(before["executions"]) == len(after["executions"]) == 1:
        return [(before["executions"][0], after["executions"][0])]
    return pairs
