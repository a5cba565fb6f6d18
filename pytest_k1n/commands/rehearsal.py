"""A rehearsal on the embedded engine: does a workflow come to its end, which tasks run, how long does it take?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from pytest_k1n.client.errors import ConductorError
from pytest_k1n.commands.material import Material
from pytest_k1n.core import wire
from pytest_k1n.core.answers import PlannedAnswer
from pytest_k1n.core.model import Execution, Json, worker_types
from pytest_k1n.core.unroll import Graph, happens_before
from pytest_k1n.engine.runtime.guards import Stuck
from pytest_k1n.servers.embedded import EmbeddedEngine
from pytest_k1n.servers.handlerworker import HandlerWorker
from pytest_k1n.workers.registry import Handlers


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What an execution on the embedded engine did; its tasks were simulated."""

    execution: Execution | None = None
    graph: Graph | None = None
    answered_ms: Mapping[str, int] = field(default_factory=dict)
    """Refs of the HUMAN and WAIT tasks that went on because somebody answered: how long after they had been asked."""
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
    """Run a workflow once, with the estimates of the material.

    Raises ValueError for one without end; nothing else that a definition can cause.
    """
    definition = material.definition
    estimates = {(definition.name, ref): ms for ref, ms in material.estimates_ms.items()}
    embedded = EmbeddedEngine(HandlerWorker(Handlers(), seed=seed, estimates_ms=estimates), seed=seed)
    client = embedded.client
    answers = {ref: PlannedAnswer(after_ms=ms) for ref, ms in material.answered_after_ms().items()}
    embedded.answers = lambda _: answers
    try:
        if material.tasks:
            client.register_tasks(material.tasks)
        for document in reversed(material.workflows):
            client.register_workflows([document])
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
        answered_ms={ref: answer.after_ms for ref, answer in answers.items() if ref in ran},
        trouble=_trouble(embedded, execution),
    )


def _trouble(embedded: EmbeddedEngine, execution: Execution) -> str | None:
    if execution.status == "COMPLETED":
        return None
    if execution.is_terminal:
        return f"it ended {execution.status}: {execution.reason or 'no reason given'}"
    return f"it stays {execution.status}: {embedded.waits_for()}"
