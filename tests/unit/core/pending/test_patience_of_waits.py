"""What an execution is granted beside its deadline, where no speed shortens what it waits for."""

import pytest

from pytest_k1n.core.pending.patience import REPAIR_MS, granted_ms, is_engines_turn


def nap(build, end=None, **inputs):
    return build.task("nap", 0, end, type="WAIT", input=inputs)


@pytest.mark.parametrize(
    ("duration", "end", "now", "granted"),
    [("45 seconds", None, 20_000, 20_000), ("45 seconds", None, 90_000, 45_000), ("45 seconds", 46_000, 90_000, 45_000),
     ("", None, 90_000, 0), ("no time", None, 90_000, 0)],
)  # fmt: skip
def test_a_wait_is_granted_the_time_that_it_declares(build, duration, end, now, granted):
    observed = build.observation(nap(build, end, duration=duration), status="RUNNING")
    assert granted_ms([observed.execution], build.ZERO + now) == granted


def test_what_passes_side_by_side_is_granted_once(build):
    asked = build.task("ask", 10_000, 40_000, type="HTTP")
    again = build.task("work", 50_000, 51_000, scheduled=40_000, delay_s=10)
    observed = build.observation(nap(build, 30_000, duration="30 seconds"), asked, again, status="RUNNING")
    assert granted_ms([observed.execution], build.ZERO + 60_000) == 50_000


@pytest.mark.parametrize(("now", "turn"), [(5_000, True), (REPAIR_MS + 1_000, True), (REPAIR_MS + 3_000, False)])
def test_an_engine_may_repair_a_join_that_it_has_lost(build, now, turn):
    records = [build.task("fork", 0, 0, type="FORK"), build.task("a", 1, 2_000), build.task("b", 1, 2_000)]
    joined = build.task("join", 0, type="JOIN")
    lost = build.observation(*records, joined, definition=build.fork(["a"], ["b"]), status="RUNNING")
    assert is_engines_turn([lost.execution], build.ZERO + now) is turn


def test_it_is_not_the_engines_turn_while_a_worker_or_a_person_is_asked(build):
    for open_ in (build.task("b"), build.task("b", 1, type="HUMAN")):
        observed = build.observation(build.task("a", 1, 2_000), open_, status="RUNNING")
        assert not is_engines_turn([observed.execution], build.ZERO + 5_000)
