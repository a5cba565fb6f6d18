"""What a graph requires of an execution's records: what must have succeeded, and what has no place in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pytest_k1n.core.model import Execution, TaskKey, WorkflowTask
from pytest_k1n.core.order.graph import Graph


def expected_keys(graph: Graph, execution: Execution) -> tuple[TaskKey, ...]:
    """Return the tasks that must have succeeded for the execution to be complete: not optional, on the path taken.

    A TERMINATE that was reached excuses everything it did not wait for.
    """
    spared = {ref for task in graph.nodes.values() if task.optional for ref in refs_in([task])}
    required: Sequence[TaskKey] = graph.order
    if spared or graph.undecided:
        required = [key for key in required if key[0] not in spared and key not in graph.undecided]
    finals = execution.finals
    stops = [
        index
        for index, (key, kind) in enumerate(zip(graph.order, graph.types, strict=True))
        if kind == "TERMINATE" and key in finals and finals[key].status.is_terminal
    ]
    if stops:
        reached = graph.before_all(stops)
        required = [key for key in required if graph.position[key] in reached]
    return tuple(required)


def unexpected_keys(graph: Graph, execution: Execution) -> tuple[TaskKey, ...]:
    """Return the tasks on record that the graph has no place for: a case not taken, a ref of another definition."""
    places = execution.columns.last
    if places.keys() <= graph.nodes.keys():
        return ()
    return tuple(key for key in places if key not in graph.nodes)


def refs_in(tasks: Iterable[WorkflowTask], *, into_loops: bool = True) -> Iterator[str]:
    """Yield the reference names of tasks and of all that is nested in them."""
    for task in tasks:
        yield task.ref
        for inner in task.nested():
            if into_loops or task.type != "DO_WHILE":
                yield from refs_in(inner, into_loops=into_loops)
