"""How a worker works: values, no behaviour."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_k1n.workers.misbehaviour import Fault


def default_worker_id() -> str:
    """Name a worker by its host and process."""
    return f"k1n-{socket.gethostname()}-{os.getpid()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """The settings of one worker."""

    worker_id: str = field(default_factory=default_worker_id)
    """Unique among the workers of a server: it is how a task whose delivery got lost is recognised."""
    domain: str | None = None
    """Task domain; only tasks of executions that were started for it are polled."""
    types: tuple[str, ...] = ()
    """Task types to serve; empty: all of the known definitions, and whatever their executions turn out to need."""
    only_handled: bool = False
    """Whether it serves nothing but the types of tasks that have a handler of their own."""
    slots: int = 4
    """Tasks of one type in hand at once."""
    speed: float = 1.0
    """By how much simulated work, and what handlers sleep, is shortened."""
    tells_sleep: bool = False
    """Whether the outputs of handlers that slept say so: where no ledger tells whoever judges the execution."""
    declares: bool = False
    """Whether the time that handlers sleep is declared instead: on an engine in virtual time no process need wait."""
    adds_real: bool = True
    """Whether the real time that a handler takes counts beside what it declares."""
    seed: int = 0
    jitters: Mapping[str, float] = field(default_factory=dict)
    """Workflow -> seeded variation of its simulated work, as a fraction of the estimate; "" stands for all others."""
    estimates_ms: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(workflow, ref) -> planned duration in workflow time."""
    takes_ms: Mapping[str, int] = field(default_factory=dict)
    """The same by ref or task name, for any workflow."""
    otherwise_ms: int | None = None
    """The same of all other tasks; None: what the simulation takes where there is no estimate."""
    faults: tuple[Fault, ...] = ()
    tick_ms: float = 5.0
    """Pause between two rounds over the directed set."""
    later_tick_ms: float = 10.0
    """Pause between two looks at the queues of what follows waits, people and sub-workflows."""
    slow_round_ms: float = 3000.0
    """How long one round over all other types takes, one after another, while all that can be ready is directed."""
    uncertain_round_ms: float = 800.0
    """The same while idle, or while an execution may need types that its definition does not tell."""
    least_slow_pause_ms: float = 25.0
    """Least pause between two polls of such a round."""
    grace_s: float = 5.0
    """At a stop: how long tasks in hand may go on before they are handed back."""

    def estimate_ms(self, workflow: str, ref: str, *names: str) -> int | None:
        """Return the planned duration of a task, by its ref or else by one of its names."""
        found = (self.takes_ms[key] for key in (ref, *names) if key in self.takes_ms)
        return self.estimates_ms.get((workflow, ref), next(found, self.otherwise_ms))
