"""Results that are no pass although all their tests are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_k1n.coordination.gate_ledger import ItemOutcome
from pytest_k1n.run.results import contradictions


def found(verdict: str | None, *, gate_tests: bool, outcome: ItemOutcome = ItemOutcome.PASSED) -> list[Any]:
    """Judge one execution of batch 2 whose own gates came to a verdict."""
    gates = None if verdict is None else {"verdict": verdict, "reasons": ["61 of 65 checks passed, 93.8%"]}
    result = SimpleNamespace(
        batch=SimpleNamespace(number=2), template=SimpleNamespace(workflow="FORK"), watch=object(), unasked=(),
        document={"gates": gates, "partial": False}, outcomes={"test_fork": outcome},
    )  # fmt: skip
    items = {"test_fork": SimpleNamespace(batch=2, gate=False), "test_gates": SimpleNamespace(batch=2, gate=gate_tests)}
    controller: Any = SimpleNamespace(
        run=SimpleNamespace(items=items, settings=SimpleNamespace(unknown="fail")),
        director=SimpleNamespace(ledger=SimpleNamespace(stops=lambda each: each is ItemOutcome.FAILED)),
    )
    return list(contradictions(controller, [result]))  # type: ignore[list-item]


@pytest.mark.parametrize("gate_tests", [True, False])
def test_an_execution_below_the_minimum_fails_the_run_also_where_the_batch_as_a_whole_is_above(
    gate_tests: bool,
) -> None:
    told = found("fail", gate_tests=gate_tests)
    assert told == [(2, "FORK: quality gates fail: 61 of 65 checks passed, 93.8%", "fail")]


@pytest.mark.parametrize(("verdict", "said"), [("unknown", "unknown"), (None, "were not evaluated")])
def test_what_is_not_known_speaks_where_no_test_asks_for_gates(verdict: str | None, said: str) -> None:
    assert found(verdict, gate_tests=True) == []
    [(_, line, outcome)] = found(verdict, gate_tests=False)
    assert said in line
    assert outcome == "unknown"


def test_a_failed_test_has_said_it() -> None:
    assert found("fail", gate_tests=True, outcome=ItemOutcome.FAILED) == []


@pytest.mark.parametrize("gate_tests", [True, False])
def test_a_pass_contradicts_nothing(gate_tests: bool) -> None:
    assert found("pass", gate_tests=gate_tests) == []
