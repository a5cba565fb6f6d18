"""What a correlation id says of an execution, and what of it is the same in every run."""

import pytest

from pytest_k1n.core.record.correlation import batch_correlation_id, execution_key, user_correlation_id


def test_the_key_of_a_batchs_execution_leaves_out_the_run():
    one, other = (batch_correlation_id(uid, "W", batch=2, round_=1, key="test_w.py::W") for uid in ("3f", "a7"))
    assert one != other
    assert execution_key(one) == execution_key(other) != ""


@pytest.mark.parametrize("changes", [{"batch": 3}, {"round_": 2}, {"key": "test_other.py::W"}])
def test_each_execution_of_a_run_has_a_key_of_its_own(changes):
    fields = {"batch": 2, "round_": 1, "key": "test_w.py::W"}
    ids = [batch_correlation_id("3f", "W", **each) for each in (fields, fields | changes)]
    assert len(set(map(execution_key, ids))) == 2


def test_the_key_of_a_tests_own_execution_is_which_one_of_the_test_it_is():
    keys = [
        execution_key(user_correlation_id(start, test=test, nth=nth))
        for start in ("3f", "a7-811-4")
        for test, nth in (("test_a", 1), ("test_a", 2), ("test_b", 1))
    ]
    assert keys[:3] == keys[3:]
    assert len(set(keys)) == 3


@pytest.mark.parametrize(("given", "key"), [("order/7", "order/7"), ("", ""), (None, "")])
def test_somebody_elses_correlation_id_counts_as_a_whole(given, key):
    assert execution_key(given) == key
