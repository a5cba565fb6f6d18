"""What a director is told once, before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_k1n.coordination.collection import Collection
from pytest_k1n.coordination.runfolder import RunFolder
from pytest_k1n.core.choices import GatePolicy
from pytest_k1n.core.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the director is told once."""

    collection: Collection
    plan: Plan | None
    folder: RunFolder
    gate_policy: GatePolicy = "block"
    missing_passes: Mapping[int, str] = field(default_factory=dict)
    """Batch number -> why it has no recorded pass that counts, for the policy `require`."""
    unknown_blocks: bool = True
    sequential: bool = False
