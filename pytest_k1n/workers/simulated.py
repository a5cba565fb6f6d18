"""The handler where none exists: takes as long as the estimate says, writes a plausible output, admits it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pytest_k1n.core.model import Json
from pytest_k1n.core.record.correlation import execution_key
from pytest_k1n.core.standins.simulation import simulate
from pytest_k1n.workers.handler import NamedHandler, Outcome, TaskContext


def run_simulated(context: TaskContext) -> Outcome:
    """Sleep the simulated duration, and report how long that was to be in raw time.

    What a busy machine oversleeps is no work: at a speed of 600 it would count as 600 times as much.
    """
    work = simulate(
        seed=context.seed,
        workflow=context.workflow_name,
        execution=execution_key(context.correlation_id),
        ref=context.ref,
        iteration=context.iteration,
        attempt=context.attempt,
        estimate_ms=context.estimate_ms,
        inputs=context.input,
        output_schema=context.output_schema,
        jitter=context.jitter,
    )
    context.sleep(work.duration_ms)
    for line in work.logs:
        context.log(line)
    return Outcome(output=work.output, work_ms=round(work.duration_ms / context.speed), simulated=True)


def simulated_with(output: Mapping[str, Json]) -> NamedHandler:
    """Return a simulation whose output is given: an example of what the task answers."""

    def run_with_example(context: TaskContext) -> Outcome:
        return replace(run_simulated(context), output=output)

    return NamedHandler(name="simulated", call=run_with_example, example=output)


SIMULATED = NamedHandler(name="simulated", call=run_simulated)
