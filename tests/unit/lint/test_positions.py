"""Lines and columns of values in a JSON text."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.lint.positions import Positions

TEXT = """{
  "name": "w",
  "tasks": [
    {"a/b": 1, "q\\"uote": [true, null]},
    []
  ], "a": {"x": 1, "x": 2}
}"""


def test_a_value_is_found_at_its_key_and_an_element_at_itself():
    at = Positions(TEXT).line_and_column
    assert at(()) == (1, 1)
    assert at(("name",)) == (2, 3)
    assert at(("tasks", 0)) == (4, 5)
    assert at(("tasks", 0, "a/b")) == (4, 6)
    assert at(("tasks", 0, 'q"uote', 1)) == (4, 34)
    assert at(("tasks", 1)) == (5, 5)


def test_what_is_not_there_is_where_the_nearest_thing_around_it_is():
    assert Positions(TEXT).line_and_column(("tasks", 0, "joinOn", 3)) == (4, 5)


def test_of_a_repeated_key_the_last_counts_and_it_is_told():
    positions = Positions(TEXT)
    assert positions.repeated_keys == [("a", "x")]
    assert positions.line_and_column(("a", "x")) == (6, 20)


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def paths(value, path=()):
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from paths(each, (*path, key))


@given(document=documents, indent=st.sampled_from([None, 0, 2, "\t"]), ascii_only=st.booleans())
def test_at_every_position_the_text_says_what_the_path_leads_to(document, indent, ascii_only):
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    lines = text.split("\n")
    positions = Positions(text)
    decoder = json.JSONDecoder()
    for path, value in paths(document):
        line, column = positions.line_and_column(path)
        found, _ = decoder.raw_decode(lines[line - 1][column - 1 :] + "\n" + "\n".join(lines[line:]))
        assert found == (path[-1] if path and isinstance(path[-1], str) else value)
