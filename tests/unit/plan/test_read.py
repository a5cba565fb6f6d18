"""What can be wrong with the text of a plan: one line each, short, and never anything but a PlanError."""

import pytest

from pytest_k1n.core.units import duration_ms
from pytest_k1n.plan.find import PlanError
from pytest_k1n.plan.markers import read_markers
from pytest_k1n.plan.read import load_plan, parse_plan

PLAN = """
schema = "k1n-plan/1"
[[batch]]
number = 1
[[batch.template]]
id = "01"
slug = "first"
workflow = "FIRST"
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a = " + "[" * 100_000, "nested too deep"),
        ("a = " + "{ b = " * 100_000, "nested too deep"),
        ("number = " + "9" * 5_000, "a number of too many digits"),
        (PLAN.replace("number = 1", f"number = {'9' * 400}"), "write a whole number from 1 to 1000000"),
        (PLAN.replace('"first"', f'"{"x" * 5_000}"'), "cannot be part of a file name"),
        (PLAN.replace('"01"', '"../01"'), "cannot be part of a file name"),
        (PLAN + "k" * 10_000_000 + " = 1", "unknown key"),
        (PLAN + f'band = ["{"9" * 400}m", "2m"]', "is no duration"),
        (PLAN + 'band = ["1m", "99999999999999999999d"]', "is no duration"),
        (PLAN + 'title = "\\u001b]0;x\\u0007"\nslug2 = "\\u001b[2J"', "unknown key"),
    ],
    ids=range(10),
)
def test_every_mistake_is_one_short_harmless_line(tmp_path, text, says):
    with pytest.raises(PlanError) as caught:
        parse_plan(text, source="k1n.toml", folder=tmp_path)
    assert any(says in problem for problem in caught.value.problems), caught.value.problems
    assert all(
        len(problem) < 1_000 and "\n" not in problem and "\x1b" not in problem for problem in caught.value.problems
    )


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = \x00", b"\x80abc"])
def test_a_file_that_is_no_text_is_named(tmp_path, content):
    path = tmp_path / "k1n.toml"
    path.write_bytes(content)
    with pytest.raises(PlanError, match=r"k1n\.toml: "):
        load_plan(path, shown="k1n.toml")
    assert read_markers(path, "k1n.toml") is None


def test_a_byte_order_mark_is_no_mistake_for_any_reader(tmp_path):
    path = tmp_path / "k1n.toml"
    path.write_text("\ufeff" + PLAN)
    assert load_plan(path).batches[0].templates[0].workflow == "FIRST"
    assert "batch1" in (read_markers(path, "k1n.toml") or {})


@pytest.mark.parametrize("text", ["9" * 400 + "h", "1" + "0" * 30 + "d", "PT" + "9" * 400 + "S", "1e5m"])
def test_a_duration_that_no_clock_can_count_is_refused(text):
    with pytest.raises(ValueError, match=r"duration|hundred years"):
        duration_ms(text)
