"""What can still change in an execution that runs: a pass, like a failure, is given only when it will last."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pytest_k1n.core.model import TaskKey, TaskRecord, TaskStatus, WorkflowTask
from pytest_k1n.core.record.observation import Observation


def is_over(observation: Observation, key: TaskKey) -> bool:
    """Whether a task on record has ended and no further attempt will follow."""
    record = observation.finals[key]
    if observation.is_settled:
        return record.status.is_terminal
    return record.status.is_successful or failed_for_good(observation, record)


def failed_for_good(observation: Observation, record: TaskRecord) -> bool:
    """Whether a task's last attempt is unsuccessful and no retry will follow."""
    if not record.status.is_terminal or record.status.is_successful or record.retried:
        return False
    if observation.is_settled or record.status in (TaskStatus.CANCELED, TaskStatus.FAILED_WITH_TERMINAL_ERROR):
        return True
    limit = retry_limit(observation, record)
    return limit is not None and record.attempt >= limit


def retry_limit(observation: Observation, record: TaskRecord) -> int | None:
    """Return how many retries a task may have; `None` if its definition is not known."""
    task = record.workflow_task or observation.graph.nodes.get(record.key)
    if task is not None and task.retry_count is not None:
        return task.retry_count
    definition = observation.task_definition(record.key)
    return definition.retry_count if definition else None


def attempts_by_hand(observation: Observation) -> set[tuple[TaskKey, int]]:
    """Return the attempts that somebody asked for by retrying the execution, each as its task and its number.

    Those are what the server would not have made by itself: beyond the limit of the task, or after an end that it does
    not retry. Of several requests 3.32.1 keeps the instant of the last.
    """
    asked_ms = observation.execution.last_retried_ms
    if asked_ms is None:  # nearly always
        return set()
    pairs = ((key, *pair) for key, records in observation.records.items() for pair in pairwise(records))
    return {(key, after.attempt) for key, before, after in pairs if _is_by_hand(observation, before, after, asked_ms)}


def _is_by_hand(observation: Observation, before: TaskRecord, after: TaskRecord, asked_ms: int) -> bool:
    if before.ended_ms is None or before.ended_ms > asked_ms:
        return False
    if before.status not in (TaskStatus.FAILED, TaskStatus.TIMED_OUT):
        return True
    limit = retry_limit(observation, after)
    return limit is not None and after.attempt > limit


def may_repeat(observation: Observation, ref: str) -> bool:
    """Whether a loop around a ref may still go round, and so bring more tasks of that name."""
    loop = loop_around(observation, ref)
    if observation.is_settled or loop is None:
        return False
    ended = [record.status.is_terminal for key, record in observation.finals.items() if key[0] == loop]
    return not ended or not all(ended)


def loop_around(observation: Observation, ref: str) -> str | None:
    """Return the ref of the innermost DO_WHILE around a task, which a dynamic fork may have brought along."""
    tasks = observation.definition.tasks
    if (loop := loop_of(tasks, ref)) is not None:
        return loop
    brought = (
        fork
        for fork, branches in observation.graph.forks.items()
        if any(ref == key[0] for each in branches for key in each)
    )
    return next((loop_of(tasks, fork[0]) for fork in brought), None)


def loop_of(tasks: Sequence[WorkflowTask], ref: str, around: str | None = None) -> str | None:
    """Return the ref of the innermost DO_WHILE around a task; `None` if there is none."""
    for task in tasks:
        if task.ref == ref:
            return around
        for inner in task.nested():
            found = loop_of(inner, ref, task.ref if inner is task.loop_over else around)
            if found is not None:
                return found
    return None
