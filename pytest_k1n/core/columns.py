"""The records of an execution in columns: a list for each field, a place for each record, by `seq`.

A check of all records looks at columns, where a hundred thousand of them are one operation. The record of a place is
made when a check has something to say about it, or a caller asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, compress
from typing import TypeVar, overload

from pytest_k1n.core.words import SYSTEM_TASK_TYPES, Json, TaskKey, TaskStatus, split_iteration

R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """What checks read of records; the fields are those of `TaskRecord`, of a stamp that was never set 0."""

    ref: Sequence[str]
    iteration: Sequence[int]
    stated_iteration: Sequence[int]
    task_id: Sequence[str]
    workflow_id: Sequence[str | None]
    workflow_name: Sequence[str | None]
    type: Sequence[str]
    def_name: Sequence[str]
    status: Sequence[TaskStatus]
    attempt: Sequence[int]
    retried: Sequence[bool]
    seq: Sequence[int]
    scheduled_ms: Sequence[int]
    started_ms: Sequence[int]
    ended_ms: Sequence[int]
    start_delay_ms: Sequence[int]
    retried_task_id: Sequence[str | None]
    snapshot_ref: Sequence[str | None]
    output: Sequence[Mapping[str, Json]]

    def __len__(self) -> int:
        return len(self.ref)

    @cached_property
    def keys(self) -> Sequence[TaskKey]:
        """Which task each record is of."""
        return list(zip(self.ref, self.iteration, strict=True))

    @cached_property
    def types(self) -> frozenset[str]:
        """The types that there are."""
        return frozenset(self.type)

    @cached_property
    def all_completed(self) -> bool:
        """Whether every record is COMPLETED, and so the first and only attempt of its task."""
        return self.status.count(TaskStatus.COMPLETED) == len(self) == len(self.last)

    @cached_property
    def last(self) -> Mapping[TaskKey, int]:
        """Where the last attempt of every task is, in scheduling order of the first attempt."""
        places = dict(zip(self.keys, range(len(self)), strict=True))
        if len(places) < len(self):
            places.update((key, rows[-1]) for key, rows in self.repeated.items())
        return places

    @cached_property
    def of_ref(self) -> Mapping[str, Sequence[int]]:
        """Where the records of each ref are, of all its rounds and attempts, by `seq`."""
        found: dict[str, list[int]] = {}
        for place, ref in enumerate(self.ref):
            found.setdefault(ref, []).append(place)
        return found

    @cached_property
    def repeated(self) -> Mapping[TaskKey, Sequence[int]]:
        """Where the attempts are of every task that has several, first to last."""
        found: dict[TaskKey, list[int]] = {}
        for place, key in enumerate(self.keys):
            found.setdefault(key, []).append(place)
        several = {key: places for key, places in found.items() if len(places) > 1}
        for places in several.values():
            places.sort(key=lambda place: (self.attempt[place], self.seq[place]))
        return several

    def places(self, key: TaskKey) -> Sequence[int]:
        """Return where the attempts of a task are, first to last. Raises KeyError for one that is not on record."""
        return (self.is_repeated and self.repeated.get(key)) or (self.last[key],)

    def place_of(self, name: str) -> int | None:
        """Return where the last attempt is of the task that a JOIN's output names; None if it is not on record.

        A name of `ref__2` is round 2 of `ref`, unless a task is called that.
        """
        place = self.last.get((name, 0))
        return self.last.get(split_iteration(name)) if place is None and "__" in name else place

    @cached_property
    def is_repeated(self) -> bool:
        """Whether a task has several attempts."""
        return len(self.last) < len(self)

    @cached_property
    def scheduling(self) -> Sequence[int]:
        """When records were scheduled, first to last."""
        return sorted(self.scheduled_ms)

    @cached_property
    def latest_ms(self) -> int:
        """The latest of all stamps; 0 where there is none."""
        return max(chain(self.scheduled_ms, self.started_ms, self.ended_ms), default=0)

    @cached_property
    def is_work(self) -> Sequence[bool]:
        """Whether a worker polls for it, by place."""
        known = {kind: kind not in SYSTEM_TASK_TYPES for kind in self.types}
        return [known[kind] for kind in self.type]

    def of_work(self, column: Sequence[T]) -> Sequence[T]:
        """Return what a column says of worker tasks."""
        return list(compress(column, self.is_work))


class Records(Sequence[R]):
    """Records by place, each made when it is looked at for the first time."""

    def __init__(self, columns: Columns, documents: Sequence[object], make: Callable[[int], R]) -> None:
        self.columns = columns
        self._documents: Sequence[object] | None = documents
        self._make: Callable[[int], R] | None = make
        self._made: dict[int, R] = {}

    def __len__(self) -> int:
        return len(self.columns)

    @overload
    def __getitem__(self, place: int) -> R: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[R]: ...
    def __getitem__(self, place: int | slice) -> R | Sequence[R]:
        if isinstance(place, slice):
            return tuple(self)[place]
        if (known := self._made.get(place)) is not None:
            return known
        place = range(len(self))[place]
        make = self._make  # read before what is made is looked at: another thread may make the last record meanwhile
        if place not in self._made and make is not None:
            self._made[place] = make(place)
            if len(self._made) == len(self):  # nothing is read of the documents any more: they need not be kept
                self._documents = self._make = None
        return self._made[place]

    def __iter__(self) -> Iterator[R]:
        return map(self.__getitem__, range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Records | tuple) or len(self) != len(other):
            return False
        if isinstance(other, Records):  # nearly always a column tells, and no record is made of one look or the next
            if self._documents is not None and self._documents == other._documents:
                return True
            mine, theirs = self.columns, other.columns
            if (mine.status, mine.started_ms, mine.ended_ms) != (theirs.status, theirs.started_ms, theirs.ended_ms):
                return False
        return tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type[tuple[R, ...]], tuple[tuple[R, ...]]]:
        """Pickle the records themselves: the document they are read from stays where it is."""
        return tuple, (tuple(self),)

    def __repr__(self) -> str:
        return repr(tuple(self))


class Finals(Mapping[TaskKey, R]):
    """The last attempt of every task."""

    def __init__(self, columns: Columns, records: Sequence[R]) -> None:
        self._places, self._records = columns.last, records

    def __getitem__(self, key: TaskKey) -> R:
        return self._records[self._places[key]]

    def __iter__(self) -> Iterator[TaskKey]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: object) -> bool:
        return key in self._places


class Attempts(Mapping[TaskKey, Sequence[R]]):
    """All attempts of every task, first to last."""

    def __init__(self, columns: Columns, records: Sequence[R]) -> None:
        self._columns, self._places, self._records = columns, columns.last, records

    def __getitem__(self, key: TaskKey) -> Sequence[R]:
        return tuple([self._records[place] for place in self._columns.places(key)])

    def __iter__(self) -> Iterator[TaskKey]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: object) -> bool:
        return key in self._places
