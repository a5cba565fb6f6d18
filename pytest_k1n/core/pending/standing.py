"""How executions that are waited for stand, in words: what is open, or what their engine has not done."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_k1n.core.pending.awaited import BLAMELESS, awaited, open_tasks
from pytest_k1n.core.pending.nextstep import Owner
from pytest_k1n.core.pending.steps import next_steps
from pytest_k1n.core.record.observation import Observation

MOST = 4
"""Owed steps that are told."""


def standing(family: Sequence[Observation], *, waited_ms: int) -> str:
    """Say what a family of executions waits for; where nobody outside of the engine has a turn, what that owes."""
    executions = [seen.execution for seen in family]
    if any(task.type not in BLAMELESS for task in open_tasks(executions)):
        return awaited(executions, waited_ms=waited_ms)
    steps = [step for seen in family if not seen.execution.is_terminal for step in next_steps(seen)]
    owed = [f"{step.subject}: {step.observed}" for step in steps if step.owner is Owner.ENGINE]
    never = [f"{step.subject}: {step.observed}" for step in steps if step.owner is Owner.NOBODY]
    if never:
        return f"it never ends by itself: {'; '.join(never[:MOST])}"
    if not owed:
        return awaited(executions, waited_ms=waited_ms)
    return f"the server owes a step: {'; '.join(owed[:MOST])}"
