"""`conductor.interleavings` in a test: a plan's phase, handlers of a module, what a race looks like in the report."""

OWN = """
import pytest

def task(ref):
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE"}

def setting(ref, value):
    return {"name": ref, "taskReferenceName": ref, "type": "SET_VARIABLE", "inputParameters": {"x": value}}

FORK = [{"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN",
         "forkTasks": [[task("a"), setting("sa", 1)], [task("b"), setting("sb", 2)]]},
        {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["sa", "sb"]}]
SHOP = {"name": "shop", "version": 1, "ownerEmail": "k1n@example.com", "tasks": FORK,
        "outputParameters": {"x": "${workflow.variables.x}"}}

def test_race(conductor):
    conductor.interleavings(SHOP).check()

def test_only_one_task_of_the_race_is_varied(conductor):
    conductor.interleavings(SHOP, phase=["a"]).check()

def test_a_task_without_a_retry_does_not_survive_its_worker(conductor):
    found = conductor.interleavings({**SHOP, "tasks": [task("a")]}, faults=9, fault_seed=3)
    assert {harm.mishap.ref for harm in found.harms} == {"a"}
    assert "again: faults=[" in str(found.harms[0])

def test_a_phase_that_no_plan_has(conductor):
    with pytest.raises(ValueError, match="the plan has no phase 2 of shop: name the refs instead"):
        conductor.interleavings(SHOP, phase=2)
"""


def test_a_race_fails_its_test_with_the_two_orders(empty_project):
    outcome = empty_project.test("own", OWN).run()
    assert outcome.counts == {"failed": 1, "passed": 3}
    for line in (
        "the outcome depends on whether a or b ends first",
        "order a, b",
        "order b, a",
        "shop.output.x: 2 or 1",
    ):
        assert line in outcome.text, line
