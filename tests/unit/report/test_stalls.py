"""Stalls of host and server, on the axis of an execution and in its pictures."""

import copy
import json
from pathlib import Path

import pytest

from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.weather import Weather
from pytest_k1n.report.chart_text import chart
from pytest_k1n.report.formats import named, rendered
from pytest_k1n.report.page import render
from pytest_k1n.report.picture.gantt import gantt
from pytest_k1n.report.stalls import MOST, Stall, sentence, stalls_of
from pytest_k1n.report.weather import weather_document
from pytest_k1n.validation.schema import compile_schema

ROOT = Path(__file__).parents[3]


@pytest.fixture
def stalled(recorded):
    """Make the document of a run whose meters saw something."""

    def make(*, host=(), server=()):
        document = copy.deepcopy(recorded("template-04"))
        start = document["executions"][0]["raw_started_ms"]
        document["weather"] = {
            "latency": "weather", "since_ms": start - 500, "until_ms": start + 60_000, "checks": 9, "not_measurable": 1,
            "host": [(start + begin, start + end) for begin, end in host],
            "server": [(start + begin, start + end) for begin, end in server],
        }  # fmt: skip
        return document

    return make


def of(document):
    return stalls_of(document["executions"][0], document["weather"])


def test_in_real_time_a_stall_is_where_it_was(stalled):
    (found,) = of(stalled(host=[(1_000, 1_250)]))
    assert found == Stall("host", 1_000, 1_250, 250)
    assert found.told == "the host stood still for 250 ms"


def test_what_lies_outside_or_is_shorter_than_stamps_tell_is_left_out(stalled):
    document = stalled(host=[(-400, -100), (-100, 50), (300, 301)], server=[(50_000, 55_000)])
    assert [(each.start_ms, each.end_ms) for each in of(document)] == [(0, 50)]
    assert stalls_of(document["executions"][0], None) == []


def test_of_thousands_the_longest_are_kept_in_order(stalled):
    found = of(stalled(host=[(at, at + 3 + at % 5) for at in range(0, 16_000, 20)]))
    assert len(found) == MOST
    assert found == sorted(found)
    assert {each.lasted_ms for each in found} > {3} or min(each.lasted_ms for each in found) >= 3


def test_simulated_work_is_stretched_and_a_stall_in_it_with_it():
    attempt = {
        "scheduled_ms": 0, "start_ms": 0, "end_ms": 60_000,
        "raw": {"scheduled_ms": 5_000, "started_ms": 5_000, "ended_ms": 5_100},
    }  # fmt: skip
    execution = {
        "raw_started_ms": 5_000, "raw_ended_ms": 5_110, "makespan_ms": 60_010, "tasks": [{"attempts": [attempt]}],
    }  # fmt: skip
    weather = {"latency": "weather", "since_ms": 0, "until_ms": 9_000, "host": [(5_050, 5_106)], "server": []}
    assert stalls_of(execution, weather) == [Stall("host", 30_000, 60_006, 56)]


def test_the_chart_of_text_marks_them(stalled):
    document = stalled(host=[(1_000, 3_000)])
    lines = [*chart(document["executions"][0], weather=document["weather"])]
    (row,) = (line for line in lines if line.startswith("(host)"))
    assert "!" in row
    assert row.endswith("2.00 s still")
    assert "(! the host stood still once, 2.00 s (worst 2.00 s))" in lines
    assert not any("!" in line for line in chart(document["executions"][0]))


def test_the_words_count_and_name_the_worst():
    assert sentence([]) == ""
    told = sentence([Stall("host", 0, 5, 5), Stall("server", 1, 9, 8), Stall("server", 20, 21, 2)])
    assert told == "the host stood still once, 5 ms (worst 5 ms); the server stood still 2 times, 10 ms (worst 8 ms)"


def test_the_gantt_has_a_stripe_and_a_mark_for_each_with_its_words(stalled):
    document = stalled(host=[(1_000, 1_250)], server=[(2_000, 2_002)])
    drawn = gantt(document["executions"][0], stalls=of(document)).bars
    assert drawn.count('class="stall"') == 2
    assert drawn.count('class="stall-mark host"') == drawn.count('class="stall-mark server"') == 1
    assert "the server stood still for 2 ms, from 2.00 s" in drawn
    assert "stall" not in gantt(document["executions"][0]).bars


def test_the_page_says_it_in_words_and_nothing_where_nothing_stood_still(stalled, recorded):
    page = render(stalled(host=[(1_000, 1_250)]))
    assert "Meanwhile the host stood still once, 250 ms (worst 250 ms)." in page
    assert page.count("host or server stood still") == 1
    assert "stood still" not in rendered(recorded("template-04"), named("html"))


def test_what_the_meters_recorded_is_valid_in_a_base_install_too():
    # The validator of the extra `fast` takes a tuple for an array; jsonschema's own does not.
    stalls = (Interval(1, 9), Interval(20, 30))
    document = weather_document(Weather(policy="weather", host=stalls, server=stalls[:1], until_ms=40))
    run = json.loads((ROOT / "schemas/run.schema.json").read_text())
    pairs = next(each for each in _objects(run) if {"host", "latency"} <= each.get("properties", {}).keys())
    needed = {"properties": {name: pairs["properties"][name] for name in ("host", "server", "since_ms", "until_ms")}}
    assert compile_schema(needed, fast=False).problems(document) == []


def _objects(document):
    if isinstance(document, dict):
        yield document
        document = list(document.values())
    for each in document if isinstance(document, list) else ():
        yield from _objects(each)
