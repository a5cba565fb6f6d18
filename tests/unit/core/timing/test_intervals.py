"""Half-open intervals against brute force."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.timing.intervals import (
    Interval,
    barrier,
    max_concurrency,
    overlap_ms,
    profile,
    really_overlapped,
)

intervals = st.builds(lambda start, length: Interval(start, start + length), st.integers(0, 40), st.integers(0, 15))
groups = st.lists(intervals, max_size=12)
named = st.dictionaries(st.integers(0, 99), intervals, min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ((0, 1000), (500, 1500), Verdict.PASS),
        ((0, 1000), (0, 1000), Verdict.PASS),
        ((0, 1000), (400, 600), Verdict.PASS),
        ((0, 1000), (900, 1900), Verdict.PASS),
        ((0, 1000), (901, 1901), Verdict.FAIL),
        ((0, 1000), (1000, 2000), Verdict.FAIL),
        ((0, 1000), (1200, 2000), Verdict.FAIL),
        ((0, 20), (18, 40), Verdict.PASS),
        ((0, 20), (19, 40), Verdict.UNKNOWN),
        ((0, 20), (20, 40), Verdict.UNKNOWN),
        ((0, 20), (21, 40), Verdict.FAIL),
        ((0, 1000), (500, 501), Verdict.UNKNOWN),
        ((5, 5), (5, 5), Verdict.UNKNOWN),
    ],
)
def test_an_overlap_counts_from_two_ms_and_a_tenth_of_the_shorter(first, second, verdict):
    assert really_overlapped(Interval(*first), Interval(*second)) is verdict
    assert really_overlapped(Interval(*second), Interval(*first)) is verdict


@given(first=intervals, second=intervals)
def test_the_overlap_is_the_number_of_common_ms(first, second):
    common = set(range(*first)) & set(range(*second))
    assert max(0, overlap_ms(first, second)) == len(common)


@given(group=groups)
def test_the_peak_is_the_fullest_ms(group):
    levels = {ms: sum(each.start_ms <= ms < each.end_ms for each in group) for ms in range(60)}
    peak = max_concurrency(group)
    assert peak.level == max(levels.values())
    assert peak.at_ms == (next(ms for ms in levels if levels[ms] == peak.level) if peak.level else None)


@given(group=groups, for_ms=st.integers(1, 6))
def test_a_lasting_peak_is_the_largest_set_with_a_long_common_overlap(group, for_ms):
    fullest = 0
    for start in range(60):
        fullest = max(fullest, sum(each.start_ms <= start and each.end_ms >= start + for_ms for each in group))
    assert max_concurrency(group, for_ms=for_ms).level == fullest


@given(group=groups)
def test_the_profile_tells_the_level_of_every_ms(group):
    steps = profile(group)
    for ms in range(60):
        level = next((level for instant, level in reversed(steps) if instant <= ms), 0)
        assert level == sum(each.start_ms <= ms < each.end_ms for each in group)
    assert all(before[1] != after[1] for before, after in pairwise(steps))


@given(before=named, after=named)
def test_a_barrier_holds_if_all_pairs_are_in_order(before, after):
    found = barrier(before, after)
    assert found.holds == all(one.end_ms <= two.start_ms for one in before.values() for two in after.values())
    assert found.margin_ms == found.first_start_ms - found.last_end_ms
    latest = max(each.end_ms for each in before.values())
    assert set(found.early) == {key for key, each in after.items() if each.start_ms < latest}
    assert before[found.last].end_ms == latest


def test_a_barrier_needs_two_groups():
    with pytest.raises(ValueError, match="at least one member"):
        barrier({}, {"a": Interval(0, 1)})
