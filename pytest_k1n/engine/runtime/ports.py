"""What the parts of the engine ask of the whole: narrow views of `Engine`, so that no part needs to import it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from pytest_k1n.engine.definition import Definition
from pytest_k1n.engine.registry.catalogue import Catalogue
from pytest_k1n.engine.runtime.taskresults import TaskResult
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.values import JsonObject


class Evaluator(Protocol):
    """Evaluates executions at the instant at which everything now happens."""

    @property
    def now_ms(self) -> int: ...

    @property
    def executions(self) -> Mapping[str, ExecutionState]: ...

    def decide(self, execution: ExecutionState, changed: Iterable[TaskState] | None = None) -> None: ...


class ResultTaker(Protocol):
    """Takes what workers report."""

    @property
    def now_ms(self) -> int: ...

    def update(self, task: TaskState, result: TaskResult) -> None: ...


class WorkHost(Evaluator, ResultTaker, Protocol):
    """Has workers take tasks, within limits that count what is in progress anywhere."""


class Starter(Protocol):
    """Finds definitions, and starts executions of them after what is being done now."""

    @property
    def catalogue(self) -> Catalogue: ...

    def find(self, name: str, version: int | None) -> Definition: ...

    def start_soon(
        self,
        definition: Definition,
        input_: JsonObject,
        *,
        correlation_id: str | None = None,
        domains: dict[str, str] | None = None,
        priority: int = 0,
        starter: ExecutionState | None,
    ) -> ExecutionState:
        """Start an execution after what is being done now. Raises Illegal for the start that makes too many.

        `starter` is what it comes of, None where that is not known.
        """
        ...


class Parent(Evaluator, Starter, Protocol):
    """Starts and ends the children of sub-workflow tasks."""

    def start(
        self,
        definition: Definition,
        input_: JsonObject,
        *,
        correlation_id: str | None = None,
        domains: dict[str, str] | None = None,
        priority: int = 0,
        workflow_id: str | None = None,
        parent: TaskState | None = None,
    ) -> ExecutionState: ...

    def terminate(self, execution: ExecutionState, reason: str | None) -> None: ...


class Listener(ResultTaker, Starter, Protocol):
    """Does what event handlers ask for."""

    def execution(self, workflow_id: str) -> ExecutionState: ...

    def task(self, task_id: str) -> TaskState | None: ...


class SystemHost(Parent, Protocol):
    """Runs system tasks: reads the clock anew when an answer comes from outside."""

    def tick(self) -> int: ...
