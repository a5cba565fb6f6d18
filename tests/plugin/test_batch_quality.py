"""The pass rate of one batch beside that of another."""

from __future__ import annotations

import pytest

from pytest_k1n import ExpectationFailed
from pytest_k1n.fixtures.quality import BatchQuality
from pytest_k1n.run.outcomes import UnknownVerdict


def document(rate):
    counts = {"passed": 99, "failed": 1, "unknown": 0, "simulated": 0, "not_measurable": 0}
    return {"verdict": "pass", "rate_verdict": "pass", "rate": rate, "wilson_low": 0.9, "min_rate": 0.95,
            "checks": counts, "categories": [], "reasons": []}  # fmt: skip


def quality(rate, **others):
    return BatchQuality("batch4", document(rate), 95.0, {name: document(each) for name, each in others.items()})


@pytest.mark.parametrize("rate", [0.99, 1.0])
def test_a_rate_that_is_as_high_passes(rate):
    quality(rate, batch3=0.99).check_not_below("batch3")


def test_a_rate_below_fails_with_both_figures():
    with pytest.raises(ExpectationFailed, match=r"batch4: 98\.9% of .*; below batch3: 99\.0% of "):
        quality(0.989, batch3=0.99).check_not_below("batch3")


def test_what_was_not_evaluated_is_not_called_as_good():
    with pytest.raises(UnknownVerdict, match="batch4: nothing was evaluated"):
        quality(None, batch3=0.99).check_not_below("batch3")


@pytest.mark.parametrize("others", [{}, {"batch3": None}])
def test_without_the_other_batch_there_is_nothing_to_compare(others):
    with pytest.raises(pytest.skip.Exception, match="batch3 was not judged in this run"):
        quality(0.9, **others).check_not_below("batch3")
