"""Every check finds its defect in each of its variants, at the place where it is, and not in what is sound."""

import json
from functools import cache

import pytest

from k1n_support.lint_examples import EXAMPLES, SOUND, B, C, definition, fork, join, switch, task, terminate, workflow
from pytest_k1n.engine.dialect import CURRENT
from pytest_k1n.lint.check_selection import Selection
from pytest_k1n.lint.judge import lint
from pytest_k1n.lint.source_file import SourceFile
from pytest_k1n.lint.table import BY_CODE

LEAST_VARIANTS = 5
OLDER = "3.15.0"


def findings(document, code=""):
    release = OLDER if code.startswith("newer-") else CURRENT.conductor
    return found_in(document if isinstance(document, str) else json.dumps(document, indent=2), release)


@cache
def found_in(text, release):
    return lint([SourceFile("example.json", text)], Selection(conductor=release)).findings


def examples(kind):
    return [
        pytest.param(code, document, id=f"{code}-{number}")
        for code, both in EXAMPLES.items()
        for number, document in enumerate(getattr(both, kind))
    ]


def test_every_check_has_examples_and_at_least_five_with_the_defect():
    assert EXAMPLES.keys() == BY_CODE.keys()
    assert {code: len(both.bad) for code, both in EXAMPLES.items() if len(both.bad) < LEAST_VARIANTS} == {}
    assert [code for code, both in EXAMPLES.items() if not both.good] == []


@pytest.mark.parametrize(("code", "document"), examples("bad"))
def test_the_defect_is_found(code, document):
    found = [each for each in findings(document, code) if each.code == code]
    assert found, [each.code for each in findings(document)]
    assert all(each.message and each.fix for each in found)


@pytest.mark.parametrize(("code", "document"), examples("good"))
def test_what_is_sound_by_one_check_is_let_be_by_it_and_refused_by_none(code, document):
    """The sound variants are definitions a team may write: an error in one would be a false alarm."""
    found = [
        (each.code, each.message) for each in findings(document, code) if each.code == code or each.level == "error"
    ]
    assert found == []


@pytest.mark.parametrize(
    ("code", "document"), [each for each in examples("bad") if each.values[0].startswith("newer-")]
)
def test_what_is_newer_than_another_release_is_no_matter_for_the_current_one(code, document):
    assert code not in [each.code for each in findings(document)]


@pytest.mark.parametrize("document", [SOUND, definition()], ids=["workflow", "task definition"])
def test_in_a_sound_definition_nothing_is_found(document):
    assert findings(document) == ()


@pytest.mark.parametrize(
    "joined",
    [join("d", "c"), join("j", "c"), join("z", "c"), join("k", "c")],
    ids=["unknown", "itself", "later", "a case"],
)
def test_a_join_without_end_is_no_error_beside_a_terminate_that_ends_the_execution(joined):
    sound = workflow(fork([switch({"x": [task("k")]})], [B, terminate(), C]), joined, task("z"))
    found = [each for each in findings(sound) if each.code.startswith("join-on-")]
    assert found
    assert {each.level for each in found} == {"warning"}
    hanging = workflow(fork([switch({"x": [task("k")]})], [B, C]), joined, task("z"))
    assert "error" in {each.level for each in findings(hanging)}
