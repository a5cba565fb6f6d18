"""The `${…}` expressions of a definition with their places: which task reads what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pytest_k1n.core.model import Json
from pytest_k1n.engine.language import expressions
from pytest_k1n.engine.registry.constraints import KNOWN_ROOTS
from pytest_k1n.lint.check import Fields, Path
from pytest_k1n.lint.tree import TaskNode, texts


class Read(NamedTuple):
    """One expression."""

    path: Path
    """Of the text it stands in."""
    reader: TaskNode | None
    """None: the definition itself, in its output parameters."""
    expression: str
    """As written, with its braces."""
    root: str
    """The ref of a task, or `workflow`."""
    section: str | None
    """`output`, `input`, ...; None: all of it, or a function of JSONPath."""
    rest: str
    """What is behind the section."""
    is_whole: bool
    """Whether the expression is the whole text, so that its value keeps its type."""

    @property
    def is_of_task(self) -> bool:
        return self.root not in KNOWN_ROOTS

    @property
    def by(self) -> str:
        """Who reads, in words."""
        return self.reader.ref if self.reader else "the workflow's output"


def reads(tasks: Iterable[TaskNode], fields: Fields, within: Path) -> Iterator[Read]:
    """Yield every expression of a definition in reading order, those nested in another one included."""
    for task in tasks:
        for path, text in _readable(task):
            for body, is_whole in _bodies(text):
                yield _read(path, task, body, is_whole)
    for key in ("outputParameters", "failureWorkflow"):
        for path, text in texts(fields.get(key), (*within, key)):
            for body, is_whole in _bodies(text):
                yield _read(path, None, body, is_whole)


def _readable(task: TaskNode) -> Iterator[tuple[Path, str]]:
    """Yield the texts of a task that the server resolves; an inline child's expressions are the child's own."""
    yield from texts(_without_child(task), (*task.path, "inputParameters"))
    for key in ("sink", "items"):
        yield from texts(task.fields.get(key), (*task.path, key))
    child = task.fields.get("subWorkflowParam")
    if isinstance(child, Mapping):
        own: Json = {
            key: value for key, value in child.items() if not isinstance(value, Mapping) or key == "taskToDomain"
        }
        yield from texts(own, (*task.path, "subWorkflowParam"))


def _without_child(task: TaskNode) -> Json:
    inputs = dict(task.inputs)
    if task.type == "START_WORKFLOW":
        inputs.pop("startWorkflow", None)
        start = task.inputs.get("startWorkflow")
        if isinstance(start, Mapping):
            inputs["startWorkflow"] = {key: value for key, value in start.items() if key != "workflowDef"}
    return inputs


_DEEPEST = 20
"""Expressions inside expressions that are looked at; each level reads the text again."""


def _bodies(text: str, depth: int = 0) -> Iterator[tuple[str, bool]]:
    cut = expressions.pieces(text) if "${" in text else []
    for _, body in cut:
        if body is not None:
            yield body, len(cut) == 1
            if "${" in body and depth < _DEEPEST:
                yield from ((inner, False) for inner, _ in _bodies(body, depth + 1))


def _read(path: Path, reader: TaskNode | None, body: str, is_whole: bool) -> Read:
    root, section, rest = expressions.head(body.strip())
    if "${" in root:
        root = ""
    if section is not None and ("${" in section or "(" in section or section.startswith("[")):
        section = None
    return Read(path, reader, "${" + body + "}", root, section, rest, is_whole)
