"""Intervals, quantiles and comparisons under the judgements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.statistics.stats import binomial_tail, median, paired_slowdown, quantile, wilson


@pytest.mark.parametrize(
    ("passed", "evaluated", "low", "high"),
    [(15, 15, 0.80, 1), (17, 18, 0.74, 0.99), (18, 18, 0.82, 1), (73, 73, 0.950, 1), (95, 100, 0.888, 0.978),
     (196, 200, 0.950, 0.992), (960, 1000, 0.946, 0.970), (970, 1000, 0.957, 0.979)],
)  # fmt: skip
def test_the_wilson_interval_has_the_published_values(passed, evaluated, low, high):
    digits = 2 if evaluated < 50 else 3
    assert wilson(passed, evaluated) == pytest.approx((low, high), abs=0.51 * 10**-digits)


def test_of_nothing_everything_is_possible():
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)


def test_a_quantile_is_an_observed_value():
    assert quantile(range(1, 21), 0.95) == 19
    assert quantile([7], 0.95) == 7
    assert quantile([1, 2, 3, 4], 0.5) == 2
    assert quantile([3, 1], 1.0) == 3
    assert median([3, 1]) == 2.0
    for empty in (lambda: quantile([], 0.5), lambda: median([])):
        with pytest.raises(ValueError, match="at least one"):
            empty()


@given(st.lists(st.integers(0, 1000), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_the_least_value_that_covers_its_share(values, share):
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6
    assert sum(value < found for value in values) < share * len(values) + 1e-6


def test_the_binomial_tail_adds_up_what_is_as_likely_or_less():
    assert binomial_tail(0, 4, 0.05) == pytest.approx(1.0)
    assert binomial_tail(1, 1, 0.05) == pytest.approx(0.05)
    assert binomial_tail(2, 4, 0.05) == pytest.approx(1 - 0.95**4 - 4 * 0.05 * 0.95**3)
    assert binomial_tail(3, 3, 0.5) == pytest.approx(0.125)


def test_slower_means_by_the_tolerance_and_by_the_floor():
    alone, together = {"a": [100], "b": [1000], "c": [1000]}, {"a": [119], "b": [1100], "c": [1101], "d": [1]}
    pairs = paired_slowdown(alone, together, tolerance=0.10, floor_ms=20)
    assert [(pair.key, pair.is_slower) for pair in pairs] == [("a", False), ("b", False), ("c", True)]
    assert pairs[2].ratio == pytest.approx(1.101)
