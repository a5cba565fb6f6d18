"""The gate ledger: which selected tests have ended how, and therefore which batches may start. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pytest_k1n.coordination.collection import UNBATCHED, Collection
from pytest_k1n.core.choices import GatePolicy


class Gate(StrEnum):
    """Permission of a batch to start: closed while earlier tests run, then open, or blocked for good."""

    CLOSED = "closed"
    OPEN = "open"
    BLOCKED = "blocked"


class ItemOutcome(StrEnum):
    """How a test ended, over setup, call and teardown; the worst of them stays."""

    PASSED = "passed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    FAILED = "failed"


_WEIGHT = {outcome: weight for weight, outcome in enumerate(ItemOutcome)}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateState:
    """A gate, why it is what it is, and which tests it still waits for."""

    gate: Gate
    reason: str = ""
    pending: tuple[str, ...] = ()


class GateLedger:
    """Outcomes of the selected tests by node id; fed by test reports, asked for gates."""

    def __init__(self, collection: Collection, *, policy: GatePolicy = "block", unknown_blocks: bool = True) -> None:
        self._batch_of = {item.node_id: item.batch for item in collection.items if item.batch != UNBATCHED}
        self._policy = policy
        self._unknown_blocks = unknown_blocks
        self._worst: dict[str, ItemOutcome] = {}
        self._ended: set[str] = set()
        self._repeating: set[str] = set()
        """Tests whose present attempt does not count: what it still reports says nothing about the next one."""

    def awaits(self, node_id: str) -> bool:
        """Tell whether a test is one of a batch, so that its outcome counts."""
        return node_id in self._batch_of

    def record(self, node_id: str, outcome: ItemOutcome, *, phase: str) -> None:
        """Note one report of an attempt: `setup`, `call`, `teardown`; any other phase says that its node crashed."""
        if phase not in ("call", "teardown"):
            self._repeating.discard(node_id)
        if node_id in self._batch_of and node_id not in self._repeating:
            known = self._worst.get(node_id, ItemOutcome.PASSED)
            self._worst[node_id] = max(known, outcome, key=_WEIGHT.__getitem__)
            if phase not in ("setup", "call"):
                self._ended.add(node_id)

    def rerun(self, node_id: str) -> None:
        """Forget a test's outcome, and what this attempt has still to report: it is about to run again."""
        self._worst.pop(node_id, None)
        self._ended.discard(node_id)
        self._repeating.add(node_id)

    def outcomes(self, batch: int) -> Mapping[str, ItemOutcome | None]:
        """Return the outcome of each selected test of a batch; None while it has not ended."""
        return {
            node_id: self._worst.get(node_id, ItemOutcome.PASSED) if node_id in self._ended else None
            for node_id, number in self._batch_of.items()
            if number == batch
        }

    def stops(self, outcome: ItemOutcome) -> bool:
        """Whether a test that ended so keeps later batches from starting."""
        return outcome in (ItemOutcome.FAILED, ItemOutcome.BLOCKED) or (
            outcome is ItemOutcome.UNKNOWN and self._unknown_blocks
        )

    def gate(self, batch: int) -> GateState:
        """Decide a batch's gate: blocked by the first failure of an earlier one, closed while some are unfinished.

        With the policy `warn` it opens all the same, with the reason why it should not have.

        Only selected tests count: `-m batch2` alone finds its gate open. It is decided at the first failure, not at
        the end: xdist hands the tests of a crashed node to another only when that one is free, and the gate would wait.
        """
        if self._policy == "off":
            return GateState(gate=Gate.OPEN)
        state = self._strict_gate(batch)
        if self._policy == "warn" and state.gate is Gate.BLOCKED:
            return GateState(gate=Gate.OPEN, reason=state.reason)
        return state

    def _strict_gate(self, batch: int) -> GateState:
        pending = []
        for node_id, number in self._batch_of.items():
            if number >= batch:
                continue
            outcome = self._worst.get(node_id)
            if outcome is not None and self.stops(outcome):
                return GateState(gate=Gate.BLOCKED, reason=f"batch{number} has not passed: {node_id} {outcome}")
            if node_id not in self._ended:
                pending.append(node_id)
        if pending:
            return GateState(gate=Gate.CLOSED, reason=f"waits for {len(pending)} earlier tests", pending=tuple(pending))
        return GateState(gate=Gate.OPEN)

    def passed(self, batch: int) -> bool:
        """Whether every selected test of a batch has ended and none of them stops later batches."""
        outcomes = self.outcomes(batch)
        return bool(outcomes) and all(outcome is not None and not self.stops(outcome) for outcome in outcomes.values())

    def is_finished(self, batch: int) -> bool:
        """Whether every selected test of a batch has ended."""
        return all(outcome is not None for outcome in self.outcomes(batch).values())
