"""JOINs that are no barrier: a static fork's JOIN with nothing in joinOn is over at once (measured on 3.32.1)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from pytest_k1n.core.model import WorkflowDefinition, WorkflowTask
from pytest_k1n.core.order.unroll import label
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.tally import Tally


def joins_wait(observation: Observation, tally: Tally) -> None:
    """Judge that no JOIN on record waits for nothing although its fork has branches.

    Whatever the order was this time, nothing held it: what follows such a JOIN runs beside the branches.
    """
    for fork, join in _waiting_for_nothing(observation.definition):
        ends = ", ".join(branch[-1].ref for branch in fork.branches if branch)
        for key in observation.keys(join.ref):
            tally.fail(
                "join-on-nothing",
                label(key),
                expected=f"to wait for the branches of {fork.ref}: {ends}",
                observed="its joinOn is empty, so that it waits for nothing",
                origin=f"definition {observation.definition.name} version {observation.definition.version}",
            )


def _waiting_for_nothing(definition: WorkflowDefinition) -> Iterator[tuple[WorkflowTask, WorkflowTask]]:
    if not any(task.type == "JOIN" and not task.join_on for task in definition.walk()):  # nearly always
        return
    lists = [definition.tasks, *(inner for task in definition.walk() for inner in task.nested())]
    for fork, join in (pair for tasks in lists for pair in pairwise(tasks)):
        if fork.type == "FORK_JOIN" and any(fork.branches) and join.type == "JOIN" and not join.join_on:
            yield fork, join
