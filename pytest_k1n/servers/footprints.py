"""What each end of a task touched, read off the engine: which outputs and variables it wrote, which it read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pytest_k1n.core.concurrency.interleavings import EVERYTHING, Event, Move
from pytest_k1n.core.definition.consumed import consumed
from pytest_k1n.core.definition.shape import JOINS, behind_joins, every_task, outputs_last
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import OPEN_TASK
from pytest_k1n.servers.ends import Ends

Document = Mapping[str, Any]
SHARED: Final = "what handlers share"
_LAST: Final = "the last task"
"""Which one it is matters where a workflow that declares no output ends with a JOIN: its output is that task's."""


class Footprints:
    """Makes moves of ends; what follows a JOIN belongs to the JOIN, not to the last task that it waited for."""

    def __init__(self, definitions: Sequence[Document]) -> None:
        """`definitions` are all that may run, inline ones among them."""
        self._behind = {
            str(each.get("name")): dict(behind_joins(each.get("tasks") or (), frozenset())) for each in definitions
        }
        self._ends_with_last = any(map(outputs_last, definitions))
        self._variables = {
            str(name)
            for definition in definitions
            for task in every_task(definition)
            if task.get("type") == "SET_VARIABLE"
            for name in task.get("inputParameters") or ()
        }

    def move(self, enabled: tuple[str, ...], name: str, task: TaskState, look: Ends, *, is_shared: bool) -> Move:
        """Make a move of the last end that was looked at."""
        joins = [each for each in look.ended if each.type in JOINS]
        own, behind = [task], {id(each): [each] for each in joins}
        for each in look.touched:
            over = [join for join in joins if self._is_behind(join, each)]
            if over:
                behind[id(min(over, key=lambda join: len(self._after(join))))].append(each)
            elif each not in joins and each is not task:
                own.append(each)
        writes = {SHARED} if is_shared else set()
        taken = any(
            each is not task and look.name(each) in enabled for each in look.ended
        )  # it could have ended itself
        if look.is_disruptive or taken or any(join.type == "EXCLUSIVE_JOIN" for join in joins):
            writes.add(EVERYTHING)
        set_by_tasks = {
            self._variable(each.execution, key, look)
            for each in look.touched
            if each.type == "SET_VARIABLE"
            for key in each.input
        }
        changed = {self._variable(state, key, look) for state, key in look.changed}
        writes |= changed - set_by_tasks  # by the action of an event handler
        reads = {each for state in look.completed for each in self._reads(state.definition.document, state, look)}
        event = self._event(name, own, look, writes=writes, reads=reads, after={look.made_by.get(id(task), "")})
        follow = []
        for join in joins:
            refs = [look.place(join.execution, ref) for ref in join.node.join_on]
            waited = {look.ended_by[ref] for ref in refs if ref in look.ended_by}
            at = f"{look.path(join.execution)}{join.ref}"
            follow.append(self._event(at, behind[id(join)], look, writes=set(), reads=set(), after=waited | {name}))
        return Move(enabled=enabled, event=event, follow=tuple(follow))

    def _after(self, join: TaskState) -> frozenset[str]:
        return self._behind.get(join.execution.definition.name, {}).get(join.plain_ref, frozenset())

    def _is_behind(self, join: TaskState, task: TaskState) -> bool:
        return task.execution is join.execution and task.plain_ref in self._after(join)

    def _event(
        self, name: str, tasks: Sequence[TaskState], look: Ends, *, writes: set[str], reads: set[str], after: set[str]
    ) -> Event:
        for task in tasks:
            if task.status not in OPEN_TASK:
                place = look.place(task.execution, task.plain_ref)
                writes.add(f"output {place}")
                look.ended_by[place] = name
                loop = task.node.loop
                while loop is not None:  # its condition is asked again
                    reads |= self._reads(loop.document, task.execution, look)
                    loop = loop.loop
            if id(task) in look.new:
                look.made_by[id(task)] = name
                writes |= {_LAST} if self._ends_with_last else set()
                reads |= self._reads(task.node.document, task.execution, look)
                if task.type == "SET_VARIABLE":
                    writes |= {self._variable(task.execution, key, look) for key in task.input}
        return Event(name=name, reads=frozenset(reads), writes=frozenset(writes), after=frozenset(after - {""}))

    def _reads(self, document: Document, state: ExecutionState, look: Ends) -> set[str]:
        whole = "tasks" in document
        found = consumed({"outputParameters": document.get("outputParameters")} if whole else document)
        variables = found.variables | self._variables if found.has_all_variables else found.variables
        outputs = {f"output {look.place(state, ref)}" for ref in found.outputs}
        return outputs | {self._variable(state, name, look) for name in variables}

    def _variable(self, state: ExecutionState, name: str, look: Ends) -> str:
        self._variables.add(name)
        return f"variable {look.place(state, name)}"
