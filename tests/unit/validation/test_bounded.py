"""Files without an end, and keys without one, are refused."""

from pathlib import Path

import pytest

from pytest_k1n.plan.find import PlanError
from pytest_k1n.plan.markers import read_markers
from pytest_k1n.plan.read import parse_plan
from pytest_k1n.validation.bounded import MB, read_at_most, toml_in


def test_a_file_of_the_most_is_read_and_one_of_more_is_not(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * MB)
    assert len(read_at_most(path, 1)) == MB
    path.write_bytes(b"x" * (MB + 1))
    with pytest.raises(OSError, match="more than 1 MB, or no end"):
        read_at_most(path, 1)


def test_a_device_without_an_end_is_not_read_for_ever():
    with pytest.raises(OSError, match="or no end"):
        read_at_most(Path("/dev/zero"), 1)


def test_a_key_of_too_many_parts_is_refused_before_it_is_read(tmp_path):
    text = ".".join(["a"] * 1002) + " = 1"
    with pytest.raises(PlanError, match="a key of more than 1000 parts"):
        parse_plan(text, source="plan.toml", folder=tmp_path)
    (tmp_path / "plan.toml").write_text(text)
    assert read_markers(tmp_path / "plan.toml", "plan.toml") is None


def test_dots_in_values_and_on_many_lines_are_no_such_key():
    assert toml_in("title = '" + "." * 5000 + "'")
    assert toml_in("\n".join(f"a.b{n} = 1.5" for n in range(3000)))


def test_values_of_too_many_levels_are_refused():
    with pytest.raises(ValueError, match="nested too deep"):
        toml_in("a = " + "[" * 100_000)
