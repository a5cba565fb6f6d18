"""What was collected, as data: which test needs which execution of which batch, what is to be launched, in what order.

A node writes it, the director reads it: under xdist the controller collects nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypeAlias, cast

from pytest_k1n.core.model import Json

Need: TypeAlias = Literal["nothing", "server", "phase", "execution", "batch", "alone", "quality"]
UNBATCHED = 0
"""The batch number of tests outside every batch: they run after the batches, ungated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One selected test that has to do with Conductor."""

    node_id: str
    batch: int = UNBATCHED
    phase: int | None = None
    """Phase that the test waits for instead of the whole execution."""
    key: str | None = None
    """Launch that it observes."""
    executions: int = 1
    """How many executions that launch has."""
    needs: Need = "nothing"
    """What it waits for outside its own time; `alone`: executions of its batch's workflows with nothing beside them."""
    gate: bool = False
    """Whether it shows a quality gate rather than testing something itself."""
    clocks: tuple[str, ...] = ()
    """What it says of the clock and server that it needs: `virtual`, `scaled`, `live`."""
    measures: bool = False
    """Whether it only records durations: it may skip itself, and its batch has passed all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Executions of one workflow that some selected test asked for."""

    key: str
    workflow: str
    version: int | None = None
    batch: int = UNBATCHED
    input: Mapping[str, Json] = field(default_factory=dict)
    at_once: int = 1
    """How many start at the same moment."""
    in_a_row: int = 1
    """How many times that is repeated, each after the one before has ended."""
    alone: bool = False
    """Whether it runs after the batch, with nothing beside it, as a reference."""
    within_ms: int | None = None
    """Deadline that the workflow mark asks for, raw time."""

    @property
    def is_main(self) -> bool:
        """Whether it belongs to what the batch launches at its first moment."""
        return not self.alone and self.at_once == 1 and self.in_a_row == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """All that the director needs to know of the selected tests."""

    items: tuple[Item, ...] = ()
    launches: tuple[Launch, ...] = ()
    collected: Mapping[str, int] = field(default_factory=dict)
    """Batch number -> how many tests of it there were before `-m` and `-k` selected some."""
    modules: tuple[str, ...] = ()
    """The test modules in which a test was found."""
    error: str | None = None
    """A user's mistake found while collecting; a node cannot stop the run, the controller can."""

    @property
    def batches(self) -> tuple[int, ...]:
        """Numbers of the batches that have a selected test, ascending."""
        return tuple(sorted({item.batch for item in self.items if item.batch != UNBATCHED}))

    @property
    def needs_server(self) -> bool:
        return bool(self.launches) or any(item.needs != "nothing" for item in self.items)

    def unused(self, unsuited: Callable[[Item], object]) -> frozenset[str]:
        """Return the keys of launches that nothing observes but tests which are skipped on this server."""
        left = [item for item in self.items if not unsuited(item)]
        keys = {item.key for item in left}
        whole = {item.batch for item in left if item.needs in ("batch", "alone", "quality")}
        return frozenset(each.key for each in self.launches if each.key not in keys and each.batch not in whole)

    def to_json(self) -> dict[str, Json]:
        return cast("dict[str, Json]", {"v": 1, **asdict(self)})

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Collection:
        """Rebuild what `to_json` wrote."""
        return cls(
            items=tuple(Item(**item) for item in document["items"]),
            launches=tuple(Launch(**launch) for launch in document["launches"]),
            collected=document["collected"],
            modules=tuple(document["modules"]),
            error=document["error"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One execution to be started."""

    key: str
    workflow: str
    version: int | None
    batch: int
    round: int
    alone: bool = False
    is_main: bool = True
    """Whether it is what the batch is about, not a repetition of it."""
    within_ms: int | None = None
    input: Mapping[str, Json] = field(default_factory=dict)


def groups(launches: Iterable[Launch], *, sequential: bool = False) -> tuple[tuple[Start, ...], ...]:
    """Order a batch's launches: first all main ones at one moment, then the extra ones group by group.

    Each group starts when the one before has ended. `sequential` splits the first moment up, for diagnosis.
    """
    ordered = list(launches)
    main = tuple(_start(launch, 0) for launch in ordered if launch.is_main)
    result: list[tuple[Start, ...]] = [(start,) for start in main] if sequential else [main] if main else []
    for launch in ordered:
        if not launch.is_main:
            for turn in range(launch.in_a_row):
                first = turn * launch.at_once
                result.append(tuple(_start(launch, first + copy) for copy in range(launch.at_once)))
    return tuple(result)


def again(launch: Launch, round_: int) -> Start:
    """Start one more execution of a launch, because its test is run again."""
    return _start(launch, round_)


def confirming(start: Start, turn: int) -> Start:
    """Repeat a start for its durations: under a key of its own, so that no test takes it for what it observes."""
    return replace(start, key=f"{start.key}#again", round=start.round + turn)


def _start(launch: Launch, round_: int) -> Start:
    return Start(
        key=launch.key,
        workflow=launch.workflow,
        version=launch.version,
        batch=launch.batch,
        round=round_,
        alone=launch.alone,
        is_main=launch.is_main,
        within_ms=launch.within_ms,
        input=launch.input,
    )
