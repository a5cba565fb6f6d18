"""An estimate of the whole is judged where it is known, and its findings say where it comes from."""

from pytest_k1n.core.expectations import on_estimate
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.plan import Template
from pytest_k1n.core.record.observation import observe


def judged(define, run, **estimates_ms):
    template = Template(id="1", slug="x", workflow="wf", batch=1, estimates_ms=estimates_ms)
    return on_estimate().judge(observe(run, definition=define.workflow("a", "b"), template=template))


def test_a_task_without_an_estimate_may_take_its_time(define, execution, task):
    findings = judged(define, execution(task("a", 0, 60_000), task("b", 60_000, 900_000), end=900_000), a=60_000)
    assert (findings.verdict, findings.findings) == (Verdict.PASS, ())
    [note] = findings.notes
    assert note.startswith("makespan not judged: how long wf takes depends on b (SIMPLE), which has no estimate; ")


def test_what_is_still_open_is_no_pass(define, execution, task):
    findings = judged(define, execution(task("a", 0, 60_000), end=None), a=60_000)
    assert findings.verdict is Verdict.UNKNOWN


def test_a_computed_makespan_is_not_said_to_be_in_the_plan(define, execution, task):
    run = execution(task("a", 0, 60_000), task("b", 600_000, 660_000), end=660_000)
    [finding] = judged(define, run, a=60_000, b=60_000).findings
    assert (finding.code, finding.subject) == ("slower-than-estimate", "W")
    assert finding.origin.startswith("makespan of wf computed from the estimates of its tasks in the plan, ")
