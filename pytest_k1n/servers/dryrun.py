"""A dry run: one execution on an engine of its own, in virtual time, that touches nothing outside this process."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pytest_k1n.core.definition.inlining import names_in, refs_in_loops, startable
from pytest_k1n.core.model import Json
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.standins.fitting import fitting_ms
from pytest_k1n.core.standins.rehearsed import Simulated, inputs_read, plausible_outputs, rehearsed
from pytest_k1n.core.standins.simulation import DEFAULT_ESTIMATE_MS
from pytest_k1n.core.text import one_line
from pytest_k1n.engine.decide.waits import waits_for_answer
from pytest_k1n.engine.problems import Problem
from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.registry.constraints import demand_sound
from pytest_k1n.engine.registry.wiredefaults import workflow_document
from pytest_k1n.engine.state import TaskState
from pytest_k1n.engine.status import IN_PROGRESS, OPEN_TASK, TERMINAL_WORKFLOW
from pytest_k1n.servers.alone import EngineExecution, start_alone
from pytest_k1n.servers.dryrequests import DryRequests
from pytest_k1n.servers.handlerworker import HandlerWorker
from pytest_k1n.workers.handler import NamedHandler, TaskContext, TaskFailed
from pytest_k1n.workers.registry import Given, Handlers
from pytest_k1n.workers.simulated import run_simulated, simulated_with

Document = Mapping[str, Any]
_MOST_ANSWERS: Final = 1000
"""Tasks that wait for an answer and get it: a loop of them would go on for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What came of a dry run."""

    family: tuple[Observation, ...]
    """The execution, and those that it has led to."""
    outside: tuple[Simulated, ...]
    """What was simulated although the server itself would have done it."""
    answered: tuple[str, ...]
    """Refs of the tasks that waited for an answer, and got one."""
    not_given: tuple[str, ...]
    """Keys of the input that the definitions read and that were not given."""
    unmatched: tuple[str, ...]
    """Keys of handlers, failures and durations that matched nothing."""
    names: frozenset[str]
    """What they could have matched: refs, task names and types, those of children that were not started included."""
    doubts: Mapping[str, str]
    """Ref -> why a server would not send its request, where that comes of values that were not given, or made up."""
    stuck: str | None
    """What it waits for, if it has not ended."""

    @property
    def main(self) -> Observation:
        return self.family[0]


def dry_run(
    definition: Document,
    *,
    input: Mapping[str, Json],
    children: Sequence[Document] = (),
    task_definitions: Sequence[Document] = (),
    handlers: Given | None = None,
    offered: Mapping[str, NamedHandler] | None = None,
    failing: Mapping[str, int | None] | None = None,
    takes_ms: Mapping[str, int] | None = None,
    within_ms: int = 20_000,
) -> DryRun:
    """Run a definition to its end.

    `failing` says how many attempts of a task fail, by ref or task name; None: all of them. Tasks that wait for
    an answer get it after their `takes_ms`, a minute of virtual time if it is not given. Raises TimeoutError
    after `within_ms` of real time, ConductorError if the engine refuses the definition, ValueError if a server would.
    """
    demand_taken(definition)
    started = [definition, *startable(definition, children)]
    changed = [rehearsed(each, [definition, *children]) for each in started]
    documents = [document for document, _ in changed]
    examples = plausible_outputs(started)
    named = {key: _failing(key, times, (handlers or {}).get(key), examples) for key, times in (failing or {}).items()}
    requests = DryRequests(
        str(definition.get("name")),
        (each for _, found in changed for each in found),
        given=input.keys(),
        is_answered=lambda ref: collected.has(ref, ref),
    )
    collected = Handlers({**(handlers or {}), **named}, offered=offered, rest=_plausibly(examples, requests))
    execution = start_alone(
        documents[0],
        HandlerWorker(
            collected,
            takes_ms={**fitting_ms(started, task_definitions, takes_ms or {}), **(takes_ms or {})},
            jitters={"": 0},
        ),
        input=input,
        children=documents[1:],
        task_definitions=task_definitions,
        is_dry=True,
        within_ms=within_ms,
    )
    answered = _to_the_end(execution, collected, examples, takes_ms or {}, within_ms)
    family = execution.family()
    known = {name for each in family for record in each.execution.tasks for name in (record.ref, record.type)}
    known |= {name for each in family for task in each.definition.walk() for name in (task.ref, task.name)}
    known |= names_in(started)
    looped = refs_in_loops(started) | {r.ref for each in family for r in each.execution.tasks if r.iteration}
    unmatched = [*collected.unmatched(known, looped), *(key for key in takes_ms or {} if key not in known)]
    named_or_run = {str(each.get("name")) for each in startable(definition, children, is_certain=True)}
    named_or_run |= {str(definition.get("name")), *(each.execution.name for each in family)}
    concerned = [found for document, found in changed if str(document.get("name")) in named_or_run]
    return DryRun(
        family=tuple(family),
        outside=tuple(each for found in concerned for each in found),
        answered=tuple(dict.fromkeys(answered)),
        not_given=tuple(key for key in inputs_read([definition]) if key not in input),
        unmatched=tuple(dict.fromkeys(unmatched)),
        names=frozenset(known),
        doubts=requests.doubts,
        stuck=None if execution.is_terminal else execution.waits_for(),
    )


def demand_taken(definition: Document) -> None:
    """Check the definition as it is: with its outside simulated it may be sound where it is not.

    Raises ValueError for what a server would refuse.
    """
    try:
        given = shapes.read(definition, shapes.WORKFLOW)
        shapes.refuse_nulls(given)
        demand_sound(workflow_document(given), str(given.get("name") or "definition"))
    except Problem as problem:
        said = "; ".join(f"{each['path']}: {each['message']}" for each in problem.violations)
        raise ValueError(f"a server refuses it: {one_line(said or problem.message, most=2000)}") from None


def _to_the_end(
    execution: EngineExecution,
    handlers: Handlers,
    examples: Mapping[str, Mapping[str, Json]],
    takes_ms: Mapping[str, int],
    within_ms: int,
) -> list[str]:
    """Let time pass, and answer what waits for an answer, until nothing more happens; return the refs answered."""
    deadline = time.monotonic() + within_ms / 1000
    answered: list[str] = []
    while len(answered) < _MOST_ANSWERS:
        left_ms = round((deadline - time.monotonic()) * 1000)
        if left_ms <= 0:  # an answer takes too few events for the clock to be looked at while they happen
            raise execution.overdue(within_ms)
        execution.settle_all(left_ms, until=lambda: bool(_waiting(execution)))
        waiting = _waiting(execution)
        if not waiting:
            break
        task = min(waiting, key=lambda each: (_due_ms(each, takes_ms), each.seq))
        execution.advance(max(0, _due_ms(task, takes_ms) - execution.now_ms), left_ms)
        if task.status in OPEN_TASK and task.execution.status not in TERMINAL_WORKFLOW:
            example = handlers.example(task.plain_ref, task.type) or examples.get(task.plain_ref, {})
            execution.work(task, "COMPLETED", {**example, "_k1n": {"simulated": True, "handler": "simulated"}}, None)
            answered.append(task.plain_ref)
    return answered


def _waiting(execution: EngineExecution) -> list[TaskState]:
    """Return the tasks that nothing but an answer from outside would end; of events, those with `asyncComplete`."""
    open_ = [each for each in execution.executions() if each.status not in TERMINAL_WORKFLOW]
    tasks = (task for each in open_ for task in each.live if not task.due_ms)
    return [task for task in tasks if waits_for_answer(task) or (task.type == "EVENT" and task.status == IN_PROGRESS)]


def _due_ms(task: TaskState, takes_ms: Mapping[str, int]) -> int:
    return task.scheduled_ms + takes_ms.get(task.plain_ref, takes_ms.get(task.name, DEFAULT_ESTIMATE_MS))


def _plausibly(examples: Mapping[str, Mapping[str, Json]], requests: DryRequests | None = None) -> NamedHandler:
    """Simulate a task with an output that has what others read of it."""

    def simulate(context: TaskContext) -> object:
        if requests is not None:
            requests.judge(context)
        if context.output_schema is None and (example := examples.get(context.ref)):
            return simulated_with(example).call(context)
        return run_simulated(context)

    return NamedHandler(name="simulated", call=simulate)


def _failing(key: str, times: int | None, given: object, examples: Mapping[str, Mapping[str, Json]]) -> NamedHandler:
    """Fail the first attempts of a task, as told; then do its work."""
    after = Handlers({key: given}).find(key, key) if given is not None else _plausibly(examples)  # type: ignore[dict-item]

    def fail(context: TaskContext) -> object:
        if times is None or context.attempt < times:
            raise TaskFailed("failed by --fail")
        return after.call(context)

    return NamedHandler(name="simulated", call=fail)
