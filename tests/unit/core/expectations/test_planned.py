"""What a plan expects by itself, and what can be said in minute 12."""

from pytest_k1n.core.expectations import early_findings, judge_all, planned
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.plan import WatchPoint


def plan(build):
    return build.template(
        phases=[(1, "first", ["a", "b"], (50, 150)), (2, "second", ["c"], (50, 150))],
        band_ms=(100, 300),
        estimates_ms={"a": 100, "b": 100, "c": 100},
        parallel=(("a", "b"),),
        watch=(WatchPoint(ref="c", low_ms=90, high_ms=150, successor=None),),
    )


def records(build, c_start=103):
    return [
        build.task("fork", 0, 0, type="FORK"),
        build.task("a", 1, 101, scheduled=0),
        build.task("b", 1, 100, scheduled=0),
        build.task("join", 0, 102, type="JOIN"),
        build.task("c", c_start, c_start + 100),
    ]


def test_an_execution_as_planned_meets_everything(build):
    definition = build.fork(["a"], ["b"], then=["c"])
    seen = build.observation(*records(build), definition=definition, template=plan(build))
    findings = judge_all(planned(seen.template), seen)
    assert findings.findings == ()
    assert findings.passed == 20  # 6 for completed, 3 edges, 1 barrier, 2 for the group, 4 in bands, 4 on estimates


def test_without_a_plan_the_definition_alone_counts(build):
    assert [repr(expectation) for expectation in planned(None)] == ["completed()", "follows_definition()"]


def test_early_nothing_is_said_of_what_may_come_right(build):
    definition = build.fork(["a"], ["b"], then=["c"])
    live = build.observation(*records(build)[:4], definition=definition, template=plan(build), status="RUNNING")
    findings = early_findings(live)
    assert findings.findings == ()
    assert findings.passed > 0


def test_early_a_violation_is_told_long_before_the_end(build):
    definition = build.fork(["a"], ["b"], then=["c"])
    begun = [*records(build)[:3], build.task("join", 0, type="JOIN"), build.task("c", 40)]
    begun[1] = build.task("a", 1, scheduled=0)
    live = build.observation(*begun, definition=definition, template=plan(build), status="RUNNING")
    findings = early_findings(live)
    assert findings.verdict is Verdict.FAIL
    assert {(f.code, f.subject) for f in findings.findings} == {
        ("started-early", "c"), ("barrier-crossed", "c"), ("outside-band", "c"),
    }  # fmt: skip
