"""What a JOIN waits for in vain: names in its `joinOn` that its execution will never have a record of. Pure.

Conductor 3.32.1 does not look whether they can still come: such a JOIN is IN_PROGRESS for ever.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_k1n.core.model import TaskKey, TaskRecord
from pytest_k1n.core.order.graph import label
from pytest_k1n.core.pending.final import loop_of
from pytest_k1n.core.pending.nextstep import NextStep, Owner
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.words import split_iteration


def never_joined(observation: Observation, record: TaskRecord) -> NextStep | None:
    """Say what an open JOIN waits for that never comes, by the definition that ran; None where all still may."""
    seen = observation.as_run
    if record.type != "JOIN" or record.key not in seen.graph.nodes or _may_fork_more(seen):
        return None
    names = ", ".join(_in_vain(seen, record))
    if not names:
        return None
    return NextStep(
        subject=label(record.key),
        owner=Owner.NOBODY,
        expected="all that it joins to come",
        observed=f"JOIN waits for {names}",
        since_ms=record.scheduled_ms,
    )


def _in_vain(observation: Observation, record: TaskRecord) -> Iterator[str]:
    graph, key = observation.graph, record.key
    defined = {task.ref for task in observation.definition.walk()}
    for name in _names(observation, record):
        ref, iteration = _meant(name, key)
        wanted = (ref, iteration)
        if wanted == key:
            yield f"{name} (itself)"
        elif wanted in observation.finals or (not key[1] and split_iteration(name) in observation.finals):
            continue
        elif wanted in graph.nodes:
            if graph.position[wanted] > graph.position[key]:
                yield f"{name} (which only comes after it)"
        elif ref not in defined:
            base = split_iteration(ref)[0]
            if base not in defined:
                yield f"{name} (no task is called that)"
            elif _is_over(observation, base):
                yield f"{name} (its loop had ended before that round)"
        elif key[1] and (ref, 0) in graph.nodes:
            yield f"{name} (outside of its loop: in here it would be called {name}__{key[1]})"
        elif not key[1] and any(ref == other and count for other, count in graph.nodes):
            yield f"{name} (in its loop it is called {name}__1, {name}__2, ...)"
        else:
            yield f"{name} (no path that was taken leads there)"


def _names(observation: Observation, record: TaskRecord) -> list[str]:
    noted = record.input.get("joinOn")
    names = noted if isinstance(noted, list) else observation.graph.nodes[record.key].join_on
    return list(dict.fromkeys(map(str, names)))


def _meant(name: str, join: TaskKey) -> TaskKey:
    """Return the task that a name means: in a loop that of the same round, whether the server noted that or not."""
    if not join[1]:
        return name, 0
    ref, iteration = split_iteration(name)
    return ref, iteration or join[1]


def _is_over(observation: Observation, ref: str) -> bool:
    """Whether the loop that holds a task goes round no more."""
    loop = loop_of(observation.definition.tasks, ref)
    record = observation.finals.get((loop, 0)) if loop else None
    return record is not None and record.status.is_terminal


def _may_fork_more(observation: Observation) -> bool:
    """Whether a dynamic fork has yet to say which tasks it brings along."""
    nodes, finals = observation.graph.nodes, observation.finals
    return any(task.type == "FORK_JOIN_DYNAMIC" and key not in finals for key, task in nodes.items())
