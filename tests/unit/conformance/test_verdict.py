"""What is said of a case and of all of them, from histories alone."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pytest_k1n.conformance.cases import Case
from pytest_k1n.conformance.corpus import Recording
from pytest_k1n.conformance.known import Known
from pytest_k1n.conformance.verdict import CaseOutcome, CaseResult, ConformanceReport, judged, lines, outcome_of
from pytest_k1n.validation.schema import validate

KNOWN = Known(id="words", on="3.15.0", path=re.compile(r".*\|reason"), reason="other words", upstream="issue 1")


def recording(**root):
    case = Case(name="one", workflows=({"name": "case_main"},))
    return Recording(suite="s", case=case, history={"trace": [], "executions": {"root": root}}, conductor="3.32.1")


def shown(**root):
    return {"trace": [], "executions": {"root": root}}


@pytest.mark.parametrize(
    ("history", "outcome", "explained"),
    [
        (shown(status="FAILED", reason="a"), CaseOutcome.SAME, []),
        (shown(status="FAILED", reason="b"), CaseOutcome.KNOWN, ["words"]),
        (shown(status="COMPLETED", reason="b"), CaseOutcome.DIFFERENT, ["words", None]),
        (shown(status="FAILED"), CaseOutcome.KNOWN, ["words"]),
    ],
)
def test_a_run_shows_the_same_or_what_is_known_or_something_else(history, outcome, explained):
    found = judged(recording(status="FAILED", reason="a"), history, [KNOWN])
    assert outcome_of(found) is outcome
    assert [one.known for one in found] == explained


def test_of_several_recorded_histories_the_nearest_counts():
    either = replace(recording(status="FAILED", reason="a"), also=(shown(status="COMPLETED", x=1, y=1),))
    assert judged(either, shown(status="COMPLETED", x=1, y=1), [KNOWN]) == ()
    (one,) = judged(either, shown(status="COMPLETED", x=1, y=2), [KNOWN])
    assert (one.difference.path, one.known) == ("executions|root|y", None)
    (one,) = judged(either, shown(status="FAILED", reason="b"), [KNOWN])
    assert one.known == "words"


def report(*results, known=(KNOWN,)):
    return ConformanceReport(
        url="http://me:secret@localhost:8080", version="Conductor 3.15.0", conductor="3.32.1", results=results,
        known=known, took_s=1.25,
    )  # fmt: skip


def result(name, outcome, history=None, **fields):
    found = judged(recording(status="FAILED", reason="a"), history, [KNOWN]) if history else ()
    return CaseResult(suite="s", name=name, outcome=outcome, differences=found, **fields)


SOME = (
    result("one", CaseOutcome.SAME),
    result("two", CaseOutcome.KNOWN, shown(status="FAILED", reason="b")),
    result("three", CaseOutcome.DIFFERENT, shown(status="COMPLETED", x=1), runs=6, note="as recorded in 0 of 6 runs"),
)


def test_a_report_conforms_if_something_was_compared_and_nothing_differs():
    assert not report(*SOME).conforms
    assert report(*SOME[:2]).conforms
    assert not report().conforms
    assert not report(result("x", CaseOutcome.UNDECIDED), result("y", CaseOutcome.SKIPPED)).conforms


def test_a_report_is_a_table_the_known_differences_and_a_line_for_each_other():
    text = "\n".join(lines(report(*SOME), most=1))
    assert text.splitlines() == [
        "Conductor 3.15.0 at http://***@localhost:8080: 3 cases recorded on Conductor 3.32.1",
        "",
        "suite  cases       same      known  different",
        "s          3          1          1          1",
        "",
        "known differences of this version:",
        "      2  words: other words",
        "",
        "different (no run showed what was recorded):",
        "  s/three (as recorded in 0 of 6 runs)",
        '      executions|root|status: "FAILED" -> "COMPLETED"',
        "      and 1 more",
    ]


def test_a_report_is_data_that_its_schema_describes():
    document = report(*SOME).document()
    assert validate(document, "conformance") == []
    assert document["counts"] == {
        "same": 1, "known": 1, "race": 0, "different": 1, "undecided": 0, "skipped": 0,
    }  # fmt: skip
    assert [case["name"] for case in document["cases"]] == ["two", "three"]
    assert document["cases"][1]["differences"][0] == {
        "path": "executions|root|reason", "expected": "a", "shown": "<missing>", "known": "words",
    }  # fmt: skip
    assert "secret" not in str(document)
