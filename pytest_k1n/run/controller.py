"""What only the controller of a run has, or its only process: the director, and what the tests have reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_k1n.coordination.director import Director
from pytest_k1n.coordination.gate_ledger import ItemOutcome
from pytest_k1n.coordination.runfolder import Stamp
from pytest_k1n.run.note import note_of
from pytest_k1n.run.result import Result
from pytest_k1n.run.retelling import Told
from pytest_k1n.run.run import Run

if TYPE_CHECKING:
    from pytest_k1n.report.document import RunDocument, VerdictWord


@dataclass(slots=True, kw_only=True)
class Controller:
    """A run whose director has begun; an xdist node has none."""

    run: Run
    director: Director
    started_ms: int
    """When the director was made, epoch ms of this machine."""
    outcomes: dict[str, ItemOutcome] = field(default_factory=dict)
    """Node id -> the worst outcome of that test so far."""
    findings: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """Node id -> what its judgements found, as it came on the reports."""
    messages: dict[str, str] = field(default_factory=dict)
    """Node id -> the first line of what the test raised."""
    latencies: dict[str, int] = field(default_factory=dict)
    """Node id -> how many latencies its judgements were about."""
    trouble: dict[str, VerdictWord] = field(default_factory=dict)
    """What could not be done, and what no test says although it is no pass: each line fails the run, as it says."""
    contradicted: dict[int, list[VerdictWord]] = field(default_factory=dict)
    """Batch -> what its results are although its tests have passed."""
    told: Told = field(default_factory=Told)
    results: Sequence[Result] = ()
    """Those of all templates, once the director has ended."""
    written: dict[Path, tuple[Stamp | None, Mapping[str, Any]]] = field(default_factory=dict)
    """Results file -> its stamp and what was written into it last."""
    document: RunDocument | None = None
    """The document of the run, once it has been written."""
    kept: Path | None = None
    """Where the run folder is kept at the end; None: it is removed."""
    reports: list[Path] = field(default_factory=list)
    """What was written of the whole run."""
    replaced: str | None = None
    """The run that wrote into the same results folder while this one ran; its document is gone."""

    def fail(self, line: str, verdict: VerdictWord = "fail") -> None:
        """Note what makes this run no success whatever its tests say; once."""
        self.trouble.setdefault(line, verdict)

    def tell_once(self, report: pytest.TestReport) -> None:
        """Replace, in a report of a failed or unknown test, what an earlier one has told in full."""
        watches = [watch for batch in self.director.batches for watch in batch.watches]
        evidence = note_of(report).evidence
        self.told.shorten(
            report, evidence["executions"] if evidence else (), {each.workflow_id: each.title for each in watches}
        )
