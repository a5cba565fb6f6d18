"""What quality gates are evaluated on: the executions of a batch, the facts around them, and the budgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, NamedTuple

from pytest_k1n.core.baselines.regression import AgainstBaseline
from pytest_k1n.core.concurrency.taint import Index
from pytest_k1n.core.expectations.isolation import untainted, workers_kept
from pytest_k1n.core.findings import Findings
from pytest_k1n.core.model import Json
from pytest_k1n.core.record.observation import Observation
from pytest_k1n.core.tally import Tally
from pytest_k1n.core.timing.capability import FACTOR, Capability, Latencies
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.weather import Weather

Validate = Callable[[Mapping[str, Json], Json], list[str]]
"""(JSON Schema, document) -> one line per error; the core has no validator of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """Limits of the quality gates, in raw server time but for rates; why: docs/explanation/quality-gates.md."""

    min_pass_rate: float = 0.95
    max_unknown: float = 0.05
    """Share of unknown among all checks above which the whole fails."""
    quantum_ms: int = 10
    """Resolution of a poll: differences below two of them mean nothing."""
    slowdown: float = 0.10
    """How much slower a task may be beside other executions (G5)."""
    start_spread_ms: int = 150
    """Tasks that a fork starts and that last no longer need not overlap (G4)."""
    engine_hop_ms: int = 15
    """What the engine may add per hop, besides the queue's budget (G9): 30 in a chain."""
    begin_ms: int = 100
    """What beginning an execution may add to its first hop (G9): the server persists it and takes its definition in.

    No hop between tasks does that. Measured on 3.32.1: some 15 ms when idle, 55 to 86 on a busy machine.
    """
    join_ms: int = 150
    queue_chain_ms: int = 15
    queue_busy_ms: int = 150
    """At fork heads, in branches, and beside other executions (G10)."""
    queue_foreign_ms: int = 1_000
    """For workers that are not ours and poll as they like: clients of Conductor ask for a type every 0.1 to 1 s.

    `k1n worker` outside a run, which nobody tells what can be ready, every 0.8 s while it is idle.
    """
    queue_engine_ms: int = 1
    """For the embedded engine in-process."""
    sweep_ms: int = 30_000
    """How late the server may notice a timeout or a due retry."""
    workers: Literal["own", "external"] = "own"
    """External ones poll as they like: other budgets for the queue."""
    engine: bool = False
    """Whether the embedded engine ran it in-process, with hardly any wait."""
    validate: Validate | None = None
    also_blocking: frozenset[str] = frozenset()
    """Categories that block although their rows do not say so."""


def budgets(capability: Capability | None, settings: GateSettings) -> GateSettings:
    """Return the settings with the budgets of a server of another kind than ours: its own capability, never below ours.

    The one place that makes them: for batches of a run as for `k1n gates`. `None`: the server is one of our own on
    SQLite, or it was not measured.
    """
    if capability is None:
        return settings

    def own(ours_ms: int, theirs_ms: int | None) -> int:
        return max(ours_ms, FACTOR * (theirs_ms or 0))

    return replace(
        settings,
        begin_ms=own(settings.begin_ms, capability.begin_ms),
        engine_hop_ms=own(settings.engine_hop_ms, capability.hop_ms),
        join_ms=own(settings.join_ms, capability.join_ms),
        queue_chain_ms=own(settings.queue_chain_ms, capability.chain_ms),
        queue_busy_ms=own(settings.queue_busy_ms, capability.fork_ms),
        queue_foreign_ms=own(settings.queue_foreign_ms, capability.fork_ms),
    )


