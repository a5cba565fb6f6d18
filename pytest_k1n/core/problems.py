"""What is wrong with a workflow definition, said before it runs (the server notices some of it late, some never)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches

from pytest_k1n.core.model import WorkflowDefinition, WorkflowTask
from pytest_k1n.core.references import references
from pytest_k1n.core.unroll import Graph, happens_before

_FORKS = ("FORK_JOIN", "FORK_JOIN_DYNAMIC")


def problems(definition: WorkflowDefinition) -> tuple[str, ...]:
    """Return one readable sentence per defect, in reading order; empty for a sound definition."""
    refs = Counter(task.ref for task in definition.walk())
    graph = happens_before(definition)
    found = [] if definition.tasks else ["the workflow has no tasks"]
    found.extend(
        f"{ref} is the name of {count} tasks: reference names must be unique"
        for ref, count in refs.items()
        if count > 1
    )
    found.extend(
        f"{ref} contains '__', which Conductor reserves for iterations of a loop: rename it"
        for ref in refs
        if "__" in ref
    )
    for tasks in _lists(definition.tasks):
        found.extend(_in_sequence(tasks))
    for task in definition.walk():
        found.extend(_by_type(task, graph, refs))
    found.extend(_in_references(definition, graph, refs))
    return tuple(found)


def _lists(tasks: Sequence[WorkflowTask]) -> Iterator[Sequence[WorkflowTask]]:
    yield tasks
    for task in tasks:
        for inner in task.nested():
            yield from _lists(inner)


def _in_sequence(tasks: Sequence[WorkflowTask]) -> Iterator[str]:
    for index, task in enumerate(tasks):
        following = tasks[index + 1] if index + 1 < len(tasks) else None
        if task.type in _FORKS and (following is None or following.type != "JOIN"):
            after = (
                f"it is followed by {following.ref} ({following.type})" if following else "it is the last of its list"
            )
            yield f"fork {task.ref} has no JOIN right after it ({after}): the server fails such an execution"
        if task.type == "TERMINATE" and following is not None:
            yield f"{following.ref} can never run: it follows {task.ref}, which ends the execution"


def _by_type(task: WorkflowTask, graph: Graph, refs: Collection[str]) -> Iterator[str]:
    if task.type == "FORK_JOIN" and not task.branches:
        yield f"fork {task.ref} has no branches"
    if task.type == "FORK_JOIN":
        yield from (f"branch {n} of fork {task.ref} is empty" for n, branch in enumerate(task.branches) if not branch)
    if task.type in ("SWITCH", "DECISION") and not task.cases and not task.default_case:
        yield f"switch {task.ref} has neither cases nor a default case"
    if task.type == "DO_WHILE" and not task.loop_over:
        yield f"loop {task.ref} has no tasks to repeat"
    if task.type == "DO_WHILE":
        yield from (
            f"loop {inner.ref} sits in loop {task.ref}: the names of its iterations collide and the execution hangs; "
            "use a SUB_WORKFLOW"
            for tasks in _lists(task.loop_over)
            for inner in tasks
            if inner.type == "DO_WHILE"
        )
    if task.type in ("JOIN", "EXCLUSIVE_JOIN"):
        yield from _in_join_on(task, graph, refs)


def _in_join_on(task: WorkflowTask, graph: Graph, refs: Collection[str]) -> Iterator[str]:
    waited_for = {edge.before[0] for key in graph.keys(task.ref) for edge in graph.incoming(key)}
    for ref in dict.fromkeys(task.join_on):
        if ref not in refs:
            yield f"{task.ref} waits for {ref!r}, which no task is called{_suggestion(ref, refs)}"
        elif ref == task.ref:
            yield f"{task.ref} waits for itself"
        elif ref not in waited_for and graph.keys(ref) and graph.keys(task.ref):
            first, join = graph.keys(ref)[0], graph.keys(task.ref)[0]
            if graph.position[first] > graph.position[join]:
                yield f"{task.ref} waits for {ref}, which only starts after {task.ref}: neither can ever end"
            elif first[1] != join[1]:
                yield f"{task.ref} waits for {ref} across the border of a loop, where {ref} has another name"


def _in_references(definition: WorkflowDefinition, graph: Graph, refs: Collection[str]) -> Iterator[str]:
    bodies = [
        {inner.ref for tasks in _lists(task.loop_over) for inner in tasks}
        for task in definition.walk()
        if task.type == "DO_WHILE"
    ]
    for reference in references(definition):
        if not reference.is_of_task:
            continue
        reader = reference.consumer or "the workflow's output"
        if reference.source not in refs:
            hint = _suggestion(reference.source, refs)
            yield f"{reader} reads {reference.expression} ({reference.where}), but no task is called that{hint}"
        elif reference.consumer is not None and reference.source != reference.consumer:
            together = any({reference.source, reference.consumer} <= body for body in bodies)
            if not together and _is_later(graph, reference.source, reference.consumer):
                yield f"{reader} reads {reference.expression} ({reference.where}) before {reference.source} has run"


def _is_later(graph: Graph, source: str, consumer: str) -> bool:
    return any(graph.is_before(mine, theirs) for mine in graph.keys(consumer) for theirs in graph.keys(source))


def _suggestion(ref: str, refs: Collection[str]) -> str:
    close = get_close_matches(ref, list(refs), n=1)
    return f"; did you mean {close[0]}?" if close else ""
