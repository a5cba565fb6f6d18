"""Counting: of every row how many mutations there are, how many are noticed, and which are silent."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from multiprocessing import Pool
from random import Random

from k1n_support.mutations.changes import Row, changes
from k1n_support.mutations.judging import subject

_AT_ONCE = 2_000
"""Mutations between two full collections of garbage: nothing here refers to itself for long."""


@dataclass
class Counts:
    """What became of the mutations of some executions."""

    noticed: Counter[Row] = field(default_factory=Counter)
    alone: Counter[Row] = field(default_factory=Counter)
    """Noticed also without a definition and a plan: by the records and their own snapshot."""
    silent: dict[Row, list[str]] = field(default_factory=dict)
    """Row -> where: execution and task."""

    def add(self, other: Counts) -> None:
        """Take in what was counted elsewhere."""
        self.noticed += other.noticed
        self.alone += other.alone
        for row, places in other.silent.items():
            self.silent.setdefault(row, []).extend(places)

    @property
    def rows(self) -> list[Row]:
        return sorted({*self.noticed, *self.silent})


def counted(
    names: Iterable[str], *, share: float = 1, seed: int = 0, alike: int | None = None, at_once: int = 1
) -> Counts:
    """Mutate the recorded executions of these names, or a share of their mutations drawn by a seed."""
    jobs = [(name, share, seed, alike) for name in names]
    total = Counts()
    if at_once == 1:
        for job in jobs:
            total.add(_count(*job))
        return total
    with Pool(at_once) as pool:
        for found in pool.starmap(_count, jobs, chunksize=1):
            total.add(found)
    return total


def _count(name: str, share: float, seed: int, alike: int | None) -> Counts:
    true, random, counts = subject(name), Random(f"{seed} {name}"), Counts()
    was_on = gc.isenabled()
    gc.disable()
    try:
        for number, change in enumerate(changes(true.document, alike=alike)):
            if random.random() >= share:
                continue
            if true.is_noticed(change.document):
                counts.noticed[change.row] += 1
                counts.alone[change.row] += true.is_noticed_alone(change.document)
            else:
                counts.silent.setdefault(change.row, []).append(f"{name}: {change.subject or 'execution'}")
            if number % _AT_ONCE == 0:
                gc.collect()
    finally:
        if was_on:
            gc.enable()
    return counts
