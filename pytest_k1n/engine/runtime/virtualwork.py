"""Workers inside the engine's process: they say how long their work takes in virtual time, and no process sleeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from pytest_k1n.engine.state import TaskState
from pytest_k1n.engine.status import COMPLETED


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualResult:
    """What a worker made of a task, and after how much virtual time it reports it."""

    status: str = COMPLETED
    output: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    logs: tuple[str, ...] = ()
    work_ms: int | None = 0
    """None: it never answers (it died); the task's response timeout finds out."""
    heartbeats: bool = True
    """Whether it extends its lease while it works, so that no response timeout can strike."""
    callback_s: int = 0
    """With status IN_PROGRESS: after how long the task comes back to its queue."""


UNLIMITED: Final = 1_000_000_000
"""Slots of a worker that takes whatever comes."""


class VirtualWorker(Protocol):
    """Does the work of a delivered task at once. It must not change the task it is shown, nor what it returned."""

    def work(self, task: TaskState) -> VirtualResult: ...
