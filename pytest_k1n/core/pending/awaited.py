"""What an open execution waits for, task by task, in words: a worker, a person, a time of day. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_k1n.core.model import Execution, TaskRecord, TaskStatus
from pytest_k1n.core.standins.answers import Answers, asked
from pytest_k1n.core.units import format_ms

BLAMELESS = frozenset({"JOIN", "EXCLUSIVE_JOIN", "DO_WHILE", "SUB_WORKFLOW", "FORK", "SWITCH"})
"""Task types that are open only because others are."""
_MOST = 4
_ASKING = frozenset({"WAIT", "HUMAN"})
_NEVER_TAKEN = frozenset({TaskStatus.SCHEDULED, TaskStatus.TIMED_OUT, TaskStatus.CANCELED})


def open_tasks(executions: Sequence[Execution]) -> list[TaskRecord]:
    """Return the open tasks that something outside the server has to end; of a task that only waits for them none."""
    running = [each for each in executions if not each.is_terminal]
    tasks = [task for each in running for task in each.tasks if not task.status.is_terminal]
    return [task for task in tasks if task.type not in BLAMELESS] or tasks


def is_left_to_others(execution: Execution) -> bool:
    """Whether an execution waits for nothing but the answer of a person or of another program."""
    left = [task.type for task in execution.tasks if not task.status.is_terminal]
    return bool(left) and all(kind in _ASKING for kind in left)


def awaited(executions: Sequence[Execution], *, waited_ms: int, now_ms: int | None = None) -> str:
    """Say what open executions wait for: `reserve: no worker has polled in 10.0 s`.

    `waited_ms` is how long the caller has been waiting, in real time; `now_ms` the server's clock, where it is known.
    """
    tasks = open_tasks(executions)
    shown = [_said(task, waited_ms, now_ms) for task in tasks[:_MOST]]
    if len(tasks) > _MOST:
        shown.append(f"{len(tasks) - _MOST} more tasks")
    paused = [f"{each.name} is paused" for each in executions if each.status == "PAUSED"]
    return "; ".join([*paused, *shown]) or "no task is open"


def hint_of_timed_waits(family: Sequence[Execution], answers: Answers) -> str:
    """Say what to do where only a clock that can jump would help; nothing where no WAIT and no answer is timed."""
    for _, task, answer in asked(family, answers):
        if answer.after_ms:
            after = format_ms(answer.after_ms)
            return (
                f": {task.ref} is answered {after} of workflow time after it was asked, which pass where the clock is "
                "real; say within=…, or mark the test `virtual`"
            )
    if not any(task.type == "WAIT" and task.input for task in open_tasks(family)):
        return ""
    return ": a WAIT takes its time where the clock is real; say within=…, or mark the test `virtual`"


def unworked(execution: Execution, *, jumped: bool = False) -> list[str]:
    """Say of each task that no worker has ever taken how to have it done.

    `jumped` says that a virtual clock may have gone on to a time limit meanwhile.
    """
    lines = []
    for task in execution.tasks:
        if not task.is_worker_task or task.started_ms is not None or task.status not in _NEVER_TAKEN:
            continue
        end_ms = task.ended_ms or execution.ended_ms
        since = f" in {format_ms(end_ms - task.scheduled_ms)}" if end_ms and task.scheduled_ms else ""
        is_late = jumped and "TIMED_OUT" in (task.status, execution.status)
        clock = ": virtual time went on to a time limit" if is_late else ""
        lines.append(f"{task.ref}: no worker has polled{since}{clock}; {how_to_work(task.ref)}")
    return lines


def how_to_work(ref: str) -> str:
    """Say how a test has a task done that waits for a worker."""
    return f'do its work by complete("{ref}"), or give handlers={{"{ref}": ...}}'


def _said(task: TaskRecord, waited_ms: int, now_ms: int | None) -> str:
    for_ms = waited_ms if now_ms is None or not task.scheduled_ms else max(0, now_ms - task.scheduled_ms)
    since = f" in {format_ms(for_ms)}" if for_ms else ""  # where time stands, it has not been long
    if task.type == "HUMAN":
        return f"{task.ref}: no person has answered it (HUMAN){since}"
    if task.type == "WAIT":
        for key, word in (("duration", "for"), ("until", "until")):
            if task.input.get(key):
                return f"{task.ref}: a WAIT {word} {task.input[key]} goes on since {format_ms(for_ms)}"
        return f"{task.ref}: no signal has come (WAIT){since}"
    if task.status is TaskStatus.SCHEDULED:
        again = f" since attempt {task.attempt} failed" if task.attempt else ""
        if for_ms < task.start_delay_ms:
            return f"{task.ref}: its delay of {format_ms(task.start_delay_ms)} passes{again}"
        return f"{task.ref}: no worker has polled{since or ' yet'}{again}"
    since_ms = for_ms if now_ms is None or task.started_ms is None else max(0, now_ms - task.started_ms)
    worker = f" with worker {task.worker_id}" if task.worker_id else ""
    return f"{task.ref}: in progress{worker} for {format_ms(since_ms)}"
