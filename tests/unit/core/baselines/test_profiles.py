"""Profiles of tasks: ranked, levelled, summed up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.baselines.profiles import Analysis, Profile, analyse, profile_from, table

PLAN_S = {1: 252, 2: 288, 3: 210, 4: 210, 5: 210, 6: 600, 7: 720, 8: 900, **dict.fromkeys(range(9, 16), 360),
          **dict.fromkeys(range(16, 23), 270)}  # fmt: skip


def profile(task_id, duration_ms, start="2026-11-28T10:00:00", **fields):
    return Profile(task_id=task_id, start_time=start, end_time=start, duration_ms=duration_ms,
                   duration_sec=duration_ms // 1000, exit_code=0, log_file="task.log", **fields)  # fmt: skip


def the_plan():
    return analyse(profile(task, seconds * 1000) for task, seconds in PLAN_S.items())


def test_the_figures_of_the_plan_come_out():
    lines = [line.split() for line in table(the_plan())]
    assert ["1", "8", "900.0s", "(15.0m)", "11.5%", "CRITICAL"] in lines
    assert ["2", "7", "720.0s", "(12.0m)", "9.2%", "Major"] in lines
    assert ["3", "6", "600.0s", "(10.0m)", "7.7%", "Major"] in lines
    assert "Total Duration: 130.0 minutes (7800s)" in table(the_plan())


def test_the_summary_has_the_seven_fields_of_the_plan():
    assert the_plan().summary() == {
        "total_duration_ms": 7_800_000,
        "total_duration_min": 130.0,
        "task_count": 22,
        "slowest_task_id": 8,
        "slowest_task_duration_min": 15.0,
        "critical_path_tasks": [8],
        "major_path_tasks": [7, 6],
    }


def test_only_ten_are_shown_and_all_are_counted():
    ranks = [line.split()[0] for line in table(the_plan()) if line[:1].isdigit()]
    assert ranks == [str(rank) for rank in range(1, 11)]


@pytest.mark.parametrize(("share", "level"), [(5, "Normal"), (6, "Major"), (10, "Major"), (11, "CRITICAL")])
def test_a_task_of_exactly_5_percent_is_normal_and_of_10_major(share, level):
    analysis = analyse([profile(1, share), profile(2, 100 - share)])
    assert analysis.level(next(each for each in analysis.profiles if each.task_id == 1)) == level


def test_of_several_profiles_of_a_task_the_newest_counts():
    old, new = profile(1, 5, "2026-11-28T10:00:00"), profile(1, 7, "2026-11-28T10:00:01")
    assert analyse([new, old]).profiles == (new,)


def test_a_failed_task_is_said_to_have_failed():
    failed = profile_from(profile(3, 10).document() | {"exit_code": 4})
    assert "failed (exit code 4)" in "\n".join(table(analyse([failed])))


def test_without_profiles_there_is_nothing_to_rank():
    with pytest.raises(ValueError, match="no profiles"):
        analyse([])


def test_tasks_that_took_no_time_divide_by_nothing():
    assert "0.0%" in "\n".join(table(analyse([profile(1, 0)])))


@given(st.dictionaries(st.integers(1, 50), st.integers(0, 10**7), min_size=1))
def test_levels_part_the_tasks_and_shares_add_up(durations):
    analysis = analyse(profile(task, ms) for task, ms in durations.items())
    levels = [analysis.at(level) for level in ("CRITICAL", "Major", "Normal")]
    assert sum(levels, ()) == analysis.profiles
    assert sum(map(analysis.share, analysis.profiles)) == pytest.approx(1 if sum(durations.values()) else 0)
    assert [each.duration_ms for each in analysis.profiles] == sorted(durations.values(), reverse=True)


def test_a_profile_comes_back_from_its_document():
    one = profile(8, 900_123, simulated=True, speed=600.0, wall_ms=1500)
    assert profile_from(one.document()) == one


def test_a_profile_of_the_plans_own_script_is_read():
    plans = {"task_id": 8, "start_time": "2025-11-10T09:00:00+00:00", "end_time": "2025-11-10T09:15:00+00:00",
             "duration_ms": 900000, "duration_sec": 900, "exit_code": 0, "log_file": "x.log"}  # fmt: skip
    assert analyse([profile_from(plans)]).summary()["slowest_task_duration_min"] == 15


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "no JSON object"),
        ({"task_id": 1}, "no start_time, duration_ms, exit_code"),
        ({"task_id": 1, "start_time": "", "duration_ms": "9", "exit_code": 0}, "duration_ms is '9'"),
        ({"task_id": 1, "start_time": "", "duration_ms": -1, "exit_code": 0}, "duration_ms is -1"),
        ({"task_id": 1, "start_time": "", "duration_ms": True, "exit_code": 0}, "duration_ms is True"),
        ({"task_id": None, "start_time": "", "duration_ms": 1, "exit_code": 0}, "task_id is None"),
    ],
)
def test_what_is_no_profile_is_refused(document, says):
    with pytest.raises(ValueError, match=says):
        profile_from(document)


def test_an_analysis_without_simulated_work_speaks_of_none():
    assert isinstance(the_plan(), Analysis)
    assert "simulated" not in "\n".join(table(the_plan()))
