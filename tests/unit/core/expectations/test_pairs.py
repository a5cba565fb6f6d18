"""One execution measured against others of its batch."""

from pytest_k1n.core.expectations import not_slower_than, spans_batch
from pytest_k1n.core.findings import Verdict


def named(build, name, *tasks, **observed):
    return build.observation(*tasks, fields={"workflowId": f"id-of-{name}", "workflowName": name}, **observed)


def test_the_longest_execution_spans_its_batch(build):
    longest = named(build, "longest", build.task("a", 0, 1000))
    late = named(build, "late", build.task("b", 50, 1150), start=50)
    assert spans_batch(late).judge(longest).verdict is Verdict.PASS
    [finding] = spans_batch(late, slack="149ms").judge(longest).findings
    assert (finding.code, finding.subject) == ("batch-too-long", "longest")


def test_a_batch_that_still_runs_is_pending_and_a_given_up_one_has_failed(build):
    longest = named(build, "longest", build.task("a", 0, 1000))
    running = named(build, "running", build.task("b", 0), status="RUNNING")
    lost = named(build, "lost", build.task("b", 0), status="RUNNING", released="deadline passed")
    [pending] = spans_batch(running).judge(longest).findings
    assert (pending.code, pending.observed) == ("pending", "running is RUNNING")
    assert spans_batch(lost).judge(longest).findings[0].code == "not-finished"


def test_slower_than_alone_needs_ten_percent_and_two_polls(build):
    alone = named(build, "alone", build.task("a", 0, 100), build.task("b", 100, 1100))
    equal = named(build, "equal", build.task("a", 0, 120), build.task("b", 120, 1220))
    findings = not_slower_than(alone).judge(equal)
    assert (findings.verdict, findings.passed) == (Verdict.PASS, 2)
    assert findings.notes == ("queue waits: 0 ms together, 0 ms alone at the longest",)
    slower = named(build, "slower", build.task("a", 0, 121), build.task("b", 121, 1222))
    found = not_slower_than(alone).judge(slower).findings
    assert [(f.code, f.subject, f.margin) for f in found] == [
        ("slower-together", "a", "+21.0%"), ("slower-together", "b", "+10.1%"),
    ]  # fmt: skip


def test_what_did_not_run_alone_has_no_reference(build, codes_of):
    alone = named(build, "alone", build.task("a", 0, 100))
    more = named(build, "more", build.task("a", 0, 100), build.task("b", 100, 200))
    assert codes_of(not_slower_than(alone).judge(more)) == [("no-reference", "b", "unknown")]
    less = named(build, "less", build.task("a", 0, 100), definition=build.chain("a", "b"))
    assert codes_of(not_slower_than(more).judge(less)) == [("not-run", "b", "fail")]
