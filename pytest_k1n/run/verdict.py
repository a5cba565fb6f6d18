"""Whether a run has passed: judged once, from the facts that its exit code and every report follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pytest_k1n.coordination.gate_ledger import ItemOutcome

if TYPE_CHECKING:
    from pytest_k1n.report.document import VerdictWord
    from pytest_k1n.run.controller import Controller

WORDS: Mapping[ItemOutcome, VerdictWord] = {
    ItemOutcome.PASSED: "pass",
    ItemOutcome.SKIPPED: "pass",
    ItemOutcome.UNKNOWN: "unknown",
    ItemOutcome.BLOCKED: "blocked",
    ItemOutcome.FAILED: "fail",
}
_WORST: tuple[VerdictWord, ...] = ("pass", "warn", "blocked", "unknown", "fail")


def worst(verdicts: Iterable[VerdictWord]) -> VerdictWord:
    """Compose verdicts; of none it is unknown."""
    return max(verdicts, key=_WORST.index, default="unknown")


def run_verdict(controller: Controller) -> VerdictWord:
    """Judge the run by its tests, and by what makes it no success whatever its tests say."""
    return worst([*(WORDS[each] for each in controller.outcomes.values()), *controller.trouble.values()])


def is_failure(controller: Controller) -> bool:
    """Whether pytest must not end with success: its verdict is no pass then; an unknown test counts as asked for."""
    stops = controller.director.ledger.stops
    return bool(controller.trouble) or any(map(stops, controller.outcomes.values()))


def batch_verdict(controller: Controller, number: int) -> VerdictWord:
    """Judge one batch by its tests, and by its results that are no pass although these are."""
    items = controller.run.items
    mine = [WORDS[outcome] for node, outcome in controller.outcomes.items() if items[node].batch == number]
    return worst([*mine, *controller.contradicted.get(number, ())])
