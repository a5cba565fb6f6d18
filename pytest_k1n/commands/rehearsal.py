"""A rehearsal on the embedded engine: does a workflow come to its end, which tasks run, how long does it take?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final, cast

from pytest_k1n.client.errors import ConductorError
from pytest_k1n.commands.material import Material
from pytest_k1n.core.model import Execution, Json, worker_types
from pytest_k1n.core.order.unroll import Graph, happens_before
from pytest_k1n.core.standins.answers import PlannedAnswer
from pytest_k1n.core.standins.rehearsed import late_outputs, trial_inputs
from pytest_k1n.core.standins.replies import read_replies
from pytest_k1n.core.wire import wire
from pytest_k1n.engine.runtime.guards import Stuck
from pytest_k1n.servers.embedded import EmbeddedEngine, answer_nothing
from pytest_k1n.servers.handlerworker import HandlerWorker
from pytest_k1n.servers.repliedhttp import RepliedHttp
from pytest_k1n.workers.registry import Handlers

_TRIALS: Final = 60
"""Inputs that are tried: each costs some milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What an execution on the embedded engine did; its tasks were simulated."""

    execution: Execution | None = None
    graph: Graph | None = None
    answered_ms: Mapping[str, int] = field(default_factory=dict)
    """Refs of the HUMAN and WAIT tasks that went on because somebody answered: how long after they had been asked."""
    examples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By ref: answers made up without which no dynamic task or fork of it could begin."""
    input: Mapping[str, Json] = field(default_factory=dict)
    """With which it did so."""
    trouble: str | None = None
    """Why it did not complete; one line."""

    @property
    def makespan_ms(self) -> int | None:
        """Start to end in virtual time; None if it did not complete."""
        execution = self.execution
        if execution is None or execution.ended_ms is None or self.trouble:
            return None
        return execution.ended_ms - execution.started_ms


def rehearse(material: Material, *, seed: int = 0) -> Rehearsal:
    """Run a workflow once, with the estimates of the material; no HTTP request is sent.

    Where it does not come to its end, again with the answers that its dynamic tasks and forks need, or other inputs.
    Raises ValueError for one without end; nothing else that a definition can cause.
    """
    plain = _rehearse(material, {}, seed)
    for given in islice(trial_inputs(material.workflows[0], material.input), _TRIALS) if _is_over(plain) else ():
        other = _rehearse(replace(material, input=given), {}, seed)
        if other.trouble is None:
            return other
    workers = {task.ref for task in material.definition.walk() if task.type == "SIMPLE"}
    examples = {ref: output for ref, output in late_outputs(material.workflows).items() if ref in workers}
    if plain.trouble is None or not examples:
        return plain
    again = _rehearse(material, examples, seed)
    return plain if again.trouble else replace(again, examples=examples)


def _is_over(rehearsal: Rehearsal) -> bool:
    """Tell whether an execution ended badly, which another input might change."""
    return rehearsal.trouble is not None and rehearsal.execution is not None and rehearsal.execution.is_terminal


def _rehearse(material: Material, examples: Mapping[str, Mapping[str, Any]], seed: int) -> Rehearsal:
    definition = material.definition
    estimates = {(definition.name, ref): ms for ref, ms in material.estimates_ms.items()}
    worker = HandlerWorker(Handlers(examples), seed=seed, estimates_ms=estimates)
    embedded = EmbeddedEngine(worker, seed=seed, call_http=answer_nothing)
    client = embedded.client
    answers = {ref: PlannedAnswer(after_ms=ms) for ref, ms in material.answered_after_ms().items()}
    embedded.answers = lambda _: answers
    if replies := material.replies():
        embedded.engine.system_runs.reply = RepliedHttp(read_replies(replies))
    try:
        if material.tasks:
            client.register_tasks(material.tasks)
        for document in reversed(material.workflows):
            client.register_workflows([document])
        if examples:
            embedded.serve_all()  # as for an execution of a test's own, which has examples
        else:
            embedded.serve(worker_types([wire.workflow_definition(cast("Json", each)) for each in material.workflows]))
        workflow_id = client.start(definition.name, version=definition.version, input=material.input)
        embedded.drain()
        execution = wire.execution(cast("Json", client.execution(workflow_id)))
        ran = {task.plain_ref for each in embedded.engine.executions.values() for task in each.tasks}
        if (endless := embedded.engine.guards.struck) is not None:
            raise ValueError(f"{definition.name} has no end: {endless}")
    except ConductorError as error:
        return Rehearsal(trouble=error.message)
    except Stuck as error:
        return Rehearsal(trouble=str(error))
    return Rehearsal(
        execution=execution,
        graph=happens_before(definition, execution),
        input=material.input,
        answered_ms={ref: answer.after_ms for ref, answer in answers.items() if ref in ran},
        trouble=_trouble(embedded, execution),
    )


def _trouble(embedded: EmbeddedEngine, execution: Execution) -> str | None:
    if execution.status == "COMPLETED":
        return None
    if execution.is_terminal:
        return f"it ended {execution.status}: {execution.reason or 'no reason given'}"
    return f"it stays {execution.status}: {embedded.waits_for()}"
