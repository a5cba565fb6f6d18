"""A rehearsal on the embedded engine: does a workflow come to its end, which tasks run, how long does it take?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from pytest_k1n.client.errors import ConductorError
from pytest_k1n.commands.material import Material
from pytest_k1n.core import wire
from pytest_k1n.core.model import Execution, Json
from pytest_k1n.core.unroll import Graph, happens_before
from pytest_k1n.engine.runtime.guards import Stuck
from pytest_k1n.servers.embedded import EmbeddedEngine, HandlerWorker
from pytest_k1n.workers.registry import Handlers
from pytest_k1n.workers.worker import worker_types

_ANSWERABLE = ("HUMAN", "WAIT")
_MOST_ANSWERS = 50
"""An execution that asks more often is in a loop that only a real answer ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What an execution on the embedded engine did; its tasks were simulated."""

    execution: Execution | None = None
    graph: Graph | None = None
    answered: tuple[str, ...] = ()
    """Refs of HUMAN and WAIT tasks that went on only because the rehearsal completed them."""
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
    """Run a workflow once, with the estimates of the material; raises nothing that a definition can cause."""
    definition = material.definition
    estimates = {(definition.name, ref): ms for ref, ms in material.estimates_ms.items()}
    embedded = EmbeddedEngine(HandlerWorker(Handlers(), seed=seed, estimates_ms=estimates), seed=seed)
    client = embedded.client
    answered: list[str] = []
    try:
        if material.tasks:
            client.register_tasks(material.tasks)
        for document in reversed(material.workflows):
            client.register_workflows([document])
        embedded.serve(worker_types([wire.workflow_definition(cast("Json", each)) for each in material.workflows]))
        workflow_id = client.start(definition.name, version=definition.version, input=material.input)
        while True:
            embedded.engine.run_until(embedded.engine.needs_outside)  # not past the time limit of a person
            execution = wire.execution(cast("Json", client.execution(workflow_id)))
            ref = _open_question(execution)
            if execution.is_terminal or len(answered) == _MOST_ANSWERS:
                break
            if ref is None:
                embedded.drain()
                execution = wire.execution(cast("Json", client.execution(workflow_id)))
                break
            client.update_by_ref(workflow_id, ref, "COMPLETED")
            answered.append(ref)
    except ConductorError as error:
        return Rehearsal(trouble=error.message)
    except Stuck as error:
        return Rehearsal(trouble=str(error))
    return Rehearsal(
        execution=execution,
        graph=happens_before(definition, execution),
        answered=tuple(dict.fromkeys(answered)),
        trouble=_trouble(embedded, execution),
    )


def _open_question(execution: Execution) -> str | None:
    waiting = (task.ref for task in execution.tasks if task.type in _ANSWERABLE and not task.status.is_terminal)
    return next(waiting, None)


def _trouble(embedded: EmbeddedEngine, execution: Execution) -> str | None:
    if execution.status == "COMPLETED":
        return None
    if execution.is_terminal:
        return f"it ended {execution.status}: {execution.reason or 'no reason given'}"
    return f"it stays {execution.status}: {embedded.waits_for()}"
