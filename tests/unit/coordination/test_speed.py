"""How fast scaled time may be for parallel groups to overlap."""

from __future__ import annotations

from math import inf

from pytest_k1n.coordination.collection import Launch
from pytest_k1n.coordination.speed import HAND_OUT_MS, ROOM, lateness, overlap_speed
from pytest_k1n.core.plan import Batch, Plan, Template
from pytest_k1n.core.units import MINUTE_MS


def template(name: str, *, minutes: float = 10, width: int = 3) -> Template:
    refs = tuple(f"t{number}" for number in range(width))
    estimates = dict.fromkeys(refs, round(minutes * MINUTE_MS))
    return Template(
        id="1", slug="s", workflow=name, batch=1, estimates_ms=estimates, parallel=(refs,) if width > 1 else ()
    )


def plan_of(*templates: Template) -> Plan:
    return Plan(batches=(Batch(number=1, templates=templates),))


def test_nothing_that_has_to_overlap_sets_no_limit() -> None:
    assert overlap_speed(None, [Launch(key="a", workflow="W", batch=1)]) == inf
    assert overlap_speed(plan_of(template("CHAIN", width=1)), [Launch(key="a", workflow="CHAIN", batch=1)]) == inf
    assert overlap_speed(plan_of(template("FORK")), []) == inf


def test_the_shortest_work_outlasts_the_handing_out_of_all_that_starts_at_once() -> None:
    plan = plan_of(template("FORK", minutes=4.5, width=6))
    alone = overlap_speed(plan, [Launch(key="a", workflow="FORK", batch=1)])
    at_once = overlap_speed(plan, [Launch(key="a", workflow="FORK", batch=1, at_once=3)])
    assert (alone, at_once) == (560, 180)
    assert 4.5 * MINUTE_MS / at_once >= ROOM * HAND_OUT_MS * 18


def test_a_server_that_is_late_without_any_work_gets_more_time_in_steps() -> None:
    plan, launch = plan_of(template("FORK", minutes=4.5, width=6)), Launch(key="a", workflow="FORK", batch=1)
    speeds = [overlap_speed(plan, [launch], fork_ms=each) for each in (None, 159, 160, 319, 320, 639, 640, 9_000)]
    assert speeds == [560, 560, 280, 280, 140, 140, 70, 70]


def test_how_late_a_server_is_is_told_in_steps_and_unknown_is_not_late() -> None:
    assert [lateness(each) for each in (None, 0, 159, 160, 320, 640, 10_000)] == [1, 1, 1, 2, 4, 8, 8]


def test_what_runs_one_after_the_other_does_not_add_up() -> None:
    plan = plan_of(template("FORK"), template("OTHER"))
    fork, other = (Launch(key=name, workflow=name, batch=1) for name in ("FORK", "OTHER"))
    together = overlap_speed(plan, [fork, other])
    assert together < overlap_speed(plan, [fork])
    assert overlap_speed(plan, [fork, other], sequential=True) == overlap_speed(plan, [fork])
    assert overlap_speed(plan, [Launch(key="a", workflow="FORK", batch=1, in_a_row=3)]) == overlap_speed(plan, [fork])


def test_a_narrow_group_of_short_tasks_is_not_taken_for_a_wide_one() -> None:
    narrow, wide = ("a", "b"), ("c", "d", "e", "f")
    minutes = dict.fromkeys(narrow, 5) | dict.fromkeys(wide, 20)
    estimates = {ref: each * MINUTE_MS for ref, each in minutes.items()}
    both = Template(id="1", slug="s", workflow="W", batch=1, estimates_ms=estimates, parallel=(narrow, wide))
    assert overlap_speed(plan_of(both), [Launch(key="a", workflow="W", batch=1)]) == 5 * MINUTE_MS // 160 // 10 * 10


def test_a_chain_beside_a_fork_takes_its_share_of_the_server() -> None:
    plan = plan_of(template("FORK"), template("CHAIN", width=1))
    launches = [Launch(key=name, workflow=name, batch=1) for name in ("FORK", "CHAIN")]
    assert overlap_speed(plan, launches) < overlap_speed(plan, launches[:1])


def test_it_is_never_slower_than_real_time() -> None:
    launch = Launch(key="a", workflow="FORK", batch=1)
    assert [overlap_speed(plan_of(template("FORK", minutes=each)), [launch]) for each in (0, 0.01, 0.02)] == [1, 2.5, 5]
