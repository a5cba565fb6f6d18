"""Faults on the embedded engine: a good worker comes through all of them, and each bug of a bad one is noticed."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest

from k1n_support.examples import spread
from pytest_k1n.chaos.faults import cells, draw, injection
from pytest_k1n.chaos.judging import damage
from pytest_k1n.chaos.simulated_run import SIMULATED_KINDS, Simulation, worker_refs
from pytest_k1n.chaos.simulatedworker import Habits


def step(ref: str) -> dict[str, object]:
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE"}


DEFINITION = {
    "name": "STRUCK", "version": 1, "schemaVersion": 2, "ownerEmail": "a@b.c", "timeoutSeconds": 0,
    "tasks": [
        step("first"),
        {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": [[step("left")], [step("right")]]},
        {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["left", "right"]},
        {"name": "l", "taskReferenceName": "l", "type": "DO_WHILE", "inputParameters": {},
         "loopCondition": "$.l['iteration'] < 2", "loopOver": [step("again")]},
        step("last"),
    ],
}  # fmt: skip
REFS = ("first", "left", "right", "again", "last")


def task(ref: str, **rules: object) -> dict[str, object]:
    rules = {"retryCount": 1, "retryDelaySeconds": 1, "responseTimeoutSeconds": 10, "timeoutSeconds": 0, **rules}
    return {"name": ref, "ownerEmail": "a@b.c", **rules}


GOOD = Habits()


def simulation(habits: Habits = GOOD, **rules: object) -> Simulation:
    tasks = [task(ref, **rules) for ref in REFS]
    return Simulation(definition=DEFINITION, tasks=tasks, takes_ms=dict.fromkeys(REFS, 5000), habits=habits)


def test_every_fault_at_every_task_in_every_phase_leaves_no_damage() -> None:
    good = simulation()
    assert worker_refs(good.run()) == REFS
    for (kind, ref, phase), lasts in spread(product(cells(REFS, SIMULATED_KINDS), (0.3, 1.4))):
        run = good.run(injection(kind, ref, phase, lasts=lasts))
        assert run.struck, (kind, ref, phase)
        assert [str(finding) for finding in damage(run.evidence[0])] == [], (kind, ref, phase, lasts)


BUGS = {
    "extends no lease": (Habits(heartbeats=False), {("work-slow", "attempt-lost")}),
    "reports once": (
        Habits(repeats=False),
        {("connection-reset", "attempt-lost"), ("half-open", "attempt-lost")},
    ),
    "makes its effect each time": (
        Habits(idempotent=False),
        {("worker-killed", "effect-repeated"), ("server-killed", "effect-repeated")},
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_in_a_worker_is_noticed_by_a_fault_and_by_none_without_one(bug: str) -> None:
    habits, expected = BUGS[bug]
    bad = simulation(habits)
    assert damage(bad.run().evidence[0]) == ()
    noticed = Counter(
        (kind, finding.code)
        for kind, ref, phase in cells(["left"], SIMULATED_KINDS)
        for finding in damage(bad.run(injection(kind, ref, phase, lasts=1.4)).evidence[0])
    )
    assert expected <= set(noticed)


def test_a_definition_without_retries_is_found_to_lose_its_execution_with_a_worker() -> None:
    run = simulation(retryCount=0).run(injection("worker-killed", "left"))
    assert {"wrong-status", "task-failed"} <= {finding.code for finding in damage(run.evidence[0])}


def test_a_lease_of_an_hour_is_found_to_outlast_the_budget_after_a_worker_was_killed() -> None:
    run = simulation(responseTimeoutSeconds=3600).run(injection("worker-killed", "left"), budget_ms=600_000)
    assert any("its budget is used up" in str(finding) for finding in damage(run.evidence[0]))


def test_the_same_seed_gives_the_same_history_and_another_one_does_not() -> None:
    good = simulation()
    first, second = (
        [good.run(draw(7, run, REFS, SIMULATED_KINDS), seed=7).digest for run in range(20)] for _ in range(2)
    )
    assert first == second
    assert len(set(first)) > 1
    assert good.run(draw(7, 1, REFS, SIMULATED_KINDS), seed=8).digest != first[1]


def test_people_answer_before_the_time_limit_of_the_workflow_and_a_timed_wait_ends_by_itself() -> None:
    ask = {"name": "ask", "taskReferenceName": "ask", "type": "HUMAN"}
    pause = {
        "name": "pause",
        "taskReferenceName": "pause",
        "type": "WAIT",
        "inputParameters": {"duration": "3 minutes"},
    }
    definition = {
        **DEFINITION,
        "tasks": [ask, pause, step("last")],
        "timeoutSeconds": 600,
        "timeoutPolicy": "TIME_OUT_WF",
    }
    run = Simulation(definition=definition, tasks=[task("last")], takes_ms={"last": 5000}, habits=GOOD).run(None)
    assert damage(run.evidence[0]) == ()
    assert run.took_ms == (1 + 3) * 60_000 + 5000


def test_a_definition_without_task_definitions_runs() -> None:
    definition = {**DEFINITION, "tasks": [step("last")]}
    run = Simulation(definition=definition, tasks=[], takes_ms={"last": 5000}, habits=GOOD).run(None)
    assert damage(run.evidence[0]) == ()


def test_tasks_of_an_inline_child_have_their_definitions_too() -> None:
    inner = {"name": "in", "version": 1, "schemaVersion": 2, "ownerEmail": "a@b.c", "tasks": [step("first")]}
    definition = {
        **DEFINITION,
        "tasks": [{"name": "s", "taskReferenceName": "s", "type": "SUB_WORKFLOW",
                   "subWorkflowParam": {"name": "in", "version": 1, "workflowDefinition": inner}}],
    }  # fmt: skip
    run = Simulation(definition=definition, tasks=[task("first")]).run(injection("worker-killed", "first"))
    assert [str(finding) for each in run.evidence for finding in damage(each)] == []
