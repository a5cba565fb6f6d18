"""Tasks that wait for each other because their definition lets only so many run at once: those waits are as long as the
work of others, so in workflow time they grow with it. Within one execution; what others hold is not on its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from itertools import pairwise

from pytest_k1n.core.model import Execution, TaskRecord
from pytest_k1n.core.order.graph import Graph


class Slots:
    """Says in which order to lay tasks out, and how long one is held until a task of its definition has ended."""

    def __init__(self, execution: Execution, graph: Graph) -> None:
        self.order: Sequence[int] = range(len(graph.nodes))
        """Positions of the graph, each after all that it waits for."""
        self._limits: dict[int, tuple[str, int]] = {}
        self._ended: dict[str, tuple[list[int], list[int]]] = {}
        """By definition, when its slots were given back: rebuilt ends and raw ends, which may be in another order."""
        turns = _turns(execution, graph)
        if turns:
            waits = {position: list(befores) for position, befores in enumerate(graph.predecessor_positions)}
            for positions in turns.values():
                for before, position in pairwise(positions):
                    waits[position].append(before)
            try:
                self.order = tuple(TopologicalSorter(waits).static_order())
            except CycleError:  # a record out of order: it is judged elsewhere, and laid out without this
                return
            self._limits = {position: kind for kind, positions in turns.items() for position in positions}

    def held_ms(self, position: int, *, scheduled: int, start: int, shift: int) -> int:
        """Return how long a task is held, beyond its own `shift`, by one whose slot it took; stamps are raw."""
        kind = self._limits.get(position)
        ended, raw_ended = self._ended.get(kind[0], ([], [])) if kind else ([], [])
        if kind is None or len(ended) < kind[1] or raw_ended[0] > start:
            return 0
        return max(0, heappop(ended) - max(heappop(raw_ended), scheduled) - shift)

    def release(self, position: int, *, raw_end: int, end: int) -> None:
        """Say when a task ended, and so gave its slot back."""
        if (kind := self._limits.get(position)) is not None:
            ended, raw_ended = self._ended.setdefault(kind[0], ([], []))
            heappush(ended, end)
            heappush(raw_ended, raw_end)


def _turns(execution: Execution, graph: Graph) -> Mapping[tuple[str, int], list[int]]:
    """Return, by definition and limit, the positions of more tasks than may run at once, by their start."""
    found: dict[tuple[str, int], list[tuple[int, int]]] = {}
    firsts: dict[object, TaskRecord] = {}
    for record in execution.tasks:
        if (limit := _limit(record)) and record.started_ms is not None:
            before = firsts.setdefault(record.key, record)
            if before is record and (position := graph.position.get(record.key)) is not None:
                found.setdefault((record.def_name, limit), []).append((record.started_ms, position))
    return {
        kind: [position for _, position in sorted(starts)] for kind, starts in found.items() if len(starts) > kind[1]
    }


def _limit(record: TaskRecord) -> int:
    definition = record.workflow_task.task_definition if record.workflow_task else None
    return definition.concurrent_exec_limit if definition else 0
