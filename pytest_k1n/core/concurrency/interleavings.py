"""Every order in which events can come that matters: dynamic partial-order reduction (Flanagan and Godefroid, 2005).

Two orders are one and the same if one becomes the other by swapping neighbours that have nothing to do with each other.
Events say what they read and write; of each class of orders one is run, those of the others that begin alike are put to
sleep. Pure: running is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

EVERYTHING = "*"
"""As something written: whatever comes before or after, the order matters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, and what it touched."""

    name: str
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    """Names of the events without which it could not have happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One choice, what happened by it, and what followed of itself."""

    enabled: tuple[str, ...]
    event: Event
    follow: tuple[Event, ...] = ()

    @property
    def events(self) -> tuple[Event, ...]:
        return (self.event, *self.follow)


Choose = Callable[[tuple[str, ...], Move | None], str | None]
"""Given what could happen next and the move before, name one; None: do not go on."""


@dataclass(frozen=True, slots=True)
class Course:
    """One run: its moves, and what came of it; None if it was not run to its end."""

    moves: tuple[Move, ...]
    outcome: str | None

    @property
    def order(self) -> tuple[str, ...]:
        return tuple(move.event.name for move in self.moves)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """What exploring found."""

    courses: tuple[Course, ...]
    """Those run to their end, one for each class of orders."""
    runs: int
    """With those that were given up because their like had been run."""
    is_complete: bool


def depend(one: Event, other: Event) -> bool:
    """Tell whether it could matter which of two events comes first."""
    if EVERYTHING in one.writes or EVERYTHING in other.writes:
        return True
    return bool(one.writes & (other.reads | other.writes) or other.writes & one.reads)


@dataclass(slots=True)
class _Node:
    enabled: tuple[str, ...]
    chosen: str
    asleep: dict[str, Move]
    backtrack: set[str]
    done: dict[str, Move] = field(default_factory=dict)


def explore(run: Callable[[Choose], Course], *, limit: int) -> Explored:
    """Run one order of each class, at most `limit` runs. `run` must do the same for the same choices."""
    stack: list[_Node] = []
    courses: list[Course] = []
    runs = 0
    while True:
        course = run(_chooser(stack))
        runs += 1
        if course.moves:
            last = stack[len(course.moves) - 1]
            last.done[last.chosen] = course.moves[-1]
        if course.outcome is not None:
            courses.append(course)
        _plan_reversals(stack, course.moves)
        while stack and not (left := _left(stack[-1])):
            stack.pop()
        if not stack:
            return Explored(courses=tuple(courses), runs=runs, is_complete=True)
        if runs >= limit:
            return Explored(courses=tuple(courses), runs=runs, is_complete=False)
        stack[-1].chosen = left[0]


def _left(node: _Node) -> list[str]:
    return [name for name in node.enabled if name in node.backtrack - node.done.keys() - node.asleep.keys()]


def _chooser(stack: list[_Node]) -> Choose:
    depth = 0

    def choose(enabled: tuple[str, ...], before: Move | None) -> str | None:
        nonlocal depth
        asleep: dict[str, Move] = {}
        if before is not None:
            parent = stack[depth - 1]
            parent.done[parent.chosen] = before
            resting = {**parent.asleep, **{name: each for name, each in parent.done.items() if name != parent.chosen}}
            asleep = {name: each for name, each in resting.items() if not _clash(each, before)}
        if depth == len(stack):
            awake = [name for name in enabled if name not in asleep]
            if not awake:
                return None
            stack.append(_Node(enabled, awake[0], asleep, {awake[0]}))
        depth += 1
        return stack[depth - 1].chosen

    return choose


def _clash(one: Move, other: Move) -> bool:
    return any(depend(mine, its) for mine in one.events for its in other.events)


def _plan_reversals(stack: Sequence[_Node], moves: Sequence[Move]) -> None:
    """Have it tried where two events that matter to each other could have come the other way round."""
    for node, move in zip(stack, moves, strict=False):
        if any(EVERYTHING in event.writes for event in move.events):
            node.backtrack |= set(node.enabled)  # it may have kept others from happening at all
    flat = [(depth, event) for depth, move in enumerate(moves) for event in move.events]
    before: list[int] = []
    for index, (_, event) in enumerate(flat):
        direct = [
            earlier
            for earlier in range(index)
            if flat[earlier][1].name in event.after or depend(flat[earlier][1], event)
        ]
        mask = 0
        for earlier in direct:
            mask |= before[earlier] | 1 << earlier
        before.append(mask)
        for earlier in direct:
            through = 0
            for other in direct:
                if other != earlier:
                    through |= before[other]
            depth, first = flat[earlier]
            if first.name in event.after or through >> earlier & 1 or depth == flat[index][0]:
                continue
            stack[depth].backtrack |= set(_instead(stack[depth], flat, before, earlier, index))


def _instead(
    node: _Node, flat: Sequence[tuple[int, Event]], before: Sequence[int], earlier: int, later: int
) -> Iterator[str]:
    """Name what must be chosen at a node for the later event to come before the earlier one."""
    needed = [index for index in range(earlier + 1, later + 1) if index == later or before[later] >> index & 1]
    ways = [flat[index][1].name for index in needed if flat[index][1].name in node.enabled]
    if ways:
        yield ways[0]
    else:
        yield from node.enabled


def bridge(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Lead from one order to another by swaps of neighbours, where both are of the same events."""
    if set(one) != set(other):
        return
    place = {name: index for index, name in enumerate(other)}
    current = list(one)
    while True:
        wrong = next((index for index, (a, b) in enumerate(pairwise(current)) if place[a] > place[b]), None)
        if wrong is None:
            return
        current[wrong : wrong + 2] = reversed(current[wrong : wrong + 2])
        yield tuple(current)


def count_orders(explored: Explored, *, most: int = 50_000) -> int | None:
    """Count the orders that the first course's causes allow, without any reduction; None where others end elsewhere."""
    if len({frozenset(course.order) for course in explored.courses}) != 1:
        return None
    causes: dict[str, set[str]] = {}
    ends: list[str] = []
    for move in explored.courses[0].moves:
        ends.append(move.event.name)
        for event in move.events:  # what a JOIN did was caused by the ends that it waited for
            known = [{cause} if cause in ends else causes.get(cause, set()) for cause in event.after]
            causes[event.name] = {cause for each in known for cause in each}
    position = {name: index for index, name in enumerate(ends)}
    needs = [sum(1 << position[cause] for cause in causes[name] if cause in position) for name in ends]
    ways = {0: 1}
    for _ in ends:
        following: dict[int, int] = {}
        for done, count in ways.items():
            for index, need in enumerate(needs):
                if not done >> index & 1 and need & done == need:
                    key = done | 1 << index
                    following[key] = following.get(key, 0) + count
        if len(following) > most:
            return None
        ways = following
    return sum(ways.values())
