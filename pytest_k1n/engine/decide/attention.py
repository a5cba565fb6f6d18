"""Where an evaluation looks: at what has changed, what is due, and what waits for either; not at all that is open.

A fork of a thousand branches is evaluated a thousand times. Whoever changes one task says so (`Engine.decide`), and the
evaluation looks at that task, at those it adds, at those whose time may be up, and at the JOINs and loops around them.
Where anything may have changed (an operator was at work, the execution was paused) it looks at every live task, and
notes anew what waits for what.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop
from operator import attrgetter

from pytest_k1n.engine.decide import joins, timeouts
from pytest_k1n.engine.decide.systemtasks import UNQUEUED
from pytest_k1n.engine.state import Attention, ExecutionState, TaskState
from pytest_k1n.engine.status import IN_PROGRESS, OPEN_TASK, SKIPPED

_seq = attrgetter("seq")


def note(execution: ExecutionState, changed: Iterable[TaskState] | None) -> None:
    """Take note of what has changed since the last evaluation; None: anything may have.

    So it may where a task has changed that was done with: an operator has ended what a retry had reopened.
    """
    attention = execution.attention
    if changed is None:
        attention.unseen = None
    elif attention.unseen is not None:
        for task in changed:
            if task not in execution.live:
                attention.unseen = None
                return
            attention.unseen.append(task)


def take(execution: ExecutionState, now_ms: int) -> list[TaskState]:
    """Return the live tasks to look at, in the order of scheduling; unless `keep` follows, all are unseen again."""
    attention, live = execution.attention, execution.live
    unseen, attention.unseen = attention.unseen, None
    if unseen is None:
        return list(live)
    dues = attention.dues
    while dues and dues[0][0] <= now_ms:
        unseen.append(heappop(dues)[2])
    if len(unseen) == 1 or (len(unseen) == 2 and unseen[0] is unseen[1]):
        return unseen[:1] if unseen[0] in live else []
    return sorted((task for task in dict.fromkeys(unseen) if task in live), key=_seq)


def forget(execution: ExecutionState, looked_at: list[TaskState]) -> None:
    """Take what needs no further look out of what is live."""
    for task in looked_at:
        if task.executed or task.retried or task.status == SKIPPED:
            execution.live.discard(task)


def inner(execution: ExecutionState, looked_at: list[TaskState], now_ms: int, *, is_all: bool) -> list[TaskState]:
    """Return the open tasks that may go on by themselves now, JOINs aside, after a look and what it has scheduled.

    `is_all` tells that the look went over every live task: what waits for what is noted anew then.
    """
    attention, added = execution.attention, execution.attention.unseen or []
    if is_all:
        looked_at = list(execution.live)
        dues = [(timeouts.task_due_ms(task, now_ms), task.number, task) for task in looked_at if task.is_open]
        attention.dues = [due for due in dues if due[0] != timeouts.NEVER]
        heapify(attention.dues)
        attention.loops, attention.exclusive, attention.blocked, attention.ripe = {}, [], {}, {}
    else:
        looked_at = looked_at + added if added else looked_at
    found: dict[TaskState, None] = {}
    for task in looked_at:
        if task.status not in OPEN_TASK:
            if attention.blocked and (blocked := attention.blocked.pop(task.ref, None)) is not None:
                attention.ripe.update(dict.fromkeys(blocked))
            loop = attention.loops.get(task.node.loop) if attention.loops else None  # type: ignore[arg-type]
            if loop is not None and loop.status in OPEN_TASK:  # else its time was up, or an update has ended it
                found[loop] = None
            continue
        if not is_all:
            timeouts.await_due(task, now_ms)
        if task.type in UNQUEUED:
            _note_inner(attention, task)
            if task.type != "JOIN":
                found[task] = None
    for join in attention.exclusive:
        if join.status in OPEN_TASK:
            found[join] = None
    if len(found) < 2:
        return list(found)
    return sorted(found, key=_seq)


def _note_inner(attention: Attention, task: TaskState) -> None:
    if task.type == "JOIN":
        attention.ripe[task] = None
    elif task.type == "DO_WHILE":
        attention.loops[task.node] = task
    elif task.type == "EXCLUSIVE_JOIN" and task not in attention.exclusive:
        attention.exclusive.append(task)


def changed(execution: ExecutionState, task: TaskState) -> None:
    """Take note that an evaluation has ended a task of its own: the next look is at it."""
    attention = execution.attention
    if attention.unseen is not None:
        attention.unseen.append(task)
    if task.type == "DO_WHILE" and attention.loops.get(task.node) is task:
        del attention.loops[task.node]
    elif task.type == "EXCLUSIVE_JOIN" and task in attention.exclusive:
        attention.exclusive.remove(task)


def end_joins(execution: ExecutionState) -> list[TaskState]:
    """End the JOINs that can end, and note what the others wait for; return those that ended."""
    attention = execution.attention
    if not attention.ripe:
        return []
    ripe, attention.ripe = attention.ripe, {}
    ended = []
    for join in ripe if len(ripe) < 2 else sorted(ripe, key=_seq):
        if join.status != IN_PROGRESS:
            continue
        join.poll_count += 1
        if joins.evaluate(join):
            ended.append(join)
        else:
            attention.blocked.setdefault(joins.awaited_next(join), []).append(join)
    return ended
