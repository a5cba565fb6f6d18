"""Latencies in raw time are excused by stalls of machine and server; order, overlap and data never are."""

import pytest

from pytest_k1n.core.expectations import (
    completed,
    concurrent,
    finishes_before,
    in_order,
    max_queue_wait,
    not_slower_than,
    spans_batch,
    start_together,
    starts_at_once,
)
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.gates import evaluate, single
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.weather import Weather

ZERO = 1_700_000_000_000


def stalled(*stalls, policy="weather", until=10_000):
    host = tuple(Interval(ZERO + start, ZERO + end) for start, end in stalls)
    return Weather(policy=policy, host=host, since_ms=ZERO, until_ms=ZERO + until)


def named(build, name, *tasks, **observed):
    return build.observation(*tasks, fields={"workflowId": f"id-of-{name}", "workflowName": name}, **observed)


LATE = {
    "starts-apart": (
        lambda build, weather: build.observation(
            build.task("a", 0, 900), build.task("b", 200, 900), definition=build.fork(["a"], ["b"]), weather=weather
        ),
        lambda build: start_together("a", "b"),
    ),
    "started-late": (
        lambda build, weather: build.observation(build.task("a", 300, 900), weather=weather),
        lambda build: starts_at_once("a"),
    ),
    "waited-long": (
        lambda build, weather: build.observation(build.task("a", 200, 900, scheduled=0), weather=weather),
        lambda build: max_queue_wait("150ms"),
    ),
    "slower-together": (
        lambda build, weather: named(build, "beside", build.task("a", 0, 200), weather=weather),
        lambda build: not_slower_than(named(build, "alone", build.task("a", 0, 120))),
    ),
    "batch-too-long": (
        lambda build, weather: named(build, "own", build.task("a", 200, 900), start=200, weather=weather),
        lambda build: spans_batch(named(build, "other", build.task("a", 0, 900))),
    ),
    "ended-late": (
        lambda build, weather: named(build, "own", build.task("a", 200, 900), weather=weather),
        lambda build: finishes_before(named(build, "other", build.task("a", 0, 850))),
    ),
}


def slow_all_along():
    server = tuple(Interval(ZERO + at, ZERO + at + 45) for at in range(0, 1000, 50))
    return Weather(server=server, since_ms=ZERO, until_ms=ZERO + 10_000)


@pytest.mark.parametrize("code", LATE)
def test_a_latency_is_judged_without_what_the_machine_stood_still(build, code):
    make, expected = LATE[code]
    expectation = expected(build)
    calm = expectation.judge(make(build, stalled()))
    assert [(finding.code, finding.verdict) for finding in calm.findings] == [(code, Verdict.FAIL)]
    excused = expectation.judge(make(build, stalled((10, 190))))
    [finding] = excused.findings
    assert (finding.code, finding.verdict) == ("not-measurable", Verdict.WARN)
    assert "the machine or the server stood still" in finding.observed
    assert (excused.passed, excused.failed, excused.unknown, excused.not_measurable) == (0, 0, 0, 1)
    assert (excused.latencies, calm.latencies) == (1, 1)
    elsewhere = expectation.judge(make(build, stalled((2000, 2500))))
    assert elsewhere.findings == calm.findings
    strict = expectation.judge(make(build, stalled((10, 190), policy="strict")))
    assert strict.findings == calm.findings


@pytest.mark.parametrize(("after_ms", "code"), [(280, "not-measurable"), (330, "starts-apart")])
def test_of_starts_that_belong_together_three_requests_of_a_slow_server_count(build, codes_of, after_ms, code):
    tasks = build.task("a", 0, 900), build.task("b", after_ms, 900, scheduled=0)
    seen = build.observation(*tasks, definition=build.fork(["a"], ["b"]), weather=slow_all_along())
    assert [found for found, _, _ in codes_of(start_together("a", "b").judge(seen))] == [code]


@pytest.mark.parametrize(("after_ms", "code"), [(320, "not-measurable"), (340, "waited-long")])
def test_of_a_wait_four_requests_of_a_slow_server_count(build, codes_of, after_ms, code):
    seen = build.observation(build.task("a", after_ms, 900, scheduled=0), weather=slow_all_along())
    assert [found for found, _, _ in codes_of(max_queue_wait("150ms").judge(seen))] == [code]


