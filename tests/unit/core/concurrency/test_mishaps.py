"""Faults between ends: the draw is a function of number and seed, and only last attempts are compared."""

from __future__ import annotations

from pytest_k1n.core.concurrency.mishaps import DOES, draw, numbered, surviving


def test_the_same_number_and_seed_draw_the_same_and_all_kinds_are_drawn():
    assert draw(3, 7)[0] == draw(3, 7)[0]
    assert draw(3, 7)[1].random() == draw(3, 7)[1].random()
    assert {draw(number, 7)[0].kind for number in range(1, 30)} == set(DOES)


def test_so_many_faults_are_numbered_from_one_and_named_ones_stay():
    assert (numbered(3), numbered([5, 2]), numbered(0)) == ([1, 2, 3], [5, 2], [])


def test_of_each_task_the_last_attempt_is_compared_whatever_their_order():
    outcome = {"W": {"status": "COMPLETED", "tasks": {"a#10": "ten", "a#2": "two", "b#1": "one", "c#d#1": "odd"}}}
    assert surviving(outcome) == {"W": {"status": "COMPLETED", "tasks": {"a": "ten", "b": "one", "c#d": "odd"}}}
