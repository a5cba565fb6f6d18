"""What an execution that has not ended waits for: a worker, a signal, time; or the engine, which then has stalled.

Conductor decides again whenever a task ends, within milliseconds. What it missed, because a process died or a queue
lost a message, its sweeper is to find: it looks at each execution every 30 s by default, on SQL up to 2 min late.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k1n.core.findings import Finding, Findings, Verdict
from pytest_k1n.core.model import TaskKey
from pytest_k1n.core.order.graph import label
from pytest_k1n.core.pending.nextstep import NextStep, Owner, clock_time
from pytest_k1n.core.pending.steps import last_ended, next_steps
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.units import format_ms

_ORIGINS = {Owner.ENGINE: "what the definition has next", Owner.NOBODY: "joinOn of the definition that ran"}
"""Where it is said what nobody outside of the engine can bring about."""


def progress(observation: Observation, *, now_ms: int | None) -> Findings:
    """Judge how an execution stands, as of an instant of the server's clock.

    A step that the engine owes is `stalled`: a failure if it is overdue, else unknown. A JOIN of what never comes
    `waits-for-ever`, which is a failure at once; each other step is `waiting`.
    """
    return Findings(tuple(finding for _, finding in judged_steps(observation, now_ms=now_ms)))


def judged_steps(observation: Observation, *, now_ms: int | None) -> Iterator[tuple[NextStep, Finding]]:
    """Yield each step that an execution waits for, with what is to be said of it."""
    for step in next_steps(observation, now_ms=now_ms):
        is_wrong = step.owner is Owner.NOBODY or (now_ms is not None and step.is_overdue(now_ms))
        yield step, _finding(step, Verdict.FAIL if is_wrong else Verdict.UNKNOWN, now_ms)


def stalls(observation: Observation) -> Iterator[Finding]:
    """Yield what the engine has failed to do: overdue by its clock, or when waiting has ended."""
    now_ms = observation.now_ms
    given_up = observation.is_settled and not observation.execution.is_terminal
    for step in next_steps(observation):
        if step.owner not in _ORIGINS:
            continue
        if given_up or (now_ms is not None and step.is_overdue(now_ms)):
            yield _finding(step, Verdict.FAIL, now_ms)


def never_scheduled(observation: Observation, key: TaskKey) -> str:
    """Say of a task that is not on record after what it should have followed."""
    before = last_ended(observation, observation.graph.incoming(key)) if key in observation.graph.nodes else None
    if before is None:
        return "never scheduled"
    return f"{label(before.key)} ended {clock_time(before.ended_ms)}, its successor {label(key)} was never scheduled"


def _finding(step: NextStep, verdict: Verdict, now_ms: int | None) -> Finding:
    is_stalled = step.owner is Owner.ENGINE
    for_ms = now_ms - step.since_ms if now_ms is not None and step.since_ms is not None else 0
    ago = f" ({format_ms(for_ms)} ago)" if for_ms > 0 else ""
    return Finding(
        code="stalled" if is_stalled else "waits-for-ever" if step.owner is Owner.NOBODY else "waiting",
        subject=step.subject,
        expected=step.expected,
        observed=f"{step.observed}{ago}",
        origin=_ORIGINS.get(step.owner, ""),
        verdict=verdict,
    )
