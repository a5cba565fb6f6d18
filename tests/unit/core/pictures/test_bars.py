"""Bars in plain text."""

from pytest_k1n.core.pictures.bars import Stretch, Strip, bars, strips
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.weather import Weather


def drawn(*rows, end_ms=100, columns=40):
    return [line.partition("|")[2].rpartition("|")[0] for line in strips(rows, end_ms=end_ms, columns=columns)][1:]


def test_work_shows_however_short_and_late_it_is():
    (bar,) = drawn(Strip("a", [Stretch(0, 99, "."), Stretch(99, 100, "#")], ""))
    assert bar.endswith(".#")
    (bar,) = drawn(Strip("a", [Stretch(100, 100, "#")], ""))
    assert bar.rstrip() == " " * (len(bar) - 1) + "#"


def test_bars_keep_their_width_whatever_the_instants_say():
    rows = [Strip("early", [Stretch(-50, 20, "#")], ""), Strip("late", [Stretch(50, 900, "#")], "", is_open=True)]
    first, second = drawn(*rows)
    assert len(first) == len(second)
    assert second.endswith("#>")


def test_an_attempt_is_a_row_and_the_rest_is_counted(build):
    execution = build.execution(
        build.task("a", 5, 50, scheduled=0, status="FAILED", retried=True), build.task("a", 60, 100, attempt=1)
    )
    lines = list(bars(execution, columns=60))
    assert [line.split()[0] for line in lines[1:3]] == ["a", "a"]
    assert lines[3:] == ["(. waits for a worker or a delay)"]
    assert lines[1].endswith("| 45 ms FAILED")
    assert lines[2].endswith("| 40 ms attempt 2")
    assert list(bars(execution, most=1))[-1] == "and 1 more"
    assert list(strips([], end_ms=1, columns=40)) == []


def test_what_takes_its_time_beside_workers_is_drawn_and_named(build):
    execution = build.execution(
        build.task("fork", 0, 0, type="FORK"), build.task("sub", 0, 40, type="SUB_WORKFLOW"),
        build.task("call", 40, 60, type="HTTP"), build.task("ask", 60, 100, type="HUMAN"),
        build.task("join", 0, 60, type="JOIN"),
    )  # fmt: skip
    _, *rows, legend = bars(execution, columns=60)
    assert legend == "(~ waits for an answer or its time, = a sub-workflow)"
    assert [row.split()[0] for row in rows] == ["sub", "call", "ask"]
    assert [set(row.partition("|")[2].partition("|")[0].strip()) for row in rows] == [{"="}, {"#"}, {"~"}]
    assert [row.split()[-1] for row in rows] == ["child", "HTTP", "HUMAN"]


def test_what_stands_behind_the_bars_has_room(build):
    bad = build.task("charge", 0, 100, status="FAILED_WITH_TERMINAL_ERROR", attempt=11)
    lines = list(bars(build.execution(bad), columns=80))
    assert lines[1].endswith("| 100 ms FAILED_WITH_TERMINAL_ERROR attempt 12")
    assert {len(line) for line in lines[1:]} == {80}


def test_the_last_rows_show_when_host_and_server_stood_still(build):
    execution = build.execution(build.task("a", 5, 50, scheduled=0), build.task("b", 60, 100))
    start = execution.started_ms
    weather = Weather(host=(Interval(start - 9, start + 10), Interval(start + 90, start + 999)))
    lines = list(bars(execution, columns=60, weather=weather))
    assert lines[-1].endswith("! the host or the server stood still)")
    name, _, rest = lines[-2].partition("|")
    assert name.split() == ["(host)"]
    assert rest.startswith("!!")
    assert rest.endswith(f"| {execution.ended_ms - start - 80} ms still")
    assert len(lines) == 1 + 2 + 1 + 1
    both = Weather(host=weather.host, server=(Interval(start + 20, start + 30),))
    assert [line.split()[0] for line in bars(execution, weather=both)][-3:-1] == ["(host)", "(server)"]
    calm = Weather(host=(Interval(start - 99, start - 9),))
    assert list(bars(execution, weather=calm)) == list(bars(execution))


def test_a_name_that_is_too_long_is_cut_in_its_middle_and_wide_signs_take_two_columns(build):
    long = "ask_the_regional_manager_for_approval_of_the_discount"
    names = [long, "\u9001\u308b", "u\u0308ber"]
    rows = list(bars(build.execution(*(build.task(name, 0, 10) for name in names)), columns=60))[1:]
    assert [row.index("|") for row in rows] == [31, 31 - 2, 31 + 1]
    assert rows[0].startswith("ask_the_regional_ma\u2026e_discount |")
    assert len(rows[0]) <= 60
