"""What is remembered of an execution: raw durations per task and segment, comparable within one environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pytest_k1n.core.definition.fingerprint import definition_hash
from pytest_k1n.core.model import OPERATOR_TASK_TYPES
from pytest_k1n.core.order.graph import label
from pytest_k1n.core.record.observation import Observation

Segment = Literal["exec", "queue", "makespan"]


class SeriesKey(NamedTuple):
    """One series of a workflow: a task's execution or queue wait, or (without a ref) the makespan."""

    ref: str
    segment: Segment

    def __str__(self) -> str:
        return f"{self.ref} {self.segment}" if self.ref else self.segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One completed execution, as far as regressions care. Durations are raw ms of the server's clock."""

    run_uid: str
    workflow_id: str
    workflow: str
    definition: str
    """The hash of its definition: another one makes other series."""
    environment: str
    """Server, time model, machine: durations of two environments do not compare."""
    started_ms: int
    """When its run took place, epoch ms of this machine: an engine's own clock may begin anywhere."""
    verdict: str
    durations: Mapping[SeriesKey, int]
    names: Mapping[str, str]
    """Ref -> task name: by it a renamed ref is recognised."""
    is_simulated: bool

    @property
    def makespan_ms(self) -> int:
        return self.durations[SeriesKey("", "makespan")]


def sample_of(
    observation: Observation, *, run_uid: str, environment: str, started_ms: int, verdict: str = "unknown"
) -> Sample | None:
    """Take the durations of an execution that COMPLETED; None of one that was cut short."""
    execution = observation.execution
    if execution.status != "COMPLETED" or execution.ended_ms is None:
        return None
    durations = {SeriesKey("", "makespan"): execution.ended_ms - execution.started_ms}
    names = {}
    for key, record in observation.finals.items():
        interval = observation.raw(key)
        if record.type in OPERATOR_TASK_TYPES or interval is None:
            continue
        ref = label(key)
        names[ref] = record.def_name
        durations[SeriesKey(ref, "exec")] = interval.end_ms - interval.start_ms
        if record.scheduled_ms is not None:
            ready_ms = record.scheduled_ms + record.start_delay_ms
            durations[SeriesKey(ref, "queue")] = max(0, interval.start_ms - ready_ms)
    return Sample(
        run_uid=run_uid,
        workflow_id=execution.workflow_id,
        workflow=execution.name,
        definition=definition_hash(observation.definition),
        environment=environment,
        started_ms=started_ms,
        verdict=verdict,
        durations=durations,
        names=names,
        is_simulated=observation.any_simulated,
    )
