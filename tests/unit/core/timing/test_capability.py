"""What a server is capable of, measured on the executions that warmed it up, and the budgets that follow."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.gates import GateSettings, budgets
from pytest_k1n.core.gates.facts import is_within
from pytest_k1n.core.timing.capability import (
    FACTOR,
    Capability,
    Latencies,
    capability,
    capability_json,
    latencies,
    read_capability,
)

BUDGETS = ("begin_ms", "engine_hop_ms", "join_ms", "queue_chain_ms", "queue_busy_ms", "queue_foreign_ms")
some_ms = st.none() | st.integers(0, 5_000)
measured = st.builds(
    Latencies, begin_ms=some_ms, fork_ms=some_ms, chain_ms=some_ms, join_ms=some_ms, hop_ms=some_ms
)  # fmt: skip


def test_each_place_of_an_execution_is_measured(build):
    definition = build.fork(["left"], ["right"], then=["then", "last"])
    execution = build.execution(
        build.task("fork", 0, 0, type="FORK"),
        build.task("left", 30, 40, scheduled=7), build.task("right", 47, 60, scheduled=8),
        build.task("join", 8, 95, type="JOIN"),
        build.task("then", 110, 120, scheduled=97), build.task("last", 135, 140, scheduled=126),
        definition=definition,
    )  # fmt: skip
    found = latencies(execution, heads=("left", "right"), join="join", chain=("then", "last"))
    assert found == Latencies(begin_ms=7, fork_ms=39, chain_ms=13, join_ms=35, hop_ms=6)
    assert is_within(found, GateSettings())
    assert not is_within(found, GateSettings(queue_chain_ms=12))


def test_what_never_ran_is_not_measured(build):
    nothing = build.execution(build.task("left"), status="RUNNING", definition=build.fork(["left"], ["right"]))
    assert latencies(nothing, heads=("left",), join="join", chain=("then",)) == Latencies(begin_ms=0)


@given(st.lists(measured, min_size=1, max_size=10))
def test_budgets_are_never_below_ours_and_never_more_than_three_medians(runs):
    found, ours = capability(470, runs), GateSettings()
    theirs = budgets(found, ours)
    medians = {"begin_ms": found.begin_ms, "engine_hop_ms": found.hop_ms, "join_ms": found.join_ms,
               "queue_chain_ms": found.chain_ms, "queue_busy_ms": found.fork_ms,
               "queue_foreign_ms": found.fork_ms}  # fmt: skip
    for name in BUDGETS:
        assert getattr(theirs, name) == max(getattr(ours, name), FACTOR * (medians[name] or 0))
    assert read_capability(capability_json(found)) == found


def test_one_slow_execution_is_no_capability():
    runs = [Latencies(chain_ms=130), *[Latencies(chain_ms=9)] * 2]
    assert budgets(capability(470, runs), GateSettings()).queue_chain_ms == 27


def test_a_server_of_our_own_keeps_our_budgets():
    assert budgets(None, GateSettings()) == GateSettings()


def test_the_header_says_how_long_the_first_took():
    found = Capability(first_ms=470, runs=3, begin_ms=7, fork_ms=30, chain_ms=9, join_ms=35, hop_ms=6)
    assert str(found) == (
        "first execution in 470 ms, 3 to warm up; it is capable of begin 7 ms, fork 30 ms, chain 9 ms, join 35 ms, "
        "hop 6 ms"
    )
