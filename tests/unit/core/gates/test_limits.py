"""Healthy forks that gates called red: what slots, limits and optional branches let happen."""

import pytest

from pytest_k1n.core.gates import CategoryVerdict, GateSettings, category, judge, single
from pytest_k1n.core.model import TaskDefinition
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.weather import Weather

PASS, FAIL = CategoryVerdict.PASS, CategoryVerdict.FAIL
REFS = ["a", "b", "c", "d"]


def gate(gate_id, observation):
    return judge(category(gate_id), single(observation), GateSettings())


def two_by_two(build, *, late=200, server=None, **observed):
    """Four tasks of one definition, of which two run at a time."""
    tasks = [build.task("fork", 0, 0, type="FORK", worker=server)]
    tasks += [
        build.task(ref, 1 + late * (place // 2), 201 + late * (place // 2), scheduled=0, name="same")
        for place, ref in enumerate(REFS)
    ]
    tasks += [build.task("join", 0, 2 * late + 2, type="JOIN", worker=server)]
    return build.observation(*tasks, definition=build.fork(*[[ref] for ref in REFS]), **observed)


def test_the_server_that_ends_a_join_is_no_worker_with_slots(build):
    assert gate("G4", two_by_two(build, server="conductor-1", slots=2)).verdict is PASS
    assert gate("G4", two_by_two(build, slots=3)).verdict is FAIL


@pytest.mark.parametrize("limit", [{"concurrent_exec_limit": 2}, {"rate_limit": 2}])
@pytest.mark.parametrize("slots", [None, 100])
def test_who_is_limited_by_its_definition_need_not_run_at_once(build, limit, slots):
    limited = {"same": TaskDefinition(name="same", **limit)}
    held = two_by_two(build, slots=slots, task_definitions=limited)
    for gate_id in ("G4", "G9", "G10"):
        assert gate(gate_id, held).verdict in (PASS, CategoryVerdict.NOT_APPLICABLE), gate_id
    free = {"same": TaskDefinition(name="same", **dict.fromkeys(limit, 4))}
    assert gate("G4", two_by_two(build, slots=slots, task_definitions=free)).verdict is FAIL
    waited = two_by_two(build, late=5000, slots=slots, task_definitions=free)
    assert gate("G10", waited).verdict is FAIL


def test_more_at_once_than_a_definition_allows_are_no_pass(build):
    tasks = [build.task("fork", 0, 0, type="FORK")]
    tasks += [build.task(ref, 1, 201, scheduled=0, name="same") for ref in REFS]
    tasks += [build.task("join", 0, 202, type="JOIN")]
    limited = {"same": TaskDefinition(name="same", concurrent_exec_limit=2)}
    observed = build.observation(*tasks, definition=build.fork(*[[ref] for ref in REFS]), task_definitions=limited)
    assert gate("G4", observed).verdict is FAIL


def test_a_join_behind_an_optional_branch_that_failed_has_done_its_part(build):
    definition = build.fork(["a"], ["b"], then=["c"])
    definition["tasks"][0]["forkTasks"][0][0]["optional"] = True
    observed = build.observation(
        build.task("fork", 0, 0, type="FORK"),
        build.task("a", 1, 201, scheduled=0, status="COMPLETED_WITH_ERRORS", reason="no route", task_id="t-a"),
        build.task("b", 1, 200, scheduled=0),
        build.task("join", 0, 202, type="JOIN", status="COMPLETED_WITH_ERRORS",
                   reason="a/t-a completed with errors."),
        build.task("c", 203, 300),
        definition=definition,
    )  # fmt: skip
    assert gate("G1", observed).verdict is PASS


@pytest.mark.parametrize(("stood_ms", "verdict"), [(130, PASS), (90, FAIL)])
def test_branches_that_a_standing_machine_kept_apart_are_not_measurable(build, stood_ms, verdict):
    """`b` was queued with `a` and is 80 ms too late for it, 100 with what an overlap needs."""
    begin = build.ZERO
    stall = (Interval(begin + 100, begin + 100 + stood_ms),)
    observed = build.observation(
        build.task("fork", 0, 0, type="FORK"),
        build.task("a", 1, 201, scheduled=0),
        build.task("b", 281, 481, scheduled=0),
        build.task("c", 2, 202, scheduled=0),
        build.task("join", 0, 482, type="JOIN"),
        definition=build.fork(["a"], ["b"], ["c"]),
        weather=Weather(host=stall, until_ms=begin + 99_000),
    )
    assert gate("G4", observed).verdict is verdict


@pytest.mark.parametrize(("queued", "missed"), [(300, []), (60, ["d", "d"])])
def test_what_stands_behind_a_wait_need_not_meet_what_was_over_when_it_was_queued(build, queued, missed):
    """`a` and `b` start their branches; `c` and `d` stand behind WAITs, and were queued together."""
    definition = build.fork(["a"], ["b"], ["c"], ["d"], then=["e"])
    for ref, branch in zip("cd", definition["tasks"][0]["forkTasks"][2:], strict=True):
        branch.insert(0, {"name": f"wait_{ref}", "taskReferenceName": f"wait_{ref}", "type": "WAIT"})
    result = gate("G4", build.observation(
        build.task("fork", 0, 0, type="FORK"),
        build.task("a", 1, 301, scheduled=0), build.task("b", 2, 302, scheduled=0),
        build.task("wait_c", 0, queued - 1, type="WAIT"), build.task("wait_d", 0, queued - 1, type="WAIT"),
        build.task("join", 0, 901, type="JOIN"),
        build.task("c", queued + 5, 700, scheduled=queued), build.task("d", 402, 900, scheduled=queued),
        build.task("e", 903, 910), definition=definition,
    ))  # fmt: skip
    assert result.verdict is (FAIL if missed else PASS)
    assert [each.subject for each in result.findings] == missed
