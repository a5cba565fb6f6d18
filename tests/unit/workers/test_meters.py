"""What the meters of the weather record, and what a reader makes of it while they write."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.client.errors import ServerUnreachable
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.workers.meters import QUICK_S, Meters, Usual
from pytest_k1n.workers.weather_log import WeatherLog, WeatherReader, read_weather


def test_stalls_of_both_kinds_are_read_back_in_order(tmp_path):
    log = WeatherLog(tmp_path / "log", since_ms=1000)
    log.add("server", Interval(1500, 1700))
    log.add("host", Interval(1300, 1400))
    log.add("host", Interval(1200, 1310))
    log.told_until(1800)
    log.close()
    weather = read_weather(tmp_path / "log", "weather")
    assert (weather.since_ms, weather.until_ms, weather.policy) == (1000, 1800, "weather")
    assert (weather.host, weather.server) == ((Interval(1200, 1400),), (Interval(1500, 1700),))


def test_a_line_that_is_being_written_is_left_for_later(tmp_path):
    log = WeatherLog(tmp_path / "log", since_ms=1000)
    log.add("host", Interval(1200, 1310))
    with (tmp_path / "log").open("a") as file:
        file.write("host 15")
    assert read_weather(tmp_path / "log", "weather").host == (Interval(1200, 1310),)


def test_what_is_read_bit_by_bit_is_what_is_read_at_once(tmp_path):
    path = tmp_path / "log"
    reader = WeatherReader(path, "weather")
    assert reader.read() is None
    log = WeatherLog(path, 1000)
    for number in range(5):
        log.add("host" if number % 2 else "server", Interval(1000 + 100 * number, 1150 + 100 * number))
        log.told_until(1200 + 100 * number)
        assert reader.read() == read_weather(path, "weather")
    log.close()
    WeatherLog(path, 9000).close()
    assert reader.read() == read_weather(path, "weather")
    assert reader.read().host == ()


def test_where_nothing_is_measured_there_is_no_weather(tmp_path):
    assert read_weather(tmp_path / "none", "weather") is None
    assert read_weather(tmp_path / "none", "off").policy == "off"


@given(st.lists(st.integers(0, 50).map(lambda ms: ms / 1000), min_size=1, max_size=60))
def test_an_answer_is_compared_with_what_a_tenth_of_the_last_ones_kept(answers):
    measured = Usual(size=9)
    for place, took in enumerate(answers):
        before = sorted(answers[max(0, place - 9) : place])
        excess = measured.beyond(took)
        usual = min(QUICK_S, before[int(0.1 * len(before))]) if before else QUICK_S
        assert excess == max(0, took - usual)


def test_a_request_that_hangs_is_a_stall_of_the_server_and_nothing_is_told_of_it_before_its_end(tmp_path):
    asked, go_on, told = 0, threading.Event(), threading.Event()
    seen_until = []

    def ask():
        nonlocal asked
        asked += 1
        if asked == 3:
            seen_until.append(read_weather(tmp_path / "log", "weather").until_ms)
            go_on.wait(0.15)
            seen_until.append(read_weather(tmp_path / "log", "weather").until_ms)
        elif asked == 5:
            told.set()

    meters = Meters(tmp_path / "log", ask)
    assert told.wait(30)
    meters.close()
    [stall] = [each for each in read_weather(tmp_path / "log", "weather").server if each.duration_ms >= 100]
    # The whole of it lies after what had been told when it began, and while it lasted.
    assert all(until <= stall.start_ms for until in seen_until)


def test_the_meters_tell_when_tasks_were_taken(tmp_path):
    asked, begun = threading.Semaphore(0), 1
    meters = Meters(tmp_path / "log", asked.release, lambda: begun)
    assert asked.acquire(timeout=30)
    assert read_weather(tmp_path / "log", "weather").taken_ms == ()
    begun = 3
    while not (taken_ms := read_weather(tmp_path / "log", "weather").taken_ms):
        assert asked.acquire(timeout=30)
    meters.close()
    assert len(taken_ms) == 2
    assert taken_ms[0] == taken_ms[1] >= read_weather(tmp_path / "log", "weather").since_ms


def test_a_server_that_does_not_answer_is_no_weather(tmp_path):
    told, asked = threading.Event(), 0

    def ask():
        nonlocal asked
        asked += 1
        if asked > 3:
            told.set()
        raise ServerUnreachable("nobody answers", indeterminate=False)

    meters = Meters(tmp_path / "log", ask)
    assert told.wait(30)
    meters.close()
    assert read_weather(tmp_path / "log", "weather").server == ()
