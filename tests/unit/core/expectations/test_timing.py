"""Bands, estimates and waits: workflow time for durations, raw time for waits."""

import pytest

from pytest_k1n.core.expectations import (
    max_queue_wait,
    on_estimate,
    phase_within,
    starts_at_once,
    starts_within,
    task_within,
    within,
)
from pytest_k1n.core.findings import Verdict

MINUTE = 60_000
SCALED = {"time_model": "scaled", "speed": 600}


def test_the_makespan_is_judged_in_workflow_time_and_counted_as_simulated(build):
    seen = build.observation(build.task("a", 20, 670, simulated=True), **SCALED)
    findings = within("5m", "8m").judge(seen)
    assert (findings.verdict, findings.passed, findings.simulated) == (Verdict.PASS, 0, 1)
    [finding] = within("5m", "6m").judge(seen).findings
    assert (finding.code, finding.margin, finding.origin) == ("outside-band", "30.02 s above", "within('5m', '6m')")


def test_real_work_counts_as_evidence(build):
    findings = within("0s", "1s").judge(build.observation(build.task("a", 0, 670)))
    assert (findings.passed, findings.simulated) == (1, 0)


def test_both_ends_of_a_band_belong_to_it(build):
    seen = build.observation(build.task("a", 0, 1000))
    assert within("1s", "1s").judge(seen).verdict is Verdict.PASS
    assert within("1001ms", "2s").judge(seen).findings[0].margin == "1 ms below"


def test_a_band_is_checked_when_it_is_written():
    with pytest.raises(ValueError, match="empty"):
        within("40m", "25m")
    with pytest.raises(ValueError, match="not a duration"):
        within("5", "8m")
    with pytest.raises(ValueError, match="both ends"):
        phase_within(1, "5m")


def test_a_makespan_beyond_its_band_is_decided_before_the_end(build):
    live = build.observation(build.task("a", 0, 500), build.task("b", 500), status="RUNNING")
    assert within("0s", "600ms").judge(live).findings[0].code == "pending"
    [finding] = within("0s", "400ms").judge(live).findings
    assert (finding.code, finding.verdict) == ("outside-band", Verdict.FAIL)
    later = build.observation(build.task("a", 0), status="RUNNING", now_ms=build.ZERO + 900)
    assert within("0s", "600ms").judge(later).findings[0].margin == "300 ms above so far"


def test_a_task_has_a_band_of_its_own(build):
    seen = build.observation(build.task("a", 0, 100), build.task("b", 100, 400))
    assert task_within("b", "250ms", "350ms").judge(seen).passed == 1
    assert task_within("a", "250ms", "350ms").judge(seen).findings[0].subject == "a"


def test_a_start_is_awaited_in_a_window(build):
    seen = build.observation(build.task("a", 0, 100), build.task("b", 110, 400))
    assert starts_within("b", "100ms", "200ms").judge(seen).passed == 1
    [early] = starts_within("b", "111ms", "200ms").judge(seen).findings
    assert (early.code, early.margin) == ("outside-band", "1 ms below")
    live = build.observation(
        build.task("a", 0, 300), definition=build.chain("a", "b"), status="RUNNING", now_ms=build.ZERO + 300
    )
    assert starts_within("b", "100ms", "200ms").judge(live).verdict is Verdict.FAIL
    assert starts_within("b", "100ms", "400ms").judge(live).verdict is Verdict.UNKNOWN
    [misspelt] = starts_within("bb", "100ms", "200ms").judge(live).findings
    assert misspelt.code == "unknown-ref"


def test_at_once_is_raw_time(build):
    seen = build.observation(build.task("a", 240, 400, simulated=True), **SCALED)
    assert starts_at_once("a").judge(seen).passed == 1
    assert starts_at_once("a", within="240ms").judge(seen).passed == 1
    [finding] = starts_at_once("a", within="200ms").judge(seen).findings
    assert (finding.code, finding.margin) == ("started-late", "40 ms")


PHASES = [(1, "first", ["a", "b"], (100, 200)), (2, "second", ["c"], None)]


def test_a_phase_lasts_from_its_first_scheduled_to_its_last_end(build):
    template = build.template(phases=PHASES)
    seen = build.observation(
        build.task("a", 10, 100, scheduled=5), build.task("b", 100, 204), build.task("c", 204, 300), template=template
    )
    assert phase_within(1).judge(seen).passed == 1
    assert phase_within("first", "0ms", "198ms").judge(seen).findings[0].margin == "1 ms above"
    assert phase_within(2).judge(seen).findings[0].code == "no-band"


