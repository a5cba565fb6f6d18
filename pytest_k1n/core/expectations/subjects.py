"""From what a test author names (refs, phases, other executions) to what is on record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pytest_k1n.core.consistency.clockstep import clock_step
from pytest_k1n.core.model import TaskKey
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.pending.final import loop_of, may_repeat
from pytest_k1n.core.plan import Phase
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.record.ref_names import has_ref, misspelt
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.text import counted
from pytest_k1n.core.words import split_iteration


class Observed(Protocol):
    """Anything that carries an observation, such as the `workflow_execution` fixture's value."""

    @property
    def observation(self) -> Observation: ...


MISNAMED = frozenset({"unknown-ref", "unknown-phase", "not-a-switch"})
"""Codes that are about the expectation as it is written, not about the execution."""

Other = Observation | Observed


def observation_of(other: Other) -> Observation:
    """Return the observation itself or the one that a value carries."""
    return other if isinstance(other, Observation) else other.observation


def refuse_none(name: str, refs: Sequence[str] | None) -> None:
    """Raise ValueError for an empty list of refs: nothing would be judged, and that would pass."""
    if refs is not None and not refs:
        raise ValueError(f"{name}: refs is empty; leave it out to mean every task")


def is_same(observation: Observation, other: Observation, tally: Tally) -> bool:
    """Judge that an execution is not compared with itself: of that nothing would be known."""
    if observation.execution.workflow_id != other.execution.workflow_id:
        return False
    tally.unknown(
        "same-execution", observation.execution.name, expected="two executions", observed="twice the same one"
    )
    return True


def known(observation: Observation, refs: Sequence[str], tally: Tally) -> tuple[str, ...]:
    """Return the refs that exist; for each of the others the test author gets `unknown-ref` and the nearest name."""
    return tuple(ref for ref in refs if _is_known(observation, ref, tally))


def recorded(
    observation: Observation, ref: str, tally: Tally, *, expected: str = "it to run", origin: str = ""
) -> tuple[TaskKey, ...]:
    """Return a ref's tasks on record; where there are none, that is a failed check, or pending while more may come."""
    if not _is_known(observation, ref, tally):
        return ()
    keys = observation.keys(ref)
    if not keys:
        missing(observation, ref, tally, expected=expected, origin=origin)
    elif ref in observation.refs and may_repeat(observation, ref):
        pending(tally, ref, expected=expected, observed="its loop may go round again", origin=origin)
    return keys


def missing(observation: Observation, ref: str, tally: Tally, *, expected: str, origin: str = "") -> None:
    """Judge that a task is not on record: failed once nothing more will come, pending before."""
    if observation.is_settled:
        ended, condition = _last_round(observation, ref)
        observed = f"never scheduled{ended}; the execution is {observation.state}"
        tally.fail("not-run", ref, expected=expected, observed=observed, origin=origin or condition)
    else:
        pending(tally, ref, expected=expected, observed="not scheduled yet", origin=origin)


def _last_round(observation: Observation, ref: str) -> tuple[str, str]:
    """Say of a round of a loop after which one the loop has ended, and by which condition; nothing of anything else."""
    base, iteration = split_iteration(ref)
    rounds = [key[1] for key in observation.finals if key[0] == base] if iteration else []
    loop = loop_of(observation.definition.tasks, base) if rounds and ref not in observation.refs else None
    if loop is None:
        return "", ""
    raw = next(task.raw for task in observation.definition.walk() if task.ref == loop)
    condition = f"loopCondition of {loop}: {raw['loopCondition']}" if raw.get("loopCondition") else ""
    return f": {loop} has ended after {counted(max(rounds), 'round')}", condition


def unfinished(observation: Observation, key: TaskKey, tally: Tally, *, expected: str, origin: str = "") -> None:
    """Judge that a task on record has no end (or no start): failed once nothing more will come, pending before."""
    record = observation.finals[key]
    if observation.is_settled:
        observed = f"{record.status} without an end; the execution is {observation.state}"
        if record.status.is_terminal:
            observed = f"{record.status}, never started" if record.started_ms is None else f"{record.status}, no end"
        tally.fail("not-finished", label(key), expected=expected, observed=observed, origin=origin)
    else:
        pending(tally, label(key), expected=expected, observed=f"still {record.status}", origin=origin)


def pending(tally: Tally, subject: str, *, expected: str, observed: str, origin: str = "") -> None:
    """Say that it is too early to tell."""
    tally.unknown("pending", subject, expected=expected, observed=observed, origin=origin)


def phase_named(observation: Observation, phase: int | str, tally: Tally) -> Phase | None:
    """Find a phase of the plan by number or name; else the test author gets `unknown-phase`."""
    phases = observation.template.phases if observation.template else ()
    for each in phases:
        if phase in (each.number, each.name, f"phase{each.number}"):
            return each
    names = ", ".join(f"{each.number} ({each.name})" for each in phases) or "none"
    tally.fail(
        "unknown-phase",
        f"phase {phase}",
        expected=f"a phase that the plan gives {observation.execution.name}",
        observed=f"the plan has: {names}",
    )
    return None


def steps_back(observation: Observation, tally: Tally, *, expected: str) -> bool:
    """Whether the server's clock was set back, in which case raw stamps decide nothing: `unknown` is recorded."""
    step = clock_step(observation.execution)
    if step is None:
        return False
    origin = "stamps run against seq, as if the server's clock had been set back"
    tally.unknown("clock-step", observation.execution.name, expected=expected, observed=step, origin=origin)
    return True


def _is_known(observation: Observation, ref: str, tally: Tally) -> bool:
    if has_ref(observation, ref):
        return True
    expected = f"a ref of {observation.definition.name}"
    if (advice := misspelt(observation, ref)) is not None:
        tally.fail("unknown-ref", ref, expected=expected, observed=advice)
    else:
        pending(tally, ref, expected=expected, observed="unknown until the dynamic fork opens")
    return False