def is_within(measured: Latencies, settings: GateSettings) -> bool:
    """Whether every latency of an execution keeps our budgets: of a server that is warm."""
    pairs = (
        (measured.begin_ms, settings.begin_ms),
        (measured.hop_ms, settings.engine_hop_ms),
        (measured.join_ms, settings.join_ms),
        (measured.chain_ms, settings.queue_chain_ms),
        (measured.fork_ms, settings.queue_busy_ms),
    )
    return all(ms is None or ms <= budget_ms for ms, budget_ms in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultOutcome:
    """How an execution came through one injected fault (G18)."""

    name: str
    recovered_ms: int | None
    """From the fault to the terminal state; `None`: never."""
    budget_ms: int
    orphans: int = 0
    queued: int = 0
    """Tasks left in queues afterwards."""


class ControlJoin(NamedTuple):
    """A JOIN of a control execution, in raw server time."""

    lag: Interval
    """From when it could have ended until it did, epoch ms."""
    step_ms: int
    """What the server needed just before, from the end of the JOIN before it until its own branches had ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinControl:
    """What control executions have shown right after the batch (G9): JOINs that no work and no worker holds up."""

    joins: tuple[ControlJoin, ...]
    weather: Weather | None = None
    """Of that time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What only the run can measure; `None` means not measured."""

    regressions: tuple[AgainstBaseline, ...] | None = None
    """Executions beside their baselines; `None`: no history is kept."""
    faults: tuple[FaultOutcome, ...] | None = None
    control: JoinControl | None = None
    histories: Mapping[str, frozenset[str]] | None = None
    """Seed -> the hashes of the histories it produced (G19)."""
    divergences: Mapping[str, tuple[str, ...]] | None = None
    """Definition -> unexplained differences between the engine and the real server (G20)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Company:
    """Everything that ran together, and what only all of it shows: looked through once, for each of its members."""

    observations: tuple[Observation, ...]
    judged: dict[tuple[str, str], tuple[Observation, tuple[object, ...], object]] = field(default_factory=dict)
    """(category, key) -> the execution, what it was judged by, what came out: for `category.judge` alone."""

    foreign: dict[Observation, Findings] = field(default_factory=dict)
    """What `foreign_in` has found."""

    def foreign_in(self, observation: Observation) -> Findings:
        """Judge whether something of the others is in one of them, once: for the batch and for itself."""
        if observation not in self.foreign:
            tally = Tally()
            untainted(observation, (each for each in self.observations if each is not observation), self.index, tally)
            self.foreign[observation] = tally.findings()
        return self.foreign[observation]

    @cached_property
    def index(self) -> Index:
        """Whose each id and each value is."""
        return Index(each.execution for each in self.observations)

    @cached_property
    def workers(self) -> Findings:
        """Whether shared workers and limited task definitions were overrun."""
        tally = Tally()
        workers_kept(self.observations, tally)
        return tally.findings()


@dataclass(frozen=True, kw_only=True)
class BatchObservation:
    """Executions that are judged together, by a key that is shown: the workflow's name, or what tells two apart."""

    observations: Mapping[str, Observation]
    beside: Mapping[str, Observation] = field(default_factory=dict)
    """Executions that ran at the same time and are judged elsewhere."""
    alone: Mapping[str, Observation] | None = None
    """Workflow name -> an execution of it with nothing beside it, for G5."""
    skips: frozenset[str] = frozenset()
    """Refs that a caller asked the server to skip."""
    facts: Facts = field(default_factory=Facts)
    known_company: Company | None = field(default=None, compare=False, repr=False)
    """The company of the batch that this is a view of."""

    @cached_property
    def company(self) -> Company:
        """All of these executions, those beside them too."""
        return self.known_company or Company(observations=tuple({**self.beside, **self.observations}.values()))

    def only(self, key: str) -> BatchObservation:
        """Return the batch as one execution sees it: itself, beside all others. Raises KeyError."""
        others = {name: each for name, each in {**self.observations, **self.beside}.items() if name != key}
        return replace(self, observations={key: self.observations[key]}, beside=others, known_company=self.company)

    def is_alone(self, key: str) -> bool:
        """Whether nothing known ran at the same time as this execution."""
        mine = self.observations[key].execution
        for name, other in {**self.observations, **self.beside}.items():
            theirs = other.execution
            starts_first = theirs.ended_ms is None or theirs.ended_ms > mine.started_ms
            if name != key and starts_first and (mine.ended_ms is None or theirs.started_ms < mine.ended_ms):
                return False
        return True


def single(observation: Observation) -> BatchObservation:
    """Return a batch of one execution."""
    return BatchObservation(observations={observation.execution.name: observation})
