"""A JOIN that waits for nothing is no barrier, whatever the order was."""

import json
from pathlib import Path

import pytest

from pytest_k1n.core.expectations import completed, follows_definition
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire

RECORDED = Path(__file__).parents[1] / "histories"
JUDGES = pytest.mark.parametrize("expectation", [completed(), follows_definition()], ids=["completed", "follows"])


def forked(build, **join):
    definition = build.fork(["a"], ["b", "c"], then=["d"])
    definition["tasks"][1] = {key: each for key, each in {**definition["tasks"][1], **join}.items() if each is not ...}
    return definition


def well_ordered(build, definition, *, iteration=0):
    """Everything in the order that a barrier would have given, by chance."""
    inner = {"iteration": iteration}
    return build.observation(
        build.task("fork", 0, 0, type="FORK", **inner),
        build.task("a", 0, 10, **inner),
        build.task("b", 0, 5, **inner),
        build.task("c", 5, 12, **inner),
        build.task("join", 0, 12, type="JOIN", **inner),
        build.task("d", 12, 20, **inner),
        definition=definition,
    )


@JUDGES
@pytest.mark.parametrize("join_on", [[], None, ...], ids=["empty", "null", "absent"])
def test_a_join_on_nothing_is_a_failure_that_names_what_it_should_wait_for(build, expectation, join_on):
    findings = expectation.judge(well_ordered(build, forked(build, joinOn=join_on)))
    [finding] = [each for each in findings.findings if each.code == "join-on-nothing"]
    assert (finding.subject, finding.verdict) == ("join", Verdict.FAIL)
    assert finding.expected == "to wait for the branches of fork: a, c"


@JUDGES
@pytest.mark.parametrize("join_on", [["a", "c"], ["a"]])
def test_a_join_on_some_branch_is_what_its_team_wants(build, expectation, join_on):
    findings = expectation.judge(well_ordered(build, forked(build, joinOn=join_on)))
    assert "join-on-nothing" not in {each.code for each in findings.findings}


@JUDGES
def test_a_join_on_nothing_in_a_loop_is_named_for_each_round(build, expectation):
    loop = {"name": "loop", "taskReferenceName": "loop", "type": "DO_WHILE", "loopCondition": "false"}
    definition = {"name": "wf", "version": 1, "tasks": [{**loop, "loopOver": forked(build, joinOn=[])["tasks"]}]}
    findings = expectation.judge(well_ordered(build, definition, iteration=1))
    assert [each.subject for each in findings.findings if each.code == "join-on-nothing"] == ["join__1"]


@JUDGES
def test_a_join_that_never_came_is_not_judged(build, expectation):
    definition = build.chain("first")
    switch = {
        "name": "s",
        "taskReferenceName": "s",
        "type": "SWITCH",
        "decisionCases": {"x": forked(build, joinOn=[])["tasks"]},
    }
    definition["tasks"].append({**switch, "evaluatorType": "value-param", "expression": "k"})
    seen = build.observation(
        build.task("first", 0, 1),
        build.task("s", 1, 1, type="SWITCH", output={"evaluationResult": ["y"], "selectedCase": "y"}),
        definition=definition,
    )
    assert expectation.judge(seen).verdict is Verdict.PASS


@JUDGES
def test_what_a_real_server_recorded_of_such_a_join_fails(expectation):
    document = json.loads((RECORDED / "join-on-nothing.json").read_text())
    findings = expectation.judge(observe(wire.execution(document)))
    assert [(each.code, each.subject) for each in findings.findings if each.verdict is Verdict.FAIL] == [
        ("join-on-nothing", "j")
    ]
