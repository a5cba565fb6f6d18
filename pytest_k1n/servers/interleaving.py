"""All orders in which the parallel tasks of a workflow can end, run on the embedded engine: is the outcome always one?

A run is one execution on an engine of its own. Every open worker task is in hand; which of them ends next is a choice.
What a choice touched is read off the engine: tasks that ended or were scheduled because of it, the outputs and
variables that these read, the variables that were set. What follows a JOIN belongs to the JOIN, not to the last task.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pytest_k1n.core.interleavings import EVERYTHING, Choose, Course, Event, Move, bridge, count_orders, explore
from pytest_k1n.core.model import SYSTEM_TASK_TYPES, Json
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import CANCELED, COMPLETED, OPEN_TASK, TERMINAL_WORKFLOW
from pytest_k1n.servers.alone import WITHIN_MS, EngineExecution, start_alone
from pytest_k1n.servers.embedded import HandlerWorker
from pytest_k1n.workers.registry import Given, Handlers

Document = Mapping[str, Any]
MakeHandlers = Callable[[], Given]
_MOST_MOVES: Final = 10_000
_ANSWERED: Final = ("WAIT", "HUMAN")
_JOINS: Final = ("JOIN", "EXCLUSIVE_JOIN")
_EXPRESSION = re.compile(r"\$\{\s*([^.\[${}\s]+)(?:\.variables\.([^.\[${}\s]+))?")
_SHARED = "what handlers share"
_LAST = "the last task"
"""Which one it is matters where a workflow that declares no output ends with a JOIN: its output is that task's."""
_UNTOLD: Final = ("_k1n", "subWorkflowId", "workflowId")
"""Parts of inputs and outputs that are other ones in every run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Two orders that differ in nothing but two neighbours, and what comes of each."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    differs: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"the outcome depends on whether {self.first[-2]} or {self.first[-1]} ends first"]
        lines += [f"  order {', '.join(order)}" for order in (self.first, self.second)]
        return "\n".join([*lines, *(f"  {each}" for each in self.differs)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Interleavings:
    """What came of all orders."""

    orders: tuple[tuple[str, ...], ...]
    """One for each class of orders that could matter; refs in the order of their ends."""
    outcomes: int
    """How many different ones."""
    races: tuple[Race, ...]
    is_complete: bool
    """Whether all classes were run, within the limit."""
    all_orders: int | None
    """How many orders there are without reduction; None if that is too many to count."""
    took_s: float

    def check(self) -> None:
        """Raise AssertionError if the outcome depends on the order, or not all orders were run."""
        __tracebackhide__ = True
        if self.races:
            raise AssertionError("\n".join(map(str, self.races)))
        if not self.is_complete:
            raise AssertionError(f"{self}: raise the limit, or permute only a phase")

    def __str__(self) -> str:
        of = "" if self.all_orders is None else f" of {self.all_orders:,}"
        rate = f"{len(self.orders) / self.took_s:,.0f} a second" if self.took_s else "at once"
        end = "" if self.is_complete else ", not all of them"
        return f"{len(self.orders)} orders{of} were run ({rate}){end}: {self.outcomes} outcome(s)"


def interleavings(
    definition: Document,
    *,
    input: Mapping[str, Json] | None = None,
    handlers: Given | MakeHandlers | None = None,
    children: Sequence[Document] = (),
    task_definitions: Sequence[Document] = (),
    phase: Collection[str] = (),
    limit: int = 2_000,
    pure: bool = False,
    seed: int = 0,
) -> Interleavings:
    """Run a workflow once for each order of ends that could matter.

    `handlers` are called when their task ends; those that are Python code may share something, so that all orders of
    theirs are run, unless `pure` says that they do not. Give a function that makes them anew where they keep state.
    `phase` names the refs whose order is varied; all if it is empty. Raises ConductorError, TimeoutError.
    """
    program = _Program(
        definition, input or {}, handlers, children, task_definitions, phase=frozenset(phase), pure=pure, seed=seed
    )
    began = time.perf_counter()
    explored = explore(program.run, limit=limit)
    took_s = time.perf_counter() - began
    firsts: dict[str, Course] = {}
    for course in explored.courses:
        firsts.setdefault(course.outcome or "", course)
    ordered = sorted(firsts.values(), key=lambda course: len(course.moves))
    return Interleavings(
        orders=tuple(course.order for course in explored.courses),
        outcomes=len(firsts),
        races=tuple(program.race(ordered[0], other) for other in ordered[1:]),
        is_complete=explored.is_complete,
        all_orders=count_orders(explored),
        took_s=took_s,
    )


class _Program:
    """A workflow that can be run in any order."""

    def __init__(
        self,
        definition: Document,
        input: Mapping[str, Json],
        handlers: Given | MakeHandlers | None,
        children: Sequence[Document],
        task_definitions: Sequence[Document],
        *,
        phase: frozenset[str],
        pure: bool,
        seed: int,
    ) -> None:
        self._definition, self._input, self._handlers = definition, input, handlers
        self._children, self._task_definitions = children, task_definitions
        self._phase, self._pure, self._seed = phase, pure, seed
        self._tasks = {str(each["taskReferenceName"]): each for each in _walk(definition)}
        self._behind = dict(_behind_joins(definition.get("tasks") or (), frozenset()))
        self._ends_with_last = any(_outputs_last(each) for each in (definition, *children, *_inline(definition)))
        self._variables = frozenset(
            f"variable {name}"
            for task in self._tasks.values()
            if task.get("type") == "SET_VARIABLE"
            for name in task.get("inputParameters") or ()
        )

    def run(self, choose: Choose) -> Course:
        """Run it once, as `choose` says."""
        given = self._handlers() if callable(self._handlers) else self._handlers
        handlers = Handlers(given)
        worker = HandlerWorker(handlers, seed=self._seed, jitter=0)
        execution = start_alone(
            self._definition,
            HandlerWorker(Handlers({})),
            input=self._input,
            children=self._children,
            task_definitions=self._task_definitions,
            simulates_rest=False,
            seed=self._seed,
        )
        look = _Look(execution)
        moves: list[Move] = []
        while open_ := look.open():
            if len(moves) > _MOST_MOVES:
                raise TimeoutError(f"{self._definition.get('name')} has not ended after {_MOST_MOVES:,} tasks")
            enabled = tuple(open_)
            if self._phase and (fixed := [name for name, task in open_.items() if task.plain_ref not in self._phase]):
                enabled = (fixed[0],)
            name = choose(enabled, moves[-1] if moves else None)
            if name is None:
                return Course(tuple(moves), None)
            task = open_[name]
            is_shared = not self._pure and handlers.has(task.plain_ref, task.type, name=task.name)
            look.end(task, worker)
            moves.append(self._move(enabled, name, task, look, is_shared=is_shared))
        return Course(tuple(moves), json.dumps(_outcome(execution), sort_keys=True))

    def race(self, one: Course, other: Course) -> Race:
        """Make of two orders with different outcomes two that differ in two neighbours only."""
        before = one
        for order in bridge(one.order, other.order):
            after = self.run(_following(order))
            if after.order != order:
                break
            if after.outcome != before.outcome:
                swapped = next(index for index, (a, b) in enumerate(zip(before.order, order, strict=True)) if a != b)
                return _race(before, after, swapped + 2)
            before = after
        return _race(one, other, max(len(one.order), len(other.order)))

    def _move(self, enabled: tuple[str, ...], name: str, task: TaskState, look: _Look, *, is_shared: bool) -> Move:
        joins = [each for each in look.ended if each.type in _JOINS]
        own, behind = [task], {id(each): [each] for each in joins}
        for each in look.touched:
            over = [join for join in joins if each.plain_ref in self._behind.get(join.plain_ref, ())]
            if over:
                behind[id(min(over, key=lambda join: len(self._behind[join.plain_ref])))].append(each)
            elif each not in joins and each is not task:
                own.append(each)
        writes = {_SHARED} if is_shared else set()
        if look.is_disruptive or any(join.type == "EXCLUSIVE_JOIN" for join in joins):
            writes.add(EVERYTHING)
        event = self._event(name, own, look, writes=writes, after={look.made_by.get(id(task), "")})
        follow = []
        for join in joins:
            refs = [str(ref) for ref in (self._tasks.get(join.plain_ref) or {}).get("joinOn") or ()]
            waited = {look.ended_by[ref] for ref in refs if ref in look.ended_by}
            follow.append(self._event(join.ref, behind[id(join)], look, writes=set(), after=waited | {name}))
        return Move(enabled=enabled, event=event, follow=tuple(follow))

    def _event(self, name: str, tasks: Sequence[TaskState], look: _Look, *, writes: set[str], after: set[str]) -> Event:
        reads: set[str] = set()
        for task in tasks:
            if task.status not in OPEN_TASK:
                writes.add(f"output {task.plain_ref}")
                look.ended_by[task.plain_ref] = name
            if id(task) in look.new:
                look.made_by[id(task)] = name
                writes |= {_LAST} if self._ends_with_last else set()
                reads |= self._reads(task)
                if task.type == "SET_VARIABLE":
                    writes |= {f"variable {key}" for key in task.input}
        return Event(name=name, reads=frozenset(reads), writes=frozenset(writes), after=frozenset(after - {""}))

    def _reads(self, task: TaskState) -> set[str]:
        document = self._tasks.get(task.plain_ref)
        if document is None:
            return set()
        nested = ("forkTasks", "decisionCases", "defaultCase", "loopOver")
        text = json.dumps({key: value for key, value in document.items() if key not in nested})
        found: set[str] = set()
        for source, variable in _EXPRESSION.findall(text):
            if source != "workflow":
                found.add(f"output {source}")
            elif variable:
                found.add(f"variable {variable}")
        return found | self._variables if "workflow.variables}" in text else found


class _Look:
    """What of an execution and its children changed with the last end of a task."""

    def __init__(self, execution: EngineExecution) -> None:
        self._execution = execution
        self.ended_by: dict[str, str] = {}
        """Ref -> the event by which it ended."""
        self.made_by: dict[int, str] = {}
        self._statuses: dict[int, str] = {}
        self._worked: dict[int, int] = {}
        self.new: set[int] = set()
        self.touched: list[TaskState] = []
        self.ended: list[TaskState] = []
        self.is_disruptive = False
        self._settle()
        self._compare()

    def open(self) -> dict[str, TaskState]:
        """Return the tasks that could end next, by name."""
        found: dict[str, TaskState] = {}
        for state in self._execution.executions():
            if state.status not in TERMINAL_WORKFLOW:
                found |= {self._name(task): task for task in state.live if _is_in_hand(task)}
        return found

    def end(self, task: TaskState, worker: HandlerWorker) -> None:
        """Do the work of a task, report it, and let what follows of itself happen."""
        with worker.within(WITHIN_MS):
            result = worker.work(task)
        self._worked[id(task)] = self._worked.get(id(task), 0) + 1
        self._execution.work(task, result.status, result.output, result.reason)
        self._settle()
        self._compare()

    def _settle(self) -> None:
        """Let virtual time pass only where nothing else can happen: a timer is no order of ends."""
        if not self.open() and not self._execution.is_terminal:
            self._execution.settle_all(WITHIN_MS, until=lambda: bool(self.open()))

    def _compare(self) -> None:
        self.new, self.touched, self.ended, self.is_disruptive = set(), [], [], False
        for state in self._execution.executions():
            if state.status in TERMINAL_WORKFLOW and state.status != COMPLETED:
                self.is_disruptive = True
            for task in state.tasks:
                before = self._statuses.get(id(task))
                if before == task.status:
                    continue
                self._statuses[id(task)] = task.status
                self.touched.append(task)
                if before is None:
                    self.new.add(id(task))
                if task.status not in OPEN_TASK:
                    self.ended.append(task)
                self.is_disruptive |= task.status == CANCELED

    def _name(self, task: TaskState) -> str:
        again = f"@{worked + 1}" if (worked := self._worked.get(id(task), 0)) else ""
        attempt = f"#{task.attempt + 1}" if task.attempt else ""
        return f"{self._path(task.execution)}{task.ref}{attempt}{again}"

    def _path(self, state: ExecutionState) -> str:
        if state.workflow_id == self._execution.workflow_id:
            return ""
        for other in self._execution.executions():
            for task in other.tasks:
                if task.sub_id == state.workflow_id:
                    return f"{self._path(other)}{task.ref}/"
        return f"{state.definition.name}/"


def _is_in_hand(task: TaskState) -> bool:
    if task.status not in OPEN_TASK:
        return False
    return task.type not in SYSTEM_TASK_TYPES or (task.type in _ANSWERED and not task.due_ms)


def _following(order: Sequence[str]) -> Choose:
    left = iter(order)

    def choose(enabled: tuple[str, ...], _before: Move | None) -> str | None:
        name = next(left, None)
        return name if name in enabled else None

    return choose


def _race(before: Course, after: Course, upto: int) -> Race:
    one, other = (json.loads(course.outcome or "{}") for course in (before, after))
    return Race(first=before.order[:upto], second=after.order[:upto], differs=tuple(_differences(one, other, ""))[:6])


def _differences(one: Any, other: Any, where: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from _differences(one.get(key), other.get(key), f"{where}.{key}" if where else key)
    elif one != other:
        yield f"{where}: {json.dumps(one)} or {json.dumps(other)}"


def _outcome(execution: EngineExecution) -> dict[str, Any]:
    """Return what must not depend on the order: statuses, inputs, outputs, variables; no times and ids."""
    return {
        f"{state.definition.name}{f' {index}' if index else ''}": {
            "status": state.status,
            "output": _told(state.output),
            "variables": _told(state.variables),
            "tasks": {
                f"{task.ref}#{task.attempt + 1}": [task.status, _told(task.input), _told(task.output)]
                for task in state.tasks
                if task.type not in _JOINS
            },
        }
        for index, state in enumerate(execution.executions())
    }


def _told(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _told(each) for key, each in value.items() if key not in _UNTOLD}
    return [_told(each) for each in value] if isinstance(value, list | tuple) else value


def _walk(document: Any) -> Iterator[Document]:
    """Find all workflow tasks in a definition, nested ones included."""
    if isinstance(document, Mapping):
        if "taskReferenceName" in document:
            yield document
        for value in document.values():
            yield from _walk(value)
    elif isinstance(document, list | tuple):
        for each in document:
            yield from _walk(each)


def _inline(document: Any) -> Iterator[Document]:
    """Find the definitions of sub-workflows that stand in a definition itself."""
    for task in _walk(document):
        inner = (task.get("subWorkflowParam") or {}).get("workflowDefinition")
        if isinstance(inner, Mapping):
            yield inner


def _outputs_last(definition: Document) -> bool:
    tasks = list(definition.get("tasks") or [])
    return not definition.get("outputParameters") and bool(tasks) and tasks[-1].get("type") != "SIMPLE"


def _behind_joins(tasks: Sequence[Document], after: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Say of each JOIN which refs come after it in the definition; `after` is what comes after all of these tasks."""
    for index, task in enumerate(tasks):
        rest = after | {str(each["taskReferenceName"]) for each in _walk(list(tasks[index + 1 :]))}
        if task.get("type") in _JOINS:
            yield str(task["taskReferenceName"]), rest
        cases = (task.get("decisionCases") or {}).values()
        nested = [*(task.get("forkTasks") or ()), *cases, task.get("defaultCase") or (), task.get("loopOver") or ()]
        for branch in nested:
            yield from _behind_joins(branch, rest)
