"""How much a sub-workflow was shortened."""

import pytest

from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.timing.nested import amounts_ms, shortened


def simulated(ms):
    return {"_k1n": {"simulated": True, "work_ms": ms}}


def amounts(*arguments):
    return amounts_ms(shortened(*arguments))


@pytest.mark.parametrize("own_output", [{}, simulated(100), {"parcel": "p"}])
def test_a_sub_workflow_of_two_tasks_takes_as_long_as_both(build, own_output):
    inner = build.execution(
        build.task("w", 2, 102, scheduled=0, output=simulated(100)),
        build.task("v", 104, 204, scheduled=103, output=simulated(100)),
        definition=build.chain("w", "v"),
    )
    sub = build.task("sub", 0, 210, type="SUB_WORKFLOW", output=own_output, task_id="s")
    sub["subWorkflowId"] = "inner"
    definition = build.chain("sub")
    definition["tasks"][0]["type"] = "SUB_WORKFLOW"
    outer = build.execution(sub, definition=definition)
    slept = amounts(outer, 600, lambda id_: {"inner": observe(inner, time_model="scaled", speed=600)}[id_].timeline)
    assert slept == {"s": 200}
    seen = observe(outer, time_model="scaled", speed=600, slept_ms=slept)
    assert seen.timeline.end_ms == 210 + 200 * 599


def test_what_runs_side_by_side_in_it_counts_once_and_nothing_at_speed_one(build):
    inner = build.execution(
        build.task("fork", 0, 0, type="FORK"),
        build.task("a", 1, 101, scheduled=0, output=simulated(100)),
        build.task("b", 1, 61, scheduled=0, output=simulated(60)),
        build.task("join", 0, 105, type="JOIN"),
        definition=build.fork(["a"], ["b"]),
    )
    sub = build.task("sub", 0, 110, type="SUB_WORKFLOW", task_id="s")
    outer = build.execution({**sub, "subWorkflowId": "inner"})
    assert amounts(outer, 600, lambda _: observe(inner, time_model="scaled", speed=600).timeline) == {"s": 100}
    assert amounts(outer, 1, lambda _: observe(inner).timeline) == {}


def test_a_child_that_has_ended_is_laid_out_once(build):
    inner = build.execution(build.task("w", 0, 100, output=simulated(100)), definition=build.chain("w"))
    first, second = (
        {**build.task(ref, 0, 110, type="SUB_WORKFLOW", task_id=ref), "subWorkflowId": ref} for ref in ("a", "b")
    )
    laid_out = []

    def child(id_):
        laid_out.append(id_)
        return observe(inner, time_model="scaled", speed=600).timeline

    known = shortened(build.execution(first), 600, child)
    assert amounts(build.execution(first, second), 600, child, known) == {"a": 100, "b": 100}
    assert laid_out == ["a", "b"]
    assert amounts(build.execution(second), 600, child, known) == {"b": 100}


def test_a_child_that_was_retried_between_two_looks_is_laid_out_anew(build):
    def sub(end):
        return build.execution({**build.task("s", 0, end, type="SUB_WORKFLOW", task_id="s"), "subWorkflowId": "inner"})

    def child(*ends):
        inner = build.execution(
            *(build.task("w", end - 100, end, output=simulated(100), task_id=f"w{end}") for end in ends),
            definition=build.chain("w"),
        )
        return lambda _: observe(inner, time_model="scaled", speed=600).timeline

    known = shortened(sub(110), 600, child(100))
    assert amounts(sub(110), 600, child(), known) == {"s": 100}
    assert amounts(sub(220), 600, child(100, 210), known) == {"s": 200}
