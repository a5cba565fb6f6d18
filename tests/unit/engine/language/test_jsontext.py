"""JSON as the server reads and writes it; each case is what Conductor 3.32.1 answered, but for the limit of depth."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.engine.language import jsontext
from pytest_k1n.engine.language.jsontext import DEPTH_LIMIT, BadJson, TooDeep, is_deeper, read, write

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(DOCUMENTS, st.sampled_from(["utf-8", "utf-16", "utf-32", "utf-8-sig"]))
def test_a_document_is_read_as_it_was_written_in_any_unicode_encoding(document, encoding):
    whole = json.loads(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))
    assert read(json.dumps(whole, ensure_ascii=False).encode(encoding)) == whole
    assert json.loads(write(whole)) == whole


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"v":1} x', {"v": 1}),
        (b'{"v":1}{"v":2}', {"v": 1}),
        (b'{"v":1,"v":2}', {"v": 2}),
        (b'"\\ud800 x"', "? x"),
        (b'{"\\udc00":"\\ud83d\\ude00"}', {"?": "\U0001f600"}),
        (b'"\xed\xa0\x80"', "?"),
        (b"1e400", math.inf),
    ],
)
def test_it_is_as_lenient_as_the_server(body, value):
    assert read(body) == value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"NaN", "Non-standard token 'NaN'"),
        (b'{"v":-Infinity}', "Non-standard token '-Infinity'"),
        (b'"\xff\xfe"', "Invalid UTF-8 start byte 0xff"),
        (b'"\xc3\x28"', "Invalid UTF-8 middle byte 0x28"),
        (b"\x1f\x8b\x08", r"Illegal character \(\(CTRL-CHAR, code 31\)\)"),
        (b'"a\x01b"', "Illegal unquoted character"),
        (b"[" * 3, "Unexpected end-of-input"),
        (b"1" * 5000, "digits"),
    ],
)
def test_what_is_no_json_is_refused_with_the_reason(body, reason):
    with pytest.raises(BadJson, match=reason):
        read(body)


@pytest.mark.parametrize("depth", [DEPTH_LIMIT + 1, 1000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_a_document_is_nested_as_deep_as_the_engine_can_walk(depth, opening, closing):
    assert is_deeper(read(opening * DEPTH_LIMIT + b"1" + closing * DEPTH_LIMIT), DEPTH_LIMIT - 1)
    with pytest.raises(TooDeep):
        read(opening * depth + b"1" + closing * depth)


@given(DOCUMENTS, st.integers(0, 8))
def test_depth_is_the_longest_way_down(document, limit):
    def depth(value):
        members = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth, members), default=0) if isinstance(value, dict | list) else 0

    assert is_deeper(document, limit) == (depth(document) > limit)


def test_numbers_that_json_does_not_have_are_written_as_texts():
    text = write({"a": math.nan, "b": [math.inf, -math.inf], "c": 1.5})
    assert json.loads(text, parse_constant=None) == {"a": "NaN", "b": ["Infinity", "-Infinity"], "c": 1.5}


def test_a_document_is_read_to_its_end_though_its_text_is_long():
    assert len(jsontext.read(json.dumps(["x" * 10] * 100_000).encode())) == 100_000


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    )
)
def test_the_excess_of_a_document_over_a_limit_is_its_size(value):
    size = len(jsontext.write(value).encode("utf-8", "replace"))
    assert jsontext.excess(value, size - 1) == size
    assert jsontext.excess(value, size) == 0
    assert jsontext.excess(value, 0) == size


def test_a_document_that_would_be_immense_once_written_is_known_without_writing_it():
    value = ["x"]
    for _ in range(100):
        value = [value, {"again": value}]
    assert jsontext.excess(value, 1000) > 2**100
