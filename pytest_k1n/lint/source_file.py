"""A file as text and as JSON, and which definitions are in it, in whatever wrapping people keep them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path as FilePath
from typing import NamedTuple

from pytest_k1n.core.model import Json
from pytest_k1n.core.text import from_yaml, is_yaml
from pytest_k1n.lint.check import Fields, Path
from pytest_k1n.lint.positions import Positions
from pytest_k1n.validation.bounded import MB, read_at_most

_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]')
LARGEST_BYTES = 16 * 1024 * 1024
"""A definition is some kilobytes; Conductor's own limit for a request is far below this."""
DEEPEST = 1000
"""Levels of nesting that the server's JSON reader takes (measured on 3.32.1)."""
_WRAPPED_DEPTH = 6
"""How deep inside other documents a definition is looked for."""
_REPORTS = ("k1n-run/", "k1n-results/", "k1n-coverage/", "k1n-lint/", "k1n-dry-run/")
TASK_DEFINITION_KEYS = frozenset({
    "retryCount", "retryLogic", "retryDelaySeconds", "responseTimeoutSeconds", "timeoutSeconds", "timeoutPolicy",
    "inputKeys", "outputKeys", "concurrentExecLimit", "rateLimitPerFrequency", "pollTimeoutSeconds",
    "totalTimeoutSeconds", "backoffScaleFactor",
})  # fmt: skip
"""Fields by one of which a document that has a name and no tasks is known to be a task definition."""


class DefinitionKind(StrEnum):
    """What a definition is one of."""

    WORKFLOW = "workflow"
    TASK = "task"


class Found(NamedTuple):
    """One definition in a document."""

    kind: DefinitionKind
    path: Path
    fields: Fields


class Unreadable(OSError):
    """A file that cannot be read at all, and why."""


class NoDefinition(Unreadable):
    """A file that is no definition, whatever is in it: too large, or not UTF-8 text."""


@dataclass(frozen=True, eq=False)
class SourceFile:
    """One text; `name` is the file as findings show it."""

    name: str
    text: str

    @cached_property
    def parsed(self) -> tuple[Json, str, int]:
        """The document, what is wrong with it as JSON (empty: nothing), and the offset of that."""
        if len(self.text) > LARGEST_BYTES:
            return None, f"the file has {len(self.text) >> 20} MB: no definition is larger than 16 MB", 0
        if deeper := _too_deep(self.text):
            return None, f"is nested more than {DEEPEST} levels deep, which the server's reader refuses", deeper
        try:
            return json.loads(self.text, parse_constant=_no_constant), "", 0
        except json.JSONDecodeError as error:
            if is_yaml(self.text):
                return None, from_yaml(self.name), 0
            return None, f"is not JSON: {error.msg[0].lower()}{error.msg[1:]}", error.pos
        except (ValueError, RecursionError) as error:
            too_long = "digits" in str(error)  # as for the server's reader, which takes 1,000
            return None, "has a number of too many digits" if too_long else f"is not JSON: {error}", 0

    @property
    def document(self) -> Json:
        return self.parsed[0]

    @cached_property
    def positions(self) -> Positions:
        return Positions(self.text)

    @cached_property
    def definitions(self) -> tuple[Found, ...]:
        """Every definition in the document, outermost first."""
        return tuple(definitions(self.document))

    @cached_property
    def has_repeated_keys(self) -> bool:
        """Whether some object has a key twice: asked of the fast parser first, because places are slow to find."""
        found = False

        def note(pairs: list[tuple[str, Json]]) -> None:
            nonlocal found
            found = found or len({key for key, _ in pairs}) < len(pairs)

        json.loads(self.text, object_pairs_hook=note)
        return found

    @property
    def mentions_conductor(self) -> bool:
        """Whether a text that is not JSON wants to be a definition: only then is that worth a word in a folder."""
        return '"taskReferenceName"' in self.text or (
            '"responseTimeoutSeconds"' in self.text and '"timeoutSeconds"' in self.text
        )


def read_source(path: FilePath, name: str) -> SourceFile:
    """Read a file. Raises Unreadable."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise NoDefinition(f"{name}: {path.stat().st_size >> 20} MB: no definition is larger than 16 MB")
        return SourceFile(name, read_at_most(path, LARGEST_BYTES // MB).decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise NoDefinition(f"{name}: is not UTF-8 text") from None
    except OSError as error:
        if isinstance(error, Unreadable):
            raise
        near = ""
        if isinstance(error, FileNotFoundError):
            near = f": a link to {path.readlink()}" if path.is_symlink() else _beside(path, name)
        raise Unreadable(f"{name}: cannot be read: {error.strerror or error}{near}") from None


def _beside(path: FilePath, name: str) -> str:
    """Name the file of that folder which may have been meant."""
    from difflib import get_close_matches  # here: nearly every file is there

    with suppress(OSError):
        if near := get_close_matches(path.name, [each.name for each in path.parent.iterdir()], n=1):
            return f': did you mean "{name.removesuffix(path.name)}{near[0]}"?'
    return ""


def definitions(document: Json, path: Path = (), depth: int = 0) -> Iterator[Found]:
    """Find definitions: a document, a list of them, a start request, an answer of a server, any wrapping."""
    if isinstance(document, list):
        for index, each in enumerate(document):
            yield from definitions(each, (*path, index), depth)
    elif isinstance(document, Mapping):
        kind = kind_of(document)
        if kind is not None:
            yield Found(kind, path, document)
        elif not is_other(document) and depth < _WRAPPED_DEPTH:
            for key, each in document.items():
                if isinstance(each, Mapping | list):
                    yield from definitions(each, (*path, key), depth + 1)


def kind_of(fields: Fields) -> DefinitionKind | None:
    """Tell what a JSON object is by the fields that only its kind has; None: no definition."""
    tasks = fields.get("tasks")
    if is_other(fields):
        return None
    if isinstance(tasks, list):
        if not tasks:
            return DefinitionKind.WORKFLOW if "name" in fields else None
        if any(isinstance(task, Mapping) and ("taskReferenceName" in task or "type" in task) for task in tasks):
            return DefinitionKind.WORKFLOW
        return DefinitionKind.WORKFLOW if {"name", "version"} <= fields.keys() or "schemaVersion" in fields else None
    if "tasks" in fields and "name" in fields and {"version", "schemaVersion", "outputParameters"} & fields.keys():
        return DefinitionKind.WORKFLOW  # with something else where its tasks belong
    if "name" in fields and "taskReferenceName" not in fields and TASK_DEFINITION_KEYS & fields.keys():
        return DefinitionKind.TASK
    return None


def is_other(fields: Fields) -> bool:
    """Whether an object is an execution, a task of one or an event handler: those hold definitions, and are none.

    Nor is what k1n writes of a run, whose executions have lists of tasks.
    """
    if str(fields.get("schema", "")).startswith(_REPORTS):
        return True
    return "workflowId" in fields or "workflowInstanceId" in fields or ("event" in fields and "actions" in fields)


def _too_deep(text: str) -> int:
    """Return the offset at which the nesting exceeds what the server reads, 0 if it never does."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return 0
    depth = 0
    for match in _BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if depth > DEEPEST:
            return match.start()
    return 0


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no number of JSON")
