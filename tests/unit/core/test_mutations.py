"""True executions are changed in every field: what is silent is harmless, by a list with a reason of each.

Here a share of the mutations, drawn by a seed, greater in the gate; `make mutations` makes all of them.
"""

import pytest
from hypothesis import settings

from k1n_support.mutations.changes import Row, changes
from k1n_support.mutations.counting import Counts, counted
from k1n_support.mutations.harmless import Harmless, read
from k1n_support.mutations.judging import recorded, subject
from k1n_support.mutations.kinds import GONE, mutations


def test_whatever_changes_the_meaning_of_a_true_execution_is_noticed():
    share = settings.default.max_examples / 5_000  # a fifth in a loop, as of the examples
    counts, (reasons, entries) = counted(recorded(), share=share, alike=1), read()
    missed = [
        f"{' | '.join(row)}: {place}"
        for row, places in counts.silent.items()
        for place in places
        if not any(each.matches(row, place) for each in entries)
    ]
    assert missed == []
    assert counts.noticed.total() > 50
    assert {each.reason for each in entries} == reasons.keys()


def test_a_document_is_left_as_it_was_by_its_mutations():
    document = subject("switch-case").document
    before = str(document)
    rows = {change.row for change in changes(document)}
    assert str(document) == before
    assert Row("task", "status", "is FAILED", "SWITCH") in rows
    assert Row("records", "one", "gone", "worker") in rows
    assert Row("execution", "startTime", "hour late", "-") in rows


@pytest.mark.parametrize(
    ("value", "kinds"), [(None, ["gone", "other"]), (True, ["gone", "null", "turned", "other type"])]
)
def test_each_kind_of_value_has_its_mutations(value, kinds):
    assert [kind for kind, _ in mutations(value)] == kinds
    assert next(mutations(value))[1] is GONE


def test_an_entry_that_nothing_needs_is_named():
    entry = Harmless("task", ("domain", "seq"), ("gone", "other"), ("worker",), "whichever-worker", ("x: a", "x: b"))
    domain = Row("task", "domain", "gone", "worker")
    silent = {domain: ["x: a", "y: a"], Row("task", "seq", "gone", "JOIN"): ["x: a"]}
    assert entry.unused(silent) == [
        f"task domain, seq (whichever-worker): {each}" for each in ("seq", "other", "x: b")
    ]  # fmt: skip
    assert entry.matches(domain, "x: a")
    assert not entry.matches(domain, "y: a")


def test_counts_of_several_executions_add_up():
    total, row = Counts(), Row("task", "seq", "gone", "JOIN")
    for place in ("a", "b"):
        one = Counts()
        one.noticed[row] += 1
        one.silent[row] = [place]
        total.add(one)
    assert total.noticed == {row: 2}
    assert total.silent == {row: ["a", "b"]}
    assert total.rows == [row]
