"""The tasks of a definition as a tree of raw fields with their places; tolerant of anything that JSON can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pytest_k1n.core.model import Json
from pytest_k1n.engine.registry import shapes
from pytest_k1n.lint.check import Fields, Path


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskList:
    """Tasks that follow one another: the definition's own, a branch, a case, the body of a loop."""

    owner: TaskNode | None
    slot: str
    """The key that holds it: `tasks`, `forkTasks`, `decisionCases`, `defaultCase`, `loopOver`."""
    case: str = ""
    """Of a SWITCH, for what value."""
    path: Path
    tasks: list[TaskNode] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskNode:
    """One task of a workflow definition."""

    fields: Fields
    path: Path
    siblings: TaskList
    index: int
    inner: list[TaskList] = field(default_factory=list)
    """The lists in it, in reading order; empty ones too."""

    ref: str
    type: str
    owners: tuple[TaskNode, ...]
    """The tasks that it sits in, innermost first."""
    loop: TaskNode | None
    """The innermost loop around it."""

    @property
    def name(self) -> str:
        return text(self.fields, "name")

    @property
    def inputs(self) -> Fields:
        return mapping(self.fields, "inputParameters")

    @property
    def following(self) -> TaskNode | None:
        """The task right behind it in its list."""
        return self.siblings.tasks[self.index + 1] if self.index + 1 < len(self.siblings.tasks) else None

    @property
    def preceding(self) -> TaskNode | None:
        return self.siblings.tasks[self.index - 1] if self.index else None

    def lists(self, slot: str) -> list[TaskList]:
        return [each for each in self.inner if each.slot == slot]

    def walk(self) -> Iterator[TaskNode]:
        """Yield the tasks inside, at any depth."""
        for each in self.inner:
            for task in each.tasks:
                yield task
                yield from task.walk()


def text(fields: Fields, key: str) -> str:
    """Read a text, or a number or a truth as the text that the server makes of it; "" for anything else."""
    value = fields.get(key)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""


def mapping(fields: Fields, key: str) -> Fields:
    """Read an object; {} for anything else."""
    value = fields.get(key)
    return value if isinstance(value, Mapping) else {}


def listed(fields: Fields, key: str) -> list[Json]:
    """Read a list; [] for anything else."""
    value = fields.get(key)
    return value if isinstance(value, list) else []


def texts(value: Json, path: Path, *, without: str = "") -> Iterator[tuple[Path, str]]:
    """Yield every text in a JSON value with its path, in reading order; not what stands under the key `without`."""
    waiting: list[tuple[Path, Json]] = [(path, value)]
    while waiting:
        here, each = waiting.pop()
        if isinstance(each, str):
            yield here, each
        elif isinstance(each, Mapping):
            waiting += [((*here, key), each[key]) for key in reversed(list(each)) if key != without]
        elif isinstance(each, list):
            waiting += [((*here, index), each[index]) for index in reversed(range(len(each)))]


def fill(tasks: TaskList, value: Json) -> None:
    """Put the tasks of a JSON list into our own list; what is no object is left out."""
    for index, fields in enumerate(value if isinstance(value, list) else ()):
        if isinstance(fields, Mapping):
            kind = shapes.task_type(fields)
            owner = tasks.owner
            task = TaskNode(
                fields=fields,
                path=(*tasks.path, index),
                siblings=tasks,
                index=len(tasks.tasks),
                ref=text(fields, "taskReferenceName"),
                type=kind if isinstance(kind, str) and kind else "SIMPLE",
                owners=() if owner is None else (owner, *owner.owners),
                loop=owner if owner is None or owner.type == "DO_WHILE" else owner.loop,
            )
            tasks.tasks.append(task)
            _fill_inner(task)


def _fill_inner(task: TaskNode) -> None:
    for number, branch in enumerate(listed(task.fields, "forkTasks")):
        _add(task, branch, "forkTasks", (number,))
    for case, tasks in mapping(task.fields, "decisionCases").items():
        _add(task, tasks, "decisionCases", (case,), case)
    for slot in ("defaultCase", "loopOver"):
        if listed(task.fields, slot):
            _add(task, task.fields[slot], slot)


def _add(task: TaskNode, value: Json, slot: str, within: Path = (), case: str = "") -> None:
    made = TaskList(owner=task, slot=slot, case=case, path=(*task.path, slot, *within))
    task.inner.append(made)
    fill(made, value)
