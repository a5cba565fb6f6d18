"""An estimate of the whole is judged where it is known, and its findings say where it comes from."""

from dataclasses import replace

import pytest

from pytest_k1n.core.expectations import on_estimate
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.model import TaskDefinition, WorkflowTask
from pytest_k1n.core.plan import Batch, Plan, Template
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire


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


def test_what_a_limit_of_a_task_definition_holds_back_is_not_computed(define, execution, task):
    side_by_side = define.workflow(define.fork("f", ["a"], ["b"]), define.join("j", "a", "b"))
    in_a_row = define.workflow("a", "b")
    run = execution(task("a", 0, 60_000), task("b", 60_000, 120_000), end=120_000)
    template = Template(id="1", slug="x", workflow="wf", batch=1, estimates_ms={"a": 60_000, "b": 60_000})
    rules = {ref: TaskDefinition(name=ref, concurrent_exec_limit=1) for ref in "ab"}

    def planned(definition, rules):
        return template.planned_on(definition, rules).total_estimate_ms

    assert (planned(side_by_side, rules), planned(in_a_row, rules)) == (60_000, 120_000)
    same = [replace(each, name="mail") if each.ref in "ab" else each for each in side_by_side.walk()]
    branches = tuple((each,) for each in same if each.ref in "ab")
    tasks = (replace(same[0], branches=branches), same[-1])
    limits = {"mail": TaskDefinition(name="mail", concurrent_exec_limit=1)}
    assert planned(replace(side_by_side, tasks=tasks), limits) is None
    assert (
        planned(replace(in_a_row, tasks=tuple(replace(each, name="mail") for each in in_a_row.tasks)), limits)
        == 120_000
    )
    findings = on_estimate().judge(
        observe(run, definition=replace(side_by_side, tasks=tasks), template=template, task_definitions=limits)
    )
    assert [note for note in findings.notes if "a (SIMPLE), which may have to wait: the limits of mail" in note]


def test_an_estimate_for_a_tasks_name_is_not_passed_over_in_silence(define, execution, task):
    definition = define.workflow(define.dynamic_fork("f"), define.join("j"))
    run = execution(
        task("f", 0, 0, type="FORK", input={"forkedTasks": ["encode_a"]}),
        task("encode_a", 0, 60_000, def_name="encode", workflow_task=WorkflowTask(ref="encode_a", name="encode")),
        task("j", 0, 60_000, type="JOIN", input={"joinOn": ["encode_a"]}),
        end=60_000,
    )
    template = Template(id="1", slug="x", workflow="wf", batch=1, estimates_ms={"encode": 480_000})
    findings = on_estimate().judge(observe(run, definition=definition, template=template))
    assert [(each.code, each.subject) for each in findings.findings] == [("no-estimate", "encode_a")]
    by_ref = template._replace(estimates_ms={"encode_a": 60_000})
    assert on_estimate().judge(observe(run, definition=definition, template=by_ref)).findings == ()


FIRST = {"name": "a", "taskReferenceName": "a", "type": "SIMPLE"}


@pytest.mark.parametrize(("simulated", "count"), [(True, 0), (False, 1)])
def test_simulated_work_of_a_child_that_loops_is_no_fault_though_its_tasks_shared_the_estimate_for_one_round(
    define, execution, task, simulated, count
):
    child = replace(define.workflow(define.loop("pages", "page")), name="sync")
    crm = {"name": "crm", "taskReferenceName": "crm", "type": "SUB_WORKFLOW", "subWorkflowParam": {"name": "sync"}}
    parent = wire.workflow_definition({"name": "wf", "version": 1, "tasks": [FIRST, crm]})
    template = Template(id="1", slug="x", workflow="wf", batch=1, estimates_ms={"crm": 60_000})
    planned = Plan(batches=(Batch(1, templates=(template,)),)).planned(template, parent, lambda *_: child)
    assert planned.loops_within == {"crm": "pages of sync"}
    report = {"_k1n": {"simulated": True, "work_ms": 120_000}} if simulated else {}
    first, crm = task("a", 0, 1, output=report), task("crm", 1, 120_000, type="SUB_WORKFLOW", output=report)
    run = execution(first, crm, end=120_000)
    findings = on_estimate(refs=["crm"]).judge(observe(run, definition=parent, template=planned))
    assert len([each for each in findings.findings if each.code == "slower-than-estimate"]) == count
    assert len([note for note in findings.notes if "one round of pages of sync" in note]) == 1 - count
