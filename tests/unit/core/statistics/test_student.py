"""The distribution functions beside scipy's."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.statistics.student import digamma, inverse_trigamma, t_quantile, t_tail, trigamma

degrees = st.one_of(st.integers(1, 400).map(float), st.floats(0.5, 1000))


@given(t=st.floats(-60, 60), degrees=degrees)
def test_the_tail_is_scipys(scipy, t, degrees):
    assert t_tail(t, degrees) == pytest.approx(scipy.stdtr(degrees, -t), rel=1e-8, abs=1e-13)


@given(t=st.floats(-8, 8))
def test_with_infinite_degrees_it_is_the_normal_distribution(scipy, t):
    assert t_tail(t, math.inf) == pytest.approx(scipy.ndtr(-t), rel=1e-10)


@given(tail=st.floats(1e-7, 0.5), degrees=degrees)
def test_the_quantile_is_where_the_tail_begins(scipy, tail, degrees):
    assert t_quantile(tail, degrees) == pytest.approx(-scipy.stdtrit(degrees, tail), rel=1e-6, abs=1e-9)


@given(x=st.floats(0.05, 500))
def test_digamma_and_trigamma_are_scipys(scipy, x):
    assert digamma(x) == pytest.approx(scipy.digamma(x), rel=1e-9, abs=1e-9)
    assert trigamma(x) == pytest.approx(scipy.polygamma(1, x), rel=1e-8)
    assert inverse_trigamma(trigamma(x)) == pytest.approx(x, rel=1e-6)


@pytest.mark.parametrize("tail", [0, 0.7, -1])
def test_no_tail_is_outside_0_and_a_half(tail):
    with pytest.raises(ValueError, match="above 0 and at most"):
        t_quantile(tail, 4)
