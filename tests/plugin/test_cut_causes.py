"""Why tests failed, where pytest's short summary cuts it: at the width that the terminal has."""

import pytest

TEST = """
import pytest
from pytest_k1n import completed, in_order

PAIR = {"name": "PAIR", "tasks": [{"name": each, "taskReferenceName": each, "type": "SIMPLE"} for each in "ab"]}

def test_the_second_of_two_tasks_comes_before_the_first_of_them(conductor):
    conductor.run(PAIR).expect(in_order("b", "a"))

@pytest.mark.parametrize("time", [1, 2])
def test_that_both_tasks_of_a_pair_are_completed_by_their_workers(conductor, time):
    def refuse(task):
        raise ValueError("\\x1b]0;owned\\x07 card refused")
    conductor.run(PAIR, handlers={"b": refuse}).expect(completed())

def test_a_thing_that_has_nothing_to_do_with_workflows_at_all_and_has_a_long_name():
    assert 1 == 2, "of no concern"
"""
HEADING = "k1n: why tests failed"


@pytest.fixture
def shown(pytester, monkeypatch):
    pytester.makepyfile(test_pair=TEST)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("BUILD_NUMBER", raising=False)

    def run(columns, *arguments):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments).outlines
        at = [number for number, line in enumerate(lines) if HEADING in line]
        return lines[at[0] + 1 :] if at else None

    return run


def test_at_80_columns_each_cause_is_told_once_and_first_of_all_what_was_observed(shown):
    lines = shown(80)
    assert lines[0].startswith(
        "test_the_second_of_two_tasks_comes_before_the_first_of_them: started-early: a: started before b ended"
    )
    both = "test_that_both_tasks_of_a_pair_are_completed_by_their_workers[1] and 1 more: task-failed: b: FAILED"
    assert lines[1].startswith(both)
    assert "\\x1b]0;owned\\x07 card refused" in lines[1]
    assert "short test summary" in lines[2]


@pytest.mark.parametrize("arguments", [(200,), (80, "-vv")])
def test_where_pytest_has_room_for_the_cause_it_is_not_said_again(shown, arguments):
    assert shown(*arguments) is None


def test_a_ci_system_cuts_nothing(shown, monkeypatch):
    monkeypatch.setenv("CI", "true")
    assert shown(80) is None
