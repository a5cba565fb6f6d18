"""What machine and server stood still is taken off a latency, and nothing else is."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.timing.intervals import RESOLUTION_MS, Interval
from pytest_k1n.core.timing.weather import (
    POLL_MS,
    REQUESTS,
    SIDE_BY_SIDE,
    START_MS,
    Pace,
    Weather,
    kept_waiting,
    merged,
    pace,
)  # fmt: skip

intervals = st.builds(
    lambda start, length: Interval(start, start + length), st.integers(0, 120), st.integers(0, 40)
)  # fmt: skip
many = st.lists(intervals, max_size=8)
weathers = st.builds(
    lambda host, server, until: Weather(host=merged(host), server=merged(server), until_ms=until),
    many, many, st.integers(0, 200),
)  # fmt: skip


def covered(intervals):
    """Every ms that some interval covers: the oracle."""
    return {ms for each in intervals for ms in range(each.start_ms, each.end_ms)}


@given(many)
def test_merging_covers_the_same_and_leaves_gaps(given_):
    found = merged(given_)
    assert covered(found) == covered(given_)
    assert all(first.end_ms < second.start_ms for first, second in pairwise(found))


@given(weathers, many)
def test_what_is_taken_off_is_what_window_and_stalls_share(weather, windows):
    shared = len(covered(windows) & covered((*weather.host, *weather.server)))
    pieces = 3 * (len(weather.host) + len(weather.server)) * max(len(windows), 1)
    # What is shorter than 2 ms is left out: stamps cannot show it.
    assert shared - pieces * (RESOLUTION_MS - 1) <= weather.stalled_ms(windows, requests=1000) <= shared


def test_of_a_server_that_is_slow_all_along_as_many_requests_count_as_a_task_passes_through():
    slow = Weather(server=tuple(Interval(at, at + 10) for at in range(0, 1000, 40)), host=(Interval(400, 420),))
    second = Interval(0, 1000)
    assert slow.stalled_ms([second]) == 20 + REQUESTS * 10
    assert slow.stalled_ms([second], requests=2 * REQUESTS) == 20 + 2 * REQUESTS * 10
    assert slow.stalled_ms([Interval(0, 300), Interval(600, 1000)]) == 2 * REQUESTS * 10
    assert slow.stalled_ms([Interval(0, 300), Interval(300, 1000)]) == 20 + 2 * REQUESTS * 10  # one behind the other
    worked = replace(slow, taken_ms=tuple(range(100, 109)))
    assert worked.stalled_ms([second]) == 20 + (REQUESTS + 9 // SIDE_BY_SIDE) * 10
    assert worked.stalled_ms([Interval(109, 1000)]) == 20 + REQUESTS * 10
    longest = replace(slow, server=(*slow.server[:10], Interval(400, 600)))
    assert longest.stalled_ms([second]) == 200 + (REQUESTS - 1) * 10


def test_when_tasks_started_is_told_by_workers_or_else_by_the_record():
    assert Weather(taken_ms=(5,)).beside((), [9, 7]).taken_ms == (5,)
    assert Weather().beside((), [9, 7]).taken_ms == (7, 9)


@given(weathers, many, st.integers(0, 300), st.integers(0, 300))
def test_no_more_than_the_stalls_is_ever_excused(weather, windows, measured_ms, budget_ms):
    verdict = pace(measured_ms, budget_ms, windows, weather)
    assert (verdict is Pace.KEPT) == (measured_ms <= budget_ms)
    if measured_ms - len(covered((*weather.host, *weather.server))) > budget_ms:
        assert verdict is Pace.LATE


@given(
    weathers, intervals, st.integers(1, 300), st.integers(0, 300), intervals, st.sampled_from(["host", "server"])
)  # fmt: skip
def test_more_stalls_never_turn_a_verdict_against_the_server(weather, window, measured_ms, budget_ms, stall, meter):
    calm = Weather(until_ms=weather.until_ms)
    worse = {Pace.KEPT: 0, Pace.UNMEASURABLE: 1, Pace.LATE: 2}
    verdict = pace(measured_ms, budget_ms, [window], weather)
    assert worse[verdict] <= worse[pace(measured_ms, budget_ms, [window], calm)]
    more = replace(weather, **{meter: merged((*getattr(weather, meter), stall))})
    assert worse[pace(measured_ms, budget_ms, [window], more)] <= worse[verdict]


def test_without_meters_and_under_strict_nothing_is_excused():
    stalled = {"host": (Interval(0, 100),), "until_ms": 100}
    window = [Interval(0, 100)]
    assert pace(100, 20, window, None) is Pace.LATE
    assert pace(100, 20, window, Weather(policy="strict", **stalled)) is Pace.LATE
    assert pace(100, 20, window, Weather(policy="weather", **stalled)) is Pace.UNMEASURABLE
    assert pace(100, 20, window, Weather(policy="off")) is Pace.UNMEASURABLE


def test_a_delay_outside_the_stalls_is_late_by_a_ms():
    weather = Weather(server=(Interval(10, 50),), until_ms=100)
    assert pace(60, 20, [Interval(0, 60)], weather) is Pace.UNMEASURABLE
    assert pace(61, 20, [Interval(0, 61)], weather) is Pace.LATE


def test_while_an_execution_goes_on_the_meters_may_not_have_told_of_the_last_moment():
    weather = Weather(until_ms=99)
    assert pace(60, 20, [Interval(40, 100)], weather, is_settled=False) is Pace.UNDECIDED
    assert pace(60, 20, [Interval(39, 99)], weather, is_settled=False) is Pace.LATE
    assert pace(60, 20, [Interval(40, 100)], weather, is_settled=True) is Pace.LATE


def test_a_window_has_the_part_of_the_weather_that_lies_in_it():
    weather = Weather(host=(Interval(0, 10), Interval(20, 30)), server=(Interval(5, 25),), since_ms=0, until_ms=40)
    part = weather.during(Interval(8, 22))
    assert (part.host, part.server) == ((Interval(8, 10), Interval(20, 22)), (Interval(8, 22),))
    assert (part.since_ms, part.until_ms) == (8, 22)


def test_what_a_request_took_beyond_the_usual_the_server_kept_the_execution_waiting():
    start, poll = Interval(0, START_MS + 700), Interval(5000, 5000 + POLL_MS + 200)
    assert list(kept_waiting(start, [poll])) == [Interval(START_MS, START_MS + 700), Interval(5000 + POLL_MS, 5220)]


def test_a_usual_request_and_one_that_is_not_known_are_no_stall():
    assert list(kept_waiting(Interval(0, START_MS), [None, Interval(100, 100 + POLL_MS)])) == []
    assert list(kept_waiting(None, [])) == []
