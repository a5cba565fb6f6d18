"""Whether executions that are judged together agree on which is whose sub-workflow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pytest_k1n.core.consistency.contradictions import doubt
from pytest_k1n.core.findings import Finding
from pytest_k1n.core.model import Execution, TaskKey, TaskStatus


class Kin(NamedTuple):
    """What an execution says of itself to whoever may have started it."""

    name: str
    parent_id: str | None


class Tie(NamedTuple):
    """A SUB_WORKFLOW task that says which execution it started."""

    key: TaskKey
    own_id: str
    child_id: str
    child_name: str | None
    """As the server wrote it into the task's input."""


def kin(execution: Execution) -> Kin:
    """Return what an execution says of itself."""
    return Kin(execution.name, execution.parent_workflow_id)


def ties(execution: Execution) -> tuple[Tie, ...]:
    """Return the sub-workflows that an execution says it has waited for to their end."""
    if "SUB_WORKFLOW" not in execution.columns.types:
        return ()
    return tuple(
        Tie(key, execution.workflow_id, record.sub_workflow_id, str(record.input.get("subWorkflowName") or "") or None)
        for key, record in execution.finals.items()
        if record.type == "SUB_WORKFLOW" and record.status is TaskStatus.COMPLETED and record.sub_workflow_id
    )


def disagreements(said: Iterable[Tie], known: Mapping[str, Kin]) -> Iterator[Finding]:
    """Yield a finding, `unknown`, where what a task says of its child is not what the child says of itself.

    Asked of the parent only: a child outlives its parent's restart, and names it for ever.
    """
    for tie in said:
        child = known.get(tie.child_id)
        if child is None:
            continue
        if tie.child_name is not None and child.name != tie.child_name:
            observed = f"{tie.child_id} is of {child.name}"
            yield doubt("foreign-record", tie.key, f"a sub-workflow of {tie.child_name}", observed)
        elif child.parent_id is not None and child.parent_id != tie.own_id:
            observed = f"{tie.child_id} says that {child.parent_id} started it"
            yield doubt("foreign-record", tie.key, "a sub-workflow that this execution started", observed)
