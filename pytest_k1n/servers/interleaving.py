"""All orders in which the parallel tasks of a workflow can end, run on the embedded engine: is the outcome always one?

A run is one execution on an engine of its own. Every open worker task is in hand; which of them ends next is a choice.
What a choice touched is read off the engine: tasks that ended or were scheduled because of it, the outputs and
variables that these read, the variables that were set. What follows a JOIN belongs to the JOIN, not to the last task.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from pytest_k1n.core.concurrency.interleavings import Choose, Course, Move, bridge, count_orders, explore
from pytest_k1n.core.concurrency.mishaps import Mishap, draw, numbered, surviving
from pytest_k1n.core.concurrency.races import SHOWN, Harm, Interleavings, Race, differences
from pytest_k1n.core.definition.shape import JOINS, inline_definitions
from pytest_k1n.core.model import Json
from pytest_k1n.core.standins.answers import Answers
from pytest_k1n.core.standins.rehearsed import plausible_outputs
from pytest_k1n.core.standins.replies import Replies
from pytest_k1n.engine.state import TaskState
from pytest_k1n.servers.alone import EngineExecution, start_alone
from pytest_k1n.servers.ends import Ends, is_answered
from pytest_k1n.servers.footprints import Footprints
from pytest_k1n.servers.handlerworker import HandlerWorker
from pytest_k1n.workers.registry import Given, Handlers

Document = Mapping[str, Any]
MakeHandlers = Callable[[], Given]
_MOST_MOVES: Final = 10_000
_UNTOLD: Final = ("_k1n", "subWorkflowId", "workflowId")
"""Parts of inputs and outputs that are other ones in every run."""


def interleavings(
    definition: Document,
    *,
    input: Mapping[str, Json] | None = None,
    handlers: Given | MakeHandlers | None = None,
    children: Sequence[Document] = (),
    task_definitions: Sequence[Document] = (),
    replies: Replies | None = None,
    answers: Answers | None = None,
    event_handlers: Sequence[Document] = (),
    phase: Collection[str] = (),
    limit: int = 2_000,
    pure: bool = False,
    seed: int = 0,
    faults: int | Collection[int] = 0,
    fault_seed: int = 0,
) -> Interleavings:
    """Run a workflow once for each order of ends that could matter.

    `handlers` are called when their task ends; those that are Python code may share something, so that all orders of
    theirs are run, unless `pure` says that they do not. Give a function that makes them anew where they keep state.
    `replies` answer HTTP tasks, anew in each run. `answers` say what people answer; when they do is what is varied.
    `event_handlers` act on what the workflow publishes.
    `phase` names the refs whose order is varied, and at which faults strike; all if it is empty. Then come `faults`
    runs more, or those with these numbers: each takes an order and one fault between its ends that `fault_seed` draws.

    Raises ConductorError, TimeoutError, ValueError for a limit below 1.
    """
    if type(limit) is not int or limit < 1:
        raise ValueError(f"limit must be how many orders may be run, from 1, not {limit!r}")
    program = _Program(
        definition, input or {}, handlers, children, task_definitions, replies or {}, answers or {}, event_handlers,
        phase=frozenset(phase), pure=pure, seed=seed,
    )  # fmt: skip
    numbers = numbered(faults)
    began = time.perf_counter()
    explored = explore(program.run, limit=limit)
    took_s = time.perf_counter() - began
    struck = list(_struck(program, numbers, fault_seed, explored.courses))
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
        ends=tuple(dict.fromkeys(map(_end, ordered))),
        faults=len(struck),
        harms=tuple(each for each in struck if each is not None),
    )


def _struck(program: _Program, numbers: Sequence[int], seed: int, courses: Sequence[Course]) -> Iterator[Harm | None]:
    """Run orders with a fault each; of each that struck say the harm: None if an order without it comes out alike."""
    unharmed = [surviving(json.loads(outcome)) for outcome in {course.outcome or "{}": None for course in courses}]
    ends = max((len(course.moves) for course in courses), default=1)
    for number in numbers:
        mishap, order, outcome = program.walk(number, seed, ends=ends)
        survived = surviving(json.loads(outcome))
        if mishap and survived in unharmed:
            yield None
        elif mishap:
            differs = tuple(differences(unharmed[0], survived))[:SHOWN]
            yield Harm(mishap=mishap, seed=seed, order=order, differs=differs)


class _Program:
    """A workflow that can be run in any order."""

    def __init__(
        self,
        definition: Document,
        input: Mapping[str, Json],
        handlers: Given | MakeHandlers | None,
        children: Sequence[Document],
        task_definitions: Sequence[Document],
        replies: Replies,
        answers: Answers,
        event_handlers: Sequence[Document],
        *,
        phase: frozenset[str],
        pure: bool,
        seed: int,
    ) -> None:
        self._definition, self._input, self._handlers = definition, input, handlers
        self._children, self._task_definitions = children, task_definitions
        self._replies, self._answers, self._event_handlers = replies, answers, event_handlers
        self._phase, self._pure, self._seed = phase, pure, seed
        written = (definition, *children)
        definitions = (*written, *(inner for each in written for inner in inline_definitions(each)))
        self._footprints = Footprints(definitions)
        self._expected = plausible_outputs(definitions)

    def run(self, choose: Choose) -> Course:
        """Run it once, as `choose` says."""
        execution, handlers, worker = self._start()
        look = Ends(execution, expected=self._expected, answers=self._answers)
        moves: list[Move] = []
        while open_ := look.open():
            enabled = self._enabled(open_, len(moves))
            name = choose(enabled, moves[-1] if moves else None)
            if name is None:
                return Course(tuple(moves), None)
            task = open_[name]
            own = handlers.own(task.plain_ref, task.type, name=task.name, iteration=task.iteration)
            is_shared = not self._pure and own is not None and own.example is None
            look.end(task, worker)
            moves.append(self._footprints.move(enabled, name, task, look, is_shared=is_shared))
        return Course(tuple(moves), json.dumps(_outcome(execution), sort_keys=True))

    def walk(self, number: int, seed: int, *, ends: int) -> tuple[Mishap | None, tuple[str, ...], str]:
        """Run one order with one fault, both drawn; return the fault, if it struck, the order and the outcome."""
        execution, _, worker = self._start()
        look = Ends(execution, expected=self._expected, answers=self._answers)
        mishap, random = draw(number, seed)
        struck: Mishap | None = None
        order: list[str] = []
        passed_over = random.randrange(len(self._phase) or ends)
        while open_ := look.open():
            name = random.choice(self._enabled(open_, len(order)))
            task = open_[name]
            order.append(name)
            is_out = bool(self._phase) and task.plain_ref not in self._phase
            if struck or is_out or passed_over or is_answered(task):
                passed_over -= not is_out and passed_over > 0
                look.end(task, worker)
                continue
            struck = replace(mishap, ref=name)
            order[-1] = f"{name} ({mishap.kind})"
            if mishap.kind == "repeated":
                look.end(task, worker, times=2)
            elif not look.lose(task, worker if mishap.kind == "unreported" else None):
                struck = None  # it has no lease that could run out
                look.end(task, worker)
        return struck, tuple(order), json.dumps(_outcome(execution), sort_keys=True)

    def _start(self) -> tuple[EngineExecution, Handlers, HandlerWorker]:
        given = self._handlers() if callable(self._handlers) else self._handlers
        handlers = Handlers(given)
        worker = HandlerWorker(handlers, seed=self._seed, jitters={"": 0})
        execution = start_alone(
            self._definition,
            HandlerWorker(Handlers({})),
            input=self._input,
            children=self._children,
            task_definitions=self._task_definitions,
            simulates_rest=False,
            replies=self._replies,
            event_handlers=self._event_handlers,
            seed=self._seed,
        )
        return execution, handlers, worker

    def _enabled(self, open_: Mapping[str, TaskState], done: int) -> tuple[str, ...]:
        """Name the tasks of which one is to end next. Raises TimeoutError after very many."""
        if done > _MOST_MOVES:
            raise TimeoutError(f"{self._definition.get('name')} has not ended after {_MOST_MOVES:,} tasks")
        fixed = [name for name, task in open_.items() if self._phase and task.plain_ref not in self._phase]
        return (fixed[0],) if fixed else tuple(open_)

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


def _following(order: Sequence[str]) -> Choose:
    left = iter(order)

    def choose(enabled: tuple[str, ...], _before: Move | None) -> str | None:
        name = next(left, None)
        return name if name in enabled else None

    return choose


def _race(before: Course, after: Course, upto: int) -> Race:
    one, other = (json.loads(course.outcome or "{}") for course in (before, after))
    return Race(first=before.order[:upto], second=after.order[:upto], differs=tuple(differences(one, other))[:SHOWN])


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
                if task.type not in JOINS
            },
        }
        for index, state in enumerate(execution.executions())
    }


def _end(course: Course) -> str:
    """Return how an execution has ended: the first that its outcome tells of."""
    first = next(iter(json.loads(course.outcome or "{}").values()), None)
    return str(first["status"]) if first else ""


def _told(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _told(each) for key, each in value.items() if key not in _UNTOLD}
    return [_told(each) for each in value] if isinstance(value, list | tuple) else value
