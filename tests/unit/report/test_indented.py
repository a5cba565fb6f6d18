"""Indented JSON is, letter by letter, what the standard library writes."""

import json
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.report.indented import indented

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)


class Word(StrEnum):
    PASS = "pass"


@given(DOCUMENTS)
def test_a_document_is_written_as_the_standard_library_does(document):
    assert indented(document) == json.dumps(document, indent=1, ensure_ascii=False)


@pytest.mark.parametrize(
    "document",
    [{"a": [{"b": Word.PASS, "c": {1: [2, {"d": "\n\x1b\ud800é"}], None: ()}}]}, [[], {}, (), [[[]]]]],
    ids=["keys of other kinds", "empty"],
)
def test_what_is_rare_is_written_alike_too(document):
    assert indented(document) == json.dumps(document, indent=1, ensure_ascii=False)


def test_what_is_no_json_is_refused_alike():
    with pytest.raises(TypeError, match="not JSON serializable"):
        indented({"a": [{1, 2}]})
