"""What a director is told once, before it begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_k1n.coordination.backend import Backend
from pytest_k1n.coordination.batch_run import BatchRun
from pytest_k1n.coordination.collection import Collection
from pytest_k1n.coordination.runfolder import RunFolder, RunState
from pytest_k1n.core.choices import GatePolicy, RegisterPolicy
from pytest_k1n.core.plan import Plan
from pytest_k1n.plan.library import Library

if TYPE_CHECKING:
    from pytest_k1n.core.gates.document import PublishedQuality
    from pytest_k1n.core.regression import AgainstBaseline

OpenBackend = Callable[[Callable[[str], None]], AbstractContextManager[Backend]]
"""Opens the backend; takes what says a line of progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the director is told once."""

    collection: Collection
    plan: Plan | None
    library: Library
    folder: RunFolder
    uid: str
    open_backend: OpenBackend
    register_policy: RegisterPolicy | None = None
    """`None`: what suits the server."""
    gate_policy: GatePolicy = "block"
    missing_passes: Mapping[int, str] = field(default_factory=dict)
    """Batch number -> why it has no recorded pass that counts, for the policy `require`."""
    unknown_blocks: bool = True
    sequential: bool = False
    judge: Callable[[BatchRun, Backend], PublishedQuality] | None = None
    """Evaluates the quality gates of a batch that has ended; its document is kept in the run folder."""
    compare: Callable[[BatchRun, RunState], tuple[AgainstBaseline, ...]] = lambda _batch, _state: ()
    """Compares the executions of a batch that has ended with their baseline."""
    confirmations: int | None = 0
    """How often a batch with a suspected regression is run again; None: what suits the time model."""
    report: Callable[[int], None] = lambda _batch: None
    """Called with a batch's number when its executions have been judged, and when its last test has ended."""
