"""Cases and known differences in files that nobody should write."""

import os

import pytest

from pytest_k1n.conformance.corpus import read_all
from pytest_k1n.conformance.known import known_differences


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 100_000, "a = " + "9" * 5000, "difference = 5", "difference = [5]", '[[difference]]\npath = "["'],
)
def test_known_differences_that_are_none_name_their_file(text, tmp_path):
    path = tmp_path / "known.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"known\.toml: "):
        known_differences(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_among_cases_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "cases.json")
    assert not list(read_all(tmp_path))


def test_cases_of_too_many_levels_name_their_file(tmp_path):
    (tmp_path / "cases.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"cases\.json, line 1: it is nested too deep"):
        list(read_all(tmp_path))
