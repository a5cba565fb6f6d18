"""The partial order of an execution's tasks: a graph of happens-before edges, and what follows from it.

It is kept by position, a row of whole numbers for each task: what an edge comes from is told to findings only.
Ancestors are sets kept as bits of one Python int per task, so that a whole row is tested in one operation. They grow
with the square of the tasks, so what every execution is judged by (`first_of`, `nearest`) walks the edges instead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from pytest_k1n.core.model import OPERATOR_TASK_TYPES, SYSTEM_TASK_TYPES, TaskKey, WorkflowTask

Choice = tuple[TaskKey, str]
"""A SWITCH and the case of it that a task sits in."""

STAMPED_LATE_TYPES = frozenset({"FORK_JOIN", "FORK_JOIN_DYNAMIC", "SWITCH", "DECISION", "NOOP"})
"""Operators whose end the server stamps after it has inserted what they lead to."""


def label(key: TaskKey) -> str:
    """Write a key as Conductor does: `work`, in the second iteration of a loop `work__2`."""
    ref, iteration = key
    return f"{ref}__{iteration}" if iteration else ref


class Edge(NamedTuple):
    """One requirement: `after` may be scheduled only when `before` has ended."""

    before: TaskKey
    after: TaskKey
    origin: str
    """What demands it, in words: `definition edge task_6 -> task_7`, `join_3 waits for task_5`."""
    group: int = 0
    """0: required. Edges into one task that share another number are alternatives, of which one suffices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelGroup:
    """Worker tasks that one fork declares parallel from its start: the first of every branch."""

    fork: TaskKey
    tasks: tuple[TaskKey, ...]
    behind: frozenset[TaskKey] = frozenset()
    """Those behind a system task of their branch (WAIT, HTTP, SUB_WORKFLOW, ...), which ends in its own time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Graph:
    """A directed acyclic graph of tasks. `nodes` are in topological order, by which positions count.

    Where alternatives are open (cases of a SWITCH that has not decided), order means *guaranteed* order.
    """

    nodes: Mapping[TaskKey, WorkflowTask]
    predecessor_positions: Sequence[tuple[int, ...]]
    """For every position the positions of what it directly waits for."""
    origins: Callable[[int], Sequence[str]]
    """Says of a position what demands each of these edges, in their order."""
    alternatives: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """By position, the groups of the edges into it, where one is not simply required."""
    forks: Mapping[TaskKey, tuple[tuple[TaskKey, ...], ...]] = field(default_factory=dict)
    """The tasks of every branch of every fork, nested ones included."""
    undecided: Mapping[TaskKey, tuple[Choice, ...]] = field(default_factory=dict)
    """Tasks that run only if SWITCHes which have not decided yet decide so."""

    @cached_property
    def order(self) -> tuple[TaskKey, ...]:
        """All keys, every task after all that it waits for."""
        return tuple(self.nodes)

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The type of every task, by position."""
        return tuple([task.type for task in self.nodes.values()])

    @cached_property
    def position(self) -> Mapping[TaskKey, int]:
        """Where each key stands in `order`: the number of its bit."""
        return {key: index for index, key in enumerate(self.nodes)}

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """All requirements, by what they lead to."""
        return tuple([edge for edges in self._incoming.values() for edge in edges])

    @cached_property
    def _incoming(self) -> Mapping[TaskKey, tuple[Edge, ...]]:
        return {key: self._edges_into(position) for key, position in self.position.items()}

    def _edges_into(self, position: int) -> tuple[Edge, ...]:
        befores, order = self.predecessor_positions[position], self.order
        groups = self.alternatives.get(position) or (0,) * len(befores)
        rows = zip(befores, self.origins(position), groups, strict=True)
        return tuple([Edge(order[before], order[position], origin, group) for before, origin, group in rows])

    @cached_property
    def stamped_before(self) -> tuple[tuple[int, ...], ...]:
        """For every position the nearest tasks before it that bear a stamp to compare: past operators stamped late.

        Of a graph without alternatives.
        """
        is_late = [kind in STAMPED_LATE_TYPES for kind in self.types]
        found: list[tuple[int, ...]] = []
        for index, befores in enumerate(self.predecessor_positions):
            if len(befores) == 1:
                found.append(found[befores[0]] if is_late[befores[0]] else befores)
            elif any(is_late[each] for each in befores):
                found.append(tuple(self.nearest(index, lambda each: not is_late[each], lambda _: True)))
            else:
                found.append(tuple(set(befores) - self.first_of(befores)))
        return tuple(found)

    @cached_property
    def ancestors(self) -> tuple[int, ...]:
        """For every position the bits of all tasks that must have ended before it may be scheduled."""
        masks: list[int] = []
        for position, befores in enumerate(self.predecessor_positions):
            required = 0
            options: dict[int, int] = {}
            for before, group in zip(befores, self.alternatives.get(position) or (0,) * len(befores), strict=True):
                mask = masks[before] | 1 << before
                if group:
                    options[group] = options.get(group, -1) & mask
                else:
                    required |= mask
            for mask in options.values():
                required |= mask
            masks.append(required)
        return tuple(masks)

    @cached_property
    def behind_alternatives(self) -> frozenset[TaskKey]:
        """Tasks that alternatives lead to, at whatever distance: of what comes before them not all is guaranteed."""
        if not self.alternatives:
            return frozenset()
        found: set[int] = set()
        for position, befores in enumerate(self.predecessor_positions):
            if any(self.alternatives.get(position, ())) or not found.isdisjoint(befores):
                found.add(position)
        return frozenset(self.order[position] for position in found)

    @cached_property
    def _possible_ancestors(self) -> tuple[int, ...]:
        """As `ancestors`, but of alternatives all: what, *if* it runs at all, comes before."""
        masks: list[int] = []
        for positions in self.predecessor_positions:
            mask = 0
            for index in positions:
                mask |= masks[index] | 1 << index
            masks.append(mask)
        return tuple(masks)

    @cached_property
    def worker_keys(self) -> frozenset[TaskKey]:
        """The tasks that a worker polls for."""
        rows = zip(self.order, self.types, strict=True)
        return frozenset([key for key, kind in rows if kind not in SYSTEM_TASK_TYPES])

    @cached_property
    def operator_keys(self) -> frozenset[TaskKey]:
        """The tasks that only steer control flow: forks, joins, switches, loops, TERMINATE."""
        rows = zip(self.order, self.types, strict=True)
        return frozenset([key for key, kind in rows if kind in OPERATOR_TASK_TYPES])

    def keys(self, ref: str) -> tuple[TaskKey, ...]:
        """Return the keys of a reference name: one, or one per iteration of its loop; empty if there is none."""
        return tuple(key for key in self.nodes if key[0] == ref)

    def incoming(self, key: TaskKey) -> tuple[Edge, ...]:
        """Return the edges into a task. Raises KeyError for a key that is no node."""
        return self._edges_into(self.position[key])

    def predecessors(self, key: TaskKey) -> tuple[TaskKey, ...]:
        """Return what a task directly waits for. Raises KeyError for a key that is no node."""
        return tuple([self.order[before] for before in self.predecessor_positions[self.position[key]]])

    def is_before(self, before: TaskKey, after: TaskKey) -> bool:
        """Whether `before` must have ended when `after` is scheduled; also over tasks in between."""
        return bool(self.ancestors[self.position[after]] >> self.position[before] & 1)

    def first_of(self, positions: Collection[int]) -> set[int]:
        """Return those of some tasks that others of them wait for, directly or not: of any two, all but the last.

        Looks at what lies between them only. None of them may be behind alternatives.
        """
        if len(positions) < 2:
            return set()
        wanted, lowest, before = set(positions), min(positions), self.predecessor_positions
        pending = [index for each in wanted for index in before[each] if index >= lowest]
        reached: set[int] = set()
        while pending:
            index = pending.pop()
            if index >= lowest and index not in reached:
                reached.add(index)
                pending.extend(before[index])
        return wanted & reached

    def before_all(self, positions: Collection[int]) -> set[int]:
        """Return the positions of some tasks with all that is guaranteed to come before any of them."""
        if any(self.order[each] in self.behind_alternatives for each in positions):
            return {index for each in positions for index in _bits(self.ancestors[each] | 1 << each)}
        pending, reached = list(positions), set[int]()
        while pending:
            index = pending.pop()
            if index not in reached:
                reached.add(index)
                pending.extend(self.predecessor_positions[index])
        return reached

    def nearest(self, position: int, is_wanted: Callable[[int], bool], leads_on: Callable[[int], bool]) -> list[int]:
        """Return, of the wanted tasks before one, those that no other wanted one waits for; the nearest first.

        `leads_on` says whether to look behind a task that is not wanted. It may not be behind alternatives.
        """
        before = self.predecessor_positions
        pending, reached, found = list(before[position]), set[int](), list[int]()
        while pending:
            index = pending.pop()
            if index in reached:
                continue
            reached.add(index)
            if is_wanted(index):
                found.append(index)
            elif leads_on(index):
                pending.extend(before[index])
        return sorted(set(found) - self.first_of(found), reverse=True)

    def are_exclusive(self, first: TaskKey, second: TaskKey) -> bool:
        """Whether the two sit in different cases of one undecided SWITCH, so that at most one of them runs."""
        cases = dict(self.undecided.get(first, ()))
        return any(cases.get(switch, case) != case for switch, case in self.undecided.get(second, ()))

    def are_concurrent(self, first: TaskKey, second: TaskKey) -> bool:
        """Whether the definition lets two different tasks run at the same time."""
        early, late = sorted((self.position[first], self.position[second]))
        ordered = early == late or self._possible_ancestors[late] >> early & 1
        return not ordered and not self.are_exclusive(first, second)

    def concurrent_pairs(self) -> tuple[tuple[TaskKey, TaskKey], ...]:
        """Return all pairs of worker tasks that may run at the same time, the earlier in `order` first."""
        workers = self._mask(self.worker_keys)
        return tuple(
            (self.order[first], second)
            for index, second in enumerate(self.order)
            if workers >> index & 1
            for first in _bits(workers & ((1 << index) - 1) & ~self._possible_ancestors[index])
            if not self.are_exclusive(self.order[first], second)
        )

    @cached_property
    def beside_others(self) -> frozenset[TaskKey]:
        """Worker tasks that may run at the same time as another worker task."""
        return frozenset(task for pair in self.concurrent_pairs() for task in pair)

    def parallel_groups(self) -> tuple[ParallelGroup, ...]:
        """Return, for every fork with two or more busy branches, the worker tasks that its branches start with.

        Where a branch starts with a fork of its own, that fork's heads count; a group inside a larger one is left out.
        """
        return self._parallel_groups

    @cached_property
    def _parallel_groups(self) -> tuple[ParallelGroup, ...]:
        groups = [group for fork in self.forks if len((group := self._group(fork)).tasks) > 1]
        sets = [frozenset(group.tasks) for group in groups]
        return tuple(group for group, tasks in zip(groups, sets, strict=True) if not any(tasks < s for s in sets))

    def contracted(self, keep: Collection[TaskKey] | None = None) -> Graph:
        """Return the order among `keep` alone (default: all but operators), transitively reduced.

        Edges over what is left out are bridged and say so: `task_8 -> task_9 through join_2`. System tasks
        that do something (WAIT, HTTP, SUB_WORKFLOW, ...) stay by default; pass `worker_keys` to drop them too.
        """
        kept = self.nodes.keys() - self.operator_keys if keep is None else self.nodes.keys() & set(keep)
        mask_of_kept, order, ancestors = self._mask(kept), self.order, self.ancestors
        rows: list[tuple[int, ...]] = []
        origins_of: list[tuple[str, ...]] = []
        place = {key: index for index, key in enumerate(key for key in order if key in kept)}
        bridges: dict[TaskKey, dict[TaskKey, tuple[str, ...]]] = {}
        for index, (after, incoming) in enumerate(self._incoming.items()):
            if after not in kept:
                bridges[after] = _bridged(incoming, bridges, label(after))
                continue
            between = _bridged(incoming, bridges)
            origins = {edge.before: edge.origin for edge in incoming}
            waiting = ancestors[index] & mask_of_kept
            nearest_first: list[Edge] = []
            while waiting:  # the highest bit has no descendant among the rest: it is a direct predecessor
                nearest = waiting.bit_length() - 1
                before = order[nearest]
                origin = origins.get(before) or (
                    _through(before, after, between[before]) if before in between else self.why(before, after)
                )
                nearest_first.append(Edge(before, after, origin))
                waiting &= ~(ancestors[nearest] | 1 << nearest)
            nearest_first.reverse()
            rows.append(tuple(place[edge.before] for edge in nearest_first))
            origins_of.append(tuple(edge.origin for edge in nearest_first))
        return Graph(
            nodes={key: task for key, task in self.nodes.items() if key in kept},
            predecessor_positions=tuple(rows),
            origins=origins_of.__getitem__,
            forks={
                fork: tuple(tuple(key for key in branch if key in kept) for branch in branches)
                for fork, branches in self.forks.items()
            },
            undecided={key: choices for key, choices in self.undecided.items() if key in kept},
        )

    @cached_property
    def comparable(self) -> Graph:
        """The order among tasks whose ends can be compared with scheduled stamps at 0 ms."""
        return self.contracted([key for key, task in self.nodes.items() if task.type not in STAMPED_LATE_TYPES])

    def direct(self) -> Graph:
        """Return the same order with no edge that others imply (the transitive reduction)."""
        return self.contracted(self.nodes)

    def path(self, before: TaskKey, after: TaskKey) -> tuple[Edge, ...]:
        """Return the shortest chain of edges that puts `before` before `after`; empty if nothing does."""
        position, lowest = self.position, self.position[before]
        is_sure = after not in self.behind_alternatives
        ancestors = () if is_sure else self.ancestors
        onward: dict[TaskKey, Edge] = {}
        frontier = [after]
        while frontier:
            reached: list[TaskKey] = []
            for key in frontier:
                for edge in self._incoming[key]:
                    if edge.before == before:
                        chain = [edge]
                        while chain[-1].after != after:
                            chain.append(onward[chain[-1].after])
                        return tuple(chain)
                    at = position[edge.before]
                    if edge.before not in onward and (at > lowest if is_sure else ancestors[at] >> lowest & 1):
                        onward[edge.before] = edge
                        reached.append(edge.before)
            frontier = reached
        return ()

    def why(self, before: TaskKey, after: TaskKey) -> str:
        """Say in words what puts `before` before `after`; empty if nothing does."""
        chain = self.path(before, after)
        if len(chain) < 2:
            return chain[0].origin if chain else ""
        return _through(before, after, tuple(label(edge.after) for edge in chain[:-1]))

    def why_not(self, before: TaskKey, after: TaskKey) -> str:
        """Say in words that nothing puts `before` before `after`, and what that one waits for instead."""
        waits_for = ", ".join(map(self._with_joined, self.predecessors(after))) or "nothing"
        return f"nothing in the definition makes {label(after)} wait for {label(before)}: it waits for {waits_for}"

    def _with_joined(self, key: TaskKey) -> str:
        """Name a task, and of a JOIN what it joins: where that is too little, it is the cause."""
        joined = self.nodes[key].join_on
        return f"{label(key)}, which joins {', '.join(joined)}" if joined else label(key)

    def _mask(self, keys: Collection[TaskKey]) -> int:
        return sum(1 << self.position[key] for key in keys)

    def _group(self, fork: TaskKey) -> ParallelGroup:
        heads: list[TaskKey] = []
        behind: list[TaskKey] = []
        taken = before_taken = 0  # not pair by pair: of thousands of branches there are millions
        for branch in self.forks[fork]:
            workers = [key for key in branch if key in self.worker_keys]
            busy = self._mask(workers)
            systems = self._mask(set(branch) - self.worker_keys - self.operator_keys)
            firsts = [key for key in workers if not self.ancestors[self.position[key]] & busy]
            for key in firsts:
                at = self.position[key]
                is_ordered = (before_taken | taken) >> at & 1 or self._possible_ancestors[at] & taken
                is_alternative = key in self.undecided and any(self.are_exclusive(key, head) for head in heads)
                if not is_ordered and not is_alternative:
                    heads.append(key)
                    taken |= 1 << at
                    before_taken |= self._possible_ancestors[at]
            behind.extend(key for key in firsts if self.ancestors[self.position[key]] & systems)
        return ParallelGroup(fork=fork, tasks=tuple(heads), behind=frozenset(behind))


def _bridged(
    incoming: Sequence[Edge], bridges: Mapping[TaskKey, Mapping[TaskKey, tuple[str, ...]]], *name: str
) -> dict[TaskKey, tuple[str, ...]]:
    """Collect what is kept before a task, directly or over what is left out, and the names of what lies between.

    A task that is left out itself gives its `name`, to be passed on.
    """
    found: dict[TaskKey, tuple[str, ...]] = {}
    for edge in incoming:
        for before, names in bridges[edge.before].items() if edge.before in bridges else ((edge.before, ()),):
            found.setdefault(before, (*names, *name))
    return found


def _through(before: TaskKey, after: TaskKey, between: tuple[str, ...]) -> str:
    return f"{label(before)} -> {label(after)} through {', '.join(between)}"


def _bits(mask: int) -> Iterator[int]:
    """Yield the positions of the set bits, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
