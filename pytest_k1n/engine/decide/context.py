"""What an evaluation may ask of the world, and what it tells the world to do.

The decider stays pure with this: it reads definitions through `Context`, changes the execution it was given, and
leaves everything else (queues, timers, other executions) as `Effects` for the engine to carry out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pytest_k1n.engine.decide.domains import Polled
from pytest_k1n.engine.definition import Definition, TaskDef
from pytest_k1n.engine.dialect import CURRENT, Dialect
from pytest_k1n.engine.problems import Illegal, InvalidInput, Problem
from pytest_k1n.engine.state import ExecutionState, TaskState

if TYPE_CHECKING:
    from pytest_k1n.engine.language.scripts import Scripts


class Definitions(Protocol):
    """Looks up what is registered now."""

    def task_definition(self, name: str) -> TaskDef | None: ...

    def workflow(self, name: str, version: int | None) -> Definition | None: ...


class Again(Protocol):
    """Counts what is done once more. Raises Illegal for what has no end, in words between `what` and what is `seen`."""

    def __call__(self, key: str, now_ms: int, what: Callable[[], str], seen: Callable[[], str] = str) -> None: ...


class Broken(InvalidInput):
    """Input that the server breaks on with an error of its own: a start is answered so.

    Where an execution is under way already the server leaves it stuck; here it fails with the same words.
    """

    def __init__(self, text: str, *, problem: type[Problem] = Illegal) -> None:
        super().__init__(text)
        self.problem = problem
        """What the start answers."""


class Effects:
    """What must happen outside an execution after an evaluation, in this order."""

    __slots__ = ("ended", "queued", "started_failures", "terminated", "unqueued")

    def __init__(self) -> None:
        self.queued: list[TaskState] = []
        """New or returned tasks, each due `callback_s` after now."""
        self.unqueued: list[TaskState] = []
        self.terminated: list[tuple[str, str]] = []
        """(child execution, reason) for each sub-workflow whose parent task was canceled."""
        self.started_failures: list[tuple[ExecutionState, str | None]] = []
        """(ended execution, id of the failed task) whose failureWorkflow is to be started."""
        self.ended: list[ExecutionState] = []

    def __bool__(self) -> bool:
        return bool(self.queued or self.unqueued or self.terminated or self.ended)


@dataclass(slots=True)
class Context:
    """One evaluation: when it happens, what is registered, and its effects."""

    now_ms: int
    seed: int
    definitions: Definitions
    scripts: Scripts
    effects: Effects
    polled: Polled
    """When a domain's queue was last polled."""
    again: Again
    """Counts what is done once more."""
    dialect: Dialect = CURRENT
    moved: set[TaskState] | None = None
    """Open loops that it moved on last and had not looked at before; None: it has not come to the loops yet."""
    begun: list[TaskState] = field(default_factory=list)
    """Loops that have begun an iteration."""
