"""What runs at the same time, on raw stamps."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.expectations import concurrency, concurrent, overlaps_with, start_together
from pytest_k1n.core.expectations.overlap import measured_concurrency
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire


def test_real_overlap_passes_pair_by_pair(build):
    seen = build.observation(build.task("a", 0, 100), build.task("b", 5, 110), build.task("c", 7, 50))
    findings = concurrent("a", "b", "c").judge(seen)
    assert (findings.verdict, findings.passed) == (Verdict.PASS, 3)


def test_a_chain_is_not_concurrent_and_says_by_how_much(build):
    seen = build.observation(build.task("a", 0, 100), build.task("b", 120, 210))
    [finding] = concurrent("a", "b").judge(seen).findings
    assert (finding.code, finding.verdict, finding.margin) == ("not-concurrent", Verdict.FAIL, "29 ms")
    assert finding.observed == "b started 20 ms after a had ended"


def test_a_moment_in_common_is_not_concurrency(build):
    seen = build.observation(build.task("a", 0, 100), build.task("b", 95, 210))
    assert concurrent("a", "b").judge(seen).verdict is Verdict.FAIL


def test_less_than_two_ms_is_undecidable(build):
    seen = build.observation(build.task("a", 0, 10), build.task("b", 9, 20))
    [finding] = concurrent("a", "b").judge(seen).findings
    assert (finding.code, finding.verdict) == ("overlap-undecidable", Verdict.UNKNOWN)


def test_work_that_takes_no_time_is_told_how_to_take_some(build):
    seen = build.observation(build.task("a", 0, 0), build.task("b", 0, 0))
    [finding] = concurrent("a", "b").judge(seen).findings
    assert finding.code == "overlap-undecidable"
    assert 'a took 0 ms: let its handler work, by task.sleep(1000), or takes={"a": "1s"}' in finding.observed


def test_too_late_to_overlap_is_decided_before_the_end(build, codes_of):
    live = build.observation(build.task("a", 0, 100), build.task("b", 120), status="RUNNING")
    assert ("not-concurrent", "b", "fail") in codes_of(concurrent("a", "b").judge(live))
    both = build.observation(build.task("a", 0), build.task("b", 2), status="RUNNING")
    assert concurrent("a", "b").judge(both).verdict is Verdict.UNKNOWN


def test_iterations_are_compared_with_their_own_kind(build):
    seen = build.observation(
        build.task("a", 0, 10, iteration=1), build.task("b", 1, 10, iteration=1),
        build.task("a", 20, 30, iteration=2), build.task("b", 20, 31, iteration=2),
    )  # fmt: skip
    assert concurrent("a", "b").judge(seen).passed == 2


def test_starts_are_compared_in_raw_time_whatever_the_speed(build):
    tasks = [build.task("a", 0, 100, simulated=True), build.task("b", 149, 200, simulated=True)]
    scaled = {"definition": build.fork(["a"], ["b"]), "time_model": "scaled", "speed": 600}
    assert start_together("a", "b").judge(build.observation(*tasks, **scaled)).passed == 1
    tasks[1] = build.task("b", 151, 200, simulated=True)
    [finding] = start_together("a", "b").judge(build.observation(*tasks, **scaled)).findings
    assert (finding.code, finding.subject, finding.margin) == ("starts-apart", "b", "1 ms")


def test_starts_too_far_apart_are_decided_before_the_last_has_come(build, codes_of):
    live = {"definition": build.fork(["a"], ["b"], ["c"]), "status": "RUNNING"}
    apart = build.observation(build.task("a", 0), build.task("b", 200), **live)
    assert ("starts-apart", "b", "fail") in codes_of(start_together("a", "b", "c").judge(apart))
    near = build.observation(build.task("a", 0), build.task("b", 20), **live)
    assert codes_of(start_together("a", "b", "c").judge(near)) == [("pending", "c", "unknown")]


def test_the_maximum_concurrency_is_exact(build):
    seen = build.observation(build.task("a", 0, 100), build.task("b", 5, 110), build.task("c", 100, 150))
    assert concurrency(2).judge(seen).verdict is Verdict.PASS
    [few] = concurrency(3).judge(seen).findings
    assert (few.code, few.margin) == ("wrong-concurrency", "-1")
    [many] = concurrency(1).judge(seen).findings
    assert (many.code, many.margin) == ("wrong-concurrency", "+1")
    assert "a, b" in many.observed


def test_a_maximum_that_hangs_on_one_ms_is_unknown(build):
    seen = build.observation(build.task("a", 0, 100), build.task("b", 99, 110))
    assert concurrency(2).judge(seen).verdict is Verdict.UNKNOWN
    assert concurrency(1).judge(seen).verdict is Verdict.UNKNOWN
    assert concurrency(3).judge(seen).verdict is Verdict.FAIL


def test_executions_overlap_or_do_not(build):
    first = build.observation(build.task("a", 0, 100), fields={"workflowName": "first"})
    second = build.observation(build.task("a", 50, 200), start=50, fields={"workflowName": "second", "workflowId": "2"})
    later = build.observation(build.task("a", 300, 400), start=300, fields={"workflowName": "later", "workflowId": "3"})
    assert overlaps_with(second).judge(first).verdict is Verdict.PASS
    [finding] = overlaps_with(later).judge(first).findings
    assert finding.observed == "later started 200 ms after first had ended"


spans = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 25)).map(lambda pair: (pair[0], sum(pair))), min_size=1, max_size=7
)


@given(spans)
def test_the_measured_maximum_agrees_with_brute_force(chosen):
    records = [
        {"referenceTaskName": f"t{i}", "taskType": "x", "taskId": str(i), "status": "COMPLETED", "seq": i,
         "scheduledTime": 1000, "startTime": 1000 + start, "endTime": 1000 + end}
        for i, (start, end) in enumerate(chosen)
    ]  # fmt: skip
    tasks = [{"name": "x", "taskReferenceName": f"t{i}"} for i in range(len(chosen))]
    seen = observe(
        wire.execution(
            {"workflowId": "w", "workflowName": "w", "status": "COMPLETED", "startTime": 1000, "endTime": 1100,
             "tasks": records, "workflowDefinition": {"name": "w", "tasks": tasks}}
        )
    )  # fmt: skip

    def most(for_ms):
        """Of every set that shares an instant: the largest that shares `for_ms` of them."""
        return max(
            sum(start <= at and at + for_ms <= end for start, end in chosen) for at in range(70)
        )  # fmt: skip

    low, high, _ = measured_concurrency(seen)
    assert (low, high) == (most(2), most(1))