def test_a_phase_over_its_band_is_decided_while_it_runs(build):
    live = build.observation(
        build.task("a", 0, 210), build.task("b", 210), status="RUNNING", template=build.template(phases=PHASES)
    )
    [finding] = phase_within(1).judge(live).findings
    assert (finding.code, finding.verdict) == ("outside-band", Verdict.FAIL)


def planned(build, taken_ms, **fields):
    template = build.template(estimates_ms={"a": 10 * MINUTE}, **fields)
    return build.observation(build.task("a", 0, taken_ms), template=template)


def test_slower_than_the_tolerance_fails_and_faster_warns(build, codes_of):
    assert on_estimate().judge(planned(build, 11 * MINUTE)).passed == 2
    slow = on_estimate().judge(planned(build, 11 * MINUTE + 1))
    assert codes_of(slow) == [("slower-than-estimate", "wf", "fail"), ("slower-than-estimate", "a", "fail")]
    assert slow.findings[1].margin == "+10.0%"
    fast = on_estimate().judge(planned(build, 9 * MINUTE - 1))
    assert codes_of(fast) == [("faster-than-estimate", "wf", "warn"), ("faster-than-estimate", "a", "warn")]
    assert fast.passed == 2


def test_faster_than_the_band_fails(build, codes_of):
    fast = on_estimate().judge(planned(build, 4 * MINUTE, band_ms=(5 * MINUTE, 8 * MINUTE)))
    assert codes_of(fast) == [("outside-band", "wf", "fail"), ("faster-than-estimate", "a", "warn")]


def test_the_limits_of_the_tolerance_and_of_the_band_belong_to_them(build):
    assert on_estimate().judge(planned(build, 9 * MINUTE)).findings == ()
    at_the_low_end = planned(build, 9 * MINUTE, band_ms=(9 * MINUTE, 12 * MINUTE))
    assert on_estimate().judge(at_the_low_end).findings == ()


def test_slowness_is_decided_before_the_end_and_a_hang_when_waiting_ends(build, codes_of):
    def live(now_ms, *tasks, **fields):
        template = build.template(estimates_ms={"a": 1000, "b": 1000})
        return build.observation(
            *(tasks or [build.task("a", 0)]), definition=build.chain("a", "b"), status="RUNNING", template=template,
            now_ms=build.ZERO + now_ms, **fields,
        )  # fmt: skip

    pending = [("pending", "wf", "unknown"), ("pending", "a", "unknown")]
    assert codes_of(on_estimate().judge(live(2200))) == pending
    assert codes_of(on_estimate().judge(live(2201)))[0] == ("slower-than-estimate", "wf", "fail")
    hang = codes_of(on_estimate().judge(live(500, released="deadline passed")))
    assert hang == [("not-finished", "wf", "fail"), ("not-finished", "a", "fail")]
    never = live(500, build.task("a", 0, 400), build.task("b", scheduled=400), released="deadline passed")
    assert [code for code, subject, _ in codes_of(on_estimate().judge(never)) if subject == "b"] == []


def test_two_polls_are_never_held_against_a_task(build):
    template = build.template(estimates_ms={"a": 50})
    assert on_estimate().judge(build.observation(build.task("a", 0, 70), template=template)).verdict is Verdict.PASS
    assert on_estimate().judge(build.observation(build.task("a", 0, 71), template=template)).verdict is Verdict.FAIL


def test_without_an_estimate_nothing_is_known(build, codes_of):
    seen = build.observation(build.task("a", 0, 70))
    assert codes_of(on_estimate().judge(seen)) == [("no-estimate", "wf", "unknown")]
    assert codes_of(on_estimate(refs=["a"]).judge(planned(build, 10 * MINUTE))) == []


def test_queue_waits_leave_declared_delays_out(build):
    seen = build.observation(
        build.task("a", 30, 100, scheduled=0), build.task("b", 1130, 1200, scheduled=100, delay_s=1)
    )
    assert max_queue_wait("30ms").judge(seen).passed == 2
    [finding] = max_queue_wait("29ms", refs=["a"]).judge(seen).findings
    assert (finding.code, finding.subject, finding.margin) == ("waited-long", "a", "1 ms")
    never = build.observation(build.task("a", 0, 10), definition=build.chain("a", "b"), status="FAILED")
    assert max_queue_wait("29ms", refs=["a", "b"]).judge(never).findings[0].code == "not-run"
    assert max_queue_wait("29ms").judge(never).findings == ()
