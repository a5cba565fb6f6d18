"""`--k1n-cov`: what the tests of a project have exercised of its definitions."""

from __future__ import annotations

import json

import pytest

from pytest_k1n.validation.schema import validate

SHOP_TEST = """
import pytest

def task(ref, **fields):
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE", **fields}

WAY = {"name": "way", "taskReferenceName": "way", "type": "SWITCH", "evaluatorType": "value-param", "expression": "w",
       "inputParameters": {"w": "${workflow.input.w}"}, "decisionCases": {"air": [task("fly")], "sea": [task("sail")]},
       "defaultCase": []}
SHOP = {"name": "shop", "version": 1, "schemaVersion": 2, "ownerEmail": "a@example.com", "tasks": [WAY, task("ship")]}

@pytest.mark.parametrize("way", ["air", "sea"])
def test_it_goes(conductor, way):
    assert conductor.run(SHOP, input={"w": way}).status == "COMPLETED"

def test_it_fails(conductor):
    assert conductor.run(SHOP, handlers={"ship": lambda task: 1 / 0}).status == "FAILED"
"""
UNTOUCHED = "def test_nothing(): pass"


def document(project, name="cov.json"):
    found = json.loads((project.pytester.path / name).read_text())
    assert validate(found, "coverage") == []
    return {each["name"]: {goal["what"]: goal["tests"] for goal in each["goals"]} for each in found["definitions"]}


def test_a_users_own_workflows_are_covered_test_by_test(empty_project):
    outcome = empty_project.test("shop", SHOP_TEST).run("--k1n-cov", "--k1n-cov-report=cov.json", "-k", "goes")
    assert outcome.code == 0
    found = document(empty_project)["shop"]
    assert found["way takes case 'air'"] == ["test_shop.py::test_it_goes[air]"]
    assert found["ship runs"] == ["test_shop.py::test_it_goes[air]", "test_shop.py::test_it_goes[sea]"]
    assert found["way takes its default case"] == []
    assert '  shop:1  way takes its default case: conductor.run("shop", input={"w": "other"})' in outcome.text


def test_a_test_that_judges_nothing_and_one_that_fails_count_as_well(empty_project):
    broken = (
        SHOP_TEST + "\ndef test_broken(conductor):\n    conductor.run(SHOP, input={'w': 'air'})\n    assert False\n"
    )
    outcome = empty_project.test("shop", broken).run("--k1n-cov-report=cov.json", "-k", "broken or fails")
    assert outcome.code == 1
    found = document(empty_project)["shop"]
    assert found["fly runs"] == ["test_shop.py::test_broken"]
    assert found["way takes its default case"] == ["test_shop.py::test_it_fails"]


def test_batches_are_covered_and_what_no_test_ran_counts(project):
    outcome = project.run("--k1n-cov-report=cov.json", "-m", "batch1")
    assert outcome.code == 0
    found = document(project)
    assert found["FIRST"]["one runs"] == ["test_first.py::test_first"]
    assert found["CHAIN"]
    assert not any(found["CHAIN"].values())
    assert "  CHAIN:1  never ran: write a test that runs it" in outcome.text


def test_under_xdist_the_same_is_covered_as_without(project):
    project.test("shop", SHOP_TEST)
    assert project.run("--k1n-cov-report=plain.json").code == 0
    assert project.spawn("--k1n-cov-report=xdist.json", "-n", "2").code == 0

    def sorted_tests(found):
        return {name: {what: sorted(tests) for what, tests in goals.items()} for name, goals in found.items()}

    assert sorted_tests(document(project, "xdist.json")) == sorted_tests(document(project, "plain.json"))


@pytest.mark.parametrize(("limit", "code"), [("50", 0), ("99.9", 1)])
def test_too_little_fails_the_run_and_says_so(empty_project, limit, code):
    outcome = empty_project.test("shop", SHOP_TEST).run(f"--k1n-cov-fail-under={limit}", "-k", "goes")
    assert outcome.code == code
    assert ("FAIL 85.7% of the definitions exercised, --k1n-cov-fail-under=99.9" in outcome.text) == bool(code)


def test_a_limit_is_not_reached_by_running_nothing(project):
    project.test("nothing", UNTOUCHED)
    outcome = project.run("--k1n-cov-fail-under=1", "test_nothing.py")
    assert outcome.code == 1
    assert "FAIL 0.0% of the definitions exercised" in outcome.text


def test_a_report_that_cannot_be_written_fails_the_run(empty_project):
    empty_project.file("taken", "").test("shop", SHOP_TEST)
    outcome = empty_project.run("--k1n-cov-report=taken/cov.json")
    assert outcome.code == 1
    assert "taken/cov.json could not be written" in outcome.text


def test_a_report_of_another_form_is_refused_before_anything_runs(empty_project):
    outcome = empty_project.test("shop", SHOP_TEST).run("--k1n-cov-report=cov.xml")
    assert outcome.code == 4
    assert "--k1n-cov-report: cov.xml: a coverage report's name ends in .json or .html" in outcome.text


def test_the_page_lists_every_goal_with_its_tests(empty_project):
    assert empty_project.test("shop", SHOP_TEST).run("--k1n-cov-report=out/cov.html").code == 0
    text = (empty_project.pytester.path / "out" / "cov.html").read_text()
    assert "way takes case &#x27;air&#x27;" in text
    assert "test_shop.py::test_it_goes[air]" in text


def test_without_the_option_nothing_is_gathered_or_shown(empty_project):
    outcome = empty_project.test("shop", SHOP_TEST).run("-v")
    assert outcome.code == 0
    assert "coverage" not in outcome.text


def test_listing_tests_covers_nothing(empty_project):
    outcome = empty_project.test("shop", SHOP_TEST).run("--k1n-cov-fail-under=50", "--collect-only")
    assert outcome.code == 0
    assert "coverage" not in outcome.text
