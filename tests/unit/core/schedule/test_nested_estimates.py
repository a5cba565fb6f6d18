"""What an estimate of a sub-workflow means for the tasks in it."""

from pytest_k1n.core.schedule.nested_estimates import with_nested, with_nested_takes
from pytest_k1n.core.wire import wire

MINUTE = 60_000


def simple(ref):
    return {"name": f"{ref}_name", "taskReferenceName": ref, "type": "SIMPLE"}


def sub(ref, name=None, **parameter):
    return {"name": ref, "taskReferenceName": ref, "type": "SUB_WORKFLOW",
            "subWorkflowParam": {"name": name or ref.upper(), **parameter}}  # fmt: skip


def flow(name, *tasks, version=1):
    return wire.workflow_definition({"name": name, "version": version, "tasks": list(tasks)})


def handed_down(estimates, *documents):
    known = {(each.name, each.version): each for each in documents}
    found = with_nested(estimates, documents[:1], lambda name, version: known.get((name, version or 1)))
    return {key: ms for key, ms in found.items() if key not in estimates}


def fork(*branches):
    ends = [branch[-1]["taskReferenceName"] for branch in branches]
    return [
        {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN", "forkTasks": [list(each) for each in branches]},
        {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ends},
    ]


def test_the_tasks_of_a_sub_workflow_share_its_estimate():
    outer, inner = flow("OUTER", simple("a"), sub("inner")), flow("INNER", simple("b"), simple("c"))
    found = handed_down({("OUTER", "inner"): 20 * MINUTE}, outer, inner)
    assert found == {("INNER", "b"): 10 * MINUTE, ("INNER", "c"): 10 * MINUTE}


def test_of_branches_side_by_side_each_has_the_whole():
    inner = flow("INNER", *fork([simple("b")], [simple("c"), simple("d")]))
    found = handed_down({("OUTER", "inner"): 20 * MINUTE}, flow("OUTER", sub("inner")), inner)
    assert found == dict.fromkeys([("INNER", "b"), ("INNER", "c"), ("INNER", "d")], 10 * MINUTE)


def test_what_a_task_has_of_its_own_is_taken_off_first():
    inner = flow("INNER", simple("b"), simple("c"))
    estimates = {("OUTER", "inner"): 20 * MINUTE, ("INNER", "b"): 15 * MINUTE}
    assert handed_down(estimates, flow("OUTER", sub("inner")), inner) == {("INNER", "c"): 5 * MINUTE}
    too_long = {("OUTER", "inner"): 20 * MINUTE, ("INNER", "b"): 30 * MINUTE}
    assert handed_down(too_long, flow("OUTER", sub("inner")), inner) == {("INNER", "c"): 0}


def test_it_is_handed_down_at_any_depth_and_into_inline_definitions():
    inline = {"name": "INLINE", "version": 1, "tasks": [simple("c"), simple("d")]}
    outer, middle = flow("OUTER", sub("middle")), flow("MIDDLE", simple("b"), sub("x", workflowDefinition=inline))
    found = handed_down({("OUTER", "middle"): 8 * MINUTE}, outer, middle)
    assert found == {("MIDDLE", "b"): 4 * MINUTE, ("MIDDLE", "x"): 4 * MINUTE,
                     ("INLINE", "c"): 2 * MINUTE, ("INLINE", "d"): 2 * MINUTE}  # fmt: skip


def test_an_estimate_deep_inside_counts_without_one_around_it():
    outer, middle, inner = flow("OUTER", sub("middle")), flow("MIDDLE", sub("inner")), flow("INNER", simple("b"))
    assert handed_down({("MIDDLE", "inner"): 3 * MINUTE}, outer, middle, inner) == {("INNER", "b"): 3 * MINUTE}


def test_what_is_not_known_or_starts_itself_gets_none():
    assert handed_down({("OUTER", "x"): MINUTE}, flow("OUTER", sub("x", "ELSEWHERE"))) == {}
    assert handed_down({("OUTER", "x"): MINUTE}, flow("OUTER", sub("x", "${workflow.input.name}"))) == {}
    recursive = flow("OUTER", simple("a"), sub("x", "OUTER"))
    assert handed_down({("OUTER", "x"): MINUTE, ("OUTER", "a"): MINUTE}, recursive) == {}
    broken = sub("x", workflowDefinition={"name": "B", "tasks": "none"})
    assert handed_down({("OUTER", "x"): MINUTE}, flow("OUTER", broken)) == {}


def test_of_two_that_start_one_workflow_the_first_counts():
    outer = flow("OUTER", sub("quick", "INNER"), sub("slow", "INNER"))
    estimates = {("OUTER", "quick"): 2 * MINUTE, ("OUTER", "slow"): 9 * MINUTE}
    assert handed_down(estimates, outer, flow("INNER", simple("b"))) == {("INNER", "b"): 2 * MINUTE}


def test_how_long_tasks_take_is_handed_down_by_ref_and_by_name():
    outer, inner = flow("OUTER", sub("inner")), flow("INNER", simple("b"), simple("c"))
    found = with_nested_takes(outer, [inner], {"inner": 20 * MINUTE, "b_name": 15 * MINUTE})
    assert (found["INNER", "b"], found["INNER", "c"]) == (15 * MINUTE, 5 * MINUTE)
    newer = flow("INNER", simple("d"), version=2)
    assert with_nested_takes(outer, [inner, newer], {"inner": MINUTE})["INNER", "d"] == MINUTE
