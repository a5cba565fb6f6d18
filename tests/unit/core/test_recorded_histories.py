"""Executions recorded from the real server (fixtures/histories): judged by their plan and by their own definitions."""

import json
from pathlib import Path

import pytest

from pytest_k1n.core.expectations import (
    barriers_hold,
    completed,
    concurrent,
    early_findings,
    failed,
    follows_definition,
    in_order,
    judge_all,
    planned,
    terminated,
    timed_out,
)
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.gates import CategoryVerdict, GateSettings, evaluate, single
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire
from pytest_k1n.plan.read import load_plan

ROOT = Path(__file__).parents[3]
HISTORIES = ROOT / "fixtures" / "histories"
NAMES = sorted(path.stem for path in HISTORIES.glob("*.json"))
PLAN = load_plan(ROOT / "suites" / "plan.toml")

TEMPLATES = {
    "template-01": "K1N_TEMPLATE_01",
    "template-02": "K1N_TEMPLATE_02",
    "template-03": "K1N_TEMPLATE_03",
    "template-04": "K1N_22TASK_COMPLETE",
    "template-05": "K1N_22TASK_OPTIMIZED",
}
NEGATIVES = {
    "negative-02-7-does-not-wait-for-6": ("K1N_TEMPLATE_02", {"G2"}, in_order("task_6", "task_7")),
    "negative-03-fork-became-chain": (
        "K1N_TEMPLATE_03",
        {"G1", "G4"},
        concurrent("task_4", "task_5", "task_6", "task_7"),
    ),
    "negative-04-9-beside-8": ("K1N_22TASK_COMPLETE", {"G2", "G3"}, barriers_hold()),
}
ENDINGS = {
    "skipped": completed(skipped=["b"]),
    "failed": failed(reason="out of paper"),
    "failed-terminal": failed(reason="card declined"),
    "fork-branch-failed": failed(reason="broken"),
    "permissive-failed": failed(reason="no luck"),
    "timed-out": timed_out(),
    "terminated": terminated(reason="stopped by hand"),
}
OPEN = {"running", "paused"}
SKIPPED = {"skipped": {"b"}}

assert NAMES, "the recorded histories are missing: python fixtures/record.py --server URL"
BLOCKING = ("G1", "G2", "G3", "G4", "G5", "G12")


def recorded(name, workflow=None):
    """The observation of a history; with `workflow` judged by the plan and definition of that template."""
    execution = wire.execution(json.loads((HISTORIES / f"{name}.json").read_text()))
    if workflow is None:
        return observe(execution)
    path = ROOT / "fixtures" / "workflows" / f"{workflow}.json"
    definition = wire.workflow_definition(json.loads(path.read_text()))
    template = PLAN.template_for(workflow)
    return observe(execution, template=template, definition=definition, time_model="scaled", speed=600)


@pytest.mark.parametrize(("name", "workflow"), TEMPLATES.items())
def test_the_templates_pass_every_blocking_gate(name, workflow):
    quality = evaluate(single(recorded(name, workflow)), GateSettings(workers="external"))
    assert {gate: quality.category(gate).verdict.is_pass for gate in BLOCKING} == dict.fromkeys(BLOCKING, True)
    unknown = {finding.code for category in quality.categories for finding in category.findings}
    assert unknown & {"no-logs", "no-validator"} == {"no-logs", "no-validator"}
    assert quality.checks.unknown == 2


@pytest.mark.parametrize(("name", "workflow"), TEMPLATES.items())
def test_the_templates_meet_their_plan_in_workflow_time(name, workflow):
    seen = recorded(name, workflow)
    findings = judge_all(planned(seen.template), seen)
    # How far apart the recording host let tasks start says nothing about the judgement.
    bad = [each for each in findings.findings if each.verdict is not Verdict.WARN and each.code != "starts-apart"]
    assert [str(each) for each in bad] == []
    assert findings.simulated > 0


@pytest.mark.parametrize(("name", "case"), NEGATIVES.items())
def test_a_broken_definition_fails_its_gate_and_its_expectation(name, case):
    workflow, gates, expectation = case
    seen = recorded(name, workflow)
    quality = evaluate(single(seen), GateSettings(workers="external"))
    found = {each.id for each in quality.categories if each.blocking and each.verdict is CategoryVerdict.FAIL}
    assert found == gates
    assert quality.verdict is Verdict.FAIL
    assert expectation.judge(seen).verdict is Verdict.FAIL
    assert early_findings(seen).verdict is Verdict.FAIL


@pytest.mark.parametrize("name", NAMES)
def test_whatever_the_server_did_it_kept_its_own_definition(name):
    seen = recorded(name)
    findings = follows_definition().judge(seen)
    assert [str(each) for each in findings.findings if each.code != "pending"] == []
    assert findings.verdict is (Verdict.UNKNOWN if name in OPEN else Verdict.PASS)


@pytest.mark.parametrize("name", NAMES)
def test_no_judgement_breaks_on_a_real_history(name):
    seen = recorded(name)
    quality = evaluate(single(seen))
    codes = {finding.code for category in quality.categories for finding in category.findings}
    assert "judgement-crashed" not in codes
    assert quality.category("G15").verdict is not CategoryVerdict.FAIL


@pytest.mark.parametrize("name", NAMES)
def test_every_history_ended_as_it_was_meant_to(name):
    seen = recorded(name)
    expectation = ENDINGS.get(name, completed())
    wanted = Verdict.UNKNOWN if name in OPEN else Verdict.PASS
    assert expectation.judge(seen).verdict is wanted
    assert early_findings(seen).verdict is (Verdict.FAIL if name in ENDINGS.keys() - SKIPPED.keys() else Verdict.PASS)


def test_retries_keep_their_delays():
    for name in ("retried", "retried-with-backoff", "timed-out-then-retried"):
        result = evaluate(single(recorded(name))).category("G11")
        assert (name, result.verdict, [str(each) for each in result.located]) == (name, CategoryVerdict.PASS, [])


def test_a_hang_was_ended_in_time():
    for name in ("timed-out", "timed-out-then-retried"):
        assert evaluate(single(recorded(name))).category("G13").verdict is CategoryVerdict.PASS


def test_the_recordings_are_all_there():
    assert set(TEMPLATES) | set(NEGATIVES) | set(ENDINGS) | OPEN | set(SKIPPED) <= set(NAMES)