@pytest.mark.parametrize("tasks", [1, 4])
def test_which_ends_first_four_requests_of_a_slow_server_count_for_each_task(build, codes_of, tasks):
    made = [build.task(f"t{at}", 100 * at, 100 * at + 99) for at in range(tasks)]
    other = named(build, "other", build.task("x", 0, 100))
    own = named(build, "own", *made, end=600, weather=slow_all_along())
    (found,) = codes_of(finishes_before(other).judge(own))
    assert found[0] == ("ended-late" if tasks == 1 else "not-measurable")


def test_what_the_meters_have_not_told_yet_is_pending_while_it_runs(build, codes_of):
    live = {"definition": build.fork(["a"], ["b"]), "status": "RUNNING"}
    tasks = (build.task("a", 0), build.task("b", 200))
    early = build.observation(*tasks, **live, weather=stalled(until=150))
    assert codes_of(start_together("a", "b").judge(early)) == [("pending", "b", "unknown")]
    later = build.observation(*tasks, **live, weather=stalled(until=200))
    assert codes_of(start_together("a", "b").judge(later)) == [("starts-apart", "b", "fail")]


def test_order_overlap_and_completion_are_never_excused(build):
    all_along = stalled((0, 10_000))
    seen = build.observation(
        build.task("a", 0, 100), build.task("b", 90, 200), definition=build.chain("a", "b"), weather=all_along
    )
    assert in_order("a", "b").judge(seen).verdict is Verdict.FAIL
    apart = build.observation(
        build.task("a", 0, 100), build.task("b", 120, 210), definition=build.fork(["a"], ["b"]), weather=all_along
    )
    assert concurrent("a", "b").judge(apart).verdict is Verdict.FAIL
    failed = build.observation(build.task("a", 0, 100, status="FAILED"), status="FAILED", weather=all_along)
    assert completed().judge(failed).verdict is Verdict.FAIL


def test_gates_leave_out_of_the_rate_what_they_could_not_measure(build):
    tasks = (build.task("a", 140, 200, scheduled=2), build.task("b", 260, 300, scheduled=205))
    calm = evaluate(single(build.observation(*tasks, weather=stalled())))
    assert [calm.category(each).verdict for each in ("G9", "G10")] == ["fail", "fail"]
    excused = evaluate(single(build.observation(*tasks, weather=stalled((5, 135), (206, 256)))))
    for gate_id in ("G9", "G10"):
        category = excused.category(gate_id)
        assert (category.verdict, category.not_measurable, category.evaluated) == ("pass", 2, 0)
        assert "2 latencies not measurable in this weather" in category.note
    assert excused.checks.unknown == calm.checks.unknown
    assert excused.checks.evaluated == calm.checks.evaluated - 4
    assert excused.rate > calm.rate


def test_one_stall_does_not_excuse_another_hop(build):
    tasks = (build.task("a", 300, 400, scheduled=2), build.task("b", 600, 700, scheduled=405))
    seen = evaluate(single(build.observation(*tasks, weather=stalled((4, 298)))))
    found = {each: [(f.code, f.subject, f.verdict) for f in seen.category(each).findings] for each in ("G9", "G10")}
    assert found["G9"] == [("not-measurable", "a", Verdict.WARN), ("overhead", "b", Verdict.FAIL)]
    assert found["G10"] == [("not-measurable", "a", Verdict.WARN), ("waited-long", "b", Verdict.WARN)]


def test_a_late_join_is_excused_by_stalls_of_its_own_time_alone(build):
    tasks = (
        build.task("fork", 0, 0, type="FORK"), build.task("a", 900, 1000, scheduled=0),
        build.task("b", 900, 1000, scheduled=0), build.task("join", 0, 1400, type="JOIN"),
    )  # fmt: skip
    definition = build.fork(["a"], ["b"])
    early = build.observation(*tasks, definition=definition, weather=stalled((0, 890)))
    found = evaluate(single(early)).category("G9").findings
    assert {each.subject: (each.code, each.verdict) for each in found} == {
        "a": ("not-measurable", Verdict.WARN), "join": ("join-lag", Verdict.FAIL),
    }  # fmt: skip
    late = build.observation(*tasks, definition=definition, weather=stalled((0, 890), (1010, 1390)))
    assert {each.code for each in evaluate(single(late)).category("G9").findings} == {"not-measurable"}
