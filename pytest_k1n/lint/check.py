"""What a check is, and what it finds: plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from pytest_k1n.core.model import Json

Path = tuple[str | int, ...]
"""Where in a JSON document: the keys and indexes from its root."""

Fields = Mapping[str, Json]


class Level(StrEnum):
    """How bad: an error is refused, fails or hangs; a warning runs, and is regretted; info has no effect."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Level).index(self)


class Hit(NamedTuple):
    """One place where a check found something, before it is known which file and line that is."""

    path: Path
    message: str
    fix: str = ""
    """What to do here; empty: what the check says for all its findings."""
    level: Level | None = None
    """How bad it is here, where that is not the check's own level."""
    ref: str = ""
    """The task at fault; empty: the definition."""


class Target(StrEnum):
    """What a check looks at."""

    FILE = "file"
    WORKFLOW = "workflow definition"
    TASK = "task definition"


@dataclass(frozen=True, slots=True, kw_only=True)
class LintCheck:
    """One row of the table."""

    code: str
    level: Level
    title: str
    """What is wrong, in a few words."""
    why: str
    """What Conductor does with it."""
    fix: str
    find: Callable[[Any], Iterable[Hit]]
    """Takes a `SourceFile`, a `WorkflowSubject` or a `TaskSubject`, by `target`."""
    target: Target = Target.WORKFLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class LintFinding:
    """One finding in a file."""

    code: str
    level: Level
    file: str
    line: int
    column: int
    pointer: str
    """JSON pointer (RFC 6901) of the value at fault; empty: the whole document."""
    subject: str
    """`workflow NAME` or `task NAME`; empty: the file."""
    ref: str
    message: str
    fix: str


def pointer(path: Path) -> str:
    """Write a path as a JSON pointer."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
