"""How an execution begins: started by a request, by a task, an event or a failure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import suppress

from pytest_k1n.engine.decide.context import Broken
from pytest_k1n.engine.definition import Definition
from pytest_k1n.engine.dialect import Dialect
from pytest_k1n.engine.ids import seeded_id
from pytest_k1n.engine.problems import Problem
from pytest_k1n.engine.runtime.collecting import OnlyYoung
from pytest_k1n.engine.runtime.passing import PassingTime
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.values import JsonObject, store


class Beginning(PassingTime, ABC):
    """The part of the engine that makes executions; what evaluates and forgets them is the rest of it."""

    seed: int
    dialect: Dialect
    _started: dict[str, int]
    """Name -> how many executions of it have been started: makes the next one's id."""

    @abstractmethod
    def decide(self, execution: ExecutionState, changed: Iterable[TaskState] | None = None) -> None:
        """Evaluate an execution and carry out what that asks for."""

    @abstractmethod
    def forget(self, execution: ExecutionState) -> None:
        """Remove an execution, with all that is kept of it."""

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
    ) -> ExecutionState:
        """Start an execution and evaluate it; its first tasks are queued when this returns.

        `domains` is None where nobody has given any, not even none.
        """
        if parent is not None:
            self.guards.nest(self._names_down_to(parent.execution))
            self._count_start(definition, parent.execution)
        with OnlyYoung():
            execution = self._create(definition, input_, workflow_id)
            execution.correlation_id = correlation_id
            execution.domains, execution.lacks_domains = domains or {}, domains is None
            execution.priority = priority
            if parent is not None:
                execution.parent_id, execution.parent_task_id = parent.execution.workflow_id, parent.task_id
                execution.waited_by = parent
                execution.origin = parent.execution.origin
            self._begin_execution(execution)
            if parent is None:  # a child starts among what is being settled: a wide fork's would lie in one another
                self._agenda.settle()
        execution.lacks_domains = False
        return execution

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
        """Start an execution that is evaluated after what is being done now. Raises Endless."""
        self._count_start(definition, starter)
        execution = self._create(definition, input_, None)
        if starter is not None:
            execution.origin = starter.origin
        execution.correlation_id, execution.domains, execution.priority = correlation_id, domains or {}, priority
        self._agenda.soon(self._begin_if_possible, execution)
        return execution

    def _count_start(self, definition: Definition, starter: ExecutionState | None) -> None:
        """Count a start that comes of one that a request has asked for. Raises Endless."""
        name, origin = definition.name, starter.origin if starter is not None else ""
        what = f"start/{origin}/{name}"
        self.guards.again(what, self.now_ms, lambda: f"executions have started executions of {name}")

    def _names_down_to(self, execution: ExecutionState) -> list[str]:
        """Name the workflows that an execution lies in, and its own, outermost first."""
        names = [execution.definition.name]
        while (outer := self.executions.get(execution.parent_id or "")) is not None:
            execution = outer
            names.append(execution.definition.name)
        return names[::-1]

    def _begin_execution(self, execution: ExecutionState) -> None:
        """Evaluate an execution for the first time; nothing is left of one that cannot begin. Raises Problem."""
        try:
            self.decide(execution)
        except Broken as error:
            self.forget(execution)
            raise error.problem(str(error)) from None
        execution.begins = False
        if execution.parent_id is None and execution.variables != execution.definition.variables:
            execution.first_variables = execution.variables

    def _begin_if_possible(self, execution: ExecutionState) -> None:
        with suppress(Problem):  # the caller has gone on
            self._begin_execution(execution)
        store(execution.input)

    def _create(self, definition: Definition, input_: JsonObject, workflow_id: str | None) -> ExecutionState:
        if workflow_id is None:
            nth = self._started.get(definition.name, 0) + 1
            self._started[definition.name] = nth
            workflow_id = seeded_id(self.seed, f"{definition.name}/{nth}")
        execution = ExecutionState(
            workflow_id, definition, self.now_ms, definition.with_template(input_), self.seed, self.dialect
        )
        self.executions[workflow_id] = execution
        return execution
