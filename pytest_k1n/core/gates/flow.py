"""Gates on the course of executions: completion, ordering, barriers, concurrency (G1 to G4)."""

from __future__ import annotations

from itertools import pairwise
from math import inf

from pytest_k1n.core.consistency.ordering import ordering
from pytest_k1n.core.consistency.plausibility import implausible
from pytest_k1n.core.consistency.rewriting import is_overtaken
from pytest_k1n.core.definition.shape import JOINS
from pytest_k1n.core.expectations.order import phases_apart
from pytest_k1n.core.expectations.outcome import status_is
from pytest_k1n.core.expectations.overlap import overlapping
from pytest_k1n.core.expectations.standstill import fewer_by_late_answers
from pytest_k1n.core.expectations.subjects import steps_back
from pytest_k1n.core.gates.category import Exempt, not_applicable
from pytest_k1n.core.gates.facts import BatchObservation, GateSettings
from pytest_k1n.core.gates.limits import capacity
from pytest_k1n.core.model import TaskKey, TaskStatus, WorkflowStatus
from pytest_k1n.core.order.graph import ParallelGroup
from pytest_k1n.core.order.unroll import expected_keys, label
from pytest_k1n.core.record.observation import Observation, TimeModel
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.timing.intervals import RESOLUTION_MS, max_concurrency


def completion(
    observation: Observation, batch: BatchObservation, _key: str, _settings: GateSettings, tally: Tally
) -> Exempt | None:
    """G1: the execution COMPLETED, and so did the last attempt of every ref that is not optional."""
    status_is(observation, WorkflowStatus.COMPLETED, tally)
    for finding in implausible(observation):
        tally.add(finding)
    for key in expected_keys(observation.graph, observation.execution):
        record = observation.finals.get(key)
        if record is None:
            tally.fail("not-run", label(key), expected=TaskStatus.COMPLETED, observed="never scheduled")
        elif record.status is TaskStatus.COMPLETED or (record.status is TaskStatus.SKIPPED and key[0] in batch.skips):
            tally.passed()
        elif record.status is TaskStatus.COMPLETED_WITH_ERRORS and record.type in JOINS:
            tally.passed()  # an optional branch failed; whether one did is a question of plausibility
        elif is_overtaken(observation.execution, record):
            tally.passed()
        elif record.status is TaskStatus.SKIPPED:
            tally.fail(
                "skipped-unasked",
                label(key),
                expected=TaskStatus.COMPLETED,
                observed="SKIPPED without a request for it",
            )
        else:
            reason = f": {record.reason}" if record.reason else ""
            observed = f"{record.status} at attempt {record.attempt + 1}{reason}"
            tally.fail("task-failed", label(key), expected=TaskStatus.COMPLETED, observed=observed)
    return None


def order(
    observation: Observation, _batch: BatchObservation, _key: str, _settings: GateSettings, tally: Tally
) -> Exempt | None:
    """G2: every direct edge of the expanded graph holds on raw stamps, tolerance 0 ms."""
    steps_back(observation, tally, expected="stamps that follow the order of scheduling")
    tally.absorb(ordering(observation.execution, observation.graph))
    return None if tally.passes or tally.found else not_applicable("no edge between two tasks")


def barriers(
    observation: Observation, _batch: BatchObservation, _key: str, _settings: GateSettings, tally: Tally
) -> Exempt | None:
    """G3: every phase starts only when the one before has ended."""
    phases = observation.template.phases if observation.template else ()
    if len(phases) < 2:
        return not_applicable(f"{observation.execution.name} has no phases in the plan")
    if not steps_back(observation, tally, expected="phases one after the other"):
        for first, second in pairwise(phases):
            phases_apart(observation, first, second, tally)
    return None


def concurrency(
    observation: Observation, _batch: BatchObservation, _key: str, settings: GateSettings, tally: Tally
) -> Exempt | None:
    """G4: the groups that the plan declares parallel, else those that forks start, really run at once."""
    declared = observation.template.parallel if observation.template else ()
    groups = [tuple(key for ref in refs for key in observation.keys(ref)) for refs in declared]
    origin = "parallel group of the plan"
    if not declared:
        origin = "parallel branches of the definition"
        spread_ms = 0 if observation.time_model is TimeModel.VIRTUAL else settings.start_spread_ms
        groups = [
            _lasting(observation, together, spread_ms)
            for group in observation.graph.parallel_groups()
            for together in _queued_together(observation, group, spread_ms)
        ]
    groups = [group for group in groups if len({ref for ref, _ in group}) > 1]
    if not groups:
        return not_applicable(f"{observation.execution.name} has no tasks that must run at once")
    if not steps_back(observation, tally, expected="stamps that follow the order of scheduling"):
        for group in groups:
            _group(observation, group, tally, origin)
    return None


def _queued_together(observation: Observation, group: ParallelGroup, spread_ms: int) -> list[tuple[TaskKey, ...]]:
    """Split a group where the definition lets its tasks miss each other.

    What stands behind a WAIT or another system task is queued when that has ended: it need not meet what was over by
    then, or may well be before it is started.
    """
    queued = {key: observation.records[key][0].scheduled_ms or 0 for key in group.tasks if key in observation.records}
    split: list[list[TaskKey]] = [[]]
    first_end = inf
    for key in sorted(queued, key=queued.__getitem__):
        if key in group.behind and queued[key] + spread_ms >= first_end:
            split.append([])
            first_end = inf
        split[-1].append(key)
        span = observation.raw(key)
        first_end = min(first_end, span.end_ms if span else inf)
    return [tuple(each) for each in split]


def _lasting(observation: Observation, keys: tuple[TaskKey, ...], spread_ms: int) -> tuple[TaskKey, ...]:
    """Leave out what may well be over before its neighbour is started, and what never ran."""
    return tuple(key for key in keys if (span := observation.raw(key)) and span.duration_ms > spread_ms)


def _group(observation: Observation, keys: tuple[TaskKey, ...], tally: Tally, origin: str) -> None:
    records = {key: observation.finals[key] for key in keys if key in observation.finals}
    least, most, why = capacity(observation, records)
    if least >= len(records):
        overlapping(observation, keys, tally, origin=origin)
        return
    # Fewer slots than branches: not every pair can meet, but the slots must have been full.
    spans = [span for key in keys if (span := observation.raw(key)) is not None]
    level = max_concurrency(spans, for_ms=RESOLUTION_MS).level
    subject = ", ".join(label(key) for key in keys)
    expected = f"{f'{least} to ' if least < most else ''}{most} at once, as many as {why}"
    if least <= level <= most:
        tally.passed()
    elif level > most or not fewer_by_late_answers(
        observation, records, least, tally, subject=subject, expected=expected, origin=origin
    ):
        tally.fail(
            "wrong-concurrency",
            subject,
            expected=expected,
            observed=str(level),
            margin=f"{level - (least if level < least else most):+d}",
            origin=origin,
        )
