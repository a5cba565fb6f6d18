"""What is said of texts that are no JSON: each row of the file was asked of Conductor 3.32.1."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.engine.language import jsontext
from pytest_k1n.engine.language.badjson import complaint

ASKED = json.loads(Path(__file__).with_name("bad_json.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("text", "said"), ASKED)
def test_a_text_is_complained_of_in_the_servers_words(text, said):
    assert complaint(text) == said


def test_a_body_that_is_no_json_is_refused_so():
    with pytest.raises(
        jsontext.BadJson, match=r"^Unexpected character \('}' \(code 125\)\): was expecting double-quote"
    ):
        jsontext.read(b'{"a": 1, }')


@given(st.text(alphabet='{}[]:,"\\ua0-.e+ \n1xtrue/', max_size=12))
def test_whatever_python_cannot_read_is_complained_of(text):
    found = complaint(text)
    with suppress(ValueError):
        json.JSONDecoder().raw_decode(text.lstrip())
        return
    assert found
