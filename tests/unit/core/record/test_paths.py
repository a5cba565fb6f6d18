"""Paths into documents, and their equality as JSON."""

import pytest

from pytest_k1n.core.record.paths import MISSING, equal, leaves, lookup, shown, steps


def test_paths_reach_into_documents():
    document = {"a": {"b c": [1, {"d": None}]}}
    assert lookup(document, "a['b c'][1].d") is None
    assert lookup(document, "a.x") is MISSING
    assert lookup(document, "a['b c'][2]") is MISSING
    assert lookup(document, "") == document
    assert steps("a[0][1].b") == ("a", 0, 1, "b")
    for bad in ("a[", "a[x]", "]"):
        with pytest.raises(ValueError, match="not a path"):
            steps(bad)


def test_json_equality_tells_true_from_one():
    assert equal({"a": [1, 2.0]}, {"a": (1.0, 2)})
    assert not equal({"a": 1}, {"a": True})
    assert not equal([1], [1, 2])
    assert not equal({"a": 1}, {"b": 1})


def test_leaves_name_their_paths():
    assert dict(leaves({"a": [{"b": 1}, "x"], "c": None})) == {"a[0].b": 1, "a[1]": "x", "c": None}


def test_long_values_are_shortened():
    assert shown("x" * 200, 10) == "'xxxxxxxx…"
    assert shown(MISSING) == "nothing"
