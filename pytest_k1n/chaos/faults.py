"""The kinds of fault, where in a task's life each can strike, and their draw by seed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from random import Random
from typing import Literal, get_args

Phase = Literal["delivery", "work", "report"]
"""Of a task: on its way to a worker, in a worker's hands, its result on its way back."""
Victim = Literal["worker", "server", "wire"]

_SPEC = re.compile(r"(?P<kind>[a-z-]+)(?:@(?P<ref>[^/\s]+))?(?:/(?P<phase>[a-z]+))?")
_SHORTEST, _LONGEST = 0.2, 1.5


class UnknownFault(ValueError):
    """A fault that there is not; says which there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """One kind of fault."""

    name: str
    victim: Victim
    phases: tuple[Phase, ...]
    does: str
    """What happens, in words for users."""
    needs_file: bool = False
    """Whether it needs a server with a database file: the embedded engine has none."""

    @property
    def spares(self) -> bool:
        """Whether worker and server live on, and so no attempt may be lost that was begun."""
        return self.victim == "wire" or self.name == "work-slow"


_WIRE: tuple[Phase, ...] = ("delivery", "report")
_ALL: tuple[Phase, ...] = ("delivery", "work", "report")

KINDS = {
    kind.name: kind
    for kind in (
        FaultKind(name="worker-killed", victim="worker", phases=("work", "report"),
            does="the worker is killed, with the task in hand or its work done and not reported; another one starts"),
        FaultKind(name="worker-frozen", victim="worker", phases=("work", "report"),
            does="the worker stands still, so do its heartbeats, and goes on later: a suspended host"),
        FaultKind(name="work-slow", victim="worker", phases=("work",),
            does="the work takes longer than its lease: only heartbeats keep the task"),
        FaultKind(name="server-killed", victim="server", phases=_ALL,
            does="the server is killed and started again on the same database"),
        FaultKind(name="server-frozen", victim="server", phases=_ALL,
            does="the server stands still and goes on later"),
        FaultKind(name="disk-full", victim="server", phases=("work", "report"), needs_file=True,
            does="the server cannot write to its files for a while"),
        FaultKind(name="response-dropped", victim="wire", phases=_WIRE,
            does="the server has done what it was asked, and its answer gets lost"),
        FaultKind(name="request-duplicated", victim="wire", phases=_WIRE,
            does="a request arrives twice; the answer to the second one is what comes back"),
        FaultKind(name="connection-reset", victim="wire", phases=_WIRE,
            does="the connection is reset: a result before it has arrived, a delivery before it has"),
        FaultKind(name="half-open", victim="wire", phases=_WIRE,
            does="the peer is silent and the connection stays open, until the worker gives up waiting"),
        FaultKind(name="latency", victim="wire", phases=_WIRE,
            does="every request from there on takes longer, by a drawn time each"),
    )
}  # fmt: skip


def in_words() -> str:
    """List the faults, a line each."""
    return "faults:\n" + "\n".join(f"  {name:<20}{kind.does}" for name, kind in KINDS.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """One fault, the task that it strikes at, and how long it lasts."""

    kind: str
    ref: str
    phase: Phase
    lasts: float = 0.5
    """How long what is frozen, silent or down stays so, in leases (response time-outs) of the task."""
    seed: int = 0
    """Of the delays of `latency`."""

    def __post_init__(self) -> None:
        known = kind_named(self.kind)
        if self.phase not in known.phases:
            raise UnknownFault(f"{self.kind} does not strike at {self.phase}: it does at {', '.join(known.phases)}")

    def __str__(self) -> str:
        return f"{self.kind}@{self.ref}/{self.phase}"


def kind_named(name: str) -> FaultKind:
    """Find a kind of fault. Raises UnknownFault."""
    kind = KINDS.get(name)
    if kind is None:
        near = get_close_matches(str(name).lower().replace("_", "-"), KINDS, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise UnknownFault(f"{name!r} is no kind of fault: there are {', '.join(KINDS)}{meant}")
    return kind


def parse_injection(text: str, *, ref: str = "") -> Injection:
    """Read `KIND@REF/PHASE`; without a phase the kind's first one but delivery. Raises UnknownFault."""
    match = _SPEC.fullmatch(text.strip())
    if not match:
        raise UnknownFault(f"{text!r} is no fault: write KIND@REF, as in server-killed@task_8, or KIND@REF/PHASE")
    kind = kind_named(match["kind"])
    at = match["ref"] or ref
    if not at:
        raise UnknownFault(f"{text!r} does not say at which task it strikes: write {kind.name}@REF")
    return injection(kind.name, at, match["phase"])


def injection(kind: str, ref: str, phase: str | None = None, *, lasts: float = 0.5) -> Injection:
    """Make an injection from words that a user wrote. Raises UnknownFault."""
    known = kind_named(kind)
    named = phase or next(each for each in known.phases if each != "delivery")
    found = next((each for each in get_args(Phase) if each == named), None)
    if found is None:
        raise UnknownFault(f"{named!r} is no phase of a task: delivery, work, report")
    return Injection(kind=kind, ref=ref, phase=found, lasts=lasts)


def cells(refs: Iterable[str], kinds: Iterable[str] = KINDS) -> Iterator[tuple[str, str, Phase]]:
    """Yield every (kind, ref, phase) that can be tried."""
    refs = tuple(refs)
    for name in kinds:
        for ref in refs:
            for phase in kind_named(name).phases:
                yield name, ref, phase


def draw(seed: int, run: int, refs: Sequence[str], kinds: Sequence[str] = tuple(KINDS)) -> Injection:
    """Draw the fault of one run: the same seed and number give the same fault, whatever ran before it."""
    random = Random(f"{seed}/{run}")
    kind, ref, phase = random.choice(list(cells(refs, kinds)))
    lasts = round(random.uniform(_SHORTEST, _LONGEST), 2)
    return Injection(kind=kind, ref=ref, phase=phase, lasts=lasts, seed=random.randrange(1 << 30))
