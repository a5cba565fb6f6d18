"""What of a definition's goals one execution has exercised, by the server's own records."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pytest_k1n.core.model import Execution, TaskRecord, TaskStatus, WorkflowDefinition, WorkflowStatus, WorkflowTask
from pytest_k1n.core.order.unroll import selected_case
from pytest_k1n.core.words import FAILURE_WORKFLOW
from pytest_k1n.coverage.goals import NONE, ONE, SEVERAL, Goal, GoalKind

_NEVER_RAN = frozenset({TaskStatus.SCHEDULED, TaskStatus.IN_PROGRESS, TaskStatus.CANCELED, TaskStatus.SKIPPED})
_FAILED = frozenset(
    {
        TaskStatus.COMPLETED_WITH_ERRORS,
        TaskStatus.FAILED,
        TaskStatus.FAILED_WITH_TERMINAL_ERROR,
        TaskStatus.TIMED_OUT,
    }
)


def exercised(goals: Collection[Goal], definition: WorkflowDefinition, execution: Execution) -> frozenset[Goal]:
    """Return those of the goals that an execution of the definition has met, also one that still runs."""
    tasks = {task.ref: task for task in definition.walk()}
    met = set(_of_workflow(execution, definition))
    for (ref, _), records in execution.records.items():
        task = tasks.get(ref)
        if task is not None:
            met.update(_of_task(task, records[-1], execution))
            if records[-1].attempt:
                met.add(Goal(GoalKind.RETRY, ref))
            if any(record.status is TaskStatus.TIMED_OUT for record in records):
                met.add(Goal(GoalKind.TIMEOUT, ref))
    return frozenset(goal for goal in goals if goal in met)


def _of_task(task: WorkflowTask, last: TaskRecord, execution: Execution) -> Iterator[Goal]:
    ref = task.ref
    if last.status in _NEVER_RAN:
        return
    for kind in (
        GoalKind.TASK,
        GoalKind.SUB_WORKFLOW,
        GoalKind.TERMINATION,
    ):  # a definition has one of them for each task
        yield Goal(kind, ref)
    if last.status in _FAILED:
        yield Goal(GoalKind.OPTIONAL, ref)
        yield Goal(GoalKind.PERMISSIVE, ref)
    if task.type in ("SWITCH", "DECISION") and (chosen := selected_case(last)) is not None:
        yield Goal(GoalKind.CASE, ref, chosen) if chosen in task.cases else Goal(GoalKind.DEFAULT, ref)
    elif task.type == "DO_WHILE" and last.status is TaskStatus.COMPLETED:
        yield Goal(GoalKind.LOOP, ref, _times(_rounds(task, last, execution)))
    elif task.type == "FORK_JOIN_DYNAMIC":
        forked = last.input.get("forkedTasks") or last.input.get("forkedTaskDefs")
        yield Goal(GoalKind.FORK, ref, _times(len(forked) if isinstance(forked, list) else 0))


def _of_workflow(execution: Execution, definition: WorkflowDefinition) -> Iterator[Goal]:
    by_a_task = any(record.status is TaskStatus.TIMED_OUT for record in execution.finals.values())
    if execution.status is WorkflowStatus.TIMED_OUT and not by_a_task:
        yield Goal(GoalKind.TIMEOUT)
    if definition.failure_workflow and FAILURE_WORKFLOW in execution.output:
        yield Goal(GoalKind.FAILURE, "", definition.failure_workflow)


def _rounds(loop: WorkflowTask, last: TaskRecord, execution: Execution) -> int:
    """Count the rounds of a loop: as its output says, else by what of its body is on record."""
    noted: Mapping[str, object] = last.output
    if isinstance(rounds := noted.get("iteration"), int):
        return rounds
    body = {task.ref for task in loop.loop_over}
    return max((count for ref, count in execution.records if ref in body), default=0)


def _times(count: int) -> str:
    return NONE if count < 1 else ONE if count == 1 else SEVERAL
