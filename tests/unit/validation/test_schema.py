"""Documents against schemas: a fast verdict, an explained one, and that both are the same."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.validation import schema as module
from pytest_k1n.validation.schema import compile_schema, problems_of, validate

SCHEMAS = Path(__file__).parents[3] / "schemas"
PEOPLE = {
    "type": "object",
    "required": ["people"],
    "properties": {
        "people": {
            "type": "array",
            "maxItems": 3,
            "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
        },
        "note": {"type": "string"},
    },
}
FAST, SLOW = compile_schema(PEOPLE), compile_schema(PEOPLE, fast=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(st.sampled_from(["people", "name", "note"]), children, max_size=3)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.name)
def test_our_own_schemas_are_valid_because_no_run_checks_them_again(path):
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text()))


@given(VALUES)
def test_the_fast_validator_and_the_one_that_explains_give_the_same_verdict(document):
    assert FAST.fast is not None
    assert bool(FAST.problems(document)) == bool(SLOW.problems(document))


def test_a_fault_deep_in_a_long_list_is_named_by_its_place_in_the_whole_document():
    people = [{"name": "a"}, {"name": "b"}, {"name": 3}]
    assert problems_of(PEOPLE, {"people": people}) == ["$.people[2].name: 3 is not of type 'string'"]


def test_a_fault_of_a_whole_list_is_found_though_its_entries_are_sound():
    (problem,) = problems_of(PEOPLE, {"people": [{"name": "a"}] * 4})
    assert problem.startswith("$.people: ")


def test_a_schema_that_is_none_is_the_one_problem():
    assert problems_of({"type": "strnig"}, {}) == [
        "the schema itself is not valid: $.type: 'strnig' is not valid under any of the given schemas"
    ]


def test_a_reference_to_elsewhere_is_not_fetched():
    (problem,) = problems_of({"$ref": "https://schemas.invalid/a.json"}, {})
    assert "refers to 'https://schemas.invalid/a.json', which is not part of it" in problem


def test_an_unknown_schema_says_where_it_was_sought():
    with pytest.raises(LookupError, match=r"no schema 'nothing': sought nothing\.schema\.json in "):
        validate({}, "nothing")


def test_without_the_extra_the_verdict_is_the_same(monkeypatch):
    monkeypatch.setattr(module, "_fast", lambda schema: None)
    assert compile_schema(PEOPLE).problems({"people": [{}]})[0].path == "$.people[0]"


VALID = """
import sys
from pytest_k1n.validation.schema import validate
assert validate({"schema": "k1n-plan/1", "batch": []}, "plan") == []
print(*sys.modules)
"""


def test_a_valid_document_costs_no_import_of_the_validator_that_explains():
    imported = subprocess.run([sys.executable, "-c", VALID], capture_output=True, text=True, check=True).stdout.split()
    assert "jsonschema_rs" in imported
    assert not {"jsonschema", "referencing"} & set(imported)


@pytest.mark.parametrize("fast", [True, False])
def test_a_tuple_is_an_array_with_and_without_the_fast_validator(fast):
    pairs = compile_schema({"type": "array", "items": {"type": "array", "minItems": 2}}, fast=fast)
    assert pairs.problems([(1, 2), [3, 4]]) == []
    assert [each.path for each in pairs.problems([(1,)])] == ["$[0]"]
