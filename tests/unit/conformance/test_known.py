"""Known differences: what explains one, and on which servers."""

from __future__ import annotations

import pytest

from pytest_k1n.conformance.asked_server import AskedServer
from pytest_k1n.conformance.cases import Case
from pytest_k1n.conformance.compare import HistoryDifference
from pytest_k1n.conformance.conduct import conduct
from pytest_k1n.conformance.corpus import read_all
from pytest_k1n.conformance.known import known_differences, known_of, unexplained
from pytest_k1n.conformance.verdict import CaseOutcome

CASE = Case(name="any", workflows=({"name": "case_main", "tasks": [{"type": "JOIN"}]},))


def test_only_a_difference_that_a_known_one_matches_is_explained(tmp_path):
    path = tmp_path / "known.toml"
    path.write_text(
        '[[difference]]\nid = "x"\non = "embedded"\npath = "a\\\\|.*"\nleft = "1"\nreason = "r"\nupstream = "u"\n'
    )
    known = known_differences(path)
    explained, other, path_differs = (
        HistoryDifference("a|b", 1, 2),
        HistoryDifference("a|b", 3, 2),
        HistoryDifference("c", 1, 2),
    )
    assert unexplained([explained, other, path_differs], CASE, known) == [other, path_differs]


def test_a_known_difference_without_its_reason_is_refused(tmp_path):
    path = tmp_path / "known.toml"
    path.write_text('[[difference]]\nid = "x"\non = "embedded"\npath = "a"\n')
    with pytest.raises(ValueError, match=r"x.*reason"):
        known_differences(path)


def test_a_version_and_what_comes_before_it_show_what_was_seen_on_it(tmp_path):
    path = tmp_path / "known.toml"
    table = '[[difference]]\nid = "{}"\nreason = "r"\nupstream = "u"\non = "{}"\n{}\n'
    path.write_text(
        table.format("engine", "embedded", "")
        + table.format("old", "3.15.0", "")
        + table.format("joins", "3.15.0", 'before = "3.22.3"')
        + table.format("fields", "3.15.0", "modelled = true")
        + table.format("soon", "next", "")
        + table.format("threads", "race", "")
    )
    every = known_differences(path)

    def of(version):
        return [entry.id for entry in known_of(version, "3.32.1", every)]

    assert of("3.32.1") == ["threads"]
    assert of("3.32.1-k1n-embedded") == ["engine"]
    assert of("3.15.0") == of("3.13.8") == ["old", "joins", "fields", "threads"]
    assert of("3.21.0") == ["joins", "threads"]
    assert of("3.15.0-k1n-embedded") == ["engine", "fields"]
    assert of("3.32.4") == ["soon", "threads"]


def test_what_a_case_uses_may_be_part_of_the_explanation(tmp_path):
    path = tmp_path / "known.toml"
    path.write_text(
        """[[difference]]
id = "x"
on = "3.15.0"
uses = '"type": "JOIN"'
reason = "r"
upstream = "u"
"""
    )
    found = [HistoryDifference("a", 1, 2)]
    assert unexplained(found, CASE, known_differences(path)) == []
    assert unexplained(found, Case(name="other", workflows=({"name": "case_main"},)), known_differences(path)) == found


def test_a_join_that_looked_or_not_explains_nothing_of_a_task_beside_it():
    known = known_of("3.32.1", "3.32.1", known_differences())
    case = Case(name="retry, fork, failed", workflows=({"name": "case_main", "tasks": [{"type": "JOIN"}]},))
    reason, failed, status, ended = (
        HistoryDifference(f"executions|root|{path}", "<missing>", "x")
        for path in ("tasks|join#0|reasonForIncompletion", "failedTaskNames", "tasks|x#0|status", "status")
    )
    assert unexplained([reason, failed, status, ended], case, known) == [status, ended]


def test_a_case_that_a_server_would_never_end_is_not_put_to_it():
    known = {entry.id: entry for entry in known_differences()}["loop-items"]
    cases = {one.name: one for one in read_all()}
    assert known.never_ends(cases["seed 143"].case)
    assert not known.never_ends(cases["DO_WHILE, _items"].case)
    subject = AskedServer(url="http://127.0.0.1:9", version="3.15.0", is_here=True, ahead_ms=0, moves_clock=False)
    (result,) = conduct([cases["seed 143"]], subject, known=[known])
    assert (result.outcome, result.runs) == (CaseOutcome.KNOWN, 0)
    assert result.note == "not asked, as this server would never end it: loop-items"
