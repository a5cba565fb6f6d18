"""The document of a run: valid, exact to the ms, told in sentences."""

import pytest

from pytest_k1n.report.figures import has_missed, profile, shares
from pytest_k1n.report.formats import FORMATS, UnknownFormat, for_file, rendered
from pytest_k1n.report.grouping import Sighting, grouped
from pytest_k1n.report.page import render
from pytest_k1n.report.story import headline, sentence
from pytest_k1n.validation.schema import validate


def test_a_recorded_execution_becomes_a_valid_document_whose_segments_cover_it(recorded, recorded_name):
    document = recorded(recorded_name)
    assert validate(document, "run") == []
    (execution,) = document["executions"]
    borders = [0, *(segment["end_ms"] for segment in execution["segments"])]
    assert [segment["start_ms"] for segment in execution["segments"]] == borders[:-1]
    assert borders[-1] == execution["makespan_ms"]
    assert sum(share.ms for share in shares(execution)) == execution["makespan_ms"]


def test_every_format_renders_every_recorded_execution_the_same_each_time(recorded, recorded_name):
    document = recorded(recorded_name)
    for form in FORMATS:
        assert rendered(document, form) == rendered(document, form) != "", form.name


def test_a_document_survives_being_written_and_read(recorded):
    import json

    document = recorded("template-04")
    again = json.loads(rendered(document, for_file("run.json")))
    assert all(rendered(again, form) == rendered(document, form) for form in FORMATS)


def test_the_profile_counts_what_ran_at_once(documented, define, execution, task):
    definition = define.workflow(define.fork("f", "a", "b"), define.join("j", "a", "b"))
    run = execution(
        task("f", 0, 0, type="FORK"), task("a", 0, 10), task("b", 5, 20), task("j", 0, 20, type="JOIN"),
    )  # fmt: skip
    (only,) = documented(run, definition=definition)["executions"]
    assert profile(only) == [(0, 0), (0, 1), (5, 2), (10, 1), (20, 0)]


def test_a_miss_is_explained_by_what_took_longer_than_planned(documented, define, execution, task, template_of):
    run = execution(task("a", 0, 600_000), task("b", 660_000, 1_000_000, scheduled=600_000))
    template = template_of(band_ms=(0, 800_000), estimates_ms={"a": 300_000, "b": 340_000}, total_estimate_ms=640_000)
    document = documented(run, definition=define.workflow("a", "b"), template=template)
    (only,) = document["executions"]
    assert has_missed(only)
    assert sentence(only, document["findings"]) == (
        "Took 16.7 min, 3.3 min above its band of 0 ms to 13.3 min, because a worked 10.0 min instead of 5.0 min."
    )


def test_what_took_longer_does_not_explain_a_time_below_the_band(documented, define, execution, task, template_of):
    run = execution(task("a", 0, 400_000))
    template = template_of(band_ms=(500_000, 800_000), estimates_ms={"a": 300_000}, total_estimate_ms=300_000)
    document = documented(run, definition=define.workflow("a"), template=template)
    told = sentence(document["executions"][0], document["findings"])
    assert told == "Took 6.7 min, 1.7 min below its band of 8.3 to 13.3 min."


def test_where_both_figures_read_alike_it_is_told_by_how_much(documented, define, execution, task, template_of):
    run = execution(task("a", 0, 301_200))
    template = template_of(band_ms=(0, 300_000), estimates_ms={"a": 300_000}, total_estimate_ms=300_000)
    document = documented(run, definition=define.workflow("a"), template=template)
    told = sentence(document["executions"][0], document["findings"])
    assert told.endswith("because a worked 1.20 s more than 5.0 min.")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("failed", "because"),
        ("running", "Runs for"),
        ("negative-04-9-beside-8", "task_9: expected to"),
        ("template-02", "Took"),
        ("terminated", "TERMINATED"),
    ],
)
def test_every_kind_of_end_has_its_sentence(recorded, name, words):
    document = recorded(name)
    told = sentence(document["executions"][0], document["findings"])
    assert words in told
    assert told.endswith(".")
    assert "\n" not in told


def test_what_two_tests_and_a_gate_notice_is_one_cause():
    finding = {"code": "slower", "subject": "a", "expected": "1", "observed": "2", "margin": "", "origin": "",
               "verdict": "warn"}  # fmt: skip
    seen = [
        Sighting(finding=finding, workflow_id="w", test="one"),
        Sighting(finding={**finding, "subject": "W: a", "verdict": "fail"}, workflow_id="w", gate="G6", title="W"),
        Sighting(finding={**finding, "expected": "put differently"}, workflow_id="w", test="two"),
        Sighting(finding=finding, workflow_id="another"),
    ]
    first, second = grouped(seen)
    assert (first["verdict"], first["tests"], first["gates"]) == ("fail", ["one", "two"], ["G6"])
    assert second["workflow_id"] == "another"


def test_the_headline_of_a_good_run_counts_what_was_skipped(recorded):
    good = {
        **recorded("template-02"),
        "verdict": "pass",
        "executions": [],
        "tests": [{"node_id": "a", "outcome": "passed", "batch": None}],
    }
    assert headline(good).endswith("1 test, all passed.")
    good["tests"].append({"node_id": "b", "outcome": "skipped", "batch": None})
    assert headline(good).endswith("2 tests, 1 skipped, the others passed.")


def test_the_headline_of_a_bad_run_begins_with_what_is_bad(recorded):
    assert headline(recorded("failed")).startswith(recorded("failed")["executions"][0]["title"])


def test_a_plain_assertion_is_told_where_no_finding_says_why_a_test_failed(recorded):
    whole = recorded("template-02")
    bad = {**whole["executions"][0], "verdict": "fail", "role": "own"}
    tests = [
        {"node_id": "t.py::good", "outcome": "passed", "batch": None},
        {"node_id": "t.py::bad", "outcome": "failed", "batch": None, "message": "assert 1 == 2"},
    ]
    document = {**whole, "verdict": "fail", "executions": [bad], "findings": [], "batches": [], "tests": tests}
    assert headline(document) == "1 of 2 tests failed: bad: assert 1 == 2."
    planned = {**bad, "raised": "assert 1 == 2", "band_ms": None, "estimate_ms": None}
    assert sentence(planned, []) == "A test of it failed: assert 1 == 2."
    assert sentence({**planned, "verdict": "pass"}, []).startswith("Took ")
    page = render(document)
    assert page.index("assert 1 == 2", page.index("Tests (1 passed, 1 failed)")) < page.index("t.py::good")
    finding = {**recorded("failed")["findings"][0], "verdict": "fail", "tests": ["t.py::bad"]}
    finding["workflow_id"] = bad["workflow"]["workflow_id"]
    assert "assert 1 == 2" not in headline({**document, "findings": [finding]})


def test_an_unknown_ending_is_refused_with_those_there_are():
    with pytest.raises(UnknownFormat, match=r"run\.pdf: a report's name ends in one of \.json, \.html"):
        for_file("run.pdf")


def test_the_longest_ending_wins():
    assert for_file("a.trace.json").name == "perfetto"
    assert for_file("a.json").name == "json"
