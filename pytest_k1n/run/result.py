"""What came of one template in this run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_k1n.coordination.gate_ledger import ItemOutcome
from pytest_k1n.core.findings import Finding
from pytest_k1n.core.plan import Batch, Template

if TYPE_CHECKING:
    from pytest_k1n.coordination.watch import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One template of this run with its results document and where it was written."""

    template: Template
    batch: Batch
    document: Mapping[str, Any]
    path: Path
    watch: Watch | None
    outcomes: Mapping[str, ItemOutcome | None]
    unasked: tuple[Finding, ...] = ()
    """Bands and windows of the plan that the execution missed, and no test has said so."""
