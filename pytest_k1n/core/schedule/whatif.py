"""What if: the makespan of a recorded execution with other durations, edges or workers. Pure arithmetic on columns.

Each task starts a recorded `gap_ms` after the last thing it waited for has ended, and holds on for `hold_ms`. Without
an edit that gives back the recorded makespan to the ms; with one it is the same list scheduling that an engine does
with its measured waits kept. Only a change of workers replaces measured queue waits, by waits for a free worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush, heapreplace

from pytest_k1n.core.words import split_iteration


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelledTask:
    """One task of the model."""

    ref: str
    pool: str | None
    """The task definition that workers poll for; None for what the server does itself."""
    after: tuple[str, ...]
    """The refs it waits for."""
    reads: frozenset[str] = frozenset()
    """The refs whose output it reads."""
    phase: int | None = None
    gap_ms: int
    """From the end of what it waited for to the moment a worker could have it."""
    queue_ms: int = 0
    """From then to its start."""
    hold_ms: int
    """From its first start to its last end, retries included."""
    has_run: bool = True
    operator: str | None = None
    """Its type, if it is a step of the control flow: it takes as long as what it waits for."""


class Impossible(ValueError):
    """An edit that cannot be made; one line."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A recorded execution as steps in an order in which every one comes after all that it waits for."""

    steps: tuple[ModelledTask, ...]
    tail_ms: int = 0
    """From the end of the last step to the end of the execution."""

    @cached_property
    def _befores(self) -> tuple[tuple[int, ...], ...]:
        return _positions(tuple([(step.ref, step.after) for step in self.steps]))

    def step(self, ref: str) -> ModelledTask:
        """Find a step. Raises Impossible that lists the refs."""
        for step in self.steps:
            if step.ref == ref and step.has_run:
                return step
        known = ", ".join(step.ref for step in self.steps if step.pool is not None and step.has_run)
        raise Impossible(f"{ref!r} is no task of this execution; there are {known}")

    def refs_of(self, name: str) -> list[str]:
        """Return the steps that a name stands for: itself, or all rounds of it in a loop. Raises Impossible."""
        rounds = [step.ref for step in self.steps if step.ref != name and split_iteration(step.ref)[0] == name]
        return rounds or [self.step(name).ref]

    def limited(self, workers: Mapping[str, int]) -> Mapping[str, int]:
        """Return the workers of task definitions that it has. Raises Impossible for another."""
        pools = dict.fromkeys(step.pool for step in self.steps if step.pool is not None)
        for name in workers:
            if name not in pools:
                known = ", ".join(pools) or "none"
                raise Impossible(
                    f"{name!r} is no task definition that workers serve in this execution; there are {known}"
                )
        return workers

    def makespan_ms(self, workers: Mapping[str, int] | None = None) -> int:
        """Return how long it takes; `workers` limits how many tasks of a definition run at once."""
        return self._with_workers(workers) if workers else self._unlimited()

    def longest_path(self) -> list[ModelledTask]:
        """Return the steps of a longest path: the only ones that can shorten the execution by being shorter."""
        return [self.steps[place] for place in self.longest_places()]

    def longest_places(self) -> list[int]:
        """Return the places of the steps of a longest path."""
        ends = self._ends()
        path: list[int] = []
        index = max(range(len(ends)), key=ends.__getitem__, default=None)
        while index is not None:
            path.append(index)
            index = max(self._befores[index], key=ends.__getitem__, default=None)
        return path[::-1]

    def makespans(self) -> tuple[list[int], list[int]]:
        """Return (aside, through) by the place of a step: were it to hold for h, all took max(aside, through + h).

        Of all steps at once, for thousands are tried. `aside` is the longest way past a step: steps are in order, so
        each way past one leaps over its place, from a step before it, or the beginning, to one behind it, or the end.
        """
        ends, count = self._ends(), len(self.steps)
        owns = [step.gap_ms + step.queue_ms + step.hold_ms for step in self.steps]
        rests = [0] * count  # from the end of a step
        leaps: list[tuple[int, int, int]] = []
        for place in range(count - 1, -1, -1):
            left = owns[place] + rests[place]
            for before in self._befores[place]:
                rests[before] = max(rests[before], left)
                if place - before > 1:
                    leaps.append((ends[before] + left, before, place))
        starts = [max([0, *(ends[before] for before in befores)]) for befores in self._befores]
        through = [
            start + own + rest - step.hold_ms
            for start, own, rest, step in zip(starts, owns, rests, self.steps, strict=True)
        ]
        aside = [0] * count
        for place in range(1, count):
            aside[place] = max(aside[place - 1], ends[place - 1])
        most = 0
        for place in range(count - 2, -1, -1):
            most = max(most, owns[place + 1] + rests[place + 1])
            aside[place] = max(aside[place], most)
        following = list(range(1, count + 1))  # of a place that is filled: the next one that may not be
        is_filled = [False] * count
        for length, before, behind in sorted(leaps, reverse=True):
            place = before + 1
            while place < behind:
                if not is_filled[place]:
                    is_filled[place] = True
                    aside[place] = max(aside[place], length)
                if following[place] < count and is_filled[following[place]]:
                    following[place] = following[following[place]]
                place = following[place]
        return [each + self.tail_ms for each in aside], [each + self.tail_ms for each in through]

    def _unlimited(self) -> int:
        return max(max(self._ends(), default=0), 0) + self.tail_ms

    def _ends(self) -> list[int]:
        ends: list[int] = []
        for step, befores in zip(self.steps, self._befores, strict=True):
            end = 0
            for before in befores:
                if ends[before] > end:
                    end = ends[before]
            ends.append(end + step.gap_ms + step.queue_ms + step.hold_ms)
        return ends

    def _with_workers(self, workers: Mapping[str, int]) -> int:
        """Serve each pool in the order in which its tasks become ready."""
        waits = [len(befores) for befores in self._befores]
        after: list[list[int]] = [[] for _ in self.steps]
        for index, befores in enumerate(self._befores):
            for before in befores:
                after[before].append(index)
        free = {pool: [0] * min(max(count, 1), len(self.steps) or 1) for pool, count in workers.items()}
        ready = [(step.gap_ms, index) for index, step in enumerate(self.steps) if not waits[index]]
        heapify(ready)
        reached = [0] * len(self.steps)
        last = 0
        while ready:
            at, index = heappop(ready)
            step = self.steps[index]
            slots = free.get(step.pool or "")
            start = at + step.queue_ms if slots is None else max(at, slots[0])
            end = start + step.hold_ms
            if slots is not None:
                heapreplace(slots, end)
            last = max(last, end)
            for following in after[index]:
                reached[following] = max(reached[following], end)
                waits[following] -= 1
                if not waits[following]:
                    heappush(ready, (reached[following] + self.steps[following].gap_ms, following))
        return last + self.tail_ms

    def with_duration(self, ref: str, hold_ms: int) -> Model:
        """Let a task take another time. Raises Impossible."""
        old = self.step(ref)
        if old.operator is not None:
            raise Impossible(f"{ref} is a {old.operator}, which takes as long as what it waits for: change its tasks")
        new = replace(old, hold_ms=hold_ms)
        changed = Model(steps=tuple([new if step is old else step for step in self.steps]), tail_ms=self.tail_ms)
        changed.__dict__["_befores"] = self._befores  # of thousands of tasks, and tried thousands of times
        return changed

    def without(self, ref: str) -> Model:
        """Take a task out: what waited for it waits for what it waited for. Raises Impossible."""
        if self.step(ref).operator == "DO_WHILE":
            raise Impossible(f"{ref} is a DO_WHILE: leave out the tasks of its rounds")
        gone = (
            replace(step, hold_ms=0, gap_ms=0, queue_ms=0, pool=None) if step.ref == ref else step
            for step in self.steps
        )
        return replace(self, steps=tuple(gone))

    def side_by_side(self, refs: Sequence[str]) -> Model:
        """Start tasks together: each waits for what the group waited for, and what waited for one waits for all.

        Raises Impossible for tasks that cannot be told apart, and where the result would wait for itself.
        """
        group = set(refs)
        if len(group) < 2 or len(group) < len(refs):
            raise Impossible(f"side by side takes two or more different tasks, not {', '.join(refs)}")
        known = {step.ref: step for step in reversed(self.steps) if step.has_run}
        steps = [known.get(ref) or self.step(ref) for ref in refs]
        between = self._between(group)
        if between:
            raise Impossible(
                f"{', '.join(refs)} cannot run side by side: {', '.join(sorted(between))} runs between them"
            )
        outside = tuple(dict.fromkeys(ref for step in steps for ref in step.after if ref not in group))
        changed = []
        for step in self.steps:
            if step.ref in group:
                changed.append(replace(step, after=outside))
            elif group & set(step.after):
                others = tuple(ref for ref in step.after if ref not in group)
                changed.append(replace(step, after=(*others, *refs)))
            else:
                changed.append(step)
        return replace(self, steps=_ordered(changed))

    def _between(self, group: set[str]) -> set[str]:
        """Return what comes after one of the group and before another."""
        later: dict[str, bool] = {}
        earlier: dict[str, bool] = {}
        for step in self.steps:
            later[step.ref] = any(ref in group or later.get(ref, False) for ref in step.after)
        before = {step.ref: step.after for step in self.steps}
        for step in reversed(self.steps):
            if step.ref in group or earlier.get(step.ref, False):
                for ref in before[step.ref]:
                    earlier[ref] = True
        return {ref for ref in later if ref not in group and later[ref] and earlier.get(ref, False)}


@lru_cache(maxsize=64)
def _positions(shape: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[tuple[int, ...], ...]:
    """Return, for each task, the positions of what it waits for: the same for all executions of one definition."""
    position = {ref: index for index, (ref, _) in enumerate(shape)}
    return tuple(tuple(position[ref] for ref in after if ref in position) for _, after in shape)


def _ordered(steps: Iterable[ModelledTask]) -> tuple[ModelledTask, ...]:
    """Put steps in an order again. Raises Impossible."""
    by_ref = {step.ref: step for step in steps}
    try:
        order = list(TopologicalSorter({ref: step.after for ref, step in by_ref.items()}).static_order())
    except CycleError as error:
        raise Impossible(f"that would let {error.args[1][0]} wait for itself") from None
    return tuple(by_ref[ref] for ref in order if ref in by_ref)
