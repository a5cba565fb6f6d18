"""What goes on and on in an engine: the words of the error when an execution has not ended in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pytest_k1n.core.pending.endless import loop_in_words
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import TERMINAL_WORKFLOW

_MANY = 20
"""Executions of one name from which on they are taken for one another's descendants."""


def what_goes_on(executions: Sequence[ExecutionState]) -> str:
    """Name the loops that are still going round, else the workflow that starts itself, else what is waited for."""
    open_ = [each for each in executions if each.status not in TERMINAL_WORKFLOW]
    loops = [task for each in open_ for task in each.live if task.type == "DO_WHILE"]
    if loops:
        return "; ".join(_loop(task) for task in sorted(loops, key=lambda task: -task.iteration)[:3])
    counts = Counter(each.definition.name for each in executions)
    name, count = counts.most_common(1)[0]
    if count > _MANY:
        return (
            f"{count} executions of {name} have been started, each by the one before it; it ends when one of them "
            f"takes a path without the task that starts {name}"
        )
    waiting = ", ".join(f"{task.ref} {task.status}" for each in open_ for task in list(each.live)[:5])
    return f"still open: {waiting or 'no task'}"


def _loop(task: TaskState) -> str:
    last = task.output.get(str(task.iteration)) or task.output.get(str(task.iteration - 1)) or {}
    return loop_in_words(
        workflow=task.execution.definition.name,
        ref=task.ref,
        iteration=task.iteration,
        condition=task.node.document.get("loopCondition"),
        last=last,
    )
