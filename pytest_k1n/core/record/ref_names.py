"""Whether an execution has a task of a name that a test author typed, may yet bring one, or has one that is near. Pure.

It stands outside `expectations`: a test that only waits for a task brings none of them.
"""

from __future__ import annotations

from difflib import get_close_matches

from pytest_k1n.core.record.observation import Observation


def has_ref(observation: Observation, ref: str) -> bool:
    """Whether a task has this ref, or is a round `ref__2` of one that has."""
    return ref in observation.refs or ref.partition("__")[0] in observation.refs


def _may_bring(observation: Observation) -> bool:
    opens_later = any(task.type == "FORK_JOIN_DYNAMIC" for task in observation.definition.walk())
    return opens_later and not observation.is_settled


def _nearest(observation: Observation, ref: str) -> str:
    near = get_close_matches(ref, observation.refs, n=1)
    return f"did you mean {near[0]}?" if near else f"it has: {', '.join(sorted(observation.refs))}"


def misspelt(observation: Observation, ref: str) -> str | None:
    """Say of a ref that no task has and none will have what there is; None where one has it, or may yet bring it."""
    if has_ref(observation, ref) or _may_bring(observation):
        return None
    return f"no task of that name; {_nearest(observation, ref)}"
